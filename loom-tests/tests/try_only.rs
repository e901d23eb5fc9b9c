//! Getters who would not wait, and the connects without an owner that they may hope for.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Kept, Object, Order, Pool, Said, explore};

/// Forbids that a getter who would not wait is sent away beside an ownerless connect, or sleeps on when its
/// object comes.
#[test]
fn try_only_made() {
    explore("try_only_made", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let get = |pool: &Pool| try_only(pool).expect("its connect, or its object");
        let kept = pool.race().and(Pool::made).and(get).run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// The same where the connect ends with a reservation for it.
#[test]
fn try_only_given_up() {
    explore("try_only_given_up", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let get = |pool: &Pool| try_only(pool).expect("its reservation");
        let kept = pool.race().and(Pool::give_up).and(get).run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that two who would not wait stand in line for one ownerless connect, and one for ever.
#[test]
fn try_only_two() {
    explore("try_only_two", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let kept = pool
            .race()
            .and(Pool::made)
            .and(try_only)
            .and(try_only)
            .run();
        let served = kept.iter().filter(|Kept(object)| object.is_some()).count();
        assert_eq!(served, 1, "one object, for one of them");
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who would not wait stands behind as many as there are connects to hope for.
#[test]
fn try_only_behind() {
    explore("try_only_behind", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let hoping = pool.hoping();
        let behind = |pool: &Pool| {
            let said = Getter::new(pool).start(false);
            assert!(matches!(said, Said::WouldWait), "{said:?}");
        };
        let kept = pool
            .race()
            .and(Pool::made)
            .and(behind)
            .and(|_| hoping.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who would not wait sleeps on when a shrink has taken what it hoped for.
#[test]
fn try_only_resize_down() {
    explore("try_only_resize_down", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        let held = pool.hold();
        pool.ownerless();
        let hoping = pool.hoping();
        let kept = pool
            .race()
            .and(|pool| pool.resize(1))
            .and(Pool::give_up)
            .and(|_| hoping.wait())
            .run();
        pool.give_back(held);
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who would not wait sleeps on behind one who came in front of it.
#[test]
fn try_only_exchange() {
    explore("try_only_exchange", FOUR, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let dead = pool.hold();
        pool.ownerless();
        let hoping = pool.hoping();
        let exchange = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.exchange(dead);
            getter.follow(said).expect("the pool is open")
        };
        let kept = pool
            .race()
            .and(exchange)
            .and(Pool::made)
            .and(|_| hoping.wait())
            .run();
        let live = pool.books().live();
        pool.give_back_all(kept);
        pool.at_rest(2, live);
    });
}

/// Forbids that it learns only from that connect's end that another one stands in front.
#[test]
fn try_only_exchange_front() {
    explore("try_only_exchange_front", ALL, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let dead = pool.hold();
        pool.ownerless();
        let hoping = pool.hoping();
        let exchange = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.exchange(dead);
            getter.follow(said)
        };
        let hope = |pool: &Pool| {
            assert!(hoping.wait().is_none(), "the connect is for the other one");
            pool.made();
        };
        let kept = pool.race().and(exchange).and(hope).run();
        pool.give_back_all(kept);
        pool.at_rest(2, 1);
    });
}

/// Forbids that the object is lost that a getter who would not wait is handed as it leaves.
#[test]
fn try_only_cancel() {
    explore("try_only_cancel", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let hoping = pool.hoping();
        pool.race().and(Pool::made).and(|_| hoping.leave()).run();
        pool.at_rest(1, 1);
    });
}

/// `None`: it would have had to wait for what somebody holds.
fn try_only(pool: &Pool) -> Option<Object> {
    let mut getter = Getter::new(pool);
    let said = getter.start(false);
    getter.follow(said)
}
