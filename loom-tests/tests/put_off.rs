//! A getter that may connect, and does not after all, beside what comes just then.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, Order, Pool, explore};

/// Forbids that a getter which puts its connect off loses what it is handed just then, or its reservation is counted on.
#[test]
fn put_off_handover() {
    explore("put_off_handover", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.connecting();
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(|_| {
                getter.put_off();
                getter.wait()
            })
            .run();
        let live = pool.books().live();
        pool.give_back_all(kept);
        pool.at_rest(2, live);
    });
}

/// Forbids that the next in line sleeps beside the reservation of one that puts its connect off.
#[test]
fn put_off_next() {
    explore("put_off_next", ALL, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let mut first = pool.connecting();
        let second = pool.waiting();
        let kept = pool
            .race()
            .and(|_| {
                first.put_off();
                first.wait()
            })
            .and(|_| second.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that a getter which puts its connect off as the pool pauses sleeps on when it has resumed.
#[test]
fn put_off_pause() {
    explore("put_off_pause", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        let kept = pool
            .race()
            .and(Pool::pause_and_resume)
            .and(|_| {
                getter.put_off();
                getter.wait()
            })
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter which puts its connect off as the pool closes leaves its reservation behind.
#[test]
fn put_off_close() {
    explore("put_off_close", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        let kept = pool
            .race()
            .and(Pool::close)
            .and(|_| {
                getter.put_off();
                getter.wait()
            })
            .run();
        pool.give_back_all(kept);
        pool.at_rest_closed();
    });
}
