//! Slots that are kept for a priority, beside every other bound: time-outs, the longest line, health and figures,
//! another maximum, a pause, and the end.

mod support;

use millpond::managed::{Acquire, Drain, Reason, Settings, TimeoutType};
use millpond::observe::{HandClock, Level};
use std::task::Poll;
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::reserve::{
    all_well, hold_urgently, reserving, reserving_in_time, urgent_get, would_wait,
};
use support::scene::TestBuilder;
use support::{Polled, Scene};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

#[test]
fn time_at_the_gate_counts_as_any_other_in_line() {
    let set = |builder: TestBuilder| builder.wait_timeout(Some(50 * MS));
    let scene = reserving_in_time(2, 1, set);
    let held = scene.hold();
    let mut late = scene.get().waits();
    let how = Acquire::new().deadline(30 * MS).label("late");
    let mut sooner = scene.acquire(&how).waits();
    scene.advance(31 * MS);
    let error = sooner.woken_ready().unwrap_err();
    assert!(
        matches!(error.reason(), Reason::Deadline(TimeoutType::Wait)),
        "{error}"
    );
    assert_eq!(
        (error.snapshot().waiting, error.snapshot().held_back),
        (1, 1)
    );
    scene.advance(20 * MS);
    assert!(would_wait(&late.woken_ready()));
    let stats = scene.pool.stats();
    assert_eq!(stats.gets.timed_out.wait, 2);
    // The bound goes on in the pool's own line: it does not begin again there.
    let mut first = scene.get().waits();
    let other = hold_urgently(&scene);
    scene.advance(40 * MS);
    let how = urgent_get();
    let ahead = scene.acquire(&how).waits();
    drop(held);
    first.pending();
    scene.advance(11 * MS);
    assert!(would_wait(&first.woken_ready()));
    drop((ahead, other));
    all_well(&scene, 2, 1);
}

#[test]
fn what_was_waited_at_the_gate_stands_in_the_figures() {
    let clock = HandClock::new();
    let scene = Scene::built(2, false, |builder| builder.reserve(1).clock(&clock));
    let held = scene.hold();
    let mut waits = scene.get().waits();
    clock.advance(3 * S);
    drop(held);
    drop(waits.woken_ready().unwrap());
    let stats = scene.pool.stats();
    assert_eq!((stats.gets.created, stats.gets.after_waiting), (1, 1));
    let longest = stats.wait_time.quantile(1.0).unwrap();
    assert!(longest >= 2_900 * MS, "{longest:?}");
    all_well(&scene, 2, 1);
}

#[test]
fn the_health_knows_of_those_at_the_gate() {
    let clock = HandClock::new();
    let scene = Scene::built(8, false, |builder| builder.reserve(6).clock(&clock));
    let held = scene.fill(2);
    assert_eq!(scene.pool.health().level, Level::Healthy);
    let line = scene.queue(1);
    assert_eq!(scene.pool.health().level, Level::Healthy, "just now");
    clock.advance(2 * S);
    assert_eq!(
        scene.pool.health().level,
        Level::Warning,
        "a line that stays"
    );
    drop((line, held));
    all_well(&scene, 8, 6);
}

#[test]
fn at_most_so_many_wait_at_the_gate_and_who_was_let_in_is_not_sent_away() {
    let scene = Scene::built(2, false, |builder| builder.reserve(1).max_waiters(2));
    let held = scene.hold();
    let mut line = scene.queue(2);
    let how = Acquire::new();
    let error = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(error.reason(), Reason::LineFull), "{error}");
    // The pool's own line is full of those with priority, and still it is open to one from the gate.
    let urgent = hold_urgently(&scene);
    let how = urgent_get();
    let mut ahead = [scene.acquire(&how).waits(), scene.acquire(&how).waits()];
    let beyond = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(beyond.reason(), Reason::LineFull), "{beyond}");
    drop(held);
    let first = ahead[0].woken_ready().unwrap();
    line[0].pending();
    assert_eq!(scene.pool.snapshot().held_back, 1);
    drop(urgent);
    let second = ahead[1].woken_ready().unwrap();
    drop((first, second));
    assert_eq!(scene.drain(&mut line, Vec::new()), 2);
    drop((line, ahead));
    all_well(&scene, 2, 1);
}

