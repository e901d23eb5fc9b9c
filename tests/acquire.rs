//! P6, P7: a deadline is one bound on everything, and failures tell the reason: the phase, the counts, the holders.

mod support;

use millpond::managed::{Acquire, HookError, Object, PoolError, Reason, TimeoutType, Timeouts};
use std::error::Error;
use std::task::Poll;
use std::time::{Duration, Instant};
use support::{Fault, Gate, Hand, Scene, Step};

const MS: Duration = Duration::from_millis(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

#[test]
fn a_deadline_says_in_which_phase_it_passed() {
    for phase in [TimeoutType::Wait, TimeoutType::Create, TimeoutType::Recycle] {
        let scene = Scene::with_runtime(1);
        let mut held = Some(scene.hold());
        match phase {
            TimeoutType::Wait => {}
            TimeoutType::Create => {
                drop(held.take().map(Hand::take));
                scene.world.create.then(Step::Never);
            }
            TimeoutType::Recycle => {
                held = None;
                scene.world.recycle.then(Step::Never);
            }
        }
        let how = Acquire::new().deadline(100 * MS);
        let mut getter = scene.acquire(&how).waits();
        scene.advance(100 * MS);
        let error = getter.woken_ready().unwrap_err();
        let same = matches!(error.reason(), Reason::Deadline(said) if *said as u8 == phase as u8);
        assert!(same, "{phase:?}: {error}");
        let text = error.to_string();
        assert!(text.starts_with("deadline passed after "), "{text}");
        assert!(text.contains(&format!(" s, while {phase} (")), "{text}");
        drop(held);
        scene.advance(Duration::from_secs(10));
        scene.all_well(1);
    }
}

#[test]
fn a_bound_of_the_pools_own_says_so() {
    let bounds = Timeouts {
        wait: Some(50 * MS),
        create: Some(60 * MS),
        recycle: None,
    };
    let scene = Scene::built(1, true, |builder| builder.timeouts(bounds));
    scene.world.create.then(Step::Never);
    let how = Acquire::new();
    let mut connecting = scene.acquire(&how).waits();
    let mut waiting = scene.acquire(&how).waits();
    scene.advance(50 * MS);
    let error = waiting.woken_ready().unwrap_err();
    assert!(matches!(error.reason(), Reason::Timeout(TimeoutType::Wait)));
    assert_eq!(error.snapshot().connecting, 1);
    let text = error.to_string();
    assert!(
        text.ends_with("waiting in line (0/1 in use, 1 connecting, 1 waiting)"),
        "{text}"
    );
    scene.advance(10 * MS);
    let error = connecting.woken_ready().unwrap_err();
    assert!(matches!(
        error.reason(),
        Reason::Timeout(TimeoutType::Create)
    ));
    let text = error.to_string();
    assert!(text.starts_with("timed out after "), "{text}");
    assert!(
        text.ends_with(" s making an object (0/1 in use, 0 waiting)"),
        "{text}"
    );
    scene.all_well(1);
}

#[test]
fn a_failed_connect_is_its_error_at_once_and_names_no_holders() {
    let scene = Scene::new(2);
    let held = scene.hold();
    scene.world.create.then(Step::Err);
    let error = scene.acquire(&Acquire::new()).ready().unwrap_err();
    assert_eq!(error.to_string(), "making an object failed: scripted fault");
    assert!(error.source().unwrap().is::<Fault>() && error.holders().is_empty());
    assert_eq!(error.snapshot().in_use, 1);
    assert!(matches!(error.into_reason(), Reason::Backend(Fault)));

    scene.world.post_create.then(Step::Err);
    let error = scene.acquire(&Acquire::new()).ready().unwrap_err();
    assert_eq!(
        error.to_string(),
        "a post_create hook turned the new object down: scripted fault"
    );
    assert!(error.source().is_some() && error.holders().is_empty());
    let reason = error.into_reason();
    assert!(matches!(
        reason,
        Reason::PostCreateHook(HookError::Backend(Fault))
    ));
    drop(held);
    scene.all_well(2);
}

#[test]
fn a_closed_pool_and_a_missing_runtime_say_so() {
    let scene = Scene::new(1);
    let how = Acquire::new().deadline(MS);
    let error = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(error.reason(), Reason::NoRuntimeSpecified));
    assert_eq!(
        error.to_string(),
        "a deadline needs a runtime: name one with PoolBuilder::runtime"
    );
    let held = scene.hold();
    let how = Acquire::new();
    let mut waiting = scene.acquire(&how).waits();
    scene.pool.close();
    for error in [waiting.woken_ready(), scene.acquire(&how).ready()] {
        let error = error.unwrap_err();
        assert!(matches!(error.reason(), Reason::Closed) && error.snapshot().closed);
        assert_eq!(
            (error.to_string(), error.holders().len()),
            ("the pool is closed".into(), 0)
        );
        assert!(error.source().is_none());
    }
    drop(held);
    scene.all_gone();
}

