//! P5: objects and getters in odd places: outside a runtime, on other threads, during a panic, after their
//! runtime or their pool is gone, forgotten.

mod support;

use millpond::managed::{Object, PoolError, WeakPool};
use std::time::Duration;
use support::oracle::{NO_WAIT, once_in};
use support::scene::Got;
use support::{Gate, Hand, Polled, Scene, Step, World, acc, cap, lim, once, panics};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn an_object_taken_in_a_runtime_goes_back_outside_of_it() {
    let scene = Scene::with_runtime(1);
    let pool = scene.pool.clone();
    let held = runtime().block_on(async move { pool.get().await.unwrap() });
    // That runtime is gone by now.
    let mut next = scene.get().waits();
    drop(held);
    drop(next.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn an_object_goes_back_on_another_thread_and_serves_whoever_waits() {
    for waits in [false, true] {
        let scene = Scene::new(1);
        let held = scene.hold();
        let waiter = waits.then(|| scene.get().waits());
        std::thread::spawn(move || drop(held)).join().unwrap();
        if let Some(mut waiter) = waiter {
            drop(waiter.woken_ready().unwrap());
        }
        assert_eq!(scene.world.made(), 1);
        scene.all_well(1);
    }
}

#[test]
fn an_object_goes_back_from_the_locals_of_a_thread_that_ends() {
    thread_local! {
        static LAST: std::cell::RefCell<Option<Hand>> = const { std::cell::RefCell::new(None) };
    }
    for shrunk in [false, true] {
        let scene = Scene::new(1);
        let held = scene.hold();
        if shrunk {
            scene.pool.resize(0);
        }
        let thread = std::thread::spawn(move || LAST.set(Some(held)));
        thread.join().unwrap();
        scene.pool.resize(1);
        assert_eq!(scene.world.dropped(), usize::from(shrunk));
        scene.all_well(1);
    }
}

/// What becomes of the objects that a panic drops.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Idle,
    Served,
    Broken,
    BrokenPanics,
    Surplus,
    Closed,
    LastHandle,
}

#[test]
fn objects_dropped_while_a_panic_unwinds_go_the_usual_way() {
    use Fate::{Broken, BrokenPanics, Closed, Idle, LastHandle, Served, Surplus};
    for fate in [
        Idle,
        Served,
        Broken,
        BrokenPanics,
        Surplus,
        Closed,
        LastHandle,
    ] {
        println!("{fate:?}");
        let mut scene = Scene::new(2);
        let held = scene.fill(2);
        let mut pool = None;
        match fate {
            Broken => scene.world.broken.always(Step::Err),
            // A second panic while one unwinds must not abort the process.
            BrokenPanics => scene.world.broken.always(Step::Panic),
            Surplus => scene.pool.resize(0),
            Closed => scene.pool.close(),
            LastHandle => pool = Some(scene.sole_handle()),
            Idle | Served => {}
        }
        let mut waiter = matches!(fate, Served).then(|| scene.pool.clone());
        let mut waiter = waiter
            .as_mut()
            .map(|pool| Polled::new(None, pool.get()).waits());
        assert!(panics(move || {
            let _pool = pool;
            let _held = held;
            panic!("scripted panic");
        }));
        if let Some(waiter) = &mut waiter {
            drop(waiter.woken_ready().unwrap());
        }
        drop(waiter);
        match fate {
            Closed => scene.all_gone(),
            LastHandle => scene.all_freed(),
            Surplus => {
                assert_eq!(scene.world.dropped(), 2);
                scene.pool.resize(2);
                scene.all_well(2);
            }
            _ => scene.all_well(2),
        }
    }
}

#[test]
fn a_getter_dropped_while_a_panic_unwinds_leaves_nothing_behind() {
    for place in ["in line", "served", "connecting", "checking"] {
        let scene = Scene::new(1);
        let held = scene.hold();
        match place {
            "connecting" => scene.world.create.then(Step::Never),
            "checking" => scene.world.recycle.then(Step::Never),
            _ => {}
        }
        let mut held = Some(held);
        match place {
            "connecting" => drop(held.take().map(Hand::take)),
            "checking" => drop(held.take()),
            _ => {}
        }
        let mut getter = Some(scene.get().waits());
        if place == "served" {
            drop(held.take());
        }
        assert!(panics(|| {
            let _getter = getter.take();
            panic!("scripted panic");
        }));
        drop(held);
        scene.all_well(1);
    }
}

#[test]
fn objects_outlive_the_last_handle_and_are_destroyed_when_they_come_back() {
    for way in ["dropped", "taken", "on another thread"] {
        let mut scene = Scene::new(2);
        let (idle, held) = (scene.hold(), scene.hold());
        drop(idle);
        let object = held.into_object();
        drop(scene.sole_handle());
        assert_eq!(scene.world.live(), 1, "the idle one went with the pool");
        assert!(Object::pool(&object).is_none());
        assert_eq!(object.id, 1, "it can still be used");
        match way {
            "dropped" => drop(object),
            "taken" => {
                object.goes_away();
                drop(Object::take(object));
            }
            _ => std::thread::spawn(move || drop(object)).join().unwrap(),
        }
        scene.all_freed();
    }
}

#[test]
fn an_object_knows_its_pool_while_there_is_a_handle() {
    let scene = Scene::new(1);
    let object = scene.hold().into_object();
    let pool = Object::pool(&object).unwrap();
    assert_eq!(pool.snapshot(), scene.pool.snapshot());
    pool.resize(3);
    assert_eq!(scene.pool.snapshot().max_size, 3, "it is the same pool");
    scene.pool.close();
    assert!(
        Object::pool(&object).unwrap().is_closed(),
        "closed, not gone"
    );
    drop((pool, object));
    scene.all_gone();
}

#[test]
fn the_handle_that_an_object_gives_keeps_the_pool_open() {
    let mut scene = Scene::new(1);
    let object = scene.hold().into_object();
    let pool = Object::pool(&object).unwrap();
    drop(scene.sole_handle());
    assert!(!pool.is_closed());
    drop(object);
    assert_eq!((pool.snapshot().idle, scene.world.dropped()), (1, 0));
    drop(pool);
    scene.all_freed();
}

#[test]
fn a_weak_pool_keeps_nothing_open() {
    let mut scene = Scene::new(1);
    let weak: WeakPool<World> = scene.pool.weak();
    drop(weak.upgrade().unwrap().clone());
    let held = scene.hold();
    assert_eq!(weak.upgrade().unwrap().snapshot().in_use, 1);
    drop(scene.sole_handle());
    assert!(weak.upgrade().is_none(), "an object alone is no handle");
    drop(held);
    assert!(weak.upgrade().is_none());
    scene.all_freed();
}

#[test]
fn a_getter_polled_outside_any_runtime_connects_all_the_same() {
    let mut scene = Scene::with_runtime(2);
    scene.end_runtime();
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let mut getter = scene.get().waits();
    gate.open();
    drop(getter.woken_ready().unwrap());
    // Its connect has no background, so it ends with it.
    scene.world.create.then(Step::Never);
    let one = scene.hold();
    scene.get().waits().cancel().unwrap();
    assert_eq!(scene.world.connecting(), 0);
    drop(one);
    scene.all_well(2);
}

/// Runs `get` as a task of a runtime of its own until it waits, then `meanwhile`, then ends the runtime.
fn ended_with_its_runtime(scene: &Scene, meanwhile: impl FnOnce()) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let pool = scene.pool.clone();
    runtime.spawn(async move {
        let _: Got = pool.get().await;
        unreachable!("its runtime ends before");
    });
    runtime.block_on(async {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    });
    meanwhile();
    drop(runtime);
}

