//! After an outage: a dead server is paid for once, connects begin again one by one, and who cannot be served
//! hears so at once. The states are tested beside them (`src/managed/storm.rs`).

mod support;

use millpond::managed::{Acquire, Reason, Timeouts};
use millpond::observe::{HandClock, Level, Trouble};
use std::task::Poll;
use std::time::{Duration, Instant};
use support::scene::TestBuilder;
use support::{Gate, Polled, Scene, Step};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// A pool with a task, on a clock that is turned by hand.
fn careful(max: usize, set: impl FnOnce(TestBuilder) -> TestBuilder) -> (Scene, HandClock) {
    let clock = HandClock::new();
    let scene = Scene::built(max, true, |builder| set(builder.clock(&clock)));
    (scene, clock)
}

fn pass(scene: &Scene, clock: &HandClock, time: Duration) {
    clock.advance(time);
    scene.advance(time);
}

#[test]
fn eight_hung_objects_cost_a_get_one_check_and_not_eight() {
    let bounds = Timeouts {
        recycle: Some(100 * MS),
        ..Timeouts::default()
    };
    let (scene, clock) = careful(8, |builder| builder.timeouts(bounds).suspicion(true));
    drop(scene.fill(8));
    pass(&scene, &clock, S);
    scene.world.recycle.always(Step::Never);
    scene.world.probe.always(Step::Never);
    let mut getter = scene.get().waits();
    let mut waited = Duration::ZERO;
    let got = loop {
        pass(&scene, &clock, 10 * MS);
        waited += 10 * MS;
        if let Poll::Ready(got) = getter.poll() {
            break got.unwrap();
        }
        assert!(waited < S, "still waiting");
    };
    assert!(waited <= 250 * MS, "{waited:?}");
    assert_eq!(got.id, 8, "a new one");
    // The others were checked all at once, and are gone as well.
    scene.settle();
    pass(&scene, &clock, 150 * MS);
    let stats = scene.pool.stats();
    assert_eq!((stats.closed.check_failed, scene.world.live()), (8, 1));
    drop(got);
    scene.all_well(8);
}

#[test]
fn the_innocent_come_back_and_serve_who_waits() {
    let (scene, clock) = careful(4, |builder| builder.suspicion(true));
    drop(scene.fill(4));
    pass(&scene, &clock, S);
    scene.world.recycle.then(Step::Err);
    let gate = Gate::new();
    scene.world.recycle.always(Step::at(&gate));
    scene.world.probe.always(Step::at(&gate));
    scene.world.create.always(Step::Never);
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    gate.open();
    scene.settle();
    let got = [first.woken_ready().unwrap(), second.woken_ready().unwrap()];
    assert!(got.iter().all(|hand| (1..4).contains(&hand.id)), "{got:?}");
    drop((got, first, second));
    scene.advance(11 * S);
    scene.all_well(4);
}

#[test]
fn without_a_task_suspects_are_dropped_and_without_suspicion_each_is_checked() {
    let clock = HandClock::new();
    let without_task = Scene::built(4, false, |builder| builder.suspicion(true).clock(&clock));
    drop(without_task.fill(4));
    clock.advance(S);
    without_task.world.recycle.always(Step::Err);
    assert_eq!(without_task.hold().id, 4);
    assert_eq!(without_task.world.recycle.calls(), 1);
    let trusting = Scene::built(4, false, |builder| builder);
    drop(trusting.fill(4));
    trusting.world.recycle.always(Step::Err);
    drop(trusting.hold());
    assert_eq!(trusting.world.recycle.calls(), 4);
    without_task.all_well(4);
    trusting.all_well(4);
}

#[test]
fn no_more_connect_at_once_than_may_while_what_comes_back_serves_the_line() {
    let scene = Scene::built(10, true, |builder| builder.max_connecting(3));
    let held = scene.hold();
    let gate = Gate::new();
    scene.world.create.always(Step::at(&gate));
    let mut line = scene.queue(8);
    assert_eq!(
        (scene.world.connecting(), scene.pool.snapshot().connecting),
        (3, 3)
    );
    drop(held);
    drop(line[0].woken_ready().unwrap());
    assert_eq!(scene.world.connecting(), 3);
    gate.open();
    assert_eq!(scene.drain(&mut line, Vec::new()), 7);
    drop(line);
    scene.all_well(10);
}

#[test]
fn after_a_failure_nobody_connects_until_the_pause_is_over_then_one_then_two() {
    let (scene, clock) = careful(8, |builder| builder.connect_backoff(100 * MS, 400 * MS));
    scene.world.create.then(Step::Err);
    let gate = Gate::new();
    scene.world.create.always(Step::at(&gate));
    let mut unlucky = scene.get();
    assert!(unlucky.ready().is_err(), "its error, at once");
    let mut line = scene.queue(4);
    assert_eq!(scene.world.connecting(), 0);
    pass(&scene, &clock, 100 * MS);
    line.iter_mut().for_each(|getter| drop(getter.poll()));
    assert_eq!(scene.world.connecting(), 1, "one tries");
    gate.open();
    assert_eq!(
        scene.drain(&mut line, Vec::new()),
        4,
        "and nobody was sent away"
    );
    drop(line);
    assert_eq!(scene.pool.stats().create_failures, 1);
    scene.all_well(8);
}

