//! Changing the maximum beside everything that counts.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Order, Pool, Said, THREE, explore};

/// Forbids that a connect which ends over a shrunk maximum leaves one too many, or its getter without any.
#[test]
fn finish_surplus() {
    explore("finish_surplus", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.connecting();
        let finish = |pool: &Pool| {
            let shrunk = pool.books().max() == 1;
            let made = getter.finish();
            assert!(!shrunk || made.is_none(), "one too many");
            pool.give_back(object);
            let object = made.or_else(|| getter.wait()).expect("the pool is open");
            pool.give_back(object);
        };
        pool.race().and(|pool| pool.resize(1)).and(finish).run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a return beside a shrink is kept over the maximum, or one too many destroyed.
#[test]
fn resize_down_return_lifo() {
    explore("resize_down_return_lifo", FIVE, || {
        resize_down_return(Order::Lifo);
    });
}

/// The same of the other store.
#[test]
fn resize_down_return_fifo() {
    explore("resize_down_return_fifo", ALL, || {
        resize_down_return(Order::Fifo);
    });
}

fn resize_down_return(order: Order) {
    let pool = Pool::new(2, order);
    let [first, second] = [pool.hold(), pool.hold()];
    let give_back = |pool: &Pool| {
        pool.give_back(first);
        pool.give_back(second);
    };
    pool.race().and(|pool| pool.resize(1)).and(give_back).run();
    pool.at_rest(1, 1);
}

/// Forbids that a shrink by one beside two returns destroys both, or none.
#[test]
fn resize_down_return_return() {
    explore("resize_down_return_return", THREE, || {
        let pool = Pool::new(2, Order::Lifo);
        let [first, second] = [pool.hold(), pool.hold()];
        pool.race()
            .and(|pool| pool.resize(1))
            .and(|pool| pool.give_back(first))
            .and(|pool| pool.give_back(second))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a shrunk pool which stays busy never shrinks, because every return serves the line.
#[test]
fn resize_down_return_waiter() {
    explore("resize_down_return_waiter", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let [first, second] = [pool.hold(), pool.hold()];
        let getter = pool.waiting();
        pool.resize(1);
        let kept = pool
            .race()
            .and(|pool| pool.give_back(first))
            .and(|pool| pool.give_back(second))
            .and(|_| getter.wait())
            .run();
        assert_eq!(pool.books().live(), 1);
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter claims an object that a shrink takes too.
#[test]
fn resize_down_claim() {
    explore("resize_down_claim", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(2);
        let claim = |pool: &Pool| {
            let object = pool.claim().expect("one is left");
            pool.give_back(object);
        };
        pool.race().and(|pool| pool.resize(1)).and(claim).run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer begins a connect beyond the shrunk maximum.
#[test]
fn resize_down_join() {
    explore("resize_down_join", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let get = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.start(true);
            pool.give_back(object);
            let object = getter.follow(said).expect("the pool is open");
            pool.give_back(object);
        };
        pool.race().and(|pool| pool.resize(1)).and(get).run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that of two connects beside a shrink by one both are kept, or both destroyed.
#[test]
fn resize_down_finish() {
    explore("resize_down_finish", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        let finish = |getter: Getter| {
            |pool: &Pool| {
                let object = getter.follow(Said::Connect).expect("the pool is open");
                pool.give_back(object);
            }
        };
        let [first, second] = [pool.connecting(), pool.connecting()].map(finish);
        pool.race()
            .and(|pool| pool.resize(1))
            .and(first)
            .and(second)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a reservation granted before a shrink is picked up after it, or its getter forgotten.
#[test]
fn resize_down_pickup() {
    explore("resize_down_pickup", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let mut getter = granted(&pool);
        let pick_up = |pool: &Pool| {
            let said = getter.poll();
            pool.give_back(object);
            let object = getter.follow(said).expect("the pool is open");
            pool.give_back(object);
        };
        pool.race().and(|pool| pool.resize(1)).and(pick_up).run();
        pool.at_rest(1, 1);
    });
}

/// The same where the getter asks again and sleeps before the object comes.
#[test]
fn resize_down_pickup_return() {
    explore("resize_down_pickup_return", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let getter = granted(&pool);
        let kept = pool
            .race()
            .and(|pool| pool.resize(1))
            .and(|pool| pool.give_back(object))
            .and(|_| getter.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a reservation which a shrink took back is not granted again when the pool grows.
#[test]
fn resize_down_up_pickup() {
    explore("resize_down_up_pickup", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        let getter = granted(&pool);
        let resize = |pool: &Pool| {
            pool.resize(1);
            pool.resize(2);
        };
        let kept = pool.race().and(resize).and(|_| getter.wait()).run();
        pool.give_back_all(kept);
        pool.give_back(object);
        pool.at_rest(2, 2);
    });
}

/// Forbids that a connect for the pool itself begins, or stays, beyond the shrunk maximum.
#[test]
fn resize_down_warm_up() {
    explore("resize_down_warm_up", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(1);
        pool.race()
            .and(|pool| pool.resize(1))
            .and(Pool::warm_up)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer sleeps beside the room that a growing pool has.
#[test]
fn resize_up_join() {
    explore("resize_up_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let held = pool.hold();
        let kept = pool.race().and(|pool| pool.resize(2)).and(Pool::get).run();
        pool.give_back(held);
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that one of those who wait sleeps on beside the room that a growing pool has for all.
#[test]
fn resize_up_waiters() {
    explore("resize_up_waiters", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let held = pool.hold();
        let [first, second] = [pool.waiting(), pool.waiting()];
        let kept = pool
            .race()
            .and(|pool| pool.resize(3))
            .and(|_| first.wait())
            .and(|_| second.wait())
            .run();
        pool.give_back(held);
        pool.give_back_all(kept);
        pool.at_rest(3, 3);
    });
}

/// Forbids that a pool which shrinks and grows again loses or gains a place.
#[test]
fn resize_down_up() {
    explore("resize_down_up", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let [first, second] = [pool.hold(), pool.hold()];
        let resize = |pool: &Pool| {
            pool.resize(1);
            pool.resize(2);
        };
        let give_back = |pool: &Pool| {
            pool.give_back(first);
            pool.give_back(second);
        };
        pool.race().and(resize).and(give_back).run();
        let live = pool.books().live();
        assert!(live >= 1, "a shrink by one");
        pool.at_rest(2, live);
    });
}

/// A getter with a reservation that it has not picked up yet.
fn granted(pool: &Pool) -> Getter {
    pool.ownerless();
    let getter = pool.waiting();
    pool.give_up();
    getter
}
