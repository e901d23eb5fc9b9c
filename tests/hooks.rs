//! Hooks on the way back and on the way out. Those around making and checking are deadpool's, and its own tests
//! run on ours (`cargo xtask compat`).

mod support;

use millpond::managed::HookError;
use millpond::observe::CloseReason;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use support::scene::TestBuilder;
use support::{Exit, Scene, panics};

/// Which objects left, and why.
type Farewells = Arc<Mutex<Vec<(usize, CloseReason)>>>;

fn told(farewells: &Farewells) -> impl FnOnce(TestBuilder) -> TestBuilder {
    let farewells = Arc::clone(farewells);
    move |builder| {
        builder.on_close(move |thing, _, reason| {
            farewells.lock().unwrap().push((thing.id, reason));
        })
    }
}

#[test]
fn each_object_that_leaves_is_told_of_once_with_the_reason_that_is_counted() {
    for exit in Exit::ALL {
        let farewells = Farewells::default();
        let scene = Scene::built(1, true, told(&farewells));
        exit.play(&scene);
        scene.settle();
        let closed = scene.pool.stats().closed;
        let told = std::mem::take(&mut *farewells.lock().unwrap());
        assert_eq!(told.len() as u64, closed.total(), "{exit:?}: {told:?}");
        assert!(
            told.iter().all(|(_, reason)| closed.of(*reason) == 1),
            "{exit:?}: {told:?}"
        );
    }
}

#[test]
fn an_object_that_a_hook_turns_down_on_its_way_back_is_not_kept() {
    let dirty = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&dirty);
    let scene = Scene::built(1, false, |builder| {
        builder.on_return(move |_, metrics| {
            assert!(metrics.recycled.is_some());
            if seen.load(Ordering::Relaxed) {
                return Err(HookError::message("dirty"));
            }
            Ok(())
        })
    });
    drop(scene.hold());
    assert_eq!(scene.hold().id, 0);
    dirty.store(true, Ordering::Relaxed);
    drop(scene.hold());
    dirty.store(false, Ordering::Relaxed);
    assert_eq!(scene.pool.stats().closed.broken, 1);
    assert_eq!(scene.hold().id, 1);
    scene.all_well(1);
}

#[test]
fn a_hook_that_panics_on_the_way_back_or_out_loses_nothing() {
    let armed = Arc::new(AtomicBool::new(true));
    let (back, out) = (Arc::clone(&armed), Arc::clone(&armed));
    let scene = Scene::built(1, false, |builder| {
        builder
            .on_return(move |_, _| {
                assert!(!back.load(Ordering::Relaxed), "planted");
                Ok(())
            })
            .on_close(move |_, _, _| assert!(!out.load(Ordering::Relaxed), "planted"))
    });
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    assert!(panics(|| drop(held)));
    armed.store(false, Ordering::Relaxed);
    drop(waiter.ready().unwrap());
    scene.all_well(1);
}
