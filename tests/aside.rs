//! What is done for an object behind the back of everybody: made fit for the next user after a return, and closed
//! when that takes time. Its slot stays taken meanwhile.

mod support;

use millpond::managed::{Drain, PoolError, Timeouts};
use millpond::observe::CloseReason;
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::{Exit, Gate, Scene, Step, ignore};

const S: Duration = Duration::from_secs(1);

/// Whatever is closed takes time for it, at a gate that all wait at.
fn slow(scene: &Scene) -> Gate {
    let gate = Gate::new();
    scene.world.slow.always(Step::Err);
    scene.world.close.always(Step::at(&gate));
    gate
}

#[test]
fn nobody_has_an_object_before_it_is_tidied_and_then_the_first_in_line_does() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let mut line = scene.queue(2);
    let gate = scene.untidy(Step::Ok);
    drop(held);
    scene.settle();
    let now = scene.pool.snapshot();
    assert_eq!((now.size, now.in_use, now.idle), (1, 1, 0), "{now}");
    assert!(line.iter().all(|getter| !getter.is_woken()));
    assert!(
        scene.pool.checkouts().is_empty(),
        "it is in no user's hand any more"
    );
    gate.open();
    scene.settle();
    let first = line[0].woken_ready().unwrap();
    assert_eq!((first.id, scene.world.made()), (0, 1));
    assert!(!line[1].is_woken());
    drop(first);
    drop(line[1].woken_ready().unwrap());
    drop(line);
    assert_eq!(scene.pool.stats().tidied, 1);
    scene.all_well(1);
}

#[test]
fn a_return_does_not_wait_and_needs_no_runtime_around_it() {
    // Every return of this test is outside of the runtime: the job goes where objects were made.
    let scene = Scene::with_runtime(2);
    let held = scene.fill(2);
    let gates = [scene.untidy(Step::Ok), scene.untidy(Step::Ok)];
    drop(held);
    assert_eq!(scene.pool.snapshot().idle, 0);
    // The second is ready first.
    gates[1].open();
    scene.settle();
    assert_eq!(scene.hold().id, 1);
    gates[0].open();
    scene.settle();
    assert_eq!(scene.pool.snapshot().idle, 2);
    scene.all_well(2);
}

#[test]
fn what_cannot_be_tidied_is_closed_and_its_room_serves_the_next() {
    for exit in [Exit::TidyFails, Exit::TidyPanics, Exit::TidyTooLong] {
        let scene = Scene::with_runtime(1);
        exit.play(&scene);
        assert_eq!(scene.pool.stats().closed.untidy, 1, "{exit:?}");
        assert_eq!(scene.pool.stats().tidied, 0, "{exit:?}");
        assert_eq!(scene.hold().id, 1, "{exit:?}");
        scene.all_well(1);
    }
}

#[test]
fn who_waits_for_an_object_that_cannot_be_tidied_makes_one() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    let gate = scene.untidy(Step::Err);
    drop(held);
    scene.settle();
    assert!(!waiter.is_woken());
    gate.open();
    scene.settle();
    assert_eq!(waiter.woken_ready().unwrap().id, 1);
    scene.all_well(1);
}

#[test]
fn without_any_background_an_untidy_object_is_closed_at_once() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    scene.world.untidy.then(Step::Err);
    drop(held);
    assert_eq!(scene.world.tidy.calls(), 0);
    assert_eq!(scene.pool.stats().closed.untidy, 1);
    assert_eq!(waiter.woken_ready().unwrap().id, 1);
    scene.all_well(1);
}

#[test]
fn the_task_of_a_pool_tidies_where_there_is_no_tokio() {
    let scene = Scene::new(1);
    let mut task = scene.polled(scene.pool.watch()).waits();
    let held = scene.hold();
    let gate = scene.untidy(Step::Ok);
    drop(held);
    assert!(task.is_woken());
    task.pending();
    assert_eq!(scene.pool.snapshot().idle, 0);
    gate.open();
    task.pending();
    assert_eq!(scene.pool.snapshot().idle, 1);
    assert_eq!(scene.pool.stats().tidied, 1);
    drop(task);
    scene.all_well(1);
}