#[test]
fn the_pause_grows_up_to_the_longest_and_the_attempts_are_few() {
    let (scene, clock) = careful(4, |builder| builder.connect_backoff(50 * MS, 400 * MS));
    scene.world.create.always(Step::Err);
    let mut failed = 0;
    for _ in 0..200 {
        let mut getter = scene.get();
        failed += u32::from(matches!(getter.poll(), Poll::Ready(Err(_))));
        pass(&scene, &clock, 10 * MS);
        failed += u32::from(!getter.is_done() && matches!(getter.poll(), Poll::Ready(Err(_))));
    }
    // Two seconds: 25 to 50, 50 to 100, 100 to 200, then 200 to 400 ms each.
    assert!((6..=14).contains(&failed), "{failed}");
    assert_eq!(scene.world.create.calls(), failed as usize);
    scene.world.create.calm();
    let mut getter = scene.get();
    for _ in 0..45 {
        if !getter.is_done() && getter.poll().is_ready() {
            break;
        }
        pass(&scene, &clock, 10 * MS);
    }
    assert!(getter.is_done(), "well again within the longest pause");
    drop(getter);
    scene.all_well(4);
}

fn refused(scene: &Scene) -> Option<(Option<String>, Duration)> {
    let how = Acquire::new();
    let mut getter = scene.acquire(&how);
    match getter.poll() {
        Poll::Ready(Err(error)) => match error.into_reason() {
            Reason::Unavailable { why, retry_after } => Some((why, retry_after)),
            _ => None,
        },
        _ => None,
    }
}

/// By a clock that is turned by hand nothing is left to chance: a test that runs again finds the same pauses.
#[test]
fn by_the_same_clock_the_pauses_are_the_same() {
    let pauses = || {
        let (scene, clock) = careful(4, |builder| {
            builder.connect_backoff(100 * MS, 800 * MS).breaker(1)
        });
        scene.world.create.always(Step::Err);
        let next = |_| {
            assert!(scene.get().ready().is_err(), "somebody must try");
            let (_, retry_after) = refused(&scene).expect("open, and nothing is out");
            pass(&scene, &clock, retry_after + 2 * MS);
            retry_after
        };
        (0..5).map(next).collect::<Vec<_>>()
    };
    let first = pauses();
    assert_eq!(first, pauses());
    // Spread all the same: each is of another share of its length.
    let lengths = [100, 200, 400, 800, 800].map(|length| f64::from(length) / 1e3);
    let shares = first.iter().zip(lengths);
    let shares: Vec<_> = shares
        .map(|(it, length)| it.as_secs_f64() / length)
        .collect();
    assert!(
        shares.iter().all(|share| (0.5..=1.0).contains(share)),
        "{shares:?}"
    );
    assert!(shares.windows(2).all(|two| two[0] != two[1]), "{shares:?}");
}

#[test]
fn a_breaker_that_is_open_tells_at_once_and_one_try_closes_it() {
    let (scene, clock) = careful(4, |builder| {
        builder.connect_backoff(100 * MS, 100 * MS).breaker(2)
    });
    scene.world.create.always(Step::Err);
    for count in 1..=2 {
        assert!(scene.get().ready().is_err());
        let failed = Trouble::ConnectFailures { count };
        let health = scene.pool.health();
        let mut found = health.findings.iter();
        assert!(found.any(|found| found.trouble == failed), "{health}");
        pass(&scene, &clock, 100 * MS);
    }
    assert!(scene.get().ready().is_err(), "somebody must try");
    let (_, retry_after) = refused(&scene).expect("open, and nothing is out");
    assert!(
        retry_after <= 100 * MS && retry_after >= 50 * MS,
        "{retry_after:?}"
    );
    let health = scene.pool.health();
    let open = health
        .findings
        .iter()
        .any(|found| found.trouble == Trouble::BreakerOpen);
    assert!(open && health.level == Level::Critical, "{health}");
    let gets = scene.pool.stats().gets;
    assert_eq!((gets.started, gets.ended()), (4, 4));

    scene.world.create.calm();
    pass(&scene, &clock, 100 * MS);
    drop(scene.hold());
    assert_eq!(refused(&scene), None);
    let health = scene.pool.health();
    assert!(health.findings.is_empty(), "{health}");
    scene.all_well(4);
}

