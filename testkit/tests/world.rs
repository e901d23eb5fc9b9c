//! The scripted manager, call by call, and its clock.

use millpond::Runtime;
use millpond::managed::{Pool, PoolError, TimeoutType};
use millpond_testkit::oracles::{assert_all_well, assert_once};
use millpond_testkit::{Clock, Gate, Hand, Polled, ScriptedError, Step, World};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn pool(world: &World, max: usize) -> Pool<World, Hand> {
    world.limit(max);
    let builder = world.builder().max_size(max);
    builder.runtime(Runtime::Tokio1).build().unwrap()
}

#[test]
fn a_step_is_for_the_call_of_its_number() {
    let world = World::default();
    let pool: Pool<World, Hand> = world.builder().max_size(9).build().unwrap();
    world.create.at_call(2, Step::Err);
    world.create.at_call(4, Step::Panic);
    let mut held = Vec::new();
    held.push(Polled::of(pool.get()).ready().unwrap());
    let second = Polled::of(pool.get()).ready();
    assert!(matches!(second, Err(PoolError::Backend(ScriptedError))));
    held.push(Polled::of(pool.get()).ready().unwrap());
    Polled::of(pool.get()).panics();
    held.push(Polled::of(pool.get()).ready().unwrap());
    assert_eq!((world.create.calls(), world.made()), (5, 3));
    drop(held);
    assert_all_well(&pool, 9);
}

#[test]
#[should_panic(expected = "call 2 has its step: 3 is free")]
fn a_call_has_one_step() {
    let world = World::default();
    world.create.at_call(2, Step::Err);
    world.create.at_call(2, Step::Ok);
}

#[test]
fn a_call_takes_its_time_on_the_clock() {
    let (clock, world) = (Clock::new(), World::default());
    let pool = pool(&world, 1);
    world.create.then(Step::Sleep(3 * SECOND));
    let begun = clock.now();
    let mut getter = clock.polled(pool.get()).waits();
    clock.advance(2 * SECOND);
    assert!(!getter.is_woken());
    clock.advance(SECOND);
    drop(getter.woken_ready().unwrap());
    assert_eq!(clock.now() - begun, 3 * SECOND);

    // Or the clock runs by itself to what is due next.
    pool.retain(|_, _| false);
    world.create.then(Step::Sleep(3 * SECOND));
    drop(clock.run(pool.get()).unwrap());
    assert_eq!(clock.now() - begun, 6 * SECOND);
}

#[test]
fn a_time_out_of_an_hour_is_tested_at_once() {
    let (clock, world) = (Clock::new(), World::default());
    let builder = world
        .builder()
        .max_size(1)
        .wait_timeout(Some(3600 * SECOND));
    let pool = builder.runtime(Runtime::Tokio1).build().unwrap();
    let held = clock.polled(pool.get()).ready().unwrap();
    let mut getter = clock.polled(pool.get()).waits();
    clock.advance(3599 * SECOND);
    getter.pending();
    clock.advance(SECOND);
    let said = getter.woken_ready();
    assert!(matches!(said, Err(PoolError::Timeout(TimeoutType::Wait))));
    drop(held);
    assert_all_well(&pool, 1);
}

#[test]
fn what_is_done_in_the_background_is_done_when_the_clock_has_settled() {
    let (clock, world) = (Clock::new(), World::default());
    let pool = pool(&world, 1);
    let gate = Gate::new();
    world.create.then(Step::at(&gate));
    let given_up = clock.polled(pool.get()).waits();
    drop(given_up);
    gate.open();
    assert_eq!(world.made(), 0);
    clock.settle();
    assert_eq!((world.made(), pool.snapshot().idle), (1, 1));

    world.untidy.then(Step::Err);
    world.slow.then(Step::Err);
    world.tidy.then(Step::Err);
    drop(clock.polled(pool.get()).ready().unwrap());
    clock.settle();
    let calls = (world.tidy.calls(), world.close.calls(), world.dropped());
    assert_eq!(calls, (1, 1, 1));
    assert_all_well(&pool, 1);
}

#[test]
fn an_errand_looks_at_the_pool_in_the_middle_of_its_work() {
    let world = World::default();
    let pool: Pool<World, Hand> = world.builder().max_size(2).build().unwrap();
    let seen = Arc::new(Mutex::new(None));
    let (weak, to) = (pool.weak(), Arc::clone(&seen));
    world.create.then(Step::run(move || {
        let pool = weak.upgrade().expect("it works");
        *to.lock().unwrap() = Some(pool.snapshot());
    }));
    drop(Polled::of(pool.get()).ready().unwrap());
    let seen = seen.lock().unwrap().expect("it was run");
    assert_eq!((seen.connecting, seen.size, seen.idle), (1, 1, 0));
}

#[test]
fn the_hooks_the_check_and_the_end_follow_their_scripts() {
    let world = World::default();
    let pool: Pool<World, Hand> = world.builder().max_size(1).build().unwrap();
    let hold = || Polled::of(pool.get()).ready().unwrap();
    for script in [&world.pre_recycle, &world.recycle, &world.post_recycle] {
        drop(hold());
        script.then(Step::Err);
        let next = hold();
        assert_eq!(next.id, world.made() - 1, "a new one");
    }
    world.post_create.then(Step::Err);
    let hand = hold();
    hand.take();
    assert!(Polled::of(pool.get()).ready().is_err());
    assert_eq!(world.objects(), [0; 0]);
    assert_eq!(world.detached(), world.made());

    // A `detach` and a `Drop` may panic.
    for script in [&world.detach, &world.drops] {
        let hand = hold();
        world.broken.then(Step::Err);
        script.then(Step::Panic);
        let drop_it = std::panic::AssertUnwindSafe(|| drop(hand));
        assert!(std::panic::catch_unwind(drop_it).is_err());
    }
    assert_all_well(&pool, 1);
    drop(pool);
    assert_eq!((world.live(), world.handles()), (0, 1));
    assert_once(&world);
}
