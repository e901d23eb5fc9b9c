//! Wakers: the last one counts, and one that panics harms nobody else.
#![cfg(millpond_loom)]

use millpond::engine::{Enter, Turn};
use millpond_loom_tests::{ALL, End, Order, Pool, Said, Signal, explore};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Forbids that only the waker of an earlier poll is woken when an object is handed over.
#[test]
fn waker_replaced_handover() {
    explore("waker_replaced_handover", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.waiting();
        let get = |_: &Pool| {
            let said = getter.poll_with(&Signal::new());
            getter.follow(said)
        };
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// The same of a reservation that is granted.
#[test]
fn waker_replaced_grant() {
    explore("waker_replaced_grant", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let mut getter = pool.waiting();
        let get = |_: &Pool| {
            let said = getter.poll_with(&Signal::new());
            getter.follow(said)
        };
        let kept = pool.race().and(Pool::give_up).and(get).run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// The same of a close.
#[test]
fn waker_replaced_close() {
    explore("waker_replaced_close", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.waiting();
        let get = |_: &Pool| {
            let said = getter.poll_with(&Signal::new());
            assert!(getter.follow(said).is_none(), "nothing has come back");
        };
        pool.race().and(Pool::close).and(get).run();
        pool.give_back(object);
        pool.at_rest_closed();
    });
}

/// Forbids that a poll which nothing called for loses the wake-up that follows.
#[test]
fn poll_twice_handover() {
    explore("poll_twice_handover", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.waiting();
        let get = |_: &Pool| {
            let mut said = getter.poll();
            if matches!(said, Said::Pending) {
                said = getter.poll();
            }
            getter.follow(said)
        };
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who went from one waker to another and back sleeps on under the first.
#[test]
fn waker_there_and_back() {
    explore("waker_there_and_back", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let [first, second] = [Signal::new(), Signal::new()];
        // Clones of a waker know each other; a waker and its clone may not.
        let [one, two] = [first.waker().clone(), second.waker().clone()];
        let Enter::Wait(mut place) = pool.engine().enter(End::Back, true, None, &one) else {
            panic!("no room");
        };
        let mut poll = |waker| matches!(pool.engine().poll(&mut place, waker), Turn::Pending);
        assert!(poll(&two) && poll(&one));
        let get = move |pool: &Pool| loop {
            match pool.engine().poll(&mut place, &one) {
                Turn::Object(object) => return object,
                _ => first.wait(),
            }
        };
        let kept = pool
            .race()
            .and(|pool| pool.give_back(object))
            .and(get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a waker that panics keeps the next in line asleep, or unwinds into the one who closes the pool.
#[test]
fn waker_panics() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            // Not `panic!`: the hook would print it once for every execution.
            resume_unwind(Box::new("a waker's panic"));
        }
    }
    explore("waker_panics", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let first = pool
            .engine()
            .enter(End::Back, true, None, &Waker::from(Arc::new(Panics)));
        let second = pool.waiting();
        let wait = |_: &Pool| assert!(second.wait().is_none(), "nothing has come back");
        pool.race().and(Pool::close).and(wait).run();
        drop(first);
        pool.give_back(object);
        pool.at_rest_closed();
    });
}
