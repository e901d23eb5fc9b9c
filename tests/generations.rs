//! `refresh`, `pause` and `resume`, and the end in good order.

mod support;

use millpond::managed::{Drain, PoolError, QueueMode, Timeouts};
use std::time::Duration;
use support::{Gate, Scene, Step};

const S: Duration = Duration::from_secs(1);

#[test]
fn after_a_refresh_nobody_is_given_an_old_object() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let scene = Scene::built(4, true, |builder| builder.queue_mode(mode));
        let mut held = scene.fill(4);
        let busy = held.pop().unwrap();
        drop(held);
        scene.pool.refresh();
        assert_eq!(
            scene.pool.stats().closed.refreshed,
            3,
            "{mode:?}: idle ones at once"
        );
        let fresh = scene.fill(3);
        let mut waiter = scene.get().waits();
        drop(busy);
        let refreshed = scene.pool.stats().closed.refreshed;
        assert_eq!(refreshed, 4, "{mode:?}: on return");
        let last = waiter.woken_ready().unwrap();
        let all = fresh.iter().chain([&last]);
        assert!(all.into_iter().all(|hand| hand.id >= 4), "{mode:?}");
        drop((fresh, last, waiter));
        scene.all_well(4);
    }
}

#[test]
fn an_object_whose_making_was_begun_before_is_an_old_one() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    // Its getter goes: the connect goes on in the background, for the next one.
    scene.get().waits().cancel().unwrap();
    scene.pool.refresh();
    gate.open();
    scene.settle();
    assert_eq!(scene.hold().id, 1);
    assert_eq!(scene.pool.stats().closed.refreshed, 1);
    scene.all_well(1);
}

#[test]
fn who_waits_is_not_handed_an_old_one() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    scene.pool.refresh();
    drop(held);
    assert_eq!(waiter.woken_ready().unwrap().id, 1);
    scene.all_well(1);
}

#[test]
fn paused_nothing_is_given_out_and_resumed_all_are_served_in_their_order() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let scene = Scene::built(3, true, |builder| builder.queue_mode(mode));
        let mut held = scene.fill(3);
        drop(held.pop());
        scene.pool.pause();
        assert!(scene.pool.is_paused());
        let now = scene.pool.snapshot();
        assert_eq!((now.idle, now.in_use, now.size), (0, 3, 3));
        let mut line = scene.queue(4);
        drop(held.pop());
        assert!(line.iter().all(|getter| !getter.is_woken()));
        assert!(matches!(
            scene.get_within(&support::oracle::NO_WAIT).ready(),
            Err(PoolError::Timeout(_))
        ));
        scene.pool.resume();
        let woken: Vec<_> = line.iter().map(|getter| getter.is_woken()).collect();
        assert_eq!(woken, [true, true, false, false], "{mode:?}");
        assert_eq!(scene.drain(&mut line, held), 4, "{mode:?}");
        drop(line);
        scene.all_well(3);
    }
}

#[test]
fn a_pause_keeps_the_bounds_of_those_in_line() {
    let scene = Scene::with_runtime(1);
    scene.pool.pause();
    scene.pool.pause();
    let bounds = Timeouts::wait_millis(50);
    let mut getter = scene.get_within(&bounds).waits();
    assert_eq!(scene.world.connecting(), 0, "nothing is made either");
    scene.advance(Duration::from_millis(50));
    assert!(matches!(getter.woken_ready(), Err(PoolError::Timeout(_))));
    scene.pool.resume();
    scene.pool.resume();
    scene.all_well(1);
}

#[test]
fn refreshed_while_it_is_paused_nothing_old_is_given_out_when_it_is_resumed() {
    let scene = Scene::with_runtime(2);
    let mut held = scene.fill(2);
    drop(held.pop());
    scene.pool.pause();
    drop(held);
    let mut line = scene.queue(2);
    scene.pool.refresh();
    scene.pool.resume();
    assert_eq!(scene.pool.stats().closed.refreshed, 2);
    let served = line.iter_mut().map(|getter| getter.woken_ready().unwrap());
    let got: Vec<_> = served.collect();
    assert_eq!([got[0].id, got[1].id], [2, 3]);
    drop((got, line));
    scene.all_well(2);
}

#[test]
fn shrunk_or_closed_while_it_is_paused_the_parked_ones_go() {
    let scene = Scene::with_runtime(4);
    drop(scene.fill(4));
    scene.pool.pause();
    scene.resize(1);
    assert_eq!((scene.world.live(), scene.pool.snapshot().size), (1, 1));
    scene.pool.resume();
    scene.all_well(1);

    let scene = Scene::with_runtime(2);
    drop(scene.fill(2));
    scene.pool.pause();
    let mut getter = scene.get().waits();
    scene.pool.close();
    assert!(matches!(getter.woken_ready(), Err(PoolError::Closed)));
    scene.pool.resume();
    scene.all_gone();
}

#[test]
fn drained_those_in_line_are_served_and_newcomers_refused() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let mut line = scene.queue(2);
    let mut drain = scene.polled(scene.pool.drain(Drain::Serve, 10 * S)).waits();
    assert!(matches!(scene.get().ready(), Err(PoolError::Closed)));
    drop(held);
    drop(line[0].woken_ready().unwrap());
    assert!(!scene.pool.is_closed());
    assert!(drain.poll().is_pending());
    let last = line[1].woken_ready().unwrap();
    assert!(
        drain.poll().is_pending(),
        "closed, and the last one is still out"
    );
    assert!(scene.pool.is_closed());
    drop(last);
    drain.woken_ready().unwrap();
    drop((drain, line));
    scene.all_gone();
}

#[test]
fn drained_or_told_that_it_is_over() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    let mut drain = scene
        .polled(scene.pool.drain(Drain::Refuse, 10 * S))
        .waits();
    assert!(matches!(waiter.woken_ready(), Err(PoolError::Closed)));
    drop(held);
    drain.woken_ready().unwrap();
    drop((drain, waiter));
    scene.all_gone();
}

#[test]
fn what_never_comes_back_to_a_drained_pool_is_named() {
    let scene = Scene::with_runtime(2);
    let here = line!() + 1;
    let held = scene.hold();
    let mut waiter = scene.get();
    let other = waiter.ready().unwrap();
    let mut drain = scene.polled(scene.pool.drain(Drain::Serve, S)).waits();
    drop(other);
    scene.advance(S);
    let undrained = drain.woken_ready().unwrap_err();
    assert_eq!(undrained.holders.len(), 1);
    assert_eq!(undrained.holders[0].caller.line(), here);
    let text = undrained.to_string();
    assert!(text.contains(&format!("generations.rs:{here}")), "{text}");
    assert!(scene.pool.is_closed(), "in any case");
    drop(held);
    drop((drain, waiter));
    scene.all_gone();
}

#[test]
fn a_drain_of_an_idle_or_paused_or_closed_pool_is_a_close() {
    for state in 0..3 {
        let scene = Scene::with_runtime(2);
        drop(scene.fill(2));
        match state {
            1 => scene.pool.pause(),
            2 => scene.pool.close(),
            _ => {}
        }
        let mut drain = scene.polled(scene.pool.drain(Drain::Serve, S));
        drain.ready().unwrap();
        drop(drain);
        scene.all_gone();
    }
}
