//! P5: closed from within the manager's own calls, or by dropping the last handle: no deadlock, nothing left.

mod support;

use millpond::managed::{Object, PoolError};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;
use support::{Gate, Hand, Polled, Scene, Script, Scripts, Step, TestPool, World};

type Call = (&'static str, fn(&Scripts) -> &Script);

/// Calls in the middle of a get.
const GETTING: [Call; 5] = [
    ("create", |world| &world.create),
    ("post_create", |world| &world.post_create),
    ("pre_recycle", |world| &world.pre_recycle),
    ("recycle", |world| &world.recycle),
    ("post_recycle", |world| &world.post_recycle),
];

/// Calls in the middle of a return.
const RETURNING: [Call; 3] = [
    ("has_broken", |world| &world.broken),
    ("detach", |world| &world.detach),
    ("drop", |world| &world.drops),
];

/// How a call goes on after it closed the pool.
const AFTERWARDS: [&str; 5] = ["ok", "err", "panic", "waits", "waits and is cancelled"];

#[test]
fn a_close_from_within_a_get_ends_it_and_strands_nothing() {
    for (name, script) in GETTING {
        for afterwards in AFTERWARDS {
            for runtime in [false, true] {
                println!("{name}, then {afterwards}, runtime {runtime}");
                let scene = Scene::built(2, runtime, |builder| builder);
                let (one, two) = (scene.hold(), scene.hold());
                if name.contains("create") {
                    drop(one.take());
                } else {
                    drop(one);
                }
                let gate = Gate::new();
                let pool = scene.pool.clone();
                let close = move || pool.close();
                script(&scene.world).then(match afterwards {
                    "ok" => Step::run(close),
                    "err" => Step::run_then(close, Step::Err),
                    "panic" => Step::run_then(close, Step::Panic),
                    _ => Step::run_then(close, Step::at(&gate)),
                });
                get_that_closes(&scene, name, afterwards, &gate);
                let mut gone = scene.polled(scene.pool.closed()).waits();
                drop(two);
                gone.woken_ready();
                scene.all_gone();
            }
        }
    }
}

fn get_that_closes(scene: &Scene, name: &str, afterwards: &str, gate: &Gate) {
    let checks = name.contains("recycle");
    let mut getter = scene.get();
    if afterwards == "panic" {
        getter.panics();
        assert!(scene.pool.is_closed());
        return;
    }
    let mut polled = getter.poll();
    if polled.is_pending() {
        assert!(afterwards.starts_with("waits"));
        if afterwards == "waits and is cancelled" {
            getter.cancel().unwrap();
            return scene.settle();
        }
        if checks {
            // It has its object: its check goes on.
            gate.open();
        }
        assert!(getter.is_woken(), "it must hear of the close");
        polled = getter.poll();
    }
    let good = matches!(afterwards, "ok" | "waits");
    match polled {
        Poll::Ready(Ok(hand)) => {
            assert!(checks && good);
            drop(hand);
        }
        Poll::Ready(Err(PoolError::Closed)) => assert!(!(checks && good)),
        other => panic!("{other:?} where the pool is closed"),
    }
}

#[test]
fn a_close_from_within_a_return_strands_nothing() {
    for (name, script) in RETURNING {
        for waiters in [0, 2] {
            println!("{name}, {waiters} waiting");
            let scene = Scene::new(2);
            let (one, two) = (scene.hold(), scene.hold());
            let mut line = scene.queue(waiters);
            if name != "has_broken" {
                scene.world.broken.then(Step::Err);
            }
            let pool = scene.pool.clone();
            script(&scene.world).then(Step::run(move || pool.close()));
            drop(one);
            assert!(scene.pool.is_closed());
            for waiter in &mut line {
                assert!(matches!(waiter.woken_ready(), Err(PoolError::Closed)));
            }
            drop(two);
            scene.all_gone();
        }
    }
}

#[test]
fn a_close_from_within_a_close_a_resize_or_a_retain_strands_nothing() {
    for way in ["close", "resize", "retain", "predicate", "take"] {
        for (name, script) in &RETURNING[1..] {
            println!("{name} within {way}");
            let scene = Scene::new(3);
            let held = scene.hold();
            drop(scene.fill(2));
            let pool = scene.pool.clone();
            if way != "predicate" {
                script(&scene.world).then(Step::run(move || pool.close()));
            }
            match way {
                "close" => scene.pool.close(),
                "resize" => scene.resize(0),
                "retain" => drop(scene.retain(|_| false)),
                "take" => drop(scene.hold().take()),
                _ => drop(scene.retain(|_| {
                    scene.pool.close();
                    true
                })),
            }
            assert!(scene.pool.is_closed());
            drop(held);
            scene.all_gone();
        }
    }
}

#[test]
fn a_close_from_within_a_waker_strands_nothing() {
    struct Closes(Mutex<Option<TestPool>>);
    impl Wake for Closes {
        fn wake(self: Arc<Self>) {
            if let Some(pool) = self.0.lock().unwrap().take() {
                pool.close();
            }
        }
    }
    for gives in ["an object", "a reservation", "room"] {
        let scene = Scene::new(1);
        let held = scene.hold();
        let closes = Arc::new(Closes(Mutex::new(Some(scene.pool.clone()))));
        let mut getter = scene.get();
        assert!(getter.poll_with(&Waker::from(closes)).is_pending());
        let mut behind = scene.get().waits();
        match gives {
            "an object" => drop(held),
            "a reservation" => drop(held.take()),
            _ => {
                scene.resize(2);
                drop(held);
            }
        }
        assert!(matches!(behind.woken_ready(), Err(PoolError::Closed)));
        match getter.ready() {
            Ok(hand) => assert!(gives == "an object" && hand.id == 0),
            Err(error) => assert!(matches!(error, PoolError::Closed) && gives != "an object"),
        }
        scene.all_gone();
    }
}

/// A get that owns its pool's only handle, brought to the call that waits at `gate`.
fn owning_get(
    scene: &mut Scene,
    script: fn(&Scripts) -> &Script,
    gate: &Gate,
) -> Polled<'static, ()> {
    script(&scene.world).then(Step::at(gate));
    let pool = scene.sole_handle();
    let owning = async move {
        drop::<Hand>(pool.get().await.unwrap());
    };
    scene.polled(owning).waits()
}

