//! P8: a million cancelled waiters leave no memory behind, memory follows what was made and not `max_size`,
//! and what is destroyed is freed.

mod support;

use millpond::managed::{Budget, Manager, Metrics, Object, Pool, QueueMode, RecycleResult};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use support::counting::{Counting, bytes};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Objects with something to free in them.
struct Boxes;

impl Manager for Boxes {
    type Type = Box<[u8; 256]>;
    type Error = Infallible;

    async fn create(&self) -> Result<Self::Type, Infallible> {
        Ok(Box::new([0; 256]))
    }

    async fn recycle(&self, _: &mut Self::Type, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

/// What a line keeps for the next who wait, however long it once was.
const SMALL: isize = 16 * 1_024;

fn pool(max: usize, mode: QueueMode) -> Pool<Boxes> {
    let pool = Pool::builder(Boxes).max_size(max).queue_mode(mode);
    pool.build().unwrap()
}

type Get<'a> = Pin<
    Box<
        dyn Future<Output = Result<Object<Boxes>, millpond::managed::PoolError<Infallible>>>
            + Send
            + 'a,
    >,
>;

fn polled(pool: &Pool<Boxes>) -> Result<Object<Boxes>, Get<'_>> {
    let mut get: Get<'_> = Box::pin(pool.get());
    match get.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(got) => Ok(got.unwrap()),
        Poll::Pending => Err(get),
    }
}

fn hold(pool: &Pool<Boxes>) -> Object<Boxes> {
    polled(pool).unwrap_or_else(|_| panic!("pending where it should be ready"))
}

fn waiter(pool: &Pool<Boxes>) -> Get<'_> {
    polled(pool).err().expect("pending")
}

/// Whatever a process makes once, it has made.
fn first_of_all() {
    let pool = pool(1, QueueMode::Fifo);
    let held = hold(&pool);
    drop(waiter(&pool));
    drop(held);
}

/// Numbers below `of`, each once, in no order.
fn shuffled(of: usize) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..of).collect();
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    for last in (1..of).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let other = usize::try_from(seed % (last as u64 + 1)).expect("below `of`");
        numbers.swap(last, other);
    }
    numbers
}

#[test]
fn a_million_waiters_cancelled_one_by_one_leave_nothing_behind() {
    first_of_all();
    let pool = pool(1, QueueMode::Fifo);
    let held = hold(&pool);
    drop(waiter(&pool));
    let before = bytes();
    for _ in 0..1_000_000 {
        drop(waiter(&pool));
    }
    assert_eq!(bytes() - before, 0, "bytes that a million waiters left");
    assert_eq!(pool.snapshot().waiting, 0);
    drop(held);
    drop(hold(&pool));
}

#[test]
fn a_thousand_waiters_for_a_place_in_a_budget_leave_nothing_behind_in_whatever_order_they_go() {
    first_of_all();
    let budget = Budget::new(1);
    let tenant = || Pool::builder(Boxes).max_size(2_000).budget(&budget);
    let pools: [Pool<Boxes>; 2] = [tenant().build().unwrap(), tenant().build().unwrap()];
    let held = hold(&pools[0]);
    let warm = |_| pools.iter().for_each(|pool| drop(waiter(pool)));
    (0..2).for_each(warm);
    let order = shuffled(1_000);
    let mut line: Vec<_> = Vec::with_capacity(order.len());
    let before = bytes();
    line.extend(order.iter().map(|nth| Some(waiter(&pools[nth % 2]))));
    assert_eq!(budget.snapshot().waiting, 1_000);
    assert!(bytes() - before > 1_000 * 100, "they do take memory");
    order.iter().for_each(|nth| line[*nth] = None);
    let left = bytes() - before;
    assert_eq!(budget.snapshot().waiting, 0);
    // Four lines: each pool's own, and one for each in the budget.
    assert!((0..=4 * SMALL).contains(&left), "they left {left} bytes");
    for _ in 0..1_000 {
        drop(waiter(&pools[1]));
    }
    assert_eq!(
        bytes() - before,
        left,
        "one by one they leave nothing at all"
    );
    drop(held);
    drop(hold(&pools[1]));
}

#[test]
fn a_thousand_pools_that_come_to_a_budget_and_go_leave_nothing_behind() {
    first_of_all();
    let budget = Budget::new(2);
    let tenant = || Pool::<Boxes>::builder(Boxes).max_size(1).budget(&budget);
    drop(hold(&tenant().build().unwrap()));
    let before = bytes();
    for _ in 0..1_000 {
        drop(hold(&tenant().build().unwrap()));
    }
    assert_eq!(bytes() - before, 0);
}