#[test]
fn try_only_takes_what_is_idle_or_makes_one_and_never_waits_for_another() {
    let scene = Scene::new(1);
    let how = Acquire::new().try_only();
    let made = scene.acquire(&how).ready().unwrap();
    let mut waiting = scene.get().waits();
    let error = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(error.reason(), Reason::WouldWait));
    assert_eq!((error.snapshot().in_use, error.snapshot().waiting), (1, 1));
    assert_eq!(error.holders().len(), 1);
    assert!(
        error.to_string().starts_with(
            "no object is idle, and none may be made now (1/1 in use, 1 waiting; longest: tests/acquire.rs:"
        ),
        "{error}"
    );
    drop(made);
    drop(waiting.woken_ready().unwrap());
    drop(scene.acquire(&how).ready().unwrap());
    assert_eq!(scene.world.made(), 1);
    scene.all_well(1);
}

#[test]
fn try_only_still_connects_as_long_as_that_takes_or_the_deadline_lets_it() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let how = Acquire::new().try_only();
    let mut getter = scene.acquire(&how).waits();
    scene.advance(Duration::from_secs(60));
    gate.open();
    drop(getter.woken_ready().unwrap().take());

    scene.world.create.then(Step::Never);
    let how = Acquire::new().try_only().deadline(100 * MS);
    let mut getter = scene.acquire(&how).waits();
    scene.advance(100 * MS);
    let error = getter.woken_ready().unwrap_err();
    assert!(matches!(
        error.reason(),
        Reason::Deadline(TimeoutType::Create)
    ));
    scene.advance(Duration::from_secs(10));
    scene.all_well(1);
}

#[test]
fn an_error_names_the_three_longest_holders_by_file_and_line_and_label() {
    let scene = Scene::new(4);
    let label = Acquire::new().label("checkout");
    let first = line!() + 1;
    let one = scene.hold();
    let two = scene.acquire(&label).ready().unwrap();
    let three = scene.get_within(&Timeouts::new()).ready().unwrap();
    let four = scene.hold();
    let error = scene
        .acquire(&Acquire::new().try_only())
        .ready()
        .unwrap_err();
    let holders = error.holders();
    let lines: Vec<_> = holders.iter().map(|holder| holder.caller.line()).collect();
    assert_eq!(lines, [first, first + 1, first + 2]);
    assert!(holders.iter().all(|holder| holder.caller.file() == file!()));
    let ids: Vec<_> = holders.iter().map(|holder| holder.id).collect();
    assert_eq!(ids, [one.id, two.id, three.id]);
    let labels: Vec<_> = holders.iter().map(|h| h.label.as_deref()).collect();
    assert_eq!(labels, [None, Some("checkout"), None]);
    assert!(holders.windows(2).all(|pair| pair[0].held >= pair[1].held));
    let text = error.to_string();
    let named = format!("tests/acquire.rs:{} (checkout) for ", first + 1);
    assert!(
        text.contains("(4/4 in use, 0 waiting; longest: ") && text.contains(&named),
        "{text}"
    );

    // Who came back is not named any more, and a label does not outlive its taker.
    drop((one, two));
    let (again, line) = (scene.fill(2), line!());
    let error = scene
        .acquire(&Acquire::new().try_only())
        .ready()
        .unwrap_err();
    let lines: Vec<_> = error.holders().iter().map(|h| h.caller.line()).collect();
    assert_eq!(lines[..2], [first + 2, first + 3], "{line}");
    assert!(error.holders().iter().all(|holder| holder.label.is_none()));
    drop((again, three, four));
    scene.all_well(4);
}

#[test]
fn who_takes_on_somebody_elses_behalf_is_told_of_by_the_others_place() {
    let scene = Scene::new(1);
    let place = std::panic::Location::caller();
    let how = Acquire::new().on_behalf_of(place);
    let taken = scene.acquire(&how).ready().unwrap();
    let holder = &scene.pool.checkouts()[0];
    assert_eq!(
        (holder.caller.line(), holder.caller.column()),
        (place.line(), place.column())
    );
    drop(taken);
    scene.all_well(1);
}

#[test]
fn a_holder_is_one_who_really_holds() {
    let scene = Scene::new(3);
    let (one, two, three) = (scene.hold(), scene.hold(), scene.hold());
    let how = Acquire::new().label("served");
    let mut served = scene.acquire(&how).waits();
    drop(one);
    scene.resize(2);
    drop(two.take());
    let error = scene
        .acquire(&Acquire::new().try_only())
        .ready()
        .unwrap_err();
    let ids: Vec<_> = error.holders().iter().map(|holder| holder.id).collect();
    assert_eq!(
        ids,
        [three.id],
        "not one taken, nor one still on its way to a getter"
    );
    let hand = served.woken_ready().unwrap();
    let error = scene
        .acquire(&Acquire::new().try_only())
        .ready()
        .unwrap_err();
    assert_eq!(error.holders().len(), 2);
    drop((hand, three));
    scene.all_well(2);
}

