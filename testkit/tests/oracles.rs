//! The oracles: each says what is wrong where something is, and where it was asked.

use millpond::Runtime;
use millpond::managed::{Manager, Pool};
use millpond_testkit::oracles::{
    assert_accounts, assert_all_well, assert_at_rest, assert_at_rest_in_time, assert_cap,
    assert_cap_in_time, assert_limit, assert_live, assert_once,
};
use millpond_testkit::{Clock, Hand, Polled, Step, Thing, World};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

fn pool(max: usize) -> Pool<World, Hand> {
    let world = World::default();
    world.limit(max);
    world.builder().max_size(max).build().unwrap()
}

fn hold(pool: &Pool<World, Hand>) -> Hand {
    Polled::of(pool.get()).ready().unwrap()
}

/// What it panics with.
#[track_caller]
fn said(asserted: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(asserted)).expect_err("nothing was found wrong");
    *panic.downcast::<String>().expect("a panic with words")
}

#[test]
fn a_good_pool_passes_them_all() {
    let pool = pool(3);
    assert_all_well(&pool, 3);
    let mut held = vec![hold(&pool), hold(&pool), hold(&pool)];
    assert_accounts(&pool);
    assert_live(&pool, 3);
    drop(held.pop().unwrap().take());
    held.clear();
    pool.retain(|thing, _| {
        thing.goes_away();
        false
    });
    assert_all_well(&pool, 3);

    // Nor does it need hands, or hooks.
    let bare: Pool<World> = Pool::builder(World::default()).max_size(2).build().unwrap();
    assert_all_well(&bare, 2);
}

#[test]
fn cap_finds_too_few_and_too_many() {
    let pool = pool(2);
    let _held = hold(&pool);
    let few = said(|| assert_cap(&pool, 2));
    assert!(few.starts_with("CAP: only 1 of 2: timed out"), "{few}");
    // It shows the pool, and who holds.
    assert!(few.contains("1/2 in use"), "{few}");
    assert!(few.contains("is out: testkit/tests/oracles.rs:"), "{few}");
    assert_cap(&pool, 1);
    let many = said(|| assert_cap(&pool, 0));
    assert!(many.starts_with("CAP: more than 0"), "{many}");
}

#[test]
fn cap_does_not_wait() {
    let pool = pool(1);
    pool.manager().create.then(Step::Never);
    let waits = said(|| assert_cap(&pool, 1));
    assert!(waits.starts_with("CAP: a get has to wait"), "{waits}");
}

#[test]
fn accounts_find_who_is_there_and_what_lives() {
    let pool = pool(2);
    let held = hold(&pool);
    let busy = said(|| assert_at_rest(&pool));
    let what = "ACC, at rest: not so: nobody holds, connects or waits";
    assert!(busy.starts_with(what), "{busy}");
    let other = said(|| assert_live(&pool, 2));
    assert!(
        other.starts_with("ACC: 2 objects live, the pool counts 1"),
        "{other}"
    );
    drop(held);
    assert_at_rest(&pool);

    let gate = millpond_testkit::Gate::new();
    pool.manager().recycle.then(Step::at(&gate));
    let checked = Polled::of(pool.get()).waits();
    said(|| assert_at_rest(&pool));
    drop(checked);
    assert_at_rest(&pool);
}

/// An object without a pool, as a pool with a fault would treat it.
fn thing(world: &World) -> Thing {
    Polled::of(world.create()).ready().unwrap()
}

#[test]
fn once_finds_what_a_faulty_pool_does() {
    type Faulty = fn(&World);
    let faults: [(Faulty, &str); 4] = [
        (|world| drop(thing(world)), "drop of object 0"),
        (
            |world| {
                let mut thing = thing(world);
                world.detach(&mut thing);
                world.detach(&mut thing);
            },
            "detach of object 0",
        ),
        (
            |world| {
                let mut thing = thing(world);
                world.detach(&mut thing);
                world.has_broken(&mut thing);
            },
            "has_broken of object 0",
        ),
        (
            |world| {
                let mut thing = thing(world);
                let reason = millpond::observe::CloseReason::Idle;
                world.closes_slowly(&mut thing, reason);
                world.detach(&mut thing);
            },
            "object 0 is to be closed",
        ),
    ];
    for (fault, what) in faults {
        let world = World::default();
        fault(&world);
        let said = said(|| assert_once(&world));
        assert!(said.contains(what), "{what}: {said}");
        assert_limit(&world);
    }
}

#[test]
fn limit_finds_one_connect_too_many() {
    let pool = pool(2);
    pool.manager().limit(1);
    let _held = (hold(&pool), hold(&pool));
    let said = said(|| assert_limit(pool.manager()));
    assert!(said.contains("2 connections where 1 may be"), "{said}");
    assert_once(pool.manager());
}

#[test]
fn the_place_that_a_failure_names_is_the_test() {
    let clock = Clock::new();
    let pool = pool(1);
    let _held = hold(&pool);
    let line = line!() + 1;
    let said = said(|| clock.run(assert_cap_in_time(&pool, 1)));
    let place = format!("at testkit/tests/oracles.rs:{line}:");
    assert!(said.starts_with(&place), "{said}");
}

#[tokio::test]
async fn what_is_not_over_yet_is_waited_for() {
    let world = World::default();
    let pool: Pool<World, Hand> = world
        .builder()
        .max_size(2)
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    world.create.always(Step::Sleep(Duration::from_millis(20)));
    assert_cap_in_time(&pool, 2).await;

    // Who gave up leaves a connect behind, which ends in the background.
    pool.retain(|_, _| false);
    let given_up = tokio::time::timeout(Duration::from_millis(5), pool.get()).await;
    assert!(given_up.is_err());
    said(|| assert_at_rest(&pool));
    assert_at_rest_in_time(&pool).await;
    assert_eq!(pool.snapshot().idle, 1);
}