#[test]
fn a_pool_that_keeps_a_reserve_leaves_nothing_behind_and_makes_its_tickets_as_they_are_wanted() {
    first_of_all();
    let before = bytes();
    for max in [3, usize::MAX] {
        let pool = Pool::<Boxes>::builder(Boxes).max_size(max).reserve(1);
        let pool = pool.build().unwrap();
        assert!(
            bytes() - before < 16 * 1_024,
            "{max}: {} bytes",
            bytes() - before
        );
        let held = [hold(&pool), hold(&pool)];
        let waits = (max == 3).then(|| waiter(&pool));
        drop(waits);
        let [one, other] = held;
        drop(one);
        drop(pool);
        drop(other);
        assert_eq!(bytes() - before, 0, "{max}");
    }
}

#[test]
fn a_hundred_thousand_waiters_at_once_cancelled_in_any_order_leave_nothing_behind() {
    first_of_all();
    let pool = pool(1, QueueMode::Fifo);
    let held = hold(&pool);
    let order = shuffled(100_000);
    let mut line: Vec<_> = Vec::with_capacity(order.len());
    let before = bytes();
    line.extend(order.iter().map(|_| Some(waiter(&pool))));
    assert_eq!(pool.snapshot().waiting, 100_000);
    assert!(bytes() - before > 100_000 * 100, "they do take memory");
    order.iter().for_each(|nth| line[*nth] = None);
    let left = bytes() - before;
    assert_eq!(pool.snapshot().waiting, 0);
    assert!((0..=SMALL).contains(&left), "they left {left} bytes");
    drop(held);
    drop(hold(&pool));
}

#[test]
fn a_long_line_that_is_served_or_closed_leaves_nothing_behind() {
    first_of_all();
    for close in [false, true] {
        let pool = pool(1, QueueMode::Fifo);
        let mut held = Some(hold(&pool));
        let mut line = Vec::with_capacity(20_000);
        let before = bytes();
        line.extend((0..20_000).map(|_| waiter(&pool)));
        if close {
            pool.close();
        }
        for mut waiter in line.drain(..) {
            drop(held.take());
            match waiter
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                Poll::Ready(got) => held = got.ok(),
                Poll::Pending => panic!("first in line, and an object came back"),
            }
        }
        let left = bytes() - before;
        assert!(left <= SMALL, "closed: {close}: it left {left} bytes");
        assert_eq!(held.is_some(), !close);
    }
}

#[test]
fn memory_follows_what_was_made_and_not_the_maximum() {
    first_of_all();
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let size_of = |max: usize| {
            let before = bytes();
            let pool = pool(max, mode);
            let empty = bytes() - before;
            drop(hold(&pool));
            let one = bytes() - before;
            drop(pool);
            assert_eq!(bytes() - before, 0, "a pool is freed with its last handle");
            (empty, one)
        };
        let (small, large) = (size_of(1), size_of(usize::MAX));
        println!("{mode:?}: {large:?} bytes, empty and with one object");
        assert_eq!(small, large);
        // The first object brings the pool's histograms with it: four of 5.5 kB.
        assert!(large.0 <= 6 * 1_024 && large.1 <= 32 * 1_024, "{large:?}");
    }
}

#[test]
fn resizing_up_and_down_keeps_nothing() {
    first_of_all();
    let pool = pool(1, QueueMode::Fifo);
    drop(hold(&pool));
    let before = bytes();
    for _ in 0..1_000 {
        pool.resize(usize::MAX);
        pool.resize(1);
    }
    assert_eq!(bytes() - before, 0);
}

#[test]
fn what_is_destroyed_is_freed_whichever_way_it_goes() {
    first_of_all();
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let before = bytes();
        let pool = pool(1_000, mode);
        let empty = {
            // What the pool keeps for as many objects as it once had: places, not objects.
            drop((0..1_000).map(|_| hold(&pool)).collect::<Vec<_>>());
            pool.resize(0);
            pool.resize(1_000);
            bytes()
        };
        for way in ["retain", "resize", "take"] {
            let mut held: Vec<_> = (0..1_000).map(|_| hold(&pool)).collect();
            match way {
                "retain" => {
                    drop(held);
                    assert_eq!(pool.retain(|_, _| false).removed.len(), 1_000);
                }
                "resize" => {
                    held.truncate(500);
                    pool.resize(0);
                    drop(held);
                    pool.resize(1_000);
                }
                _ => held
                    .into_iter()
                    .for_each(|object| drop(Object::take(object))),
            }
            assert_eq!(pool.snapshot().size, 0, "{way}");
            assert_eq!(bytes() - empty, 0, "{mode:?}, {way}");
        }
        let held: Vec<_> = (0..1_000).map(|_| hold(&pool)).collect();
        pool.close();
        drop(held);
        drop(pool);
        assert_eq!(bytes() - before, 0, "{mode:?}: closed and dropped");
    }
}

#[test]
fn two_hundred_thousand_objects_made_and_destroyed_on_one_pool_keep_nothing() {
    first_of_all();
    let pool = pool(2, QueueMode::Fifo);
    let _other = hold(&pool);
    drop(Object::take(hold(&pool)));
    let before = bytes();
    for _ in 0..200_000 {
        drop(Object::take(hold(&pool)));
    }
    assert_eq!(bytes() - before, 0);
}
