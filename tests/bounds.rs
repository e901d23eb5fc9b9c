//! P6: bounds are bounds, and what is asked for is what is kept: time-outs, sizes, and their extremes.

mod support;

use millpond::managed::{BuildError, Pool, PoolError, TimeoutType};
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::scene::hooked;
use support::{Gate, Scene, Step, World};

#[test]
fn a_pool_with_any_bound_of_its_own_needs_a_runtime() {
    // As in deadpool: a wait of zero too, though `timeout_get` takes one without.
    for wait in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
        let built = hooked(&World::default())
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
