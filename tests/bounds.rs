//! P6: bounds are bounds, and what is asked for is what is kept: time-outs, sizes, and their extremes.

mod support;

use millpond::managed::{
    Acquire, BuildError, Pool, PoolError, QueueMode, Reason, TimeoutType, Timeouts,
};
use std::time::Duration;
use support::counting::{Counting, bytes};
use support::oracle::NO_WAIT;
use support::scene::Got;
use support::{Gate, Polled, Scene, Step, World};

#[global_allocator]
static COUNTING: Counting = Counting;

const MS: Duration = Duration::from_millis(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Bounds with one of the three set.
fn bounds_of(phase: TimeoutType, bound: Duration) -> Timeouts {
    let mut timeouts = Timeouts::new();
    match phase {
        TimeoutType::Wait => timeouts.wait = Some(bound),
        TimeoutType::Create => timeouts.create = Some(bound),
        TimeoutType::Recycle => timeouts.recycle = Some(bound),
    }
    timeouts
}

const PHASES: [TimeoutType; 3] = [TimeoutType::Wait, TimeoutType::Create, TimeoutType::Recycle];

/// It ends now, or at the timer's next tick.
#[track_caller]
fn ends<T>(scene: &Scene, getter: &mut Polled<'_, T>) -> T {
    if let std::task::Poll::Ready(said) = getter.poll() {
        return said;
    }
    scene.advance(MS);
    getter.woken_ready()
}

#[track_caller]
fn says(said: &Got, phase: TimeoutType) {
    let told = format!("timed out while {phase}");
    match said {
        Err(error @ PoolError::Timeout(_)) => assert_eq!(error.to_string(), told),
        other => panic!("{other:?} where it {told}"),
    }
}

#[test]
fn a_pool_says_what_its_bounds_are() {
    let bounds = Timeouts {
        wait: Some(MS),
        create: None,
        recycle: Some(2 * MS),
    };
    let scene = Scene::built(1, true, |builder| builder.timeouts(bounds));
    let said = scene.pool.timeouts();
    assert_eq!(
        (said.wait, said.create, said.recycle),
        (Some(MS), None, Some(2 * MS))
    );
}

#[test]
fn a_pool_with_any_bound_of_its_own_needs_a_runtime() {
    // As in deadpool: a wait of zero too, though `timeout_get` takes one without.
    for wait in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
        let built = World::default()
            .builder()
            .max_size(1)
            .wait_timeout(Some(wait))
            .build();
        assert!(matches!(built, Err(BuildError::NoRuntimeSpecified)));
    }
}

#[test]
fn wait_zero_takes_the_outcome_of_a_connect_that_nobody_owns() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    scene.get().waits().cancel().unwrap();
    let mut getter = scene.get_within(&NO_WAIT).waits();
    let mut beyond = scene.get_within(&NO_WAIT);
    assert!(matches!(
        beyond.ready(),
        Err(PoolError::Timeout(TimeoutType::Wait))
    ));
    gate.open();
    scene.settle();
    drop(getter.woken_ready().unwrap());
    assert_eq!(scene.world.create.calls(), 1);
    scene.all_well(1);
}

#[test]
fn wait_zero_does_not_wait_for_ever_when_a_shrink_takes_the_connect_that_it_joined() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    scene.get().waits().cancel().unwrap();
    let mut getter = scene.get_within(&NO_WAIT).waits();
    scene.resize(0);
    gate.open();
    scene.settle();
    let said = getter.woken_ready();
    assert!(
        matches!(said, Err(PoolError::Timeout(TimeoutType::Wait))),
        "{said:?}"
    );
}

#[test]
fn wait_zero_does_not_wait_for_ever_when_a_shrink_takes_its_reservation_back() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at_then(&gate, Step::Err));
    scene.get().waits().cancel().unwrap();
    let mut getter = scene.get_within(&NO_WAIT).waits();
    gate.open();
    scene.settle();
    assert!(
        getter.is_woken(),
        "the connect failed: it may connect itself"
    );
    scene.resize(0);
    let said = getter.ready();
    assert!(
        matches!(said, Err(PoolError::Timeout(TimeoutType::Wait))),
        "{said:?}"
    );
}

#[test]
fn wait_zero_does_not_wait_for_the_object_of_another_that_got_ahead_of_it() {
    let scene = Scene::with_runtime(2);
    drop(scene.hold());
    // One checks an object that will die; one connect has no owner; one will not wait.
    let (check, connect) = (Gate::new(), Gate::new());
    scene.world.recycle.then(Step::at_then(&check, Step::Err));
    let mut checking = scene.get().waits();
    scene.world.create.then(Step::at(&connect));
    scene.get().waits().cancel().unwrap();
    let mut getter = scene.get_within(&NO_WAIT).waits();
    // After the shrink there is one place: who checks stands first, and gets what is connecting.
    scene.world.limit(2);
    scene.pool.resize(1);
    check.open();
    checking.pending();
    connect.open();
    scene.settle();
    let _held = checking.woken_ready().unwrap();
    let said = getter.woken_ready();
    assert!(
        matches!(said, Err(PoolError::Timeout(TimeoutType::Wait))),
        "{said:?}"
    );
}

