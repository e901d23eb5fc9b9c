//! What errors say to people, and which error stands behind them.

mod support;

use millpond::managed::{
    Acquire, BuildError, CreatePoolError, Drain, HookError, PoolError, RecycleError,
};
use millpond::observe::HandClock;
use std::error::Error;
use std::time::Duration;
use support::{Fault, Scene, Step};

const S: Duration = Duration::from_secs(1);

/// Whether the scripted fault is what stands behind it.
fn is_of_the_fault(error: &dyn Error) -> bool {
    error.source().is_some_and(|source| source.is::<Fault>())
}

#[test]
fn what_turned_an_object_down_stands_behind_the_error_or_is_told_in_its_words() {
    let checks = [RecycleError::Backend(Fault), RecycleError::message("stale")];
    assert_eq!(
        checks.each_ref().map(|error| is_of_the_fault(error)),
        [true, false]
    );
    assert_eq!(
        checks.map(|error| error.to_string()),
        [
            "the object was turned down: scripted fault",
            "the object was turned down: stale"
        ]
    );
    let hooks = [HookError::Backend(Fault), HookError::message("not today")];
    assert_eq!(
        hooks.each_ref().map(|error| is_of_the_fault(error)),
        [true, false]
    );
    assert_eq!(
        hooks.map(|error| error.to_string()),
        ["scripted fault", "not today"]
    );
}

#[test]
fn a_pool_that_is_not_built_says_what_is_missing() {
    let missing = BuildError::NoRuntimeSpecified.to_string();
    assert!(missing.contains("PoolBuilder::runtime"), "{missing}");
    let built = CreatePoolError::<Fault>::Build(BuildError::NoRuntimeSpecified);
    assert_eq!(built.to_string(), format!("Build: {missing}"));
    assert_eq!(
        CreatePoolError::Config(Fault).to_string(),
        "Config: scripted fault"
    );
}

#[test]
fn a_time_out_knows_the_last_failure_to_make_an_object_for_a_minute() {
    let clock = HandClock::new();
    let scene = Scene::built(1, false, |builder| builder.clock(&clock));
    let how = Acquire::new().try_only();
    scene.world.create.then(Step::Err);
    assert!(matches!(
        scene.get().ready(),
        Err(PoolError::Backend(Fault))
    ));
    let held = scene.hold();
    let failure = || {
        let error = scene.acquire(&how).ready().unwrap_err();
        error.last_failure().map(|failure| failure.ago)
    };
    assert_eq!(failure(), Some(Duration::ZERO));
    clock.advance(60 * S);
    assert_eq!(failure(), Some(60 * S));
    clock.advance(S);
    assert_eq!(failure(), None);
    drop(held);
    scene.all_well(1);
}

#[test]
fn who_keeps_a_drained_pool_from_its_end_is_named() {
    let scene = Scene::with_runtime(2);
    let (held, line) = (scene.fill(2), line!());
    let mut drained = scene.polled(scene.pool.drain(Drain::Refuse, S)).waits();
    scene.advance(S);
    let text = drained.woken_ready().unwrap_err().to_string();
    let both = text.split_once("; held by ").expect("they are named").1;
    let names = both.split(", ").map(|name| name.split(' ').next().unwrap());
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 2, "{text}");
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("tests/support/scene.rs:")
                || name.ends_with(&format!(":{line}"))),
        "{text}"
    );
    drop((held, drained));
    scene.all_gone();
}