#[test]
fn the_last_handle_may_be_dropped_at_every_await_of_a_get() {
    for (name, script) in GETTING {
        for runtime in [false, true] {
            for ends in [false, true] {
                println!("{name}, runtime {runtime}, ends {ends}");
                let mut scene = Scene::built(2, runtime, |builder| builder);
                let held = scene.hold();
                if !name.contains("create") {
                    drop(scene.hold());
                }
                let gate = Gate::new();
                let mut owning = owning_get(&mut scene, script, &gate);
                if ends {
                    gate.open();
                    owning.woken_ready();
                } else {
                    owning.cancel().unwrap();
                }
                scene.settle();
                gate.open();
                scene.settle();
                assert_eq!(scene.world.live(), 1, "the one that is held");
                drop(held);
                scene.all_freed();
            }
        }
    }
}

#[test]
fn the_last_handle_may_be_dropped_with_a_getter_in_line_granted_or_served() {
    for way in ["in line", "granted", "served"] {
        let mut scene = Scene::new(1);
        let held = scene.hold();
        let pool = scene.sole_handle();
        let owning = async move { drop(pool.get().await) };
        let owning = scene.polled(owning).waits();
        match way {
            "in line" => {
                owning.cancel().unwrap();
                drop(held);
            }
            "granted" => {
                drop(held.take());
                owning.cancel().unwrap();
            }
            _ => {
                drop(held);
                owning.cancel().unwrap();
            }
        }
        scene.all_freed();
    }
}

