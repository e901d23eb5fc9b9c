//! Getting beside giving back.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, Order, Pool, THREE, explore};

/// Forbids that an object counted idle is not in the store yet, or not seen as its last user left it.
#[test]
fn claim_return_lifo() {
    explore("claim_return_lifo", ALL, || claim_return(Order::Lifo));
}

/// The same of the other store.
#[test]
fn claim_return_fifo() {
    explore("claim_return_fifo", ALL, || claim_return(Order::Fifo));
}

fn claim_return(order: Order) {
    let pool = Pool::new(1, order);
    let object = pool.hold();
    let claim = |pool: &Pool| {
        if let Some(object) = pool.claim() {
            pool.give_back(object);
        }
    };
    pool.race()
        .and(|pool| pool.give_back(object))
        .and(claim)
        .run();
    pool.at_rest(1, 1);
}

/// Forbids that two who claim and give back at once get one object, lose one, or find none.
#[test]
fn claim_claim_lifo() {
    explore("claim_claim_lifo", THREE, || claim_claim(Order::Lifo));
}

/// The same of the other store.
#[test]
fn claim_claim_fifo() {
    explore("claim_claim_fifo", FIVE, || claim_claim(Order::Fifo));
}

fn claim_claim(order: Order) {
    let pool = Pool::new(2, order);
    pool.warm(2);
    let claim = |pool: &Pool| {
        let object = pool.claim().expect("one for each");
        pool.give_back(object);
    };
    pool.race().and(claim).and(claim).run();
    pool.at_rest(2, 2);
}

/// Forbids that a getter sleeps beside the object that came back while it stood up to wait.
#[test]
fn join_return_lifo() {
    explore("join_return_lifo", ALL, || join_return(Order::Lifo));
}

/// The same of the other store.
#[test]
fn join_return_fifo() {
    explore("join_return_fifo", ALL, || join_return(Order::Fifo));
}

fn join_return(order: Order) {
    let pool = Pool::new(1, order);
    let object = pool.hold();
    pool.race()
        .and(|pool| pool.give_back(object))
        .and(Pool::get_and_give_back)
        .run();
    pool.at_rest(1, 1);
}

/// Forbids that one of two getters who share one object sleeps for ever.
#[test]
fn join_join_return() {
    explore("join_join_return", THREE, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let get = Pool::get_and_give_back;
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(get)
            .and(get)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that two returns serve one waiter and forget the other.
#[test]
fn return_return() {
    explore("return_return", THREE, || {
        let pool = Pool::new(2, Order::Lifo);
        let [first, second] = [pool.hold(), pool.hold()];
        let getters = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(|pool| pool.give_back(first))
            .and(|pool| pool.give_back(second))
            .and(|pool| {
                for getter in getters {
                    let object = getter.wait().expect("the pool is open");
                    pool.give_back(object);
                }
            })
            .run();
        pool.at_rest(2, 2);
    });
}

/// Forbids that an object which comes back goes to another than the first in line.
#[test]
fn return_first() {
    explore("return_first", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let [first, second] = [pool.waiting(), pool.waiting()];
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(|_| first.wait())
            .run();
        second.leave();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer takes the object that came back for who stands in line (no barging).
#[test]
fn barge_return() {
    explore("barge_return", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(|_| getter.wait().expect("the pool is open"))
            .and(|pool| assert!(pool.claim().is_none(), "it was for the first in line"))
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}
