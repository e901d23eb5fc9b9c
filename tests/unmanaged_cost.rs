//! P2, P8 of the unmanaged pool: a get and a return with an object idle cost no allocation and no timer, who
//! left a line leaves no memory behind, and a pool that is gone has freed everything.

mod support;

use millpond::Runtime;
use millpond::unmanaged::{Object, Pool, PoolConfig};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use support::counting::{Counting, allocations, bytes};

#[global_allocator]
static COUNTING: Counting = Counting;

type Add<'a> =
    Pin<Box<dyn Future<Output = Result<(), (u64, millpond::unmanaged::PoolError)>> + 'a>>;

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending where it should be ready"),
    }
}

/// One who waits to add.
fn adder(pool: &Pool<u64>) -> Add<'_> {
    let mut adder: Add<'_> = Box::pin(pool.add(7));
    assert!(poll(Pin::new(&mut adder)).is_pending());
    adder
}

fn allocations_and_bytes(step: impl Fn()) -> (usize, isize) {
    (0..3).for_each(|_| step());
    let before = (allocations(), bytes());
    (0..1_000).for_each(|_| step());
    (allocations() - before.0, bytes() - before.1)
}

#[test]
fn a_get_and_a_return_with_an_object_idle_allocate_and_free_nothing() {
    // Without a timer to arm: whoever tries panics.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.build().unwrap();
    let _inside = runtime.enter();
    for timeout in [None, Some(Duration::ZERO), Some(Duration::from_secs(5))] {
        let pool = Pool::from_config(&PoolConfig {
            max_size: 2,
            timeout,
            runtime: Some(Runtime::Tokio1),
        });
        (0..2).for_each(|number| pool.try_add(number).unwrap());
        let costs = [
            allocations_and_bytes(|| drop(ready(pool.get()).unwrap())),
            allocations_and_bytes(|| drop(ready(pool.timeout_get(timeout)).unwrap())),
            allocations_and_bytes(|| drop(pool.try_get().unwrap())),
            allocations_and_bytes(|| drop([0, 1].map(|_| ready(pool.get()).unwrap()))),
            allocations_and_bytes(|| assert_eq!(pool.snapshot().idle, pool.status().available)),
        ];
        assert_eq!(costs, [(0, 0); 5], "{timeout:?}");
    }
    assert_eq!(size_of::<Object<[u64; 9]>>(), size_of::<usize>());
}

#[test]
fn an_object_that_is_taken_and_added_again_costs_one_allocation() {
    let pool = Pool::from([1_u64]);
    let (allocations, left) = allocations_and_bytes(|| {
        let number = pool.try_remove().unwrap();
        pool.try_add(number).unwrap();
    });
    assert_eq!((allocations, left), (1_000, 0));
}

#[test]
fn a_million_who_waited_and_left_leave_nothing_behind() {
    let pool = Pool::from([1_u64]);
    let held = pool.try_get().unwrap();
    let both = || {
        drop(adder(&pool));
        assert!(poll(pin!(pool.get())).is_pending());
    };
    both();
    let before = bytes();
    (0..1_000_000).for_each(|_| both());
    assert_eq!(bytes() - before, 0);
    assert_eq!(pool.status().waiting, 0);
    drop(held);
    assert_eq!(pool.status().available, 1);
}

#[test]
fn a_hundred_thousand_who_wait_to_add_at_once_leave_nothing_behind() {
    const MANY: usize = 100_000;
    let pool = Pool::from([1_u64]);
    let mut line: Vec<Option<Add<'_>>> = Vec::with_capacity(MANY);
    let before = bytes();
    line.extend((0..MANY).map(|_| Some(adder(&pool))));
    assert!(
        bytes() - before > 100 * MANY as isize,
        "they do take memory"
    );
    // From everywhere: 7,919 and the number of places have no common divisor.
    (0..MANY).for_each(|nth| line[nth * 7_919 % MANY] = None);
    let left = bytes() - before;
    assert!((0..16 * 1_024).contains(&left), "they left {left} bytes");
    assert_eq!(ready(pool.remove()).unwrap(), 1);
    assert_eq!(pool.snapshot().size, 0, "nobody has taken the room");
}

#[test]
fn a_pool_that_is_gone_has_freed_everything() {
    let before = bytes();
    for close in [false, true] {
        let pool = Pool::from((0..1_000).map(Box::new));
        let out: Vec<_> = (0..10).map(|_| pool.try_get().unwrap()).collect();
        drop(ready(pool.remove()).unwrap());
        if close {
            pool.close();
        }
        drop(pool);
        drop(out);
    }
    let huge = Pool::<u64>::new(usize::MAX);
    assert!(
        bytes() - before < 64 * 1_024,
        "memory follows what is there"
    );
    drop(huge);
    assert_eq!(bytes() - before, 0);
}