#[test]
fn the_expected_wait_of_one_held_back_is_that_of_all_before_it() {
    let clock = HandClock::new();
    let set = |builder: TestBuilder| {
        builder
            .clock(&clock)
            .shed_overload(true)
            .wait_timeout(Some(S))
    };
    let scene = reserving_in_time(4, 2, set);
    // Two a second come back.
    let mut held = scene.fill(2);
    for _ in 0..20 {
        clock.advance(500 * MS);
        scene.advance(500 * MS);
        held.remove(0);
        held.push(scene.hold());
    }
    clock.advance(500 * MS);
    scene.advance(500 * MS);
    let first = scene.get().waits();
    let how = Acquire::new();
    let second = scene.acquire(&how).waits();
    let third = scene.acquire(&how).ready().unwrap_err();
    assert!(
        matches!(third.reason(), Reason::Overloaded { .. }),
        "{third}"
    );
    // The room that is kept is free for one with priority, whatever stands at the gate.
    let kept = [hold_urgently(&scene), hold_urgently(&scene)];
    // And once that is taken, nobody at the gate is before it.
    let how = urgent_get();
    let urgent = scene.acquire(&how).waits();
    drop((first, second, held, kept, urgent));
    all_well(&scene, 4, 2);
}

#[test]
fn after_a_resize_as_many_are_served_as_the_maximum_leaves_beside_the_reserve_and_one_at_least() {
    let scene = reserving(5, 2);
    let mut held = scene.fill(3);
    let mut line = scene.queue(4);
    scene.resize(7);
    held.extend(
        line.drain(..2)
            .map(|mut getter| getter.woken_ready().unwrap()),
    );
    assert!(line.iter().all(|getter| !getter.is_woken()));
    scene.resize(3);
    assert_eq!(scene.pool.snapshot().max_size, 3);
    while held.len() > 1 {
        drop(held.pop());
        assert!(
            line.iter().all(|getter| !getter.is_woken()),
            "{}",
            held.len()
        );
    }
    drop(held.pop());
    let kept = line[0].woken_ready().unwrap();
    assert!(!line[1].is_woken());
    drop([hold_urgently(&scene), hold_urgently(&scene)]);
    drop(kept);
    drop(line[1].woken_ready().unwrap());
    drop(line);
    all_well(&scene, 3, 2);
    // At or below it the reserve yields.
    for max in [2, 1] {
        scene.resize(max);
        drop(scene.get_within(&NO_WAIT).ready().unwrap());
        let held = scene.hold();
        assert!(would_wait(&scene.get_within(&NO_WAIT).ready()));
        drop(held);
    }
    scene.resize(0);
    assert!(would_wait(&scene.get_within(&NO_WAIT).ready()));
    let mut waits = scene.get().waits();
    scene.resize(5);
    drop(waits.woken_ready().unwrap());
    all_well(&scene, 5, 2);
}

#[test]
fn a_pause_holds_all_and_who_resumes_serves_those_with_priority_too() {
    let scene = reserving(3, 1);
    let held = scene.fill(2);
    scene.pool.pause();
    let mut line = scene.queue(2);
    let how = urgent_get();
    let mut heartbeat = scene.acquire(&how).waits();
    drop(held);
    line.iter_mut().for_each(Polled::pending);
    assert_eq!(
        scene.pool.snapshot().held_back,
        0,
        "they are in the pool's own line"
    );
    let mut behind = scene.get().waits();
    scene.pool.resume();
    let beat = heartbeat.woken_ready().unwrap();
    let [first, second] = [
        line[0].woken_ready().unwrap(),
        line[1].woken_ready().unwrap(),
    ];
    assert!(!behind.is_woken());
    drop((first, second, beat));
    drop(behind.woken_ready().unwrap());
    drop((line, heartbeat, behind));
    all_well(&scene, 3, 1);
}

