//! Leaving the line, or giving up, beside whatever else happens.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Order, Pool, explore};

/// Forbids that the object handed to a getter that leaves is lost.
#[test]
fn cancel_handover() {
    explore("cancel_handover", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(|_| getter.leave())
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that the next in line sleeps beside the object that the one who left was handed.
#[test]
fn cancel_handover_next() {
    explore("cancel_handover_next", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let [first, second] = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(|_| first.leave())
            .and(|pool| wait(second, pool))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that two neighbours who leave at once tear the line, or take the third one with them.
#[test]
fn cancel_cancel() {
    explore("cancel_cancel", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let [first, second, third] = [pool.waiting(), pool.waiting(), pool.waiting()];
        pool.race()
            .and(|_| first.leave())
            .and(|_| second.leave())
            .and(|pool| {
                pool.give_back(object);
                wait(third, pool);
            })
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer loses its place when the last in line leaves.
#[test]
fn cancel_join() {
    explore("cancel_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        pool.race()
            .and(|_| getter.leave())
            .and(Pool::get_and_give_back)
            .and(|pool| pool.give_back(object))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer who stands in line with the cell of one who was served hears, or is handed, what was that
/// one's.
#[test]
fn cell_again() {
    explore("cell_again", FOUR, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(|pool| wait(getter, pool))
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who joins sleeps beside a reservation given up just then, or begins its connect
/// before the other one's end.
#[test]
fn giveup_join() {
    explore("giveup_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        pool.race()
            .and(Pool::give_up)
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// The same of a getter whose own connect fails.
#[test]
fn fail_join() {
    explore("fail_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        pool.race()
            .and(move |_| assert!(getter.fail(), "nobody can have served it"))
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a reservation given up goes to another than the first in line.
#[test]
fn giveup_first() {
    explore("giveup_first", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let [first, second] = [pool.waiting(), pool.waiting()];
        let kept = pool.race().and(Pool::give_up).and(|_| first.wait()).run();
        second.leave();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a reservation granted to a getter that leaves is lost to the next in line.
#[test]
fn giveup_cancel() {
    explore("giveup_cancel", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let [first, second] = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(Pool::give_up)
            .and(|_| first.leave())
            .and(|pool| wait(second, pool))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that the object of an ownerless connect is lost with the getter that it was handed to.
#[test]
fn made_cancel() {
    explore("made_cancel", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let [first, second] = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(Pool::made)
            .and(|_| first.leave())
            .and(|pool| wait(second, pool))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who leaves its connect just as an object is handed to it loses either.
#[test]
fn abandon_return() {
    explore("abandon_return", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let getter = pool.connecting();
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(|pool| {
                getter.leave();
                pool.made();
            })
            .run();
        pool.at_rest(2, 2);
    });
}

/// Forbids that of two who leave their connects the next in line gets neither reservation.
#[test]
fn abandon_abandon() {
    explore("abandon_abandon", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        let [first, second] = [pool.connecting(), pool.connecting()];
        let third = pool.waiting();
        let abandon = |getter: Getter| {
            move |pool: &Pool| {
                getter.leave();
                pool.give_up();
            }
        };
        pool.race()
            .and(abandon(first))
            .and(abandon(second))
            .and(|pool| wait(third, pool))
            .run();
        pool.at_rest(2, 1);
    });
}

fn wait(getter: Getter, pool: &Pool) {
    let object = getter.wait().expect("the pool is open");
    pool.give_back(object);
}
