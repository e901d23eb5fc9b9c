//! The task of a pool: when it looks around, when it ends, and what becomes of what it leaves on its desk.

mod support;

use millpond::Runtime;
use millpond::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult};
use millpond::observe::{Checkout, HandClock, Health, Listener};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Scene, Step};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// How many tasks there are on a runtime.
fn tasks(scene: &Scene) -> usize {
    let handle = scene.handle().expect("it has a runtime");
    handle.metrics().num_alive_tasks()
}

/// A pool with a task for its suspicion, and two objects that have lain there for a while.
fn suspicious() -> (Scene, HandClock) {
    let clock = HandClock::new();
    let scene = Scene::built(2, true, |builder| builder.suspicion(true).clock(&clock));
    drop(scene.fill(2));
    clock.advance(S);
    (scene, clock)
}

#[test]
fn a_task_that_sleeps_for_long_ends_with_its_pool_all_the_same() {
    let (mut scene, _clock) = suspicious();
    let held = scene.hold();
    drop(scene.sole_handle());
    scene.settle();
    assert_eq!(tasks(&scene), 1);
    drop(held);
    scene.settle();
    assert_eq!(tasks(&scene), 0);
    scene.all_freed();
}

/// Counts what is told of leaks, and of the health.
#[derive(Default)]
struct Told {
    leaks: AtomicUsize,
    changes: AtomicUsize,
}

impl Listener for Told {
    fn leak_suspected(&self, _: &Checkout) {
        self.leaks.fetch_add(1, Ordering::SeqCst);
    }

    fn health_changed(&self, _: &Health) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_task_of_a_closed_pool_looks_for_leaks_until_the_last_object_is_back() {
    let (clock, told) = (HandClock::new(), Arc::new(Told::default()));
    let scene = Scene::built(1, true, |builder| {
        let builder = builder.clock(&clock).listener(told.clone());
        builder.leak_threshold(Some(10 * S))
    });
    let held = scene.hold();
    scene.settle();
    scene.pool.close();
    scene.settle();
    clock.advance(10 * S);
    scene.advance(S);
    assert_eq!(told.leaks.load(Ordering::SeqCst), 1);
    assert_eq!(tasks(&scene), 1);
    drop(held);
    scene.advance(S);
    assert_eq!(tasks(&scene), 0);
    scene.all_gone();
}

#[test]
fn a_task_that_has_not_run_yet_is_there_to_check_who_is_under_suspicion() {
    let (scene, _clock) = suspicious();
    scene.world.recycle.then(Step::Err);
    drop(scene.hold());
    assert_eq!(scene.world.gone(), [0], "the other has its chance");
    scene.settle();
    assert_eq!(scene.pool.snapshot().idle, 2);
    scene.all_well(2);
}

#[test]
fn what_lies_on_the_desk_of_a_task_that_is_gone_leaves_the_pool() {
    let (mut scene, _clock) = suspicious();
    scene.settle();
    scene.world.recycle.then(Step::Err);
    drop(scene.hold());
    assert_eq!(
        scene.pool.snapshot().size,
        2,
        "one of them is to be checked"
    );
    scene.end_runtime();
    let now = scene.pool.snapshot();
    assert_eq!((now.size, now.idle), (1, 1));
}

#[test]
fn who_finds_nothing_idle_has_spare_ones_made_at_once() {
    let scene = Scene::built(4, true, |builder| builder.min_idle(1));
    let held = scene.hold();
    scene.settle();
    let spare = scene.hold();
    assert_eq!((scene.world.made(), scene.pool.snapshot().idle), (2, 0));
    scene.world.create.then(Step::Never);
    let getter = scene.get().waits();
    scene.settle();
    assert_eq!(
        (scene.world.made(), scene.pool.snapshot().idle),
        (3, 0),
        "for the getter"
    );
    drop((held, spare, getter));
    // What the getter left behind ends at its bound.
    scene.advance(11 * S);
    scene.all_well(4);
}

/// Whoever stands in line calls for a round, which must not put off what is done twice a second.
#[test]
fn the_task_looks_at_a_pool_however_busy_its_line_is() {
    let told = Arc::new(Told::default());
    let scene = Scene::built(1, true, |builder| {
        builder.min_idle(1).listener(told.clone())
    });
    let changes = || told.changes.load(Ordering::SeqCst);
    drop(scene.hold());
    scene.settle();
    let (held, before) = (scene.hold(), changes());
    for _ in 0..20 {
        drop(scene.get().waits());
        scene.advance(100 * MS);
    }
    assert!(changes() > before, "all are in use");
    drop(held);
    scene.all_well(1);
}

#[test]
fn spare_ones_are_tried_again_half_a_second_after_a_failure() {
    let clock = HandClock::new();
    let scene = Scene::built(2, true, |builder| {
        // For its rounds: ten milliseconds each.
        builder.min_idle(1).keepalive(Some(20 * MS)).clock(&clock)
    });
    let held = scene.hold();
    scene.world.create.always(Step::Err);
    let pass = || {
        clock.advance(10 * MS);
        scene.advance(10 * MS);
        scene.world.create.calls()
    };
    let before = scene.world.create.calls();
    let first = std::iter::repeat_with(pass).find(|calls| *calls > before);
    let first = first.expect("it is tried");
    assert!((1..50).all(|_| pass() == first), "too soon");
    assert_eq!(pass(), first + 1);
    scene.world.calm();
    drop(held);
    scene.all_well(2);
}

/// A manager whose checks in the background take for ever, and panic when they are dropped.
#[derive(Default)]
struct Sore {
    checks: AtomicUsize,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a check is dropped");
    }
}

impl Manager for Sore {
    type Type = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, (): &mut (), _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }

    async fn probe(&self, (): &mut ()) -> Result<(), RecycleError<Infallible>> {
        let _bomb = Bomb;
        self.checks.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

/// Else the second panic of one unwinding would end the process.
#[test]
fn jobs_that_panic_when_the_runtime_ends_are_all_dropped() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let clock = HandClock::new();
    let inside = runtime.enter();
    let builder = Pool::<Sore>::builder(Sore::default()).max_size(2);
    let builder = builder.keepalive(Some(S)).clock(&clock);
    let pool = builder.runtime(Runtime::Tokio1).build().unwrap();
    drop(inside);
    runtime.block_on(async {
        let both = [pool.get().await.unwrap(), pool.get().await.unwrap()];
        drop(both);
        clock.advance(S);
        while pool.manager().checks.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(100 * MS).await;
        }
    });
    drop(runtime);
    assert_eq!(pool.snapshot().size, 0);
}