#[test]
fn a_close_is_heard_at_the_gate_and_by_who_has_a_ticket() {
    let scene = reserving(3, 1);
    let mut held = scene.fill(2);
    let mut line = scene.queue(3);
    drop(held.pop());
    assert!(line[0].is_woken());
    let mut gone = scene.polled(scene.pool.closed()).waits();
    scene.pool.close();
    for getter in &mut line {
        let said = getter.woken_ready();
        assert_eq!(said.unwrap_err().to_string(), "the pool is closed");
    }
    let how = urgent_get();
    let said = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(said.reason(), Reason::Closed));
    gone.pending();
    drop(held);
    gone.woken_ready();
    drop(line);
    scene.all_gone();
}

#[test]
fn nothing_is_left_of_a_pool_whose_handles_are_gone() {
    let mut scene = reserving(3, 1);
    let pool = scene.sole_handle();
    let take = || Polled::new(None, pool.get()).ready().unwrap();
    let held = [take(), take()];
    let waits = Polled::new(None, pool.get()).waits();
    waits.cancel().unwrap();
    drop(pool);
    drop(held);
    scene.all_freed();
}

#[test]
fn a_drain_serves_those_at_the_gate_too() {
    let scene = reserving_in_time(3, 1, |builder| builder);
    let mut held = scene.fill(2);
    let mut line = scene.queue(2);
    let mut drained = scene.polled(scene.pool.drain(Drain::Serve, 10 * S)).waits();
    for how in [Acquire::new(), urgent_get()] {
        let mut late = scene.acquire(&how);
        match late.poll() {
            Poll::Ready(Err(error)) => assert!(matches!(error.reason(), Reason::Closed)),
            // There is room that is kept, so it stands in no line.
            other => panic!("{other:?}"),
        }
    }
    drop(held.pop());
    // It has a ticket, and nobody is in either line for it: it has not come yet, and is waited for.
    let second = line.pop().unwrap();
    second.cancel().unwrap();
    drained.pending();
    assert!(!scene.pool.is_closed());
    held.push(line[0].woken_ready().unwrap());
    drained.pending();
    assert!(scene.pool.is_closed());
    drop(held);
    drained.woken_ready().unwrap();
    scene.all_gone();
}

#[test]
fn a_drain_that_refuses_tells_those_at_the_gate() {
    let scene = reserving_in_time(2, 1, |builder| builder);
    let held = scene.hold();
    let mut line = scene.queue(2);
    let mut drained = scene.polled(scene.pool.drain(Drain::Refuse, S)).waits();
    for getter in &mut line {
        assert!(getter.woken_ready().is_err());
    }
    drop(held);
    drained.woken_ready().unwrap();
    scene.all_gone();
}

#[test]
fn a_reserve_that_leaves_nothing_is_an_error() {
    for reserve in [3, 4, usize::MAX] {
        let built = std::panic::catch_unwind(|| reserving(3, reserve));
        let words = built.err().expect("refused").downcast::<String>().unwrap();
        assert!(
            words.contains(&format!("reserve = {reserve} of max_size = 3")),
            "{words}"
        );
        let reserve = reserve.to_string();
        let pairs = [("max_size", "3"), ("reserve", reserve.as_str())];
        let error = Settings::from_pairs(pairs).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("reserve = \"{reserve}\": nobody")),
            "{error}"
        );
    }
    let settings = Settings::from_pairs([("max_size", "3"), ("reserve", "2")]).unwrap();
    let scene = Scene::built(3, false, |builder| builder.settings(settings).unwrap());
    all_well(&scene, 3, 2);
}