#[test]
fn the_last_handle_may_be_dropped_from_within_any_call_of_the_background() {
    for (name, script) in &GETTING[..2] {
        for afterwards in [Step::Ok, Step::Err, Step::Panic] {
            println!("{name} {afterwards:?}");
            let mut scene = Scene::with_runtime(1);
            let gate = Gate::new();
            let pool = scene.sole_handle();
            let stash = Arc::new(Mutex::new(None::<TestPool>));
            let inside = Arc::clone(&stash);
            let drops = Step::run_then(move || drop(inside.lock().unwrap().take()), afterwards);
            script(&scene.world).then(Step::At(gate.clone(), Box::new(drops)));
            let mut getter = scene.polled(pool.get());
            getter.pending();
            getter.cancel().unwrap();
            scene.settle();
            *stash.lock().unwrap() = Some(pool);
            gate.open();
            scene.settle();
            assert!(stash.lock().unwrap().is_none(), "it went on");
            scene.all_freed();
        }
    }
}

#[test]
fn the_last_handle_may_be_dropped_from_within_a_return() {
    for (name, script) in RETURNING {
        println!("{name}");
        let mut scene = Scene::new(2);
        let (one, two) = (scene.hold(), scene.hold());
        let pool = scene.sole_handle();
        if name != "has_broken" {
            scene.world.broken.then(Step::Err);
        }
        script(&scene.world).then(Step::run(move || drop(pool)));
        drop(one);
        drop(two);
        scene.all_freed();
    }
}

#[test]
fn dropping_the_last_handle_is_a_close() {
    let mut scene = Scene::with_runtime(3);
    let (held, idle) = (scene.hold(), scene.hold());
    drop(idle);
    let pool = scene.sole_handle();
    let (clone, weak) = (pool.clone(), pool.weak());
    drop(pool);
    assert!(!clone.is_closed() && weak.upgrade().is_some());
    drop(clone);
    assert!(weak.upgrade().is_none());
    assert_eq!(scene.world.gone(), [1], "the idle one");
    let object = held.into_object();
    assert!(Object::pool(&object).is_none());
    drop(object);
    drop(weak);
    scene.all_freed();
}

#[test]
fn the_pool_of_an_object_keeps_it_open() {
    let mut scene = Scene::new(1);
    let held = scene.hold();
    let pool = scene.sole_handle();
    let again = Object::pool(held.object()).unwrap();
    drop(pool);
    assert!(!again.is_closed());
    drop(held);
    assert_eq!(again.snapshot().idle, 1);
    drop(again);
    scene.all_freed();
}

#[test]
fn a_background_connect_does_not_keep_a_pool_open_and_ends_with_its_bound() {
    let mut scene = Scene::with_runtime(1);
    scene.world.create.then(Step::Never);
    let pool = scene.sole_handle();
    scene.polled(pool.get()).waits().cancel().unwrap();
    scene.settle();
    let weak = pool.weak();
    drop(pool);
    assert!(weak.upgrade().is_none() && scene.world.connecting() == 1);
    drop(weak);
    scene.advance(Duration::from_secs(10));
    scene.all_freed();
}

#[test]
fn a_background_connect_whose_runtime_ends_is_dropped_and_its_room_given_up() {
    let mut scene = Scene::with_runtime(1);
    scene.world.create.then(Step::Never);
    scene.get().waits().cancel().unwrap();
    scene.settle();
    assert_eq!(scene.pool.snapshot().connecting, 1);
    scene.end_runtime();
    assert_eq!(
        (scene.world.connecting(), scene.pool.snapshot().size),
        (0, 0)
    );
    scene.all_well(1);
}

#[test]
fn objects_may_come_back_on_another_thread_after_everything_else_is_gone() {
    let mut scene = Scene::with_runtime(2);
    let held = scene.fill(2);
    drop(scene.sole_handle());
    scene.end_runtime();
    let thread = std::thread::spawn(move || drop(held));
    thread.join().unwrap();
    scene.all_freed();
}

/// `World` is what a test and its pool share, so it must be seen to count handles at all.
#[test]
fn the_oracle_for_freed_pools_sees_one_that_is_not() {
    let scene = Scene::new(1);
    assert!(World::handles(&scene.world) > 1);
    let held = scene.hold();
    let before = scene.world.handles();
    drop(held.take());
    assert!(scene.world.handles() < before);
}