#[test]
fn a_broken_or_unwanted_object_is_not_tidied() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    scene.world.broken.then(Step::Err);
    drop(held);
    assert_eq!(
        (scene.world.untidy.calls(), scene.world.tidy.calls()),
        (0, 0)
    );
    let old = scene.hold();
    scene.pool.refresh();
    scene.world.untidy.then(Step::Err);
    drop(old);
    scene.settle();
    assert_eq!(scene.world.tidy.calls(), 0);
    let closed = scene.pool.stats().closed;
    assert_eq!((closed.broken, closed.refreshed), (1, 1));
    scene.all_well(1);
}

#[test]
fn what_became_unwanted_while_it_was_tidied_is_closed() {
    let refreshed = |scene: &Scene| scene.pool.refresh();
    let shrunk = |scene: &Scene| scene.resize(0);
    let closed = |scene: &Scene| scene.pool.close();
    for (end, reason) in [
        (refreshed as fn(&Scene), CloseReason::Refreshed),
        (shrunk, CloseReason::Surplus),
        (closed, CloseReason::PoolClosed),
    ] {
        let scene = Scene::with_runtime(1);
        let held = scene.hold();
        let gate = scene.untidy(Step::Ok);
        drop(held);
        scene.settle();
        end(&scene);
        assert_eq!(scene.pool.snapshot().size, 1, "{reason:?}: still there");
        gate.open();
        scene.settle();
        assert_eq!(scene.pool.stats().closed.of(reason), 1, "{reason:?}");
        match reason {
            CloseReason::PoolClosed => scene.all_gone(),
            CloseReason::Surplus => {
                scene.resize(1);
                scene.all_well(1);
            }
            _ => scene.all_well(1),
        }
    }
}

#[test]
fn a_panic_of_the_question_closes_the_object() {
    for slow_too in [false, true] {
        let scene = Scene::with_runtime(1);
        let held = scene.hold();
        let script = if slow_too {
            scene.world.broken.then(Step::Err);
            &scene.world.slow
        } else {
            &scene.world.untidy
        };
        script.then(Step::Panic);
        assert!(support::panics(|| drop(held)));
        assert_eq!(scene.pool.stats().closed.broken, 1);
        scene.all_well(1);
    }
}

#[test]
fn a_runtime_that_ends_takes_its_jobs_with_it_and_nothing_is_lost() {
    let mut scene = Scene::with_runtime(2);
    let mut held = scene.fill(2);
    let gate = scene.untidy(Step::Ok);
    drop(held.pop());
    let _slow = slow(&scene);
    scene.world.broken.then(Step::Err);
    drop(held.pop());
    scene.settle();
    assert_eq!(scene.pool.snapshot().size, 2);
    scene.end_runtime();
    let closed = scene.pool.stats().closed;
    assert_eq!((closed.untidy, closed.broken), (1, 1));
    // What is untidy was to be closed slowly, which nobody can do any more.
    assert_eq!(scene.pool.snapshot().size, 0);
    drop(gate);
    scene.all_well(2);
}

#[test]
fn no_room_is_free_before_the_goodbye_is_over_whichever_way_an_object_leaves() {
    for exit in Exit::ALL {
        let scene = Scene::with_runtime(1);
        let gate = slow(&scene);
        exit.play(&scene);
        scene.settle();
        let goodbyes = scene.world.close.calls();
        let now = scene.pool.snapshot();
        assert_eq!(now.size, goodbyes, "{exit:?}: {now}");
        assert_eq!(scene.world.live(), goodbyes, "{exit:?}");
        if goodbyes == 1 && !exit.closes() {
            let mut next = scene.get().waits();
            scene.settle();
            assert!(!next.is_woken(), "{exit:?}: beyond the maximum");
            assert_eq!(scene.world.connecting(), 0, "{exit:?}");
            gate.open();
            scene.settle();
            drop(next.woken_ready().unwrap());
        }
        gate.open();
        scene.settle();
        match exit.closes() {
            true => scene.all_gone(),
            false => scene.all_well(1),
        }
    }
}

