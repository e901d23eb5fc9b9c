//! Pools that are known to work: each step may fail, hang, panic or be cancelled; the error names it, and
//! nothing is lost. And from one pool to the next: never both with objects.

mod support;

use millpond::Runtime;
use millpond::managed::{
    BuildError, HookError, Pool, PoolError, ReadyError, ReadyStep, RecycleError, TimeoutType,
};
use std::error::Error;
use std::time::Duration;
use support::oracle::once_in;
use support::scene::{TestBuilder, TestPool};
use support::{Fault, Gate, Polled, Scene, Script, Step, World, acc, lim};

const TARGET: &str = "the scripted world";
const SHORT: Duration = Duration::from_secs(1);

/// The steps of a warm-up, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Create,
    Hook,
    ProbeNew,
    ProbeIdle,
}

const STEPS: [At; 4] = [At::Create, At::Hook, At::ProbeNew, At::ProbeIdle];

impl At {
    fn script(self, world: &World) -> &Script {
        match self {
            Self::Create => &world.create,
            Self::Hook => &world.post_create,
            Self::ProbeNew | Self::ProbeIdle => &world.probe,
        }
    }

    /// A pool whose next warm-up comes to this step, and finds it so.
    fn set(self, scene: &Scene, step: Step) {
        if self == Self::ProbeIdle {
            drop(scene.hold());
        }
        self.script(&scene.world).then(step);
    }

    fn is_of<E>(self, step: &ReadyStep<E>) -> bool {
        match self {
            Self::Create => matches!(step, ReadyStep::Connect(_)),
            Self::Hook => matches!(step, ReadyStep::Hook(HookError::Backend(_))),
            _ => matches!(step, ReadyStep::Check(RecycleError::Backend(_))),
        }
    }
}

type Ready = Result<(), ReadyError<Fault>>;

fn warm_up(scene: &Scene, count: usize) -> Polled<'_, Ready> {
    scene.polled(scene.pool.warm_up(count))
}

#[test]
fn a_ready_pool_has_one_object_that_works() {
    for runtime in [false, true] {
        let scene = Scene::built(1, runtime, |builder| builder);
        let world = World::default();
        world.limit(2);
        let builder = world.builder().max_size(2);
        let pool: TestPool = scene.polled(builder.build_ready()).ready().unwrap();
        let now = pool.snapshot();
        assert_eq!((now.size, now.idle, world.made()), (1, 1, 1));
        assert_eq!((world.probe.calls(), world.recycle.calls()), (1, 0));
        acc(&pool);
        lim(&pool);
    }
}

#[test]
fn a_warm_up_makes_as_many_as_asked_for_and_tries_each() {
    let scene = Scene::new(3);
    warm_up(&scene, 2).ready().unwrap();
    assert_eq!((scene.world.made(), scene.world.probe.calls()), (2, 2));
    assert_eq!(scene.pool.snapshot().idle, 2);
    // Those that are there count; one of them is tried.
    warm_up(&scene, 2).ready().unwrap();
    assert_eq!((scene.world.made(), scene.world.probe.calls()), (2, 3));
    // More than there is room for: as many as there is.
    warm_up(&scene, 100).ready().unwrap();
    assert_eq!((scene.world.made(), scene.pool.snapshot().idle), (3, 3));
    let held = scene.fill(3);
    warm_up(&scene, 3).ready().unwrap();
    drop(held);
    scene.all_well(3);
}

/// The pool's task makes what is missing of its spare ones: what is being warmed up is not missing.
#[test]
fn what_is_being_made_ready_is_not_made_once_more_as_a_spare_one() {
    let scene = Scene::built(1, true, |builder| builder);
    let world = World::default();
    world.limit(3);
    let gate = Gate::new();
    world.probe.then(Step::at(&gate));
    let builder = world.builder().max_size(8).min_idle(3);
    let builder = builder.runtime(Runtime::Tokio1);
    let mut building = scene.polled(builder.build_ready()).waits();
    for _ in 0..5 {
        scene.advance(SHORT);
    }
    assert_eq!(world.made(), 3, "two beside the one that is tried");
    gate.open();
    let pool = building.woken_ready().unwrap();
    scene.advance(SHORT);
    let now = pool.snapshot();
    assert_eq!((now.size, now.idle, world.made()), (3, 3, 3));
    acc(&pool);
    drop((building, pool));
    once_in(&world);
}

