//! What is written down about objects: when they were last used, how often, by whom; and how pool and object
//! show themselves.

mod support;

use millpond::managed::{Acquire, Manager, Metrics, Object, Pool, QueueMode, RecycleResult};
use std::convert::Infallible;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{Polled, Scene, Step, World};

/// A manager of numbers.
#[derive(Debug)]
struct Numbers;

impl Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(64)
    }

    async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

const HOLD: Duration = Duration::from_millis(50);

#[test]
fn last_used_counts_from_the_return_and_not_from_the_check_out() {
    let scene = Scene::new(1);
    let held = scene.hold();
    sleep(HOLD);
    let returned = Instant::now();
    drop(held);
    let metrics = {
        let mut seen = None;
        let _ = scene.pool.retain(|_, metrics| {
            seen = Some(metrics);
            true
        });
        seen.unwrap()
    };
    // deadpool says 51 ms here.
    let last_used = metrics.last_used();
    assert!(last_used <= returned.elapsed() + SLACK, "{last_used:?}");
    let recycled = metrics.recycled.unwrap();
    assert!(recycled + SLACK >= returned, "before it came back");
    assert!(recycled <= Instant::now() + SLACK);
    assert!(metrics.age() + SLACK >= HOLD);
}

/// Between two clocks that are read one after the other.
const SLACK: Duration = Duration::from_millis(2);

#[test]
fn a_reaper_by_idle_time_spares_what_has_just_come_back_from_a_long_use() {
    let scene = Scene::new(2);
    let (short, long) = (scene.hold(), scene.hold());
    let spared = long.id;
    drop(short);
    sleep(HOLD);
    let before = Instant::now();
    drop(long);
    let mut reaped = Vec::new();
    let result = scene.pool.retain(|thing, metrics| {
        let keep = metrics.last_used() <= before.elapsed() + SLACK;
        if !keep {
            thing.goes_away();
        }
        keep
    });
    reaped.extend(result.removed.iter().map(|thing| thing.id));
    assert_eq!((result.retained, reaped), (1, vec![1 - spared]));
}

#[test]
fn a_new_object_has_no_history() {
    let scene = Scene::new(1);
    let before = Instant::now();
    let held = scene.hold();
    let metrics = held.metrics();
    assert!(metrics.recycled.is_none());
    assert_eq!(metrics.recycle_count, 0);
    assert!(metrics.created >= before && metrics.created <= Instant::now());
    sleep(Duration::from_millis(2));
    assert!(metrics.age() >= Duration::from_millis(2));
    assert!(
        metrics.last_used() >= Duration::from_millis(2),
        "since it was made"
    );
}

#[test]
fn each_check_that_passes_counts_and_only_those() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let scene = Scene::built(1, false, |builder| builder.queue_mode(mode));
        for nth in 0..5 {
            let held = scene.hold();
            assert_eq!(held.metrics().recycle_count, nth);
        }
        // Handed over to a waiter it is checked as well.
        let held = scene.hold();
        let mut waiter = scene.get().waits();
        drop(held);
        assert_eq!(waiter.woken_ready().unwrap().metrics().recycle_count, 6);
        // A new one begins anew.
        scene.world.recycle.then(Step::Err);
        let held = scene.hold();
        assert_eq!((held.id, held.metrics().recycle_count), (1, 0));
        assert!(held.metrics().recycled.is_none());
    }
}

#[test]
fn times_stand_in_their_order() {
    let scene = Scene::new(2);
    for _ in 0..50 {
        let both = [scene.hold(), scene.hold()];
        for held in &both {
            let Metrics {
                created, recycled, ..
            } = held.metrics();
            assert!(recycled.is_none_or(|recycled| recycled + SLACK >= created));
        }
    }
    let first = scene.hold().metrics().recycled.unwrap();
    sleep(Duration::from_millis(5));
    drop(scene.fill(2));
    let later = scene.fill(2);
    assert!(
        later
            .iter()
            .all(|held| held.metrics().recycled.unwrap() > first)
    );
}

#[test]
fn what_hooks_and_checks_are_shown_is_the_objects_own_history() {
    let pool: Pool<Numbers> = Pool::builder(Numbers)
        .max_size(1)
        .post_create(millpond::managed::Hook::sync_fn(|_, metrics| {
            assert!(metrics.recycled.is_none() && metrics.recycle_count == 0);
            Ok(())
        }))
        .post_recycle(millpond::managed::Hook::sync_fn(
            |number: &mut u64, metrics| {
                *number = metrics.recycle_count as u64;
                assert!(metrics.recycled.is_some());
                Ok(())
            },
        ))
        .build()
        .unwrap();
    let get = || Polled::new(None, pool.get()).ready().unwrap();
    drop(get());
    drop(get());
    let third = get();
    assert_eq!((*third, Object::metrics(&third).recycle_count), (1, 2));
}