#[test]
fn wait_zero_with_a_dead_idle_object_connects() {
    let scene = Scene::new(1);
    drop(scene.hold());
    scene.world.recycle.then(Step::Err);
    drop(scene.get_within(&NO_WAIT).ready().unwrap());
    assert_eq!((scene.world.made(), scene.world.book().peak), (2, 1));
    scene.all_well(1);
}

#[test]
fn a_background_connect_without_a_time_driver_loses_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let world = World::default();
    world.limit(1);
    let pool: support::TestPool = Pool::builder(world.clone())
        .max_size(1)
        .runtime(millpond::Runtime::Tokio1)
        .build()
        .unwrap();
    let gate = Gate::new();
    world.create.then(Step::at(&gate));
    let getter = support::Polled::new(Some(runtime.handle().clone()), pool.get()).waits();
    getter.cancel().unwrap();
    gate.open();
    runtime.block_on(async {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    });
    // Its task panicked, as the builder's documentation says; the reservation was given up.
    assert_eq!((pool.snapshot().connecting, pool.snapshot().size), (0, 0));
}

#[test]
fn what_is_ready_at_once_is_never_too_late() {
    for phase in PHASES {
        for bound in [Duration::ZERO, Duration::MAX] {
            let scene = Scene::with_runtime(1);
            let timeouts = bounds_of(phase, bound);
            drop(scene.get_within(&timeouts).ready().unwrap());
            drop(scene.get_within(&timeouts).ready().unwrap());
            assert_eq!(scene.world.made(), 1, "made, then checked");
            scene.all_well(1);
        }
    }
}

#[test]
fn a_bound_of_zero_ends_what_is_not_ready_at_once() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let timeouts = bounds_of(TimeoutType::Wait, Duration::ZERO);
    says(&scene.get_within(&timeouts).ready(), TimeoutType::Wait);
    drop(held.take());
    let timeouts = bounds_of(TimeoutType::Create, Duration::ZERO);
    scene.world.create.then(Step::Never);
    let said = ends(&scene, &mut scene.get_within(&timeouts));
    says(&said, TimeoutType::Create);
    assert_eq!(scene.world.connecting(), 0);
    drop(scene.hold());
    // A check that is not ready in no time at all is a failed one: its getter goes on with another.
    let timeouts = bounds_of(TimeoutType::Recycle, Duration::ZERO);
    scene.world.recycle.then(Step::Never);
    drop(ends(&scene, &mut scene.get_within(&timeouts)).unwrap());
    assert_eq!((scene.world.made(), scene.world.dropped()), (3, 2));
    scene.all_well(1);
}

#[test]
fn the_longest_bound_there_is_never_ends() {
    let scene = Scene::with_runtime(1);
    let held = scene.hold();
    let timeouts = bounds_of(TimeoutType::Wait, Duration::MAX);
    let mut getter = scene.get_within(&timeouts).waits();
    scene.advance(YEAR);
    getter.pending();
    drop(held);
    drop(getter.woken_ready().unwrap());

    let gate = Gate::new();
    scene.world.recycle.then(Step::at(&gate));
    let timeouts = bounds_of(TimeoutType::Recycle, Duration::MAX);
    let mut getter = scene.get_within(&timeouts).waits();
    scene.advance(YEAR);
    getter.pending();
    gate.open();
    drop(getter.woken_ready().unwrap().take());

    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let timeouts = bounds_of(TimeoutType::Create, Duration::MAX);
    let mut getter = scene.get_within(&timeouts).waits();
    scene.advance(YEAR);
    getter.pending();
    // Nor in the background, where its bound goes with it.
    getter.cancel().unwrap();
    scene.settle();
    scene.advance(YEAR);
    assert_eq!(scene.world.connecting(), 1);
    gate.open();
    scene.all_well(1);
}

#[test]
fn a_bound_ends_its_phase_at_its_moment_and_not_before() {
    for phase in PHASES {
        let scene = Scene::with_runtime(1);
        let mut held = Some(scene.hold());
        match phase {
            TimeoutType::Wait => {}
            TimeoutType::Create => {
                drop(held.take().map(support::Hand::take));
                scene.world.create.then(Step::Never);
            }
            TimeoutType::Recycle => {
                held = None;
                scene.world.recycle.then(Step::Never);
            }
        }
        let timeouts = bounds_of(phase, 100 * MS);
        let mut getter = scene.get_within(&timeouts).waits();
        scene.advance(99 * MS);
        assert!(!getter.is_woken(), "{phase:?}");
        scene.advance(MS);
        let said = getter.woken_ready();
        match phase {
            TimeoutType::Recycle => drop(said.unwrap()),
            _ => says(&said, phase),
        }
        drop(held);
        scene.all_well(1);
    }
}