#[test]
fn while_something_is_out_that_may_come_back_nobody_is_refused() {
    let (scene, clock) = careful(4, |builder| {
        builder.connect_backoff(100 * MS, 100 * MS).breaker(1)
    });
    let held = scene.hold();
    scene.world.create.always(Step::Err);
    assert!(scene.get().ready().is_err());
    let mut waiter = scene.get().waits();
    drop(held);
    drop(waiter.woken_ready().unwrap());
    scene.world.create.calm();
    pass(&scene, &clock, 100 * MS);
    scene.all_well(4);
}

/// In line before the breaker opened: the first of them tries when it is time.
#[test]
fn who_waits_goes_on_waiting_and_the_first_in_line_tries() {
    let (scene, clock) = careful(1, |builder| {
        builder.connect_backoff(100 * MS, 100 * MS).breaker(1)
    });
    let gate = Gate::new();
    scene.world.create.then(Step::at_then(&gate, Step::Err));
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    gate.open();
    assert!(first.woken_ready().is_err());
    scene.settle();
    assert!(!second.is_woken());
    pass(&scene, &clock, 100 * MS);
    drop(second.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_line_that_is_as_long_as_it_may_be_sheds_newcomers_alone() {
    let scene = Scene::built(1, false, |builder| builder.max_waiters(2));
    let held = scene.hold();
    let mut line = scene.queue(2);
    let how = Acquire::new();
    let error = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(error.reason(), Reason::LineFull), "{error}");
    assert!(scene.get().ready().is_err());
    assert_eq!(scene.pool.stats().gets.shed, 2);
    // One whose object turns out to be dead stands in front again, whatever the bound.
    scene.world.recycle.then(Step::Err);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    drop(held);
    assert!(line[0].poll().is_pending());
    gate.open();
    drop(line[0].woken_ready().unwrap());
    drop(line);
    scene.all_well(1);
}

#[test]
fn who_could_not_be_served_in_time_hears_so_at_once() {
    let (scene, clock) = careful(1, |builder| builder.shed_overload(true));
    // One comes back every half second.
    for _ in 0..20 {
        let held = scene.hold();
        pass(&scene, &clock, 500 * MS);
        drop(held);
    }
    let held = scene.hold();
    let line: Vec<Polled<'_, _>> = scene.queue(3);
    let patient = Acquire::new().deadline(4 * S);
    let patient = scene.acquire(&patient).waits_a_moment();
    let hasty = Acquire::new().deadline(S);
    let begin = Instant::now();
    let error = scene.acquire(&hasty).ready().unwrap_err();
    assert!(begin.elapsed() < S);
    let Reason::Overloaded { retry_after } = error.reason() else {
        panic!("{error}");
    };
    // The fourth in line: two seconds, of which it has one.
    let expected = 900 * MS..=1_100 * MS;
    assert!(expected.contains(retry_after), "{retry_after:?}");
    let late = format!("{:.3} s after its bound", retry_after.as_secs_f64());
    assert!(error.to_string().contains(&late), "{error}");
    assert_eq!(scene.pool.stats().gets.shed, 1);
    drop((line, patient, held));
    scene.all_well(1);
}

#[test]
fn a_pool_that_is_asked_all_the_time_knows_how_fast_objects_come_back() {
    // Where spare ones are kept, each get that finds none calls the task: more often here than it looks at the figures.
    let (scene, clock) = careful(1, |builder| builder.shed_overload(true).min_idle(1));
    let mut held = scene.hold();
    for _ in 0..40 {
        let mut next = scene.get().waits();
        pass(&scene, &clock, 100 * MS);
        drop(held);
        held = next.woken_ready().unwrap();
    }
    let line: Vec<Polled<'_, _>> = scene.queue(3);
    let hasty = Acquire::new().deadline(200 * MS);
    let error = scene.acquire(&hasty).ready().unwrap_err();
    let Reason::Overloaded { retry_after } = error.reason() else {
        panic!("{error}");
    };
    // The fourth in line: 400 ms, of which it has half.
    let expected = 180 * MS..=220 * MS;
    assert!(expected.contains(retry_after), "{retry_after:?}");
    drop((line, held));
    scene.all_well(1);
}

#[test]
fn who_finds_room_to_connect_waits_for_nobody_and_is_let_in() {
    let (scene, clock) = careful(2, |builder| builder.shed_overload(true));
    for _ in 0..4 {
        let held = scene.hold();
        pass(&scene, &clock, 500 * MS);
        drop(held);
    }
    let held = scene.hold();
    let hasty = Acquire::new().deadline(100 * MS);
    drop(scene.acquire(&hasty).ready().unwrap());
    let all = [held, scene.hold()];
    assert!(scene.acquire(&hasty).ready().is_err(), "there is none now");
    drop(all);
    scene.all_well(2);
}

trait Moment: Sized {
    fn waits_a_moment(self) -> bool;
}

impl<T> Moment for Polled<'_, T> {
    /// It was let in: cancelled right after.
    fn waits_a_moment(mut self) -> bool {
        self.pending();
        self.cancel().is_ok()
    }
}