#[test]
fn which_ways_out_say_goodbye() {
    for exit in Exit::ALL {
        let scene = Scene::with_runtime(1);
        slow(&scene).open();
        exit.play(&scene);
        scene.settle();
        // Not one that is taken alive, nor one that never was the pool's: it was not proved, or had no room.
        let silent = matches!(
            exit,
            Exit::Take
                | Exit::Retain
                | Exit::PostCreateFails
                | Exit::PostCreatePanics
                | Exit::PostCreateCancelled
                | Exit::ProbeFails
                | Exit::ProbePanics
                | Exit::ProbeCancelled
        );
        assert_eq!(scene.world.close.calls(), usize::from(!silent), "{exit:?}");
    }
}

#[test]
fn a_goodbye_has_a_bound_and_its_panic_is_its_own() {
    for (step, wait) in [(Step::Never, 3 * S), (Step::Panic, Duration::ZERO)] {
        let scene = Scene::with_runtime(1);
        let held = scene.hold();
        scene.world.slow.then(Step::Err);
        scene.world.close.then(step);
        scene.world.broken.then(Step::Err);
        drop(held);
        let mut waiter = scene.get().waits();
        scene.settle();
        scene.advance(wait);
        assert_eq!(waiter.woken_ready().unwrap().id, 1);
        scene.all_well(1);
    }
}

#[test]
fn who_met_a_dead_object_stands_first_in_line_while_that_one_is_closed() {
    let scene = Scene::with_runtime(1);
    drop(scene.hold());
    let gate = slow(&scene);
    scene.world.recycle.then(Step::Err);
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    gate.open();
    scene.settle();
    let hand = first.woken_ready().unwrap();
    assert!(!second.is_woken());
    drop(hand);
    drop(second.woken_ready().unwrap());
    drop((first, second));
    scene.all_well(1);
}

#[test]
fn who_would_not_wait_does_not_wait_for_a_goodbye() {
    let scene = Scene::with_runtime(1);
    drop(scene.hold());
    let gate = slow(&scene);
    scene.world.recycle.then(Step::Err);
    let refused = scene.get_within(&NO_WAIT).ready();
    assert!(matches!(refused, Err(PoolError::Timeout(_))), "{refused:?}");
    gate.open();
    scene.settle();
    scene.all_well(1);
}

#[test]
fn a_getter_that_is_cancelled_while_a_dead_one_is_closed_leaves_nothing() {
    let scene = Scene::with_runtime(1);
    drop(scene.hold());
    let gate = slow(&scene);
    scene.world.recycle.then(Step::Err);
    scene.get().waits().cancel().unwrap();
    gate.open();
    scene.settle();
    scene.all_well(1);
}

#[test]
fn the_end_waits_for_what_is_being_tidied_or_closed() {
    let scene = Scene::with_runtime(3);
    let held = scene.fill(3);
    let tidying = scene.untidy(Step::Ok);
    let closing = slow(&scene);
    drop(held);
    scene.settle();
    let mut drained = scene.polled(scene.pool.drain(Drain::Serve, S)).waits();
    scene.settle();
    assert_eq!(scene.pool.snapshot().size, 3);
    closing.open();
    scene.settle();
    drained.pending();
    tidying.open();
    scene.settle();
    drained.ready().unwrap();
    drop(drained);
    scene.all_gone();
}

#[test]
fn with_the_last_handle_all_goes_when_its_job_is_done() {
    let mut scene = Scene::with_runtime(2);
    let held = scene.fill(2);
    let tidying = scene.untidy(Step::Ok);
    let closing = slow(&scene);
    drop(held);
    drop(scene.sole_handle());
    tidying.open();
    closing.open();
    scene.all_freed();
}

