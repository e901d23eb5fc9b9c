//! Closing the pool beside everything else.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Order, Pool, Said, explore};

/// Forbids that an object which comes back while the pool closes outlives it.
#[test]
fn close_return_lifo() {
    explore("close_return_lifo", ALL, || close_return(Order::Lifo));
}

/// The same of the other store.
#[test]
fn close_return_fifo() {
    explore("close_return_fifo", ALL, || close_return(Order::Fifo));
}

fn close_return(order: Order) {
    let pool = Pool::new(1, order);
    let object = pool.hold();
    pool.race()
        .and(Pool::close)
        .and(|pool| pool.give_back(object))
        .run();
    pool.at_rest_closed();
}

/// Forbids that an object is claimed and destroyed at once.
#[test]
fn close_claim() {
    explore("close_claim", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(2);
        let claim = |pool: &Pool| {
            if let Some(object) = pool.claim() {
                pool.give_back(object);
            }
        };
        pool.race().and(Pool::close).and(claim).run();
        pool.at_rest_closed();
    });
}

/// Forbids that a getter who joins while the pool closes sleeps for ever.
#[test]
fn close_join() {
    explore("close_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let get = |pool: &Pool| assert!(pool.get().is_none(), "nothing has come back");
        pool.race().and(Pool::close).and(get).run();
        pool.give_back(object);
        pool.at_rest_closed();
    });
}

/// Forbids that a getter who joins an empty pool while it closes connects and keeps its object counted.
#[test]
fn close_connect() {
    explore("close_connect", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let get = |pool: &Pool| end(Getter::new(pool).get(), pool);
        pool.race().and(Pool::close).and(get).run();
        pool.at_rest_closed();
    });
}

/// Forbids that the object of a connect which ends while the pool closes outlives it.
#[test]
fn close_finish() {
    explore("close_finish", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let getter = pool.connecting();
        let finish = |pool: &Pool| end(getter.follow(Said::Connect), pool);
        pool.race().and(Pool::close).and(finish).run();
        pool.at_rest_closed();
    });
}

/// Forbids that a connect which fails while the pool closes leaves its reservation counted.
#[test]
fn close_fail() {
    explore("close_fail", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        let fail = move |_: &Pool| {
            if !getter.fail() {
                assert!(matches!(getter.poll(), Said::Closed));
            }
        };
        pool.race().and(Pool::close).and(fail).run();
        pool.at_rest_closed();
    });
}

/// Forbids that the object of an ownerless connect outlives the pool.
#[test]
fn close_made() {
    explore("close_made", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        pool.race().and(Pool::close).and(Pool::made).run();
        pool.at_rest_closed();
    });
}

/// Forbids that a getter who leaves while the pool closes is counted twice, or its neighbour forgotten.
#[test]
fn close_cancel() {
    explore("close_cancel", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let [first, second] = [pool.waiting(), pool.waiting()];
        pool.race()
            .and(Pool::close)
            .and(|_| first.leave())
            .and(|_| assert!(second.wait().is_none(), "nothing has come back"))
            .run();
        pool.give_back(object);
        pool.at_rest_closed();
    });
}

/// Forbids that the object in a served getter's cell is stranded by a close.
#[test]
fn close_handover() {
    explore("close_handover", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        pool.race()
            .and(Pool::close)
            .and(|pool| pool.give_back(object))
            .and(|pool| end(getter.wait(), pool))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that a reservation granted before the close stays counted, or that a connect begins after it.
#[test]
fn close_granted() {
    explore("close_granted", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let getter = pool.waiting();
        pool.give_up();
        pool.race()
            .and(Pool::close)
            .and(|pool| end(getter.wait(), pool))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that a pool closes twice: an object destroyed by both, or a waiter told by neither.
#[test]
fn close_close() {
    explore("close_close", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        pool.race()
            .and(Pool::close)
            .and(Pool::close)
            .and(|_| assert!(getter.wait().is_none(), "nothing has come back"))
            .run();
        pool.give_back(object);
        pool.at_rest_closed();
    });
}

/// Forbids that a resize opens a closed pool again, or that a shrink and a close take one object twice.
#[test]
fn close_resize() {
    explore("close_resize", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(2);
        pool.race()
            .and(Pool::close)
            .and(|pool| pool.resize(1))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that the last two returns to a closed pool leave one of their objects counted.
#[test]
fn last_return_closed() {
    explore("last_return_closed", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let [first, second] = [pool.hold(), pool.hold()];
        pool.close();
        pool.race()
            .and(|pool| pool.give_back(first))
            .and(|pool| pool.give_back(second))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that who waits for the end of a pool sleeps on after it, or hears of it before.
#[test]
fn end_close_return() {
    explore("end_close_return", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        pool.race()
            .and(Pool::close)
            .and(|pool| pool.give_back(object))
            .and(Pool::wait_for_end)
            .run();
        pool.at_rest_closed();
    });
}

/// The same of a pool that holds nothing but a connect without an owner.
#[test]
fn end_give_up() {
    explore("end_give_up", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        pool.close();
        pool.race().and(Pool::give_up).and(Pool::wait_for_end).run();
        pool.at_rest_closed();
    });
}

/// The same of a pool that holds nothing: its close is its end.
#[test]
fn end_close() {
    explore("end_close", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.race().and(Pool::close).and(Pool::wait_for_end).run();
        pool.at_rest_closed();
    });
}

/// Forbids that the end wakes only the waker of an earlier poll.
#[test]
fn end_waker_replaced() {
    explore("end_waker_replaced", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let gone = pool.awaiting_end();
        pool.race()
            .and(Pool::close)
            .and(|pool| pool.wait_on_for_end(gone))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that who stops waiting for the end takes another's waker away.
#[test]
fn end_forget() {
    explore("end_forget", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let [first, second] = [pool.awaiting_end(), pool.awaiting_end()];
        pool.race()
            .and(Pool::close)
            .and(move |pool: &Pool| pool.engine().forget_gone(&first))
            .and(|pool| pool.wait_on_for_end(second))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that who waits for the end sleeps on when the last object is a dead one, whose getter asks a closed pool
/// for another.
#[test]
fn end_exchange() {
    explore("end_exchange", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let dead = pool.hold();
        pool.close();
        let exchange = |pool: &Pool| {
            let said = Getter::new(pool).exchange(dead);
            assert!(matches!(said, Said::Closed), "{said:?}");
        };
        pool.race().and(exchange).and(Pool::wait_for_end).run();
        pool.at_rest_closed();
    });
}

/// Gives back what a getter got before the close.
fn end(got: Option<millpond_loom_tests::Object>, pool: &Pool) {
    if let Some(object) = got {
        pool.give_back(object);
    }
}