#[test]
fn numbers_of_objects_rise_and_are_never_used_again() {
    let scene = Scene::new(3);
    let mut last = None;
    for round in 0..30 {
        let held = scene.hold();
        let id = held.object_id();
        assert!(last < Some(id), "round {round}: {last:?}, {id:?}");
        last = Some(id);
        match round % 3 {
            0 => drop(held.take()),
            1 => {
                scene.world.broken.then(Step::Err);
                drop(held);
            }
            _ => {
                drop(held);
                drop(scene.retain(|_| false));
            }
        }
    }
    let held = scene.hold();
    let id = held.object_id();
    drop(held);
    assert_eq!(
        scene.hold().object_id(),
        id,
        "the same object, the same number"
    );
}

#[test]
fn checkouts_say_who_holds_what_since_when_under_which_label_longest_first() {
    let pool: Pool<World> = Pool::builder(World::default()).max_size(4).build().unwrap();
    pool.manager().limit(4);
    assert!(pool.checkouts().is_empty());
    let first_line = line!() + 1;
    let a = Polled::new(None, pool.get()).ready().unwrap();
    sleep(Duration::from_millis(3));
    let how = Acquire::new().label("second");
    let second_line = line!() + 1;
    let b = Polled::new(None, pool.acquire(&how)).ready().unwrap();
    sleep(Duration::from_millis(3));
    let own = support::oracle::NO_WAIT;
    let third_line = line!() + 1;
    let c = Polled::new(None, pool.timeout_get(&own)).ready().unwrap();
    let checkouts = pool.checkouts();
    let seen: Vec<_> = checkouts
        .iter()
        .map(|checkout| {
            (
                checkout.id,
                checkout.caller.line(),
                checkout.label.as_deref(),
            )
        })
        .collect();
    let expected = [
        (0, first_line, None),
        (1, second_line, Some("second")),
        (2, third_line, None),
    ];
    assert_eq!(seen, expected);
    assert!(
        checkouts
            .iter()
            .all(|checkout| checkout.caller.file().ends_with("metrics.rs"))
    );
    assert!(checkouts[0].held > checkouts[1].held && checkouts[1].held > checkouts[2].held);
    assert!(checkouts[0].held + SLACK >= Duration::from_millis(6));
    let said = checkouts[1].to_string();
    assert!(
        said.contains(&format!("metrics.rs:{second_line} (second) for ")),
        "{said}"
    );
    drop(b);
    // Taken anew it is the last, and the label went with its taker.
    let fourth_line = line!() + 1;
    let b = Polled::new(None, pool.get()).ready().unwrap();
    let checkouts = pool.checkouts();
    let seen: Vec<_> = checkouts.iter().map(|checkout| checkout.id).collect();
    assert_eq!(seen, [0, 2, 1]);
    assert_eq!(
        (checkouts[2].caller.line(), checkouts[2].label.as_deref()),
        (fourth_line, None)
    );
    drop(Object::take(a));
    drop((b, c));
    assert!(
        pool.checkouts().is_empty(),
        "idle, taken: nobody holds them"
    );
}

#[test]
fn an_object_on_its_way_to_a_getter_is_held_by_nobody_yet() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    drop(held);
    assert_eq!(scene.pool.snapshot().in_use, 1);
    assert!(scene.pool.checkouts().is_empty());
    let held = waiter.woken_ready().unwrap();
    assert_eq!(scene.pool.checkouts().len(), 1);
    drop(held);
    scene.all_well(1);
}

#[test]
fn a_pool_and_an_object_show_themselves() {
    let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(2).build().unwrap();
    let object = Polled::new(None, pool.get()).ready().unwrap();
    let said = format!("{pool:?}");
    for part in [
        "Pool",
        "manager: Numbers",
        "snapshot",
        "in_use: 1",
        "max_size: 2",
        "hooks",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let said = format!("{object:?}");
    for part in [
        "Object",
        "id: 0",
        "object: 64",
        "metrics",
        "recycle_count: 0",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(Object::id(&object).to_string(), "0");
    assert_eq!(format!("{:?}", pool.weak()), "WeakPool { .. }");
    assert_eq!(pool.snapshot().to_string(), "1/2 in use, 0 waiting");
}