#[test]
fn a_getter_whose_runtime_ends_leaves_its_place_and_what_it_was_handed_to_the_next() {
    for served in [false, true] {
        let scene = Scene::new(1);
        let mut held = Some(scene.hold());
        let mut behind = None;
        ended_with_its_runtime(&scene, || {
            assert_eq!(scene.pool.snapshot().waiting, 1);
            behind = Some(scene.get().waits());
            if served {
                drop(held.take());
            }
        });
        let mut behind = behind.unwrap();
        assert_eq!(behind.is_woken(), served);
        drop(held);
        drop(behind.woken_ready().unwrap());
        assert_eq!(scene.world.made(), 1);
        drop(behind);
        scene.all_well(1);
    }
}

#[test]
fn a_getter_whose_runtime_ends_while_it_connects_or_checks_gives_its_room_to_the_next() {
    for (with, check) in [(false, false), (true, false), (false, true), (true, true)] {
        let scene = Scene::built(1, with, |builder| builder);
        if check {
            drop(scene.hold());
            scene.world.recycle.then(Step::Never);
        } else {
            scene.world.create.then(Step::Never);
        }
        let mut behind = None;
        ended_with_its_runtime(&scene, || behind = Some(scene.get().waits()));
        drop(behind.unwrap().woken_ready().unwrap());
        assert_eq!(scene.world.connecting(), 0);
        scene.all_well(1);
    }
}

