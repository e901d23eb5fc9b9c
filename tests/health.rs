//! The pool says itself how well it is, and tells who waits for it to change. The rules are tested beside
//! them, with a clock of the tests' own (`src/observe/judge.rs`).

mod support;

use millpond::managed::{Acquire, Timeouts};
use millpond::observe::{Health, HealthWatch, Level, Listener, Thresholds, Trouble};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::scene::TestBuilder;
use support::{Polled, Scene, Step, ignore};

const MS: Duration = Duration::from_millis(1);

/// A level falls as soon as it is better.
fn prompt() -> Thresholds {
    let mut thresholds = Thresholds::default();
    thresholds.calm = Duration::ZERO;
    thresholds
}

fn pool_of(max: usize, set: impl FnOnce(TestBuilder) -> TestBuilder) -> Scene {
    Scene::built(
        max,
        true,
        |builder| set(builder.health_thresholds(prompt())),
    )
}

fn names(health: &Health) -> Vec<&'static str> {
    let findings = health.findings.iter();
    findings.map(|finding| finding.trouble.name()).collect()
}

#[test]
fn it_turns_with_the_utilisation_up_and_down_again() {
    let scene = pool_of(20, |builder| builder);
    let mut held = Vec::new();
    for in_use in 1..=20 {
        held.push(scene.hold());
        let expected = match in_use {
            0..16 => Level::Healthy,
            16..19 => Level::Warning,
            _ => Level::Critical,
        };
        let health = scene.pool.health();
        assert_eq!(health.level, expected, "{in_use}: {health}");
        if expected > Level::Healthy {
            let max_size = 20;
            let trouble = Trouble::Utilisation { in_use, max_size };
            assert_eq!(health.findings[0].trouble, trouble);
        }
    }
    drop(held);
    assert_eq!(scene.pool.health().level, Level::Healthy);
    scene.all_well(20);
}

#[test]
fn time_outs_failed_connects_and_a_line_show() {
    let scene = pool_of(1, |builder| builder);
    for _ in 0..3 {
        scene.world.create.then(Step::Err);
        assert!(scene.get().ready().is_err());
    }
    let health = scene.pool.health();
    assert_eq!(
        (health.level, names(&health)),
        (Level::Critical, vec!["connect_failures"])
    );

    let held = scene.hold();
    assert_eq!(
        names(&scene.pool.health()),
        ["utilisation"],
        "one went well"
    );
    let bounds = Timeouts::wait_millis(5);
    let mut getter = scene.get_within(&bounds).waits();
    scene.advance(5 * MS);
    assert!(getter.woken_ready().is_err());
    let health = scene.pool.health();
    assert_eq!(names(&health), ["time_outs", "utilisation"]);
    assert_eq!(
        health.findings[0].trouble,
        Trouble::TimeOuts { count: 1, of: 5 }
    );
    drop(held);

    scene.pool.close();
    let health = scene.pool.health();
    assert_eq!(
        (health.level, names(&health)[0]),
        (Level::Critical, "closed")
    );
}

#[test]
fn a_line_that_does_not_end_shows() {
    let mut thresholds = prompt();
    thresholds.line_warning = Duration::from_millis(20);
    let scene = Scene::built(1, false, |builder| builder.health_thresholds(thresholds));
    let held = scene.hold();
    let getter = scene.get().waits();
    assert_eq!(names(&scene.pool.health()), ["utilisation"]);
    std::thread::sleep(30 * MS);
    let health = scene.pool.health();
    assert_eq!(names(&health), ["utilisation", "line"], "{health}");
    getter.cancel().unwrap();
    assert_eq!(names(&scene.pool.health()), ["utilisation"]);
    drop(held);
    scene.all_well(1);
}

/// One change of the level, as `changed` tells it.
fn changed<'a>(scene: &Scene, watch: &'a mut HealthWatch) -> Polled<'a, Option<Health>> {
    Polled::new(scene.handle(), watch.changed())
}

#[test]
fn who_watches_is_woken_by_a_change_and_by_nothing_else() {
    let scene = Scene::built(2, false, |builder| builder.health_thresholds(prompt()));
    let mut watch = scene.pool.watch_health();
    let mut first = changed(&scene, &mut watch).waits();
    let one = scene.hold();
    assert_eq!(scene.pool.health().level, Level::Healthy);
    assert!(!first.is_woken(), "half of it is in use: as well as before");
    let two = scene.hold();
    assert_eq!(scene.pool.health().level, Level::Critical);
    let told = first.woken_ready().unwrap();
    assert_eq!(
        (told.level, names(&told)),
        (Level::Critical, vec!["utilisation"])
    );
    drop(first);

    // Changes that nobody asked for in between are told as one.
    drop(one);
    assert_eq!(scene.pool.health().level, Level::Healthy);
    let one = scene.hold();
    assert_eq!(scene.pool.health().level, Level::Critical);
    assert_eq!(
        changed(&scene, &mut watch).ready().unwrap().level,
        Level::Critical
    );
    changed(&scene, &mut watch).waits().cancel().unwrap();
    assert_eq!(watch.latest().level, Level::Critical);
    drop((one, two));
    scene.all_well(2);
}

#[test]
fn who_watches_does_not_keep_the_pool_and_hears_of_its_end() {
    let mut scene = Scene::new(1);
    let mut watch = scene.pool.watch_health();
    let mut getter = Polled::new(None, watch.changed()).waits();
    drop(scene.sole_handle());
    scene.all_freed();
    assert_eq!(getter.woken_ready(), None);
}

#[test]
fn a_million_asked_and_cancelled_leave_no_waker_behind() {
    let scene = Scene::new(1);
    let mut watch = scene.pool.watch_health();
    let flag = Arc::new(support::Flag::default());
    let waker = std::task::Waker::from(Arc::clone(&flag));
    for _ in 0..1_000 {
        let mut asked = Polled::new(None, watch.changed());
        assert!(asked.poll_with(&waker).is_pending());
        drop(asked);
    }
    // The test's own two, and the last one that was registered.
    assert_eq!(Arc::strong_count(&flag), 3);
    drop(watch);
    assert_eq!(Arc::strong_count(&flag), 2);
}

/// What a listener heard of the health.
#[derive(Default)]
struct Heard(Mutex<Vec<Level>>);

impl Listener for Heard {
    fn health_changed(&self, health: &Health) {
        self.0.lock().unwrap().push(health.level);
    }
}

/// With a listener and Tokio, the pool looks by itself.
#[test]
fn a_listener_hears_of_it_though_nobody_asks() {
    let heard = Arc::new(Heard::default());
    let scene = pool_of(1, |builder| builder.listener(heard.clone()));
    let held = scene.hold();
    scene.advance(Duration::from_secs(1));
    assert_eq!(*heard.0.lock().unwrap(), [Level::Critical]);
    drop(held);
    scene.advance(Duration::from_secs(1));
    assert_eq!(*heard.0.lock().unwrap(), [Level::Critical, Level::Healthy]);
}

/// Looking at it from inside of everything that it calls steers nothing.
#[test]
fn it_may_be_asked_from_everywhere() {
    let scene = pool_of(2, |builder| builder);
    let pool = scene.pool.clone();
    scene.world.create.always(Step::run(move || {
        let _ = (pool.health(), pool.stats(), pool.checkouts());
    }));
    drop(scene.hold());
    let how = Acquire::new().try_only();
    drop(scene.acquire(&how).ready().unwrap());
    let pool = scene.pool.clone();
    let removed = scene.retain(|_| {
        let _ = (pool.health(), pool.stats());
        false
    });
    assert_eq!(removed.len(), 1);
    ignore(|| drop(removed));
}
