//! P5, P7: whatever fails or panics fails alone. The pool loses nothing, and the next in line goes on.

mod support;

use millpond::managed::{Hook, HookError, Pool, PoolError, QueueMode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use support::{Exit, Fault, Gate, Hand, Scene, Step, Thing, World, panics};

#[test]
fn a_failed_create_is_its_getters_error_and_the_next_in_line_connects() {
    for runtime in [false, true] {
        let scene = Scene::built(1, runtime, |builder| builder);
        let gate = Gate::new();
        scene.world.create.then(Step::at_then(&gate, Step::Err));
        let mut first = scene.get().waits();
        let mut second = scene.get().waits();
        gate.open();
        assert!(matches!(
            first.woken_ready(),
            Err(PoolError::Backend(Fault))
        ));
        drop(second.woken_ready().unwrap());
        scene.all_well(1);
    }
}

#[test]
fn a_server_that_is_down_fails_everybody_in_line_at_once_each_with_its_own_error() {
    let scene = Scene::new(2);
    let gates = [Gate::new(), Gate::new()];
    for gate in &gates {
        scene.world.create.then(Step::at_then(gate, Step::Err));
    }
    scene.world.create.always(Step::Err);
    let mut line = scene.queue(6);
    gates.iter().for_each(Gate::open);
    for waiter in &mut line {
        assert!(matches!(
            waiter.woken_ready(),
            Err(PoolError::Backend(Fault))
        ));
    }
    assert_eq!(scene.world.create.calls(), 6);
    drop(line);
    scene.all_well(2);
}

#[test]
fn a_panic_in_create_is_its_getters_alone_and_the_next_in_line_connects() {
    for runtime in [false, true] {
        let scene = Scene::built(1, runtime, |builder| builder);
        let gate = Gate::new();
        scene.world.create.then(Step::at_then(&gate, Step::Panic));
        let mut first = scene.get().waits();
        let mut second = scene.get().waits();
        gate.open();
        first.panics();
        drop(second.woken_ready().unwrap());
        scene.all_well(1);
    }
}

#[test]
fn a_panic_in_a_connect_that_goes_on_in_the_background_gives_its_reservation_up() {
    let scene = Scene::with_runtime(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at_then(&gate, Step::Panic));
    scene.get().waits().cancel().unwrap();
    let mut next = scene.get().waits();
    assert_eq!(scene.world.create.calls(), 1);
    gate.open();
    scene.settle();
    drop(next.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_hook_that_turns_a_new_object_down_says_so_and_the_next_in_line_connects() {
    let scene = Scene::new(1);
    let gate = Gate::new();
    scene
        .world
        .post_create
        .then(Step::at_then(&gate, Step::Err));
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    gate.open();
    let said = first.woken_ready();
    assert!(matches!(
        said,
        Err(PoolError::PostCreateHook(HookError::Backend(Fault)))
    ));
    assert_eq!(scene.world.dropped(), 1, "before the next is made");
    drop(second.woken_ready().unwrap());
    assert_eq!(scene.world.book().peak, 1);
    scene.all_well(1);
}

#[test]
fn an_object_that_fails_any_step_of_its_check_is_replaced_for_the_same_getter() {
    for exit in [
        Exit::PreRecycleFails,
        Exit::RecycleFails,
        Exit::PostRecycleFails,
    ] {
        let scene = Scene::new(1);
        exit.play(&scene);
        assert_eq!(
            (scene.world.made(), scene.world.dropped()),
            (2, 1),
            "{exit:?}"
        );
        scene.all_well(1);
    }
}

#[test]
fn a_failed_check_goes_on_with_the_next_idle_object_before_it_connects() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let scene = Scene::built(3, false, |builder| builder.queue_mode(mode));
        drop(scene.fill(3));
        scene.world.recycle.then(Step::Err);
        scene.world.recycle.then(Step::Err);
        drop(scene.hold());
        assert_eq!((scene.world.made(), scene.world.dropped()), (3, 2));
        scene.all_well(3);
    }
}

#[test]
fn after_a_panic_in_a_check_the_next_in_line_connects() {
    for exit in [
        Exit::PreRecyclePanics,
        Exit::RecyclePanics,
        Exit::PostRecyclePanics,
    ] {
        let scene = Scene::new(1);
        let gate = Gate::new();
        drop(scene.hold());
        let script = match exit {
            Exit::PreRecyclePanics => &scene.world.pre_recycle,
            Exit::RecyclePanics => &scene.world.recycle,
            _ => &scene.world.post_recycle,
        };
        script.then(Step::at_then(&gate, Step::Panic));
        let mut first = scene.get().waits();
        let mut second = scene.get().waits();
        gate.open();
        first.panics();
        assert_eq!(scene.world.dropped(), 1);
        drop(second.woken_ready().unwrap());
        scene.all_well(1);
    }
}

#[test]
fn a_synchronous_hook_may_fail_or_panic_as_well() {
    for panic in [false, true] {
        for at in 0..3 {
            let world = World::default();
            world.limit(1);
            let hook = || {
                let calls = AtomicUsize::new(0);
                Hook::sync_fn(
                    move |_: &mut Thing, _| match calls.fetch_add(1, Ordering::Relaxed) {
                        0 if panic => panic!("scripted panic"),
                        0 => Err(HookError::message("no")),
                        _ => Ok(()),
                    },
                )
            };
            let builder = Pool::builder(world).max_size(1);
            let builder = match at {
                0 => builder.post_create(hook()),
                1 => builder.pre_recycle(hook()),
                _ => builder.post_recycle(hook()),
            };
            let scene = Scene::of(builder);
            let _ = panics(|| drop(scene.get().poll()));
            let _ = panics(|| drop(scene.get().poll()));
            assert_eq!(scene.world.dropped(), 1, "the object that was turned down");
            scene.all_well(1);
        }
    }
}

/// What panics while an object leaves.
const LAST_WORDS: [(&str, [bool; 2]); 3] = [
    ("drop", [true, false]),
    ("detach", [false, true]),
    ("both", [true, true]),
];

#[test]
fn a_panic_in_detach_or_drop_loses_nothing_on_any_way_out() {
    for exit in Exit::ALL {
        for (name, [drops, detach]) in LAST_WORDS {
            for runtime in exit.runtimes() {
                println!("{exit:?}, panic in {name}, runtime {runtime}");
                let scene = Scene::built(1, runtime, |builder| builder);
                if drops {
                    scene.world.drops.then(Step::Panic);
                }
                if detach {
                    scene.world.detach.then(Step::Panic);
                }
                exit.play(&scene);
                assert_eq!(scene.world.dropped(), 1, "destroyed all the same");
                match exit.closes() {
                    true => scene.all_gone(),
                    false => scene.all_well(1),
                }
            }
        }
    }
}

#[test]
fn a_panic_in_detach_or_drop_does_not_keep_the_room_from_the_next_in_line() {
    for (name, [drops, detach]) in LAST_WORDS {
        for way in ["taken", "broken", "broken with a panic"] {
            println!("{way}, panic in {name}");
            let scene = Scene::new(1);
            let held = scene.hold();
            let mut next = scene.get().waits();
            if drops {
                scene.world.drops.then(Step::Panic);
            }
            if detach {
                scene.world.detach.then(Step::Panic);
            }
            let panicked = match way {
                "taken" => panics(|| drop(held.take())),
                "broken" => {
                    scene.world.broken.then(Step::Err);
                    panics(|| drop(held))
                }
                _ => {
                    scene.world.broken.then(Step::Panic);
                    panics(|| drop(held))
                }
            };
            assert!(panicked, "a panic is not swallowed");
            drop(next.woken_ready().unwrap());
            scene.all_well(1);
        }
    }
}

#[test]
fn when_many_objects_panic_in_their_drop_all_of_them_are_destroyed() {
    for close in [false, true] {
        let scene = Scene::new(5);
        drop(scene.fill(5));
        for _ in 0..5 {
            scene.world.drops.then(Step::Panic);
        }
        if close {
            assert!(panics(|| scene.pool.close()));
            scene.all_gone();
        } else {
            assert!(panics(|| scene.pool.resize(1)));
            assert_eq!(scene.world.dropped(), 4);
            scene.pool.resize(5);
            scene.all_well(5);
        }
    }
}

#[test]
fn a_panic_in_a_retain_predicate_puts_everything_back() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        for nth in 0..4 {
            for kept in [false, true] {
                let scene = Scene::built(4, false, |builder| builder.queue_mode(mode));
                drop(scene.fill(4));
                let mut looked = 0;
                let panicked = panics(|| {
                    scene.retain(|_| {
                        assert_ne!(looked, nth, "scripted panic");
                        looked += 1;
                        kept
                    });
                });
                assert!(panicked);
                let left = if kept { 4 } else { 4 - nth };
                assert_eq!(scene.pool.snapshot().idle, left, "{mode:?} {nth} {kept}");
                scene.all_well(4);
            }
        }
    }
}

