//! Pausing the pool, and resuming it, beside everything else.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Getter, Object, Order, Pool, Said, THREE, explore};

/// Forbids that an object is claimed and parked at once, or lies idle in a paused pool.
#[test]
fn pause_claim() {
    explore("pause_claim", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        let claim = |pool: &Pool| end(pool.claim(), pool);
        pool.race().and(Pool::pause).and(claim).run();
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// Forbids that an object which comes back while the pool pauses is counted idle, or lost.
#[test]
fn pause_return_lifo() {
    explore("pause_return_lifo", ALL, || pause_return(Order::Lifo));
}

/// The same of the other store.
#[test]
fn pause_return_fifo() {
    explore("pause_return_fifo", ALL, || pause_return(Order::Fifo));
}

fn pause_return(order: Order) {
    let pool = Pool::new(2, order);
    let object = pool.hold();
    pool.warm(1);
    pool.race()
        .and(Pool::pause)
        .and(|pool| pool.give_back(object))
        .run();
    pool.rests_paused(2);
    pool.at_rest(2, 2);
}

/// Forbids that a getter who joins while the pool pauses sleeps on after it has resumed, beside an object.
#[test]
fn pause_join() {
    explore("pause_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.race()
            .and(Pool::pause_and_resume)
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// The same beside room to make one.
#[test]
fn pause_join_room() {
    explore("pause_join_room", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.race()
            .and(Pool::pause_and_resume)
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a reservation is picked up and taken back by a pause at once, or its getter forgotten.
#[test]
fn pause_granted() {
    explore("pause_granted", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let getter = pool.waiting();
        pool.give_up();
        let kept = pool
            .race()
            .and(Pool::pause_and_resume)
            .and(|_| getter.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who would not wait sleeps on when a pause takes its reservation back.
#[test]
fn pause_granted_try_only() {
    explore("pause_granted_try_only", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let getter = pool.hoping();
        pool.give_up();
        let wait = |pool: &Pool| end(getter.wait(), pool);
        pool.race().and(Pool::pause).and(wait).run();
        let live = pool.books().live();
        pool.rests_paused(live);
        pool.at_rest(1, live);
    });
}

/// Forbids that a getter whose own connect ends while the pool pauses goes without its object, or it uncounted.
#[test]
fn pause_finish() {
    explore("pause_finish", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        let mut getter = pool.connecting();
        let finish = move |pool: &Pool| {
            let object = getter.finish().expect("its own");
            pool.give_back(object);
        };
        pool.race().and(Pool::pause).and(finish).run();
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// Forbids that who stands behind it sleeps on when the pool has resumed.
#[test]
fn pause_finish_next() {
    explore("pause_finish_next", FOUR, || {
        let pool = Pool::new(1, Order::Lifo);
        let (first, second) = (pool.connecting(), pool.waiting());
        pool.race()
            .and(Pool::pause_and_resume)
            .and(|pool| end(first.follow(Said::Connect), pool))
            .and(|pool| end(second.wait(), pool))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that the object of an ownerless connect is lost to who waits when it is parked.
#[test]
fn pause_made() {
    explore("pause_made", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(Pool::pause_and_resume)
            .and(Pool::made)
            .and(|_| getter.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who would not wait sleeps in a paused pool, for an object that is parked.
#[test]
fn pause_made_try_only() {
    explore("pause_made_try_only", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let getter = pool.hoping();
        pool.race()
            .and(Pool::pause)
            .and(Pool::made)
            .and(|pool| end(getter.wait(), pool))
            .run();
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// The same of one who comes just then.
#[test]
fn pause_join_try_only() {
    explore("pause_join_try_only", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.ownerless();
        let get = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.start(false);
            end(getter.follow(said), pool);
        };
        pool.race().and(Pool::pause).and(get).run();
        pool.made();
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a connect which fails while the pool pauses leaves its reservation counted, or its room ungranted.
#[test]
fn pause_fail() {
    explore("pause_fail", FOUR, || {
        let pool = Pool::new(1, Order::Lifo);
        let (mut first, second) = (pool.connecting(), pool.waiting());
        pool.race()
            .and(Pool::pause_and_resume)
            .and(move |_| assert!(first.fail(), "nothing has come back"))
            .and(|pool| end(second.wait(), pool))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that an object is parked in a closed pool, or destroyed twice.
#[test]
fn pause_close() {
    explore("pause_close", FOUR, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        pool.warm(1);
        pool.race()
            .and(Pool::try_pause)
            .and(Pool::close)
            .and(|pool| pool.give_back(object))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that a shrink beside a pause destroys too few of what is parked, or too many.
#[test]
fn pause_resize_down() {
    explore("pause_resize_down", THREE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        pool.warm(1);
        pool.race()
            .and(Pool::pause)
            .and(|pool| pool.resize(1))
            .and(|pool| pool.give_back(object))
            .run();
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// Forbids that two pauses park one object twice, or that the second one passes for the first.
#[test]
fn pause_pause() {
    explore("pause_pause", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.race().and(Pool::try_pause).and(Pool::try_pause).run();
        assert!(!pool.engine().pause(), "it was paused before");
        pool.rests_paused(1);
        pool.at_rest(1, 1);
    });
}

/// Forbids that an object which comes back while the pool resumes stays parked, beside who waits.
#[test]
fn resume_return() {
    explore("resume_return", FIVE, || {
        let pool = Pool::new(1, Order::Lifo);
        let object = pool.hold();
        pool.pause();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(Pool::resume)
            .and(|pool| pool.give_back(object))
            .and(|_| getter.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a getter who joins while the pool resumes sleeps on beside what was parked.
#[test]
fn resume_join() {
    explore("resume_join", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.pause();
        pool.race()
            .and(Pool::resume)
            .and(Pool::get_and_give_back)
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that a parked object goes to another than the first in line.
#[test]
fn resume_first() {
    explore("resume_first", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.pause();
        let [first, mut second] = [pool.waiting(), pool.waiting()];
        let wait = |_: &Pool| first.wait().expect("the pool is open");
        let kept = pool.race().and(Pool::resume).and(wait).run();
        assert!(matches!(second.poll(), Said::Pending), "it came second");
        pool.give_back_all(kept);
        end(second.wait(), &pool);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a parked object is lost with the getter that it was handed to, or the next in line sleeps beside it.
#[test]
fn resume_cancel() {
    explore("resume_cancel", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.pause();
        let [first, second] = [pool.waiting(), pool.waiting()];
        let kept = pool
            .race()
            .and(Pool::resume)
            .and(|_| first.leave())
            .and(|_| second.wait())
            .run();
        pool.give_back_all(kept);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a parked object is counted idle before it is in the store, or claimed unseen.
#[test]
fn resume_claim_lifo() {
    explore("resume_claim_lifo", ALL, || resume_claim(Order::Lifo));
}

/// The same of the other store.
#[test]
fn resume_claim_fifo() {
    explore("resume_claim_fifo", ALL, || resume_claim(Order::Fifo));
}

fn resume_claim(order: Order) {
    let pool = Pool::new(2, order);
    pool.warm(2);
    pool.pause();
    let claim = |pool: &Pool| {
        let got = [pool.claim(), pool.claim()];
        got.into_iter().for_each(|got| end(got, pool));
    };
    pool.race().and(Pool::resume).and(claim).run();
    pool.at_rest(2, 2);
}

/// Forbids that what the resumer has in hand outlives a pool that is closed meanwhile, or is destroyed twice.
#[test]
fn resume_close() {
    explore("resume_close", THREE, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        pool.warm(1);
        pool.pause();
        let unparked = pool.unpark();
        pool.give_back(object);
        let getter = pool.waiting();
        pool.race()
            .and(|pool| pool.resume_with(unparked))
            .and(Pool::close)
            .and(|pool| end(getter.wait(), pool))
            .run();
        pool.at_rest_closed();
    });
}

/// Forbids that what the resumer has in hand stays beyond a maximum that shrinks meanwhile.
#[test]
fn resume_resize_down() {
    explore("resume_resize_down", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(2);
        pool.pause();
        let unparked = pool.unpark();
        pool.race()
            .and(|pool| pool.resume_with(unparked))
            .and(|pool| pool.resize(1))
            .run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that the room of a stale object that the resumer destroys is granted to nobody, or in a paused pool.
#[test]
fn resume_stale() {
    explore("resume_stale", ALL, || {
        let pool = Pool::new(1, Order::Lifo);
        pool.warm(1);
        pool.pause();
        let resume = |pool: &Pool| {
            let stale = pool.unpark();
            stale.into_iter().for_each(|object| pool.doom(object));
            assert_eq!(pool.books().connecting(), 0, "it is paused");
            pool.resume();
        };
        pool.race().and(resume).and(Pool::get_and_give_back).run();
        pool.at_rest(1, 1);
    });
}

/// Forbids that an object which comes back between unparking and resuming stays parked.
#[test]
fn unpark_return() {
    explore("unpark_return", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        let object = pool.hold();
        pool.warm(1);
        pool.pause();
        pool.race()
            .and(Pool::resume)
            .and(|pool| pool.give_back(object))
            .run();
        pool.at_rest(2, 2);
    });
}

/// Forbids that of two who resume one leaves its objects parked, or both give out the same.
#[test]
fn resume_resume() {
    explore("resume_resume", FIVE, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(1);
        pool.pause();
        let getter = pool.waiting();
        let kept = pool
            .race()
            .and(Pool::resume)
            .and(Pool::resume)
            .and(|_| getter.wait())
            .run();
        let live = pool.books().live();
        pool.give_back_all(kept);
        pool.at_rest(2, live);
    });
}

/// Forbids that the reservation of a getter is lost that a resumer serves who comes after another one.
#[test]
fn resume_late_granted() {
    explore("resume_late_granted", ALL, || {
        let pool = Pool::new(2, Order::Lifo);
        pool.warm(1);
        pool.pause();
        let unparked = pool.unpark();
        pool.resume();
        pool.ownerless();
        let getter = pool.waiting();
        pool.give_up();
        let kept = pool
            .race()
            .and(|pool| pool.resume_with(unparked))
            .and(|_| getter.wait())
            .run();
        let live = pool.books().live();
        pool.give_back_all(kept);
        pool.at_rest(2, live);
    });
}

/// Gives back what a getter got, if anything.
fn end(got: Option<Object>, pool: &Pool) {
    if let Some(object) = got {
        pool.give_back(object);
    }
}
