//! Objects that are brought: adding beside getting, leaving, closing and each other.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, Adder, FIVE, FOUR, Order, Pool, THREE, explore};

/// Forbids that a getter who joins sleeps beside the object that is added just then.
#[test]
fn add_join_lifo() {
    explore("add_join_lifo", ALL, || add_join(Order::Lifo));
}

/// The same of the other store.
#[test]
fn add_join_fifo() {
    explore("add_join_fifo", ALL, || add_join(Order::Fifo));
}

fn add_join(order: Order) {
    let pool = Pool::unmanaged(1, order);
    let add = |pool: &Pool| assert!(pool.add(), "there is room");
    pool.race().and(add).and(Pool::get_and_give_back).run();
    pool.at_rest_brought(1, 1);
}

/// Forbids that an added object is counted idle and not in the store yet, or not seen as its owner left it.
#[test]
fn add_claim() {
    explore("add_claim", FIVE, || {
        let pool = Pool::unmanaged(2, Order::Lifo);
        assert!(pool.add());
        let add = |pool: &Pool| assert!(pool.add(), "there is room");
        pool.race().and(add).and(claim_and_give_back).run();
        pool.at_rest_brought(2, 2);
    });
}

/// Forbids that a newcomer takes the object that was added for who stands in line (no barging).
#[test]
fn add_barge() {
    explore("add_barge", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(|pool| assert!(pool.add(), "there is room"))
            .and(|_| getter.wait().expect("the pool is open"))
            .and(|pool| assert!(pool.claim().is_none(), "it was for the first in line"))
            .run();
        pool.give_back_all(kept);
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that the object added for a getter that leaves is lost to the next in line.
#[test]
fn add_cancelled_getter() {
    explore("add_cancelled_getter", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let [first, second] = [pool.waiting(), pool.waiting()];
        let kept = pool
            .race()
            .and(|pool| assert!(pool.add(), "there is room"))
            .and(|_| first.leave())
            .and(|_| second.wait().expect("the pool is open"))
            .run();
        pool.give_back_all(kept);
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that two who add at once take the same room, or neither of them.
#[test]
fn add_add() {
    explore("add_add", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let getter = pool.waiting();
        pool.race().and(add_if_it_may).and(add_if_it_may).run();
        let object = getter.wait().expect("one of them was in time");
        pool.give_back(object);
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that who stands up to wait for room sleeps beside that which an object leaves just then.
#[test]
fn take_add() {
    explore("take_add", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        pool.race().and(|pool| pool.doom(object)).and(add).run();
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that of two who wait for room one sleeps beside what two objects leave.
#[test]
fn take_take_adders() {
    explore("take_take_adders", FOUR, || {
        let pool = Pool::unmanaged(2, Order::Lifo);
        let [first, second] = [pool.hold_brought(), pool.hold_brought()];
        let adders = [pool.adding(), pool.adding()];
        pool.race()
            .and(|pool| pool.doom(first))
            .and(|pool| pool.doom(second))
            .and(|_| assert!(adders.into_iter().all(Adder::add), "the pool is open"))
            .run();
        pool.at_rest_brought(2, 2);
    });
}

/// Forbids that room goes to two, or to nobody, because an idle object is claimed while it is given away.
#[test]
fn take_adders_claim() {
    explore("take_adders_claim", ALL, || {
        let pool = Pool::unmanaged(2, Order::Lifo);
        let object = pool.hold_brought();
        assert!(pool.add());
        let [mut first, mut second] = [pool.adding(), pool.adding()];
        pool.race()
            .and(|pool| pool.doom(object))
            .and(claim_and_give_back)
            .run();
        assert_eq!(first.poll(), Some(true), "one object has left");
        assert!(second.poll().is_none(), "and no other");
        drop(first);
        second.leave();
        pool.at_rest_brought(2, 2);
    });
}

/// Forbids that a newcomer takes the room that an object left to who waits for it.
#[test]
fn take_add_barge() {
    explore("take_add_barge", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let adder = pool.adding();
        pool.race()
            .and(|pool| pool.doom(object))
            .and(|_| assert!(adder.add(), "the pool is open"))
            .and(|pool| assert!(!pool.add(), "the room was for the first in line"))
            .run();
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that room goes to another than the first who waits for it.
#[test]
fn take_first_adder() {
    explore("take_first_adder", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let [first, mut second] = [pool.adding(), pool.adding()];
        pool.race()
            .and(|pool| pool.doom(object))
            .and(|_| assert!(first.add(), "the pool is open"))
            .run();
        assert!(second.poll().is_none(), "the first has filled it");
        second.leave();
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that the room given to one who leaves is lost to the next who waits for it.
#[test]
fn take_cancelled_adder() {
    explore("take_cancelled_adder", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let [first, second] = [pool.adding(), pool.adding()];
        pool.race()
            .and(|pool| pool.doom(object))
            .and(|_| first.leave())
            .and(|_| assert!(second.add(), "the pool is open"))
            .run();
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that two neighbours who leave the line of those who add tear it, or take the third one with them.
#[test]
fn cancel_cancel_adders() {
    explore("cancel_cancel_adders", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let [first, second, third] = [pool.adding(), pool.adding(), pool.adding()];
        pool.race()
            .and(|_| first.leave())
            .and(|_| second.leave())
            .run();
        pool.doom(object);
        assert!(third.add(), "the pool is open");
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that the last who waits to add leaves, and its room is never given again.
#[test]
fn take_cancelled_adder_join() {
    explore("take_cancelled_adder_join", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let adder = pool.adding();
        pool.doom(object);
        pool.race().and(|_| adder.leave()).and(add).run();
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that a getter sleeps when an object leaves and another one is added for it.
#[test]
fn take_adder_getter() {
    explore("take_adder_getter", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let (adder, getter) = (pool.adding(), pool.waiting());
        let kept = pool
            .race()
            .and(|pool| pool.doom(object))
            .and(|_| assert!(adder.add(), "the pool is open"))
            .and(|_| getter.wait().expect("the pool is open"))
            .run();
        pool.give_back_all(kept);
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that an object which comes back and one that is added at once serve one getter and forget the other.
#[test]
fn return_add() {
    explore("return_add", THREE, || {
        let pool = Pool::unmanaged(2, Order::Lifo);
        let object = pool.hold_brought();
        let getters = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(|pool| assert!(pool.add(), "there is room"))
            .and(|pool| {
                for getter in getters {
                    let object = getter.wait().expect("the pool is open");
                    pool.give_back(object);
                }
            })
            .run();
        pool.at_rest_brought(2, 2);
    });
}

/// Forbids that an object which is added while the pool closes outlives it.
#[test]
fn close_add() {
    explore("close_add", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        pool.race().and(Pool::close).and(add_if_it_may).run();
        pool.at_rest_closed();
    });
}

/// Forbids that who waits for room sleeps on in a closed pool.
#[test]
fn close_adder() {
    explore("close_adder", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let adders = [pool.adding(), Adder::new(&pool)];
        let add = |_: &Pool| {
            for adder in adders {
                assert!(!adder.add(), "nothing has left");
            }
        };
        pool.race().and(Pool::close).and(add).run();
        pool.give_back(object);
        pool.at_rest_closed();
    });
}

/// Forbids that room which was given to somebody stays counted in a closed pool, or is filled after the close.
#[test]
fn close_admitted() {
    explore("close_admitted", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let adder = pool.adding();
        pool.doom(object);
        pool.race()
            .and(Pool::close)
            .and(|_| {
                let _ = adder.add();
            })
            .run();
        pool.at_rest_closed();
    });
}

/// The same of one who leaves just then.
#[test]
fn close_cancelled_adder() {
    explore("close_cancelled_adder", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let adder = pool.adding();
        pool.doom(object);
        pool.race().and(Pool::close).and(|_| adder.leave()).run();
        pool.at_rest_closed();
    });
}

/// Forbids that an added object on its way to a getter is stranded by a close.
#[test]
fn close_add_getter() {
    explore("close_add_getter", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let getter = pool.waiting();
        let get = |pool: &Pool| {
            if let Some(object) = getter.wait() {
                pool.give_back(object);
            }
        };
        pool.race()
            .and(Pool::close)
            .and(add_if_it_may)
            .and(get)
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that only the waker of an earlier poll is woken when there is room.
#[test]
fn waker_replaced_adder() {
    explore("waker_replaced_adder", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let mut adder = pool.adding();
        let add = |_: &Pool| {
            let end = adder.poll_anew();
            assert!(adder.follow(end), "the pool is open");
        };
        pool.race().and(|pool| pool.doom(object)).and(add).run();
        pool.at_rest_brought(1, 1);
    });
}

/// Forbids that a poll which nothing called for loses the wake-up that follows.
#[test]
fn poll_twice_adder() {
    explore("poll_twice_adder", ALL, || {
        let pool = Pool::unmanaged(1, Order::Lifo);
        let object = pool.hold_brought();
        let mut adder = pool.adding();
        let add = |_: &Pool| {
            let end = adder.poll().or_else(|| adder.poll());
            assert!(adder.follow(end), "the pool is open");
        };
        pool.race().and(|pool| pool.doom(object)).and(add).run();
        pool.at_rest_brought(1, 1);
    });
}

fn add(pool: &Pool) {
    assert!(Adder::new(pool).add(), "the pool is open");
}

fn add_if_it_may(pool: &Pool) {
    let _ = pool.add();
}

fn claim_and_give_back(pool: &Pool) {
    if let Some(object) = pool.claim() {
        pool.give_back(object);
    }
}