#[test]
fn a_connect_in_the_background_gives_its_reservation_up_when_its_runtime_ends() {
    let mut scene = Scene::with_runtime(1);
    scene.world.create.then(Step::Never);
    scene.get().waits().cancel().unwrap();
    scene.settle();
    let pool = scene.pool.clone();
    let mut next = Polled::new(None, pool.get()).waits();
    assert_eq!(
        (scene.world.connecting(), pool.snapshot().connecting),
        (1, 1)
    );
    scene.end_runtime();
    assert_eq!(scene.world.connecting(), 0);
    drop(next.woken_ready().unwrap());
    drop(next);
    scene.all_well(1);
}

#[test]
fn a_connect_that_would_go_on_where_its_runtime_has_ended_is_given_up_at_once() {
    let mut scene = Scene::with_runtime(1);
    scene.world.create.then(Step::Never);
    let pool = scene.pool.clone();
    let getter = Polled::new(scene.handle(), pool.get()).waits();
    let mut next = Polled::new(None, pool.get()).waits();
    scene.end_runtime();
    assert_eq!(scene.world.connecting(), 1, "the getter's own still");
    getter.cancel().unwrap();
    assert_eq!(scene.world.connecting(), 0);
    drop(next.woken_ready().unwrap());
    drop(next);
    scene.all_well(1);
}

#[test]
fn an_object_that_is_forgotten_is_in_use_for_ever_and_says_where() {
    let scene = Scene::new(2);
    let line = line!() + 1;
    let forgotten = scene.hold();
    let id = forgotten.object_id();
    std::mem::forget(forgotten);
    let checkouts = scene.pool.checkouts();
    assert_eq!(checkouts.len(), 1);
    assert_eq!(checkouts[0].id.to_string(), id.to_string());
    // `hold` is the tests' own and tracks its caller only to itself.
    let caller = checkouts[0].caller;
    assert!(
        caller.file().ends_with("scene.rs") || caller.line() == line,
        "{caller}"
    );
    // One place is gone, and no more than that.
    cap(&scene.pool, 1);
    acc(&scene.pool);
    lim(&scene.pool);
    scene.pool.close();
    assert_eq!((scene.pool.snapshot().in_use, scene.world.live()), (1, 1));
    assert!(scene.polled(scene.pool.closed()).poll().is_pending());
    once(&scene.pool);
}

#[test]
fn a_getter_that_is_forgotten_keeps_its_place_and_what_it_is_handed() {
    let scene = Scene::new(2);
    let mut held = scene.fill(2);
    scene.get().waits().forget();
    let mut behind = scene.get().waits();
    assert_eq!(scene.pool.snapshot().waiting, 2);
    held.pop();
    assert!(!behind.is_woken(), "the forgotten one was served");
    assert_eq!(scene.pool.snapshot().waiting, 1);
    held.pop();
    drop(behind.woken_ready().unwrap());
    drop(behind);
    cap(&scene.pool, 1);
    acc(&scene.pool);
    scene.pool.close();
    once_in(&scene.world);
}

#[test]
fn a_getter_that_is_forgotten_before_it_is_polled_costs_nothing() {
    let scene = Scene::new(1);
    scene.get().forget();
    scene.all_well(1);
}

#[test]
fn a_getter_that_is_forgotten_while_it_connects_keeps_its_reservation_until_it_is_served() {
    let scene = Scene::new(2);
    let held = scene.hold();
    scene.world.create.then(Step::Never);
    scene.get().waits().forget();
    assert_eq!(
        (scene.pool.snapshot().size, scene.pool.snapshot().connecting),
        (2, 1)
    );
    drop(held);
    // It is first in line, so what comes back is its, and with its connect that makes two places.
    let now = scene.pool.snapshot();
    assert_eq!(
        (now.idle, now.in_use, now.connecting, now.waiting),
        (0, 1, 1, 0)
    );
    lim(&scene.pool);
    scene.resize(3);
    let third = scene.hold();
    // Its connect may still end, so who would not wait does wait for that; who is cancelled leaves no trace.
    scene.get_within(&NO_WAIT).waits().cancel().unwrap();
    drop(third);
    drop(scene.hold());
    acc(&scene.pool);
}

#[test]
fn a_time_out_that_runs_out_of_its_runtime_is_dropped_with_its_getter() {
    let mut scene = Scene::built(1, true, |builder| {
        builder.wait_timeout(Some(Duration::from_secs(1)))
    });
    let held = scene.hold();
    let pool = scene.pool.clone();
    let getter = Polled::new(scene.handle(), pool.get()).waits();
    scene.end_runtime();
    getter.cancel().unwrap();
    drop(held);
    assert_eq!(pool.snapshot().idle, 1);
    pool.close();
    let late = Polled::new(None, pool.get()).ready();
    assert!(matches!(late, Err(PoolError::Closed)));
    scene.all_gone();
}
