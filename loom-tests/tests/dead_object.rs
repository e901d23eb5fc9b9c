//! Objects that end, and those who take their room.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FOUR, Getter, Object, Order, Pool, Said, explore};

/// Forbids that who found its object dead, or a newcomer, sleeps beside the room that it leaves, and that a
/// replacement is begun before the dead one is gone.
#[test]
fn dead_object_join() {
    explore("dead_object_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let dead = pool.hold();
        pool.race()
            .and(|pool| exchange(pool, dead))
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that who exchanges a dead object sleeps beside the one that comes back just then.
#[test]
fn exchange_return() {
    explore("exchange_return", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        let [dead, held] = [pool.hold(), pool.hold()];
        pool.race()
            .and(|pool| exchange(pool, dead))
            .and(|pool| pool.give_back(held))
            .run();
        let live = pool.books().live();
        pool.at_rest(2, live);
    });
}

/// Forbids that the room of a dead object goes to who waits behind, or that they sleep on when it is filled.
#[test]
fn exchange_waiter() {
    explore("exchange_waiter", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let dead = pool.hold();
        let waiting = pool.waiting();
        let exchange = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.exchange(dead);
            assert!(matches!(said, Said::Connect), "the room is its own");
            let object = getter.follow(said).expect("the pool is open");
            pool.give_back(object);
        };
        let kept = pool.race().and(exchange).and(|_| waiting.wait()).run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a shrink beside a dead object destroys a healthy one in its stead.
#[test]
fn doom_resize_down() {
    explore("doom_resize_down", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let [dead, held] = [pool.hold(), pool.hold()];
        let debt = pool.engine().doom();
        let resize = |pool: &Pool| {
            pool.resize(1);
            pool.give_back(held);
        };
        pool.race()
            .and(|pool| pool.retire(dead, debt))
            .and(resize)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that who exchanges its object stands in a closed pool.
#[test]
fn exchange_close() {
    explore("exchange_close", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let dead = pool.hold();
        let exchange = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.exchange(dead);
            if let Some(object) = getter.follow(said) {
                pool.give_back(object);
            }
        };
        pool.race().and(Pool::close).and(exchange).run();
        pool.at_rest_closed();
    });
}

/// Forbids that a newcomer sleeps beside the room of a retired object, or connects before its end.
#[test]
fn retire_then_join() {
    explore("retire_then_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        pool.race()
            .and(|pool| pool.doom(object))
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that who reads that an object is counted no more does not know of its end yet.
#[test]
fn retire_snapshot() {
    explore("retire_snapshot", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let look = |pool: &Pool| {
            if pool.engine().state().size() == 0 {
                pool.books().see_server();
            }
        };
        pool.race().and(|pool| pool.doom(object)).and(look).run();
        pool.at_rest(1, 0);
    });
}

/// Forbids that who reads that a waiter has the room of an object does not know of its end yet.
#[test]
fn retire_waiter_snapshot() {
    explore("retire_waiter_snapshot", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let waiting = pool.waiting();
        let look = |pool: &Pool| {
            if pool.engine().state().connecting() == 1 {
                pool.books().see_server();
            }
        };
        pool.race().and(|pool| pool.doom(object)).and(look).run();
        let object = waiting.wait().expect("the pool is open");
        pool.give_back(object);
        pool.at_rest(1, 1);
    });
}

/// Forbids that of two who wait one sleeps beside the room of the two objects that are retired.
#[test]
fn retire_retire() {
    explore("retire_retire", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        let [one, other] = [pool.hold(), pool.hold()];
        let getters = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(|pool| pool.doom(one))
            .and(|pool| pool.doom(other))
            .and(|pool| {
                let got = getters.map(|getter| getter.wait().expect("the pool is open"));
                got.into_iter().for_each(|object| pool.give_back(object));
            })
            .run();
        pool.at_rest(2, 2);
    });
}

fn exchange(pool: &Pool, dead: Object) {
    let mut getter = Getter::new(pool);
    let said = getter.exchange(dead);
    let object = getter.follow(said).expect("the pool is open");
    pool.give_back(object);
}
