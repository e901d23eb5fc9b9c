//! What has happened is counted once, whichever way it went: gets by how they ended, objects by why they
//! left, and how long it all took. `support::books` asserts the sums at the end of nearly every other test.

mod support;

use millpond::managed::{Acquire, PoolError, TimeoutType, Timeouts};
use millpond::observe::{CloseReason, Closed, Gets};
use std::time::{Duration, Instant};
use support::{Exit, Gate, Polled, Scene, Step, ignore};

const MS: Duration = Duration::from_millis(1);

/// What the gets of a scene came to, beside one that made the first object.
fn gets(scene: &Scene) -> Gets {
    scene.pool.stats().gets
}

/// A pool of one whose object was made, and came back.
fn used() -> Scene {
    let scene = Scene::with_runtime(1);
    drop(scene.hold());
    scene
}

type Way = fn(&Scene);
type Figure = fn(&Gets) -> u64;

/// A way for a get to end, and the figure in which it must be counted, once.
const WAYS: [(&str, Way, Figure); 20] = [
    ("at once", |scene| drop(scene.hold()), |gets| gets.at_once),
    (
        "at once, after a check that took its time",
        |scene| {
            let gate = Gate::new();
            scene.world.recycle.then(Step::at(&gate));
            let mut getter = scene.get().waits();
            gate.open();
            drop(getter.woken_ready().unwrap());
        },
        |gets| gets.at_once,
    ),
    ("made after a dead one", made_after_a_dead_one, |gets| {
        gets.created
    }),
    (
        "time-out in line",
        |scene| time_out(scene, TimeoutType::Wait),
        |gets| gets.timed_out.wait,
    ),
    (
        "time-out of a connect",
        |scene| time_out(scene, TimeoutType::Create),
        |gets| gets.timed_out.create,
    ),
    (
        "deadline in line",
        |scene| deadline(scene, TimeoutType::Wait),
        |gets| gets.timed_out.wait,
    ),
    (
        "deadline in a connect",
        |scene| deadline(scene, TimeoutType::Create),
        |gets| gets.timed_out.create,
    ),
    (
        "deadline in a check",
        |scene| deadline(scene, TimeoutType::Recycle),
        |gets| gets.timed_out.recycle,
    ),
    (
        "would have to wait",
        |scene| {
            let held = scene.hold();
            let how = Acquire::new().try_only();
            assert!(scene.acquire(&how).ready().is_err());
            std::mem::drop(held);
        },
        |gets| gets.timed_out.wait,
    ),
    (
        "cancelled in line",
        |scene| {
            let held = scene.hold();
            cancel(scene.get().waits());
            drop(held);
        },
        |gets| gets.cancelled,
    ),
    (
        "cancelled in a check",
        |scene| {
            scene.world.recycle.then(Step::Never);
            cancel(scene.get().waits());
        },
        |gets| gets.cancelled,
    ),
    (
        "cancelled in a connect",
        |scene| {
            drop(scene.hold().take());
            scene.world.create.then(Step::Never);
            cancel(scene.get().waits());
        },
        |gets| gets.cancelled,
    ),
    (
        "the connect fails",
        |scene| connect(scene, Step::Err),
        |gets| gets.failed,
    ),
    (
        "the connect panics",
        |scene| connect(scene, Step::Panic),
        |gets| gets.failed,
    ),
    (
        "a hook turns the new one down",
        |scene| {
            drop(scene.hold().take());
            scene.world.post_create.then(Step::Err);
            assert!(scene.get().ready().is_err());
        },
        |gets| gets.failed,
    ),
    (
        "the check panics",
        |scene| {
            scene.world.recycle.then(Step::Panic);
            scene.get().panics();
        },
        |gets| gets.failed,
    ),
    (
        "closed before",
        |scene| {
            scene.pool.close();
            assert!(matches!(scene.get().ready(), Err(PoolError::Closed)));
        },
        |gets| gets.closed,
    ),
    (
        "closed in line",
        |scene| {
            let held = scene.hold();
            let mut getter = scene.get().waits();
            scene.pool.close();
            assert!(matches!(getter.woken_ready(), Err(PoolError::Closed)));
            drop(held);
        },
        |gets| gets.closed,
    ),
    (
        "served in line",
        |scene| {
            let held = scene.hold();
            let mut getter = scene.get().waits();
            drop(held);
            drop(getter.woken_ready().unwrap());
        },
        |gets| gets.after_waiting,
    ),
    (
        "served while it connected",
        |scene| {
            scene.resize(2);
            let held = scene.hold();
            let gate = Gate::new();
            scene.world.create.then(Step::at(&gate));
            let mut getter = scene.get().waits();
            drop(held);
            drop(getter.woken_ready().unwrap());
            gate.open();
        },
        |gets| gets.after_waiting,
    ),
];