#[test]
fn an_error_says_how_long_its_caller_waited() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let how = Acquire::new();
    let before = Instant::now();
    let mut getter = scene.acquire(&how).waits();
    let waits = Instant::now();
    // Not to synchronise anything: time is what is measured.
    std::thread::sleep(20 * MS);
    scene.pool.close();
    let least = waits.elapsed();
    let error = getter.woken_ready().unwrap_err();
    let most = before.elapsed();
    let slack = 2 * MS;
    assert!(
        error.waited() + slack >= least && error.waited() <= most + slack,
        "{error:?}"
    );
    drop(held);
    scene.all_gone();
}

#[test]
fn deadpools_error_says_what_happened_and_what_to_do() {
    let texts: [(PoolError<Fault>, &str); 7] = [
        (
            PoolError::Timeout(TimeoutType::Wait),
            "timed out while waiting in line",
        ),
        (
            PoolError::Timeout(TimeoutType::Create),
            "timed out while making an object",
        ),
        (
            PoolError::Timeout(TimeoutType::Recycle),
            "timed out while checking an object",
        ),
        (
            PoolError::Backend(Fault),
            "making an object failed: scripted fault",
        ),
        (PoolError::Closed, "the pool is closed"),
        (
            PoolError::NoRuntimeSpecified,
            "a time-out needs a runtime: name one with PoolBuilder::runtime, or leave the time-outs away",
        ),
        (
            PoolError::PostCreateHook(HookError::message("too old")),
            "a post_create hook turned the new object down: too old",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        let has_source = matches!(error, PoolError::Backend(_) | PoolError::PostCreateHook(_));
        assert_eq!(error.source().is_some(), has_source, "{text}");
    }
}

#[test]
fn a_deadline_is_one_bound_over_eight_dead_objects() {
    let scene = Scene::built(8, true, |builder| builder.recycle_timeout(Some(100 * MS)));
    drop(scene.fill(8));
    scene.world.recycle.always(Step::Never);
    let how = Acquire::new().deadline(250 * MS);
    let mut getter = scene.acquire(&how).waits();
    for (time, dead) in [(100, 1), (100, 2), (49, 2)] {
        scene.advance(time * MS);
        getter.pending();
        assert_eq!(scene.world.dropped(), dead);
    }
    scene.advance(MS);
    let error = getter.woken_ready().unwrap_err();
    assert!(matches!(
        error.reason(),
        Reason::Deadline(TimeoutType::Recycle)
    ));
    assert_eq!(
        scene.world.dropped(),
        3,
        "the one that was being checked too"
    );
    scene.all_well(8);
}

#[test]
fn a_deadline_is_one_bound_over_waiting_and_checking_and_connecting() {
    let scene = Scene::built(1, true, |builder| builder.recycle_timeout(Some(100 * MS)));
    let held = scene.hold();
    scene.world.recycle.then(Step::Never);
    scene.world.create.then(Step::Never);
    let how = Acquire::new().deadline(250 * MS);
    let mut getter = scene.acquire(&how).waits();
    scene.advance(100 * MS);
    drop(held);
    assert!(getter.is_woken());
    getter.pending();
    scene.advance(100 * MS);
    assert!(getter.is_woken(), "the check is over");
    getter.pending();
    assert_eq!((scene.world.dropped(), scene.world.connecting()), (1, 1));
    scene.advance(49 * MS);
    assert!(!getter.is_woken());
    scene.advance(MS);
    let error = getter.woken_ready().unwrap_err();
    assert!(matches!(
        error.reason(),
        Reason::Deadline(TimeoutType::Create)
    ));
    // Its connect goes on, as any other, until it is over too.
    scene.advance(Duration::from_secs(10));
    scene.all_well(1);
}

#[test]
fn a_deadline_of_zero_takes_what_is_ready_and_one_without_end_waits() {
    let scene = Scene::with_runtime(1);
    let (zero, endless) = (
        Acquire::new().deadline(Duration::ZERO),
        Acquire::new().deadline(Duration::MAX),
    );
    drop(scene.acquire(&zero).ready().unwrap());
    let held = scene.acquire(&zero).ready().unwrap();
    let mut late = scene.acquire(&zero);
    let error = match late.poll() {
        Poll::Ready(said) => said.unwrap_err(),
        Poll::Pending => {
            // At the timer's next tick.
            scene.advance(MS);
            late.woken_ready().unwrap_err()
        }
    };
    assert!(matches!(
        error.reason(),
        Reason::Deadline(TimeoutType::Wait)
    ));
    let mut getter = scene.acquire(&endless).waits();
    scene.advance(YEAR);
    getter.pending();
    drop(held);
    let hand = getter.woken_ready().unwrap();
    assert_eq!(Object::metrics(hand.object()).recycle_count, 2);
    drop(hand);
    scene.all_well(1);
}