#[test]
fn a_panic_in_the_users_own_code_gives_the_object_back() {
    let scene = Scene::new(1);
    let mut next = scene.get();
    assert!(panics(|| {
        let _held = scene.hold();
        next.pending();
        panic!("scripted panic");
    }));
    drop(next.woken_ready().unwrap());
    assert_eq!(scene.world.made(), 1, "the object lives on");
    scene.all_well(1);
}

#[test]
fn user_code_may_use_the_pool_from_everywhere() {
    let world = World::default();
    world.limit(2);
    let scene = Scene::of(world.builder().max_size(2));
    let look = || {
        let now = scene.pool.snapshot();
        assert!(now.size <= 2 && scene.pool.status().size <= 2);
        let _ = scene.pool.checkouts();
    };
    drop(scene.fill(2));
    let mut seen = 0;
    scene.retain(|_| {
        look();
        seen += 1;
        // In the middle of a retain, an object can be taken and given back.
        if let Ok(hand) = scene.get_within(&support::oracle::NO_WAIT).ready() {
            drop::<Hand>(hand);
        }
        true
    });
    assert!(seen >= 2);
    scene.all_well(2);
}

#[test]
fn an_object_that_is_taken_while_a_panic_unwinds_is_taken_although_detach_panics_too() {
    struct Taker(Option<Hand>, Arc<Mutex<Option<Thing>>>);
    impl Drop for Taker {
        fn drop(&mut self) {
            *self.1.lock().unwrap() = self.0.take().map(Hand::take);
        }
    }
    let scene = Scene::new(1);
    let taken = Arc::new(Mutex::new(None));
    let taker = Taker(Some(scene.hold()), Arc::clone(&taken));
    scene.world.detach.then(Step::Panic);
    assert!(panics(move || {
        let _taker = taker;
        panic!("scripted panic");
    }));
    assert!(taken.lock().unwrap().take().is_some());
    scene.all_well(1);
}