fn made_after_a_dead_one(scene: &Scene) {
    scene.world.recycle.then(Step::Err);
    drop(scene.hold());
}

fn time_out(scene: &Scene, phase: TimeoutType) {
    let bounds = Timeouts {
        wait: Some(10 * MS),
        create: Some(10 * MS),
        recycle: None,
    };
    let held = scene.hold();
    let _held = match phase {
        TimeoutType::Create => {
            drop(held.take());
            scene.world.create.then(Step::Never);
            None
        }
        _ => Some(held),
    };
    let mut getter = scene.get_within(&bounds).waits();
    scene.advance(10 * MS);
    assert!(matches!(getter.woken_ready(), Err(PoolError::Timeout(_))));
}

fn deadline(scene: &Scene, phase: TimeoutType) {
    let mut held = None;
    match phase {
        TimeoutType::Wait => held = Some(scene.hold()),
        TimeoutType::Create => {
            drop(scene.hold().take());
            scene.world.create.then(Step::Never);
        }
        TimeoutType::Recycle => scene.world.recycle.then(Step::Never),
    }
    let how = Acquire::new().deadline(10 * MS);
    let mut getter = scene.acquire(&how).waits();
    scene.advance(10 * MS);
    assert!(getter.woken_ready().is_err());
    drop(held);
}

/// Drops a getter; nothing may panic.
fn cancel<T>(getter: Polled<'_, T>) {
    getter.cancel().unwrap();
}

fn connect(scene: &Scene, step: Step) {
    drop(scene.hold().take());
    let panics = matches!(step, Step::Panic);
    scene.world.create.then(step);
    let mut getter = scene.get();
    if panics {
        getter.panics();
    } else {
        assert!(getter.ready().is_err());
    }
}

#[test]
fn every_get_is_counted_once_as_what_it_came_to() {
    for (name, way, figure) in WAYS {
        let scene = used();
        let scene_took = |gets: &Gets| gets.at_once;
        let before = gets(&scene);
        way(&scene);
        scene.settle();
        let after = gets(&scene);
        let begun = after.started - before.started;
        assert_eq!(after.started, after.ended(), "{name}: {after:?}");
        assert_eq!(after.ended() - before.ended(), begun, "{name}: {after:?}");
        let rest = figure(&after) - figure(&before);
        // Where the way had to take the object first, that is one get at once more.
        let preparing = begun - 1;
        assert!(preparing <= 1, "{name}: {after:?}");
        let at_once = scene_took(&after) - scene_took(&before);
        let is_at_once = name.starts_with("at once");
        assert_eq!(
            at_once,
            preparing + u64::from(is_at_once),
            "{name}: {after:?}"
        );
        assert_eq!(
            rest,
            1 + if is_at_once { preparing } else { 0 },
            "{name}: {after:?}"
        );
    }
}

#[test]
fn a_bound_without_a_runtime_is_a_get_that_failed() {
    let scene = Scene::new(1);
    let bounds = Timeouts::wait_millis(5);
    let got = scene.get_within(&bounds).ready();
    assert!(matches!(got, Err(PoolError::NoRuntimeSpecified)));
    assert_eq!((gets(&scene).failed, gets(&scene).started), (1, 1));
}

#[test]
fn a_get_that_was_never_polled_was_never_begun() {
    let scene = Scene::new(1);
    cancel(scene.get());
    assert_eq!(gets(&scene), Gets::default());
}

