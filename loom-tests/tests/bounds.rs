//! Changing how many connect at once, how many may wait, and whether anybody may, beside everything that goes by it.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Object, Order, Pool, Said, THREE, explore};

/// Forbids that a newcomer sleeps beside the connect that a raised cap allows.
#[test]
fn cap_raise_join() {
    explore("cap_raise_join", ALL, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let first = pool.connecting();
        let kept = pool.race().and(|pool| pool.set_cap(2)).and(Pool::get).run();
        end(first.follow(Said::Connect), &pool);
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that one of those who wait below a cap sleeps on when it is raised while a connect ends.
#[test]
fn cap_raise_finish() {
    explore("cap_raise_finish", FIVE, || {
        let pool = Pool::capped(2, 1, Order::Lifo);
        let (first, second) = (pool.connecting(), pool.waiting());
        let kept = pool
            .race()
            .and(|pool| pool.set_cap(2))
            .and(|_| first.follow(Said::Connect))
            .and(|_| second.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that a reservation beyond a lowered cap is picked up after it, or its getter forgotten.
#[test]
fn cap_lower_granted() {
    explore("cap_lower_granted", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        let first = pool.connecting();
        pool.ownerless();
        let second = pool.waiting();
        pool.give_up();
        let kept = pool
            .race()
            .and(|pool| pool.set_cap(1))
            .and(|_| first.follow(Said::Connect))
            .and(|_| second.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that a getter who would not wait sleeps on when a lowered cap takes its reservation back.
#[test]
fn cap_lower_try_only() {
    explore("cap_lower_try_only", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let getter = pool.hoping();
        pool.give_up();
        pool.race()
            .and(|pool| pool.set_cap(0))
            .and(|pool| end(getter.wait(), pool))
            .run();
        let live = pool.books().live();
        pool.set_cap(1);
        pool.at_rest(1, live);
    });
}

/// Forbids that a newcomer begins a connect beyond a cap that is lowered.
#[test]
fn cap_lower_join() {
    explore("cap_lower_join", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let first = pool.connecting();
        let second = |pool: &Pool| {
            let mut second = Getter::new(pool);
            let said = second.start(true);
            end(first.follow(Said::Connect), pool);
            second.follow(said)
        };
        let kept = pool.race().and(|pool| pool.set_cap(1)).and(second).run();
        let live = pool.books().live();
        pool.give_back_all(kept);
        pool.at_rest(2, live);
    });
}

/// Forbids that who waits while nothing may be made sleeps on when one connect may begin.
#[test]
fn cap_zero_then_one() {
    explore("cap_zero_then_one", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.set_cap(0);
        let first = pool.waiting();
        let kept = pool
            .race()
            .and(|pool| pool.set_cap(1))
            .and(|_| first.wait())
            .and(Pool::get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Forbids that a newcomer joins a line that has ended, or sleeps in one that has not.
#[test]
fn refuse_join() {
    explore("refuse_join", THREE, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let give_back = |pool: &Pool| pool.give_back(object);
        pool.race()
            .and(Pool::end_line)
            .and(give_back)
            .and(|pool| end(pool.get(), pool))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that who waits for the end of the line sleeps on when the last in it is served.
#[test]
fn refuse_serve() {
    explore("refuse_serve", FOUR, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(Pool::end_line)
            .and(|pool| pool.give_back(object))
            .and(|_| getter.wait().expect("it stood in line before"))
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// The same of one who leaves, cancelled or timed out.
#[test]
fn refuse_cancel() {
    explore("refuse_cancel", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let getter = pool.waiting();
        pool.race()
            .and(Pool::end_line)
            .and(|_| getter.leave())
            .run();
        pool.give_back(object);
        pool.at_rest(1, 1);
    });
}

/// The same of one whose own connect comes to a good end.
#[test]
fn refuse_finish() {
    explore("refuse_finish", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        let finish = move |_: &Pool| getter.finish().expect("its own");
        let kept = pool.race().and(Pool::end_line).and(finish).run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// The same of one whose own connect fails.
#[test]
fn refuse_fail() {
    explore("refuse_fail", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        pool.race()
            .and(Pool::end_line)
            .and(move |_| assert!(getter.fail(), "nothing has come back"))
            .run();
        pool.resize(0);
        pool.at_rest(0, 0);
    });
}

/// The same of one who would not wait, and whose reservation a shrink takes back.
#[test]
fn refuse_resize_down() {
    explore("refuse_resize_down", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let mut getter = pool.hoping();
        pool.give_up();
        pool.race()
            .and(Pool::end_line)
            .and(|pool| pool.resize(0))
            .run();
        assert!(matches!(getter.poll(), Said::Dismissed));
        drop(getter);
        pool.at_rest(0, 0);
    });
}

/// The same of one who would not wait, and is dismissed by a pause.
#[test]
fn refuse_pause() {
    explore("refuse_pause", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let mut getter = pool.hoping();
        pool.race().and(Pool::end_line).and(Pool::pause).run();
        assert!(matches!(getter.poll(), Said::Dismissed));
        drop(getter);
        pool.made();
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// The same of one who is served when the pool resumes.
#[test]
fn refuse_resume() {
    explore("refuse_resume", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.pause();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(Pool::end_line)
            .and(Pool::resume)
            .and(|_| getter.wait().expect("it stood in line before"))
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// The same of one who hears of a close.
#[test]
fn refuse_close() {
    explore("refuse_close", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let mut getter = pool.waiting();
        pool.race().and(Pool::end_line).and(Pool::close).run();
        assert!(matches!(getter.poll(), Said::Closed));
        drop(getter);
        pool.give_back(object);
        pool.at_rest_closed();
    });
}

/// Forbids that a newcomer beside a lowered most is neither shed nor served.
#[test]
fn most_join() {
    explore("most_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        let get = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.start(true);
            let shed = matches!(said, Said::Shed);
            pool.give_back(object);
            let got = getter.follow(said);
            assert_eq!(got.is_none(), shed, "one of both");
            end(got, pool);
        };
        pool.race()
            .and(|pool| pool.engine().set_most(0))
            .and(get)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer is shed who finds room to connect, however many connect before it.
#[test]
fn most_join_room() {
    explore("most_join_room", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.engine().set_most(0);
        let first = pool.connecting();
        let get = |pool: &Pool| pool.get().expect("there is room for two");
        let kept = pool
            .race()
            .and(|_| first.follow(Said::Connect))
            .and(get)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(2, 2);
    });
}

/// Gives back what a getter got, if anything.
fn end(got: Option<Object>, pool: &Pool) {
    if let Some(object) = got {
        pool.give_back(object);
    }
}