#[test]
fn in_any_mix_the_maximum_holds_and_nobody_sleeps_beside_room() {
    // Each return is clean, untidy or broken, each tidying good, bad or a panic, each closing slow or not.
    for round in 0..81_usize {
        let scene = Scene::with_runtime(2);
        let digit = |place: u32| round / 3_usize.pow(place) % 3;
        for place in 0..4 {
            let step = [Step::Ok, Step::Err, Step::Panic][digit(place)].clone();
            scene.world.tidy.then(step);
            scene
                .world
                .untidy
                .then([Step::Err, Step::Ok, Step::Err][digit(place)].clone());
            scene
                .world
                .broken
                .then([Step::Ok, Step::Ok, Step::Err][digit(3 - place)].clone());
            scene
                .world
                .slow
                .then([Step::Err, Step::Ok, Step::Ok][digit(3 - place)].clone());
        }
        let held = scene.fill(2);
        let mut line = scene.queue(4);
        ignore(|| drop(held));
        let mut served = scene.drain(&mut line, Vec::new());
        // Who is about to make one gives those that are being tidied a moment, though they fail.
        for _ in 0..4 {
            scene.advance(Duration::from_millis(5));
            served += scene.drain(&mut line, Vec::new());
        }
        assert_eq!(served, 4, "round {round}: {}", scene.pool.snapshot());
        drop(line);
        scene.all_well(2);
    }
}

#[test]
fn a_time_out_in_line_does_not_disturb_what_is_being_tidied() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let gate = scene.untidy(Step::Ok);
    drop(held);
    let bounds = Timeouts::wait_millis(50);
    let mut impatient = scene.get_within(&bounds).waits();
    scene.advance(S / 10);
    assert!(matches!(
        impatient.woken_ready(),
        Err(PoolError::Timeout(_))
    ));
    drop(impatient);
    gate.open();
    scene.settle();
    scene.all_well(1);
}

#[test]
fn while_one_is_tidied_who_comes_gives_it_a_moment_before_another_is_made() {
    let scene = Scene::with_runtime(2);
    // Soon enough: it is waited for, and no other one is made.
    let held = scene.hold();
    let gate = scene.untidy(Step::Ok);
    drop(held);
    let mut next = scene.get().waits();
    scene.settle();
    assert_eq!(scene.world.connecting(), 0);
    gate.open();
    scene.settle();
    let held = next.woken_ready().unwrap();
    assert_eq!((held.id, scene.world.made()), (0, 1));
    // Not soon enough.
    let gate = scene.untidy(Step::Ok);
    drop(held);
    let mut next = scene.get().waits();
    scene.advance(Duration::from_millis(5));
    assert_eq!(next.woken_ready().unwrap().id, 1);
    gate.open();
    // Who would not wait does not wait for this either.
    scene.settle();
    let held = scene.fill(2);
    let gate = scene.untidy(Step::Ok);
    scene.resize(3);
    drop(held);
    let third = scene.get_within(&NO_WAIT).ready();
    assert!(third.is_ok());
    gate.open();
    drop(third);
    scene.all_well(3);
}

#[test]
fn who_leaves_while_it_gives_others_a_moment_leaves_no_connect_behind() {
    let scene = Scene::with_runtime(2);
    let held = scene.hold();
    let gate = scene.untidy(Step::Ok);
    drop(held);
    scene.get().waits().cancel().unwrap();
    scene.settle();
    assert_eq!(
        (scene.pool.snapshot().connecting, scene.world.made()),
        (0, 1)
    );
    gate.open();
    scene.all_well(2);
}

#[test]
fn what_fails_to_be_tidied_does_not_hold_up_who_waits_for_longer_than_a_moment() {
    let scene = Scene::with_runtime(2);
    let held = scene.hold();
    let gate = scene.untidy(Step::Err);
    drop(held);
    let mut next = scene.get().waits();
    gate.open();
    scene.settle();
    scene.advance(Duration::from_millis(5));
    assert_eq!(next.woken_ready().unwrap().id, 1);
    scene.all_well(2);
}