/// The objects of a full line wait for a million getters: the one beyond is shed.
#[test]
fn who_comes_to_a_full_line_is_shed() {
    use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
    use std::convert::Infallible;
    use std::task::{Context, Waker};

    struct Nothing;
    impl Manager for Nothing {
        type Type = ();
        type Error = Infallible;
        async fn create(&self) -> Result<(), Infallible> {
            Ok(())
        }
        async fn recycle(&self, (): &mut (), _: &Metrics) -> RecycleResult<Infallible> {
            Ok(())
        }
    }

    const FULL: usize = 524_287;
    let pool: Pool<Nothing> = Pool::builder(Nothing).max_size(0).build().unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut line: Vec<_> = (0..FULL).map(|_| Box::pin(pool.get())).collect();
    for getter in &mut line {
        assert!(getter.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(pool.snapshot().waiting, FULL);
    let how = Acquire::new();
    let mut late = Box::pin(pool.acquire(&how));
    let std::task::Poll::Ready(Err(error)) = late.as_mut().poll(&mut context) else {
        panic!("a full line takes nobody");
    };
    assert!(error.to_string().contains("the line is full"), "{error}");
    drop(late);
    drop(line);
    let gets = pool.stats().gets;
    assert_eq!((gets.shed, gets.cancelled), (1, FULL as u64));
    assert_eq!(gets.started, gets.ended());
}

#[test]
fn every_way_out_is_counted_as_its_reason() {
    for exit in Exit::ALL {
        let scene = Scene::with_runtime(1);
        exit.play(&scene);
        scene.settle();
        let stats = scene.pool.stats();
        let expected = reason(exit);
        let told = stats.closed.total();
        match expected {
            Some(reason) => {
                assert_eq!(stats.closed.of(reason), 1, "{exit:?}: {:?}", stats.closed);
                assert_eq!(told, 1, "{exit:?}: {:?}", stats.closed);
            }
            // It was never an object of the pool.
            None => assert_eq!(
                (stats.closed, stats.created),
                (Closed::default(), 0),
                "{exit:?}"
            ),
        }
        let live = scene.world.live() as u64;
        assert_eq!(stats.created - told, live, "{exit:?}: {stats:?}");
    }
}

fn reason(exit: Exit) -> Option<CloseReason> {
    Some(match exit {
        Exit::Take | Exit::Retain => CloseReason::Taken,
        Exit::ShrinkIdle | Exit::ShrinkBusy | Exit::SurplusConnect => CloseReason::Surplus,
        Exit::CloseIdle | Exit::CloseBusy | Exit::ConnectAfterClose => CloseReason::PoolClosed,
        Exit::Broken | Exit::BrokenPanics => CloseReason::Broken,
        Exit::PreRecycleFails
        | Exit::PreRecyclePanics
        | Exit::PreRecycleCancelled
        | Exit::RecycleFails
        | Exit::RecyclePanics
        | Exit::RecycleCancelled
        | Exit::PostRecycleFails
        | Exit::PostRecyclePanics
        | Exit::PostRecycleCancelled
        | Exit::ProbeFails
        | Exit::ProbePanics
        | Exit::ProbeCancelled => CloseReason::CheckFailed,
        Exit::TidyFails | Exit::TidyPanics | Exit::TidyTooLong => CloseReason::Untidy,
        Exit::PostCreateFails | Exit::PostCreatePanics | Exit::PostCreateCancelled => return None,
    })
}

#[test]
fn checks_and_their_failures_are_counted() {
    let scene = used();
    drop(scene.hold());
    for step in [Step::Err, Step::Panic] {
        scene.world.recycle.then(step);
        ignore(|| drop(scene.get().poll()));
        drop(scene.hold());
    }
    let stats = scene.pool.stats();
    assert_eq!(stats.check_failures, 2, "{stats:?}");
    assert_eq!(
        stats.checks,
        stats.check_failures + stats.gets.at_once,
        "{stats:?}"
    );
    assert_eq!(stats.create_failures, 0);
    scene.all_well(1);
}

#[test]
fn failures_to_make_an_object_are_counted_and_given_up_connects_are_not() {
    let scene = Scene::with_runtime(1);
    for step in [Step::Err, Step::Panic] {
        scene.world.create.then(step);
        ignore(|| drop(scene.get().poll()));
    }
    scene.world.post_create.then(Step::Err);
    assert!(scene.get().ready().is_err());
    assert_eq!(scene.pool.stats().create_failures, 3);
    scene.world.create.then(Step::Never);
    cancel(scene.get().waits());
    scene.advance(Duration::from_secs(11));
    let stats = scene.pool.stats();
    assert_eq!((stats.create_failures, stats.created), (3, 0));
}

#[test]
fn times_are_measured() {
    let scene = Scene::new(1);
    let slow = 30 * MS;
    let begun = Instant::now();
    scene
        .world
        .create
        .then(Step::run(move || std::thread::sleep(slow)));
    let held = scene.hold();
    std::thread::sleep(slow);
    drop(held);
    let gate = Gate::new();
    scene.world.recycle.then(Step::at(&gate));
    let mut getter = scene.get().waits();
    std::thread::sleep(slow);
    gate.open();
    drop(getter.woken_ready().unwrap());
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    std::thread::sleep(slow);
    drop(held);
    drop(waiter.woken_ready().unwrap());
    let whole = begun.elapsed();

    let stats = scene.pool.stats();
    let longest = [
        &stats.connect_time,
        &stats.use_time,
        &stats.check_time,
        &stats.wait_time,
    ]
    .map(|times| times.quantile(1.0).unwrap());
    for time in longest {
        assert!(time > slow * 19 / 20 && time < whole, "{longest:?}");
    }
    assert!(stats.use_time.sum() >= 2 * slow && stats.use_time.sum() <= whole);
    assert!(stats.wait_time.sum() >= slow && stats.wait_time.sum() <= whole);
    assert_eq!(stats.wait_time.count(), 4);
    assert_eq!(stats.use_time.count(), 4);
}
