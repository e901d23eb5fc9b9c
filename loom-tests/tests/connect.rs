//! A getter's own connect, or one that nobody owns, coming to its end.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Order, Pool, Said, explore};

/// Forbids that a getter who is served while its connect ends gets both objects, or none.
#[test]
fn finish_handover() {
    explore("finish_handover", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let getter = pool.connecting();
        pool.race()
            .and(|pool| pool.give_back(object))
            .and(|pool| {
                let object = getter.follow(Said::Connect).expect("the pool is open");
                pool.give_back(object);
            })
            .run();
        pool.at_rest(2, 2);
    });
}

/// The same of a getter who takes what it was handed, and whose connect ends without it.
#[test]
fn handover_made() {
    explore("handover_made", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.connecting();
        let get = |pool: &Pool| match getter.poll() {
            Said::Object(object) => {
                pool.made();
                object
            }
            _ => getter.follow(Said::Connect).expect("the pool is open"),
        };
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that a getter goes with its connect's error although it was handed an object, or that the object
/// is lost.
#[test]
fn fail_return() {
    explore("fail_return", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.connecting();
        let fail = move |_: &Pool| match getter.fail() {
            true => None,
            false => match getter.poll() {
                Said::Object(object) => Some(object),
                said => panic!("it was told {said:?}"),
            },
        };
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(fail)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 1);
    });
}

/// Forbids that who waits below the cap sleeps on after a connect has ended and made room under it.
#[test]
fn cap_finish_join() {
    explore("cap_finish_join", ALL, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let mut getter = pool.connecting();
        let finish = move |_: &Pool| getter.finish().expect("nothing has come back");
        let kept = pool.race().and(finish).and(Pool::get).run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that two who wait for one reservation at a time connect both at once, or one of them never.
#[test]
fn cap_giveup_finish() {
    explore("cap_giveup_finish", ALL, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        pool.ownerless();
        let [first, second] = [pool.waiting(), pool.waiting()];
        let kept = pool
            .race()
            .and(Pool::give_up)
            .and(|_| first.wait())
            .and(|_| second.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// The same where the first reservation ends in an error while a newcomer joins.
#[test]
fn cap_fail_finish() {
    explore("cap_fail_finish", FOUR, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let mut failing = pool.connecting();
        let waiting = pool.waiting();
        let kept = pool
            .race()
            .and(move |_| assert!(failing.fail(), "nothing has come back"))
            .and(|_| waiting.wait())
            .and(Pool::get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that the object of an ownerless connect lies idle beside a getter who joins.
#[test]
fn made_join() {
    explore("made_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        pool.race()
            .and(Pool::made)
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a connect for the pool itself and a getter's take the same room, or the getter sleeps beside its
/// object.
#[test]
fn warm_up_join() {
    explore("warm_up_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.race()
            .and(Pool::warm_up)
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a connect for the pool itself goes uncounted beside an object that comes back just then.
#[test]
fn warm_up_return() {
    explore("warm_up_return", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        pool.race()
            .and(Pool::warm_up)
            .and(|pool| pool.give_back(object))
            .run();
        pool.at_rest(2, 2);
    });
}

/// Forbids that a connect for the pool itself takes the room that a retired object leaves to who waits.
#[test]
fn warm_up_retire() {
    explore("warm_up_retire", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(Pool::warm_up)
            .and(|pool| pool.doom(object))
            .and(|_| getter.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a reservation is picked up and taken back at once: an object comes for its getter just then.
#[test]
fn pickup_handover() {
    explore("pickup_handover", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let getter = granted(&pool);
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(|_| getter.wait())
            .run();
        let live = pool.books().live();
        pool.give_back_all(kept);
        pool.at_rest(2, live);
    });
}

/// Forbids that the reservation of a getter who is served before it picks it up is lost to the next in line.
#[test]
fn pickup_handover_next() {
    explore("pickup_handover_next", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        pool.ownerless();
        let [first, second] = [pool.waiting(), pool.waiting()];
        pool.give_up();
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(|_| first.wait())
            .and(|_| second.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// A getter with a reservation that it has not picked up yet.
fn granted(pool: &Pool) -> Getter {
    pool.ownerless();
    let getter = pool.waiting();
    pool.give_up();
    getter
}