#[test]
fn a_warm_up_to_nothing_of_an_empty_pool_is_ready() {
    let scene = Scene::new(1);
    warm_up(&scene, 0).ready().unwrap();
    assert_eq!(scene.world.made(), 0);
    scene.all_well(1);
}

#[test]
fn what_a_warm_up_makes_goes_to_whoever_waits() {
    let scene = Scene::new(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let mut warm = warm_up(&scene, 1);
    warm.pending();
    let mut getter = scene.get().waits();
    gate.open();
    warm.woken_ready().unwrap();
    drop(getter.woken_ready().unwrap());
    assert_eq!(scene.world.made(), 1);
    drop(warm);
    scene.all_well(1);
}

#[test]
fn each_steps_failure_names_step_target_and_cause_and_loses_nothing() {
    for at in STEPS {
        for runtime in [false, true] {
            println!("{at:?} runtime {runtime}");
            let scene = Scene::built(2, runtime, |builder| builder);
            at.set(&scene, Step::Err);
            let error = warm_up(&scene, 1).ready().unwrap_err();
            assert!(at.is_of(error.step()), "{error:?}");
            assert_eq!(error.target(), TARGET);
            assert!(error.source().is_some(), "the cause");
            let said = error.to_string();
            assert!(
                said.contains(TARGET) && said.contains("scripted fault"),
                "{said}"
            );
            let destroyed = usize::from(at != At::Create);
            assert_eq!((scene.world.dropped(), scene.world.live()), (destroyed, 0));
            scene.all_well(2);
        }
    }
}

#[test]
fn each_steps_failure_leaves_what_was_made_before() {
    for at in [At::Create, At::Hook, At::ProbeNew] {
        let scene = Scene::new(3);
        at.script(&scene.world).then(Step::Ok);
        at.set(&scene, Step::Err);
        let error = warm_up(&scene, 3).ready().unwrap_err();
        assert!(at.is_of(error.step()), "{error:?}");
        assert_eq!(scene.pool.snapshot().idle, 1, "{at:?}: it goes on as it is");
        scene.all_well(3);
    }
}

#[test]
fn each_step_may_be_cancelled_or_panic() {
    for at in STEPS {
        for runtime in [false, true] {
            for panic in [false, true] {
                println!("{at:?} runtime {runtime} panic {panic}");
                let scene = Scene::built(1, runtime, |builder| builder);
                at.set(&scene, if panic { Step::Panic } else { Step::Never });
                let mut warm = warm_up(&scene, 1);
                if panic {
                    warm.panics();
                } else {
                    warm.pending();
                }
                let mut next = scene.get();
                let served = next.poll().is_ready();
                assert_eq!(served, panic, "while it goes on its room is taken");
                warm.cancel().unwrap();
                if !served {
                    drop(next.woken_ready().unwrap());
                }
                drop(next);
                scene.all_well(1);
            }
        }
    }
}

/// Polls until one moment before `bound` it is pending still, and one after it is done.
fn done_within<T>(scene: &Scene, mut future: Polled<'_, T>, bound: Duration) -> T {
    let moment = Duration::from_millis(100);
    future.pending();
    scene.advance(bound - moment);
    future.pending();
    scene.advance(2 * moment);
    future.woken_ready()
}

#[test]
fn each_step_is_bounded_by_the_pools_own_time_out_or_ten_seconds() {
    for at in STEPS {
        for own in [false, true] {
            println!("{at:?}, own bound: {own}");
            let scene = Scene::built(1, true, |builder| match own {
                true => builder
                    .create_timeout(Some(SHORT))
                    .recycle_timeout(Some(SHORT)),
                false => builder,
            });
            at.set(&scene, Step::Never);
            let bound = if own { SHORT } else { Duration::from_secs(10) };
            let error = done_within(&scene, warm_up(&scene, 1), bound).unwrap_err();
            let right = match at {
                At::Create | At::Hook => {
                    matches!(error.step(), ReadyStep::TimedOut(TimeoutType::Create))
                }
                _ => matches!(error.step(), ReadyStep::TimedOut(TimeoutType::Recycle)),
            };
            assert!(right && error.target() == TARGET, "{error:?}");
            assert!(error.to_string().contains("timed out"), "{error}");
            assert!(error.source().is_none());
            scene.all_well(1);
        }
    }
}

#[test]
fn a_pool_that_is_closed_before_or_during_a_warm_up_says_so() {
    let scene = Scene::new(1);
    scene.pool.close();
    let error = warm_up(&scene, 1).ready().unwrap_err();
    assert!(matches!(error.step(), ReadyStep::Closed), "{error:?}");
    assert!(error.to_string().contains(TARGET));
    scene.all_gone();
    for at in [At::Create, At::Hook, At::ProbeNew] {
        let scene = Scene::new(1);
        let gate = Gate::new();
        at.set(&scene, Step::at(&gate));
        let mut warm = warm_up(&scene, 1);
        warm.pending();
        scene.pool.close();
        gate.open();
        let error = warm.woken_ready().unwrap_err();
        assert!(
            matches!(error.step(), ReadyStep::Closed),
            "{at:?}: {error:?}"
        );
        drop(warm);
        scene.all_gone();
    }
}

#[test]
fn a_pool_closed_while_its_idle_object_is_tried_destroys_it_and_says_so() {
    let scene = Scene::new(1);
    let gate = Gate::new();
    At::ProbeIdle.set(&scene, Step::at(&gate));
    let mut warm = warm_up(&scene, 1);
    warm.pending();
    scene.pool.close();
    assert_eq!(scene.world.live(), 1);
    gate.open();
    let said = warm.woken_ready();
    drop(warm);
    scene.all_gone();
    let error = said.expect_err("ready, and closed");
    assert!(matches!(error.step(), ReadyStep::Closed), "{error:?}");
}

fn built_ready(builder: TestBuilder) -> Result<TestPool, ReadyError<Fault>> {
    Polled::new(None, builder.build_ready()).ready()
}

#[test]
fn a_pool_that_cannot_be_built_or_made_ready_is_not_there() {
    let world = World::default();
    world.limit(1);
    let wrong = world.builder().max_size(1).wait_timeout(Some(SHORT));
    let error = built_ready(wrong).err().unwrap();
    assert!(matches!(
        error.step(),
        ReadyStep::Build(BuildError::NoRuntimeSpecified)
    ));
    assert_eq!((error.target(), world.made()), (TARGET, 0));
    assert!(error.source().is_some() && error.to_string().contains(TARGET));
    for at in [At::Create, At::Hook, At::ProbeNew] {
        at.script(&world).then(Step::Err);
        let error = built_ready(world.builder().max_size(1)).err().unwrap();
        assert!(at.is_of(&error.into_step()), "{at:?}");
        assert_eq!((world.live(), world.connecting()), (0, 0), "{at:?}");
        at.script(&world).then(Step::Never);
        let builder = world.builder().max_size(1);
        let building = Polled::new(None, builder.build_ready()).waits();
        building.cancel().unwrap();
        assert_eq!((world.live(), world.connecting()), (0, 0), "{at:?}");
        assert_eq!(world.handles(), 1, "{at:?}: nothing of the pool is left");
    }
    once_in(&world);
}

/// Another pool of the same server, whose limit both must keep together.
fn next_pool(scene: &Scene, max: usize) -> TestBuilder {
    let builder = scene.world.builder().max_size(max);
    match scene.handle() {
        Some(_) => builder.runtime(Runtime::Tokio1),
        None => builder,
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn from_one_pool_to_the_next_never_both_have_objects() {
    for runtime in [false, true] {
        let scene = Scene::built(2, runtime, |builder| builder);
        let held = scene.fill(2);
        let mut waiter = scene.get().waits();
        let mut over = scene.polled(scene.pool.reinitialize(next_pool(&scene, 2), PATIENCE));
        over.pending();
        assert!(matches!(waiter.woken_ready(), Err(PoolError::Closed)));
        assert!(matches!(scene.get().ready(), Err(PoolError::Closed)));
        for hand in held {
            assert_eq!(scene.world.made(), 2, "nothing is made while one is out");
            over.pending();
            drop(hand);
        }
        let next = over.woken_ready().unwrap();
        assert_eq!((next.snapshot().idle, scene.world.made()), (1, 3));
        assert!(scene.pool.is_closed() && !next.is_closed());
        assert!(matches!(scene.get().ready(), Err(PoolError::Closed)));
        assert_eq!(scene.world.book().peak, 2, "LIM across both");
        drop((over, waiter));
        support::cap(&next, 2);
        acc(&next);
        drop(next);
        assert_eq!(scene.world.live(), 0);
        once_in(&scene.world);
    }
}

#[test]
fn a_connect_of_the_old_pool_in_the_background_ends_before_the_new_one_connects() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    scene.get().waits().cancel().unwrap();
    scene.settle();
    let mut over = scene.polled(scene.pool.reinitialize(next_pool(&scene, 1), PATIENCE));
    over.pending();
    assert_eq!(scene.world.create.calls(), 1);
    gate.open();
    scene.settle();
    let next = over.woken_ready().unwrap();
    assert_eq!((scene.world.create.calls(), scene.world.live()), (2, 1));
    lim(&next);
    drop(over);
}

#[test]
fn whoever_does_not_bring_an_object_back_in_time_is_named() {
    let scene = Scene::with_runtime(2);
    drop(scene.fill(2));
    let line = line!() + 1;
    let held = scene.hold();
    let over = scene.polled(scene.pool.reinitialize(next_pool(&scene, 2), PATIENCE));
    let error = done_within(&scene, over, PATIENCE).err().unwrap();
    let said = error.to_string();
    assert_eq!(error.target(), TARGET);
    match error.into_step() {
        ReadyStep::StillOut { snapshot, holders } => {
            assert!(snapshot.closed && snapshot.in_use == 1, "{snapshot:?}");
            let caller = holders[0].caller;
            assert_eq!((holders.len(), caller.line()), (1, line), "{caller}");
            assert!(caller.file().ends_with("ready.rs"), "{caller}");
        }
        other => panic!("{other:?}"),
    }
    assert!(said.contains(TARGET) && said.contains("ready.rs"), "{said}");
    assert_eq!(scene.world.live(), 1, "there is no new pool");
    drop(held);
    scene.all_gone();
}

#[test]
fn a_new_pool_that_does_not_become_ready_leaves_none_behind() {
    for at in [At::Create, At::Hook, At::ProbeNew] {
        for cancel in [false, true] {
            let scene = Scene::new(1);
            drop(scene.hold());
            at.script(&scene.world)
                .then(if cancel { Step::Never } else { Step::Err });
            let mut over = scene.polled(scene.pool.reinitialize(next_pool(&scene, 1), PATIENCE));
            if cancel {
                over.pending();
                over.cancel().unwrap();
            } else {
                let error = over.ready().err().unwrap();
                assert!(at.is_of(error.step()), "{error:?}");
                drop(over);
            }
            scene.all_gone();
            assert_eq!(scene.world.connecting(), 0);
        }
    }
}

#[test]
fn cancelled_while_objects_are_out_the_old_pool_is_closed_and_nothing_is_made() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let over = scene.polled(scene.pool.reinitialize(next_pool(&scene, 1), PATIENCE));
    over.waits().cancel().unwrap();
    assert!(scene.pool.is_closed());
    drop(held);
    assert_eq!(scene.world.made(), 1);
    scene.all_gone();
}

#[test]
fn a_managers_target_is_its_type_unless_it_says_otherwise() {
    struct Plain;
    impl millpond::managed::Manager for Plain {
        type Type = ();
        type Error = Fault;
        async fn create(&self) -> Result<(), Fault> {
            Err(Fault)
        }
        async fn recycle(
            &self,
            (): &mut (),
            _: &millpond::managed::Metrics,
        ) -> millpond::managed::RecycleResult<Fault> {
            Ok(())
        }
    }
    let builder = Pool::<Plain>::builder(Plain).max_size(1);
    let error = Polled::new(None, builder.build_ready())
        .ready()
        .err()
        .unwrap();
    assert_eq!(error.target(), "()");
}
