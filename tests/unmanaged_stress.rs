//! Real threads: gets, cancels, takes and adds at once, the counts read all along; and the last handle beside
//! returns, for the one `unsafe` file.

mod support;

use millpond::unmanaged::{Object, Pool};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use support::{Polled, Stone, Yard};

const MAX: usize = 4;
const TURNS: usize = 4_000;

/// Waits for `future` as a thread does, or leaves it after `patience` polls.
fn block<T>(mut future: Polled<'_, T>, patience: usize) -> Option<T> {
    for _ in 0..patience {
        if let std::task::Poll::Ready(output) = future.poll() {
            return Some(output);
        }
        while patience == usize::MAX && !future.is_woken() {
            thread::yield_now();
        }
    }
    drop(future.cancel());
    None
}

fn user(pool: &Pool<Stone>, seed: usize, brought: &AtomicUsize, yard: &Yard) {
    for turn in 0..TURNS {
        let dice = (turn * 31 + seed * 17) % 11;
        let patience = if dice % 2 == 0 { usize::MAX } else { 2 };
        let Some(got) = block(Polled::new(None, pool.get()), patience) else {
            continue;
        };
        let object = got.unwrap();
        object.pick_up();
        if turn % 3 == 0 {
            thread::yield_now();
        }
        object.put_down();
        if dice > 2 {
            drop(object);
            continue;
        }
        // It leaves for good, and is brought back: by a patient one, or by another in its stead.
        let mut stone = Object::take(object);
        if dice == 0 {
            drop(stone);
            stone = yard.stone();
            brought.fetch_add(1, SeqCst);
        }
        block(Polled::new(None, pool.add(stone)), usize::MAX)
            .unwrap()
            .unwrap();
        // One more than there is room for, most of the time: it leaves the line, or is let in and another leaves.
        let extra = block(Polled::new(None, pool.add(yard.stone())), 2);
        if extra.is_some() {
            let one = block(Polled::new(None, pool.remove()), usize::MAX);
            drop(one.unwrap().unwrap());
        }
    }
}

#[test]
fn gets_cancels_takes_and_adds_at_once() {
    let yard = Yard::default();
    let pool = yard.pool(MAX);
    let (done, brought) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let users: Vec<_> = (0..6)
            .map(|seed| {
                scope.spawn({
                    let (pool, yard, brought) = (&pool, &yard, &brought);
                    move || user(pool, seed, brought, yard)
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let now = pool.snapshot();
                assert_eq!(now.idle + now.in_use + now.connecting, now.size, "{now}");
                assert!(
                    now.size <= MAX && (now.waiting == 0 || now.idle == 0),
                    "{now}"
                );
                thread::yield_now();
            }
        });
        let begun = Instant::now();
        let ended: Vec<_> = users.into_iter().map(|user| user.join()).collect();
        done.store(true, SeqCst);
        assert!(ended.iter().all(Result::is_ok));
        assert!(begun.elapsed() < Duration::from_secs(120));
    });
    assert!(brought.load(SeqCst) > 0);
    yard.all_well(pool, MAX, MAX);
}

#[test]
fn the_last_handle_goes_beside_two_returns_and_an_add() {
    for round in 0..3_000 {
        let yard = Yard::default();
        let pool = yard.pool(3);
        let [one, two, three] = [0, 1, 2].map(|_| pool.try_get().unwrap());
        let start = Barrier::new(4);
        thread::scope(|scope| {
            let other = pool.clone();
            scope.spawn(|| {
                start.wait();
                drop(one);
            });
            scope.spawn(|| {
                start.wait();
                drop(two);
            });
            scope.spawn(|| {
                start.wait();
                let mut adder = Polled::new(None, other.add(yard.stone()));
                drop(Object::take(three));
                drop(adder.poll());
                drop(adder);
                drop(other);
            });
            start.wait();
            if round % 2 == 0 {
                pool.close();
            }
            drop(pool);
        });
        assert_eq!(yard.live(), 0, "round {round}");
        yard.once();
    }
}