#[test]
fn a_bound_without_a_runtime_is_refused_before_anything_is_touched() {
    let scene = Scene::new(2);
    let metrics = |scene: &Scene| {
        let mut seen = None;
        scene.pool.retain(|_, metrics| {
            seen = Some((metrics.recycled, metrics.recycle_count));
            true
        });
        seen
    };
    drop(scene.hold());
    drop(scene.hold());
    let before = metrics(&scene);
    let refused = || {
        for phase in PHASES {
            for bound in [Duration::ZERO, MS, Duration::MAX] {
                let timeouts = bounds_of(phase, bound);
                if timeouts.wait != Some(Duration::ZERO) {
                    let said = scene.get_within(&timeouts).ready();
                    assert!(matches!(said, Err(PoolError::NoRuntimeSpecified)));
                }
            }
        }
        for deadline in [Duration::ZERO, MS, Duration::MAX] {
            let how = Acquire::new().deadline(deadline).label("late");
            let error = scene.acquire(&how).ready().unwrap_err();
            assert!(matches!(error.reason(), Reason::NoRuntimeSpecified));
        }
    };
    refused();
    assert_eq!(metrics(&scene), before, "its history is as it was");
    assert_eq!(
        (scene.pool.snapshot().idle, scene.world.recycle.calls()),
        (1, 1)
    );
    assert_eq!(scene.world.pre_recycle.calls(), 1);
    let held = scene.hold();
    refused();
    assert_eq!(scene.world.create.calls(), 1, "nothing is made either");
    drop(held);
    scene.all_well(2);
}

#[test]
fn a_pool_of_nothing_waits_until_it_is_resized() {
    let scene = Scene::new(0);
    let mut getter = scene.get().waits();
    says(&scene.get_within(&NO_WAIT).ready(), TimeoutType::Wait);
    scene.resize(1);
    drop(getter.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_pool_of_nothing_waits_until_the_bound_is_over() {
    let scene = Scene::with_runtime(0);
    let timeouts = Timeouts::wait_millis(100);
    let mut getter = scene.get_within(&timeouts).waits();
    let how = Acquire::new().deadline(100 * MS);
    let mut acquirer = scene.acquire(&how).waits();
    scene.advance(99 * MS);
    assert!(!getter.is_woken() && !acquirer.is_woken());
    scene.advance(MS);
    says(&getter.woken_ready(), TimeoutType::Wait);
    let error = acquirer.woken_ready().unwrap_err();
    assert!(matches!(
        error.reason(),
        Reason::Deadline(TimeoutType::Wait)
    ));
    assert_eq!(scene.world.create.calls(), 0);
    scene.all_well(0);
}

#[test]
fn a_pool_of_usize_max_costs_next_to_no_memory() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let world = World::default();
        world.limit(usize::MAX);
        let before = bytes();
        let pool: support::TestPool = Pool::builder(world)
            .max_size(usize::MAX)
            .queue_mode(mode)
            .build()
            .unwrap();
        let built = bytes() - before;
        assert!(built < 16 * 1_024, "{built} bytes for an empty pool");
        assert_eq!(pool.status().max_size, usize::MAX);
        let first = Polled::new(None, pool.get()).ready().unwrap();
        drop(first);
        let used = bytes() - before;
        assert!(used < 32 * 1_024, "{used} bytes for a pool of one object");
        assert_eq!((pool.status().size, pool.snapshot().max_size), (1, 65_535));
    }
}

#[test]
fn a_served_waiter_with_a_dead_object_starts_no_fresh_wait() {
    for check in [0, 30, 70] {
        let scene = Scene::built(1, true, |builder| builder.wait_timeout(Some(100 * MS)));
        let held = scene.hold();
        let (pool, gate) = (scene.pool.clone(), Gate::new());
        let shrink = Step::run_then(move || pool.resize(0), Step::Err);
        scene
            .world
            .recycle
            .then(Step::At(gate.clone(), Box::new(shrink)));
        let mut getter = scene.get().waits();
        scene.advance(60 * MS);
        drop(held);
        getter.pending();
        scene.advance(check * MS);
        // Dead, and no room for another: it waits again.
        gate.open();
        let before = 60 + check;
        if before < 100 {
            getter.pending();
            scene.advance((99 - before) * MS);
            assert!(!getter.is_woken());
            scene.advance(MS);
            says(&getter.woken_ready(), TimeoutType::Wait);
        } else {
            says(&getter.ready(), TimeoutType::Wait);
        }
        assert_eq!(scene.pool.snapshot().waiting, 0);
        scene.all_well(0);
    }
}

#[test]
fn an_object_that_comes_at_the_very_moment_of_the_deadline_is_not_lost() {
    for deadline in [false, true] {
        let scene = Scene::with_runtime(1);
        let held = scene.hold();
        let timeouts = Timeouts::wait_millis(100);
        let how = Acquire::new().deadline(100 * MS);
        let mut getter = scene.get_within(&timeouts);
        let mut acquirer = scene.acquire(&how);
        let woken = if deadline {
            acquirer.pending();
            scene.advance(100 * MS);
            drop(held);
            acquirer.woken_ready().is_ok()
        } else {
            getter.pending();
            scene.advance(100 * MS);
            drop(held);
            getter.woken_ready().is_ok()
        };
        assert!(woken, "it was served");
        scene.all_well(1);
    }
}
