//! P5: wakers are user code too: called, cloned and dropped outside the lock, and whatever they panic with,
//! nothing is lost and everybody else is woken.

mod support;

use millpond::managed::{Object, PoolError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use support::scene::Got;
use support::{Gate, Polled, Scene, Step, World, panics};

/// A waker that panics when it is called.
struct Bomb(AtomicUsize);

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("scripted panic");
    }
}

fn bomb() -> (Arc<Bomb>, Waker) {
    let bomb = Arc::new(Bomb(AtomicUsize::new(0)));
    (Arc::clone(&bomb), Waker::from(bomb))
}

#[test]
fn a_waker_that_panics_has_been_served_all_the_same() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let (bomb, waker) = bomb();
    let mut waiter = scene.get();
    assert!(waiter.poll_with(&waker).is_pending());
    let mut behind = scene.get().waits();
    // Its panic is its own: who gives back does not run into it.
    drop(held);
    assert_eq!(bomb.0.load(Ordering::Relaxed), 1);
    drop(waiter.ready().unwrap());
    drop(behind.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_waker_that_panics_does_not_lose_the_wakes_of_others() {
    for close in [false, true] {
        let scene = Scene::new(0);
        scene.world.limit(3);
        let (_bomb, waker) = bomb();
        let mut first = scene.get();
        assert!(first.poll_with(&waker).is_pending());
        let mut others = scene.queue(2);
        if close {
            scene.pool.close();
            for other in &mut others {
                assert!(matches!(other.woken_ready(), Err(PoolError::Closed)));
            }
            assert!(matches!(first.ready(), Err(PoolError::Closed)));
            scene.all_gone();
        } else {
            scene.pool.resize(3);
            let held: Vec<_> = others
                .iter_mut()
                .map(|o| o.woken_ready().unwrap())
                .collect();
            drop(first.ready().unwrap());
            drop(held);
            scene.all_well(3);
        }
    }
}

#[test]
fn a_waker_that_panics_while_a_getter_leaves_or_fails_loses_nothing() {
    for way in [
        "cancelled",
        "create fails",
        "create panics",
        "check cancelled",
    ] {
        println!("{way}");
        let scene = Scene::new(1);
        let gate = Gate::new();
        match way {
            "create fails" => scene.world.create.then(Step::at_then(&gate, Step::Err)),
            "create panics" => scene.world.create.then(Step::at_then(&gate, Step::Panic)),
            "check cancelled" => {
                drop(scene.hold());
                scene.world.recycle.then(Step::Never);
            }
            _ => scene.world.create.then(Step::at(&gate)),
        }
        let mut first = scene.get().waits();
        let (_bomb, waker) = bomb();
        let mut next = scene.get();
        assert!(next.poll_with(&waker).is_pending());
        if matches!(way, "create fails" | "create panics") {
            gate.open();
            // The getter's own panic goes on, the waker's does not.
            assert_eq!(panics(|| drop(first.poll())), way == "create panics");
        }
        let _ = first.cancel();
        drop(next.ready().unwrap());
        scene.all_well(1);
    }
}

/// A waker whose last clone panics when it is dropped.
struct LastWill;

impl Wake for LastWill {
    fn wake(self: Arc<Self>) {}
}

impl Drop for LastWill {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "scripted panic");
    }
}

/// A getter in line that alone keeps a waker which panics when it is dropped.
fn with_last_will(scene: &Scene) -> Polled<'_, Got> {
    let mut waiter = scene.get();
    let waker = Waker::from(Arc::new(LastWill));
    assert!(waiter.poll_with(&waker).is_pending());
    waiter
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_loses_no_object() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = with_last_will(&scene);
    drop(held);
    let _ = panics(|| drop(waiter.poll()));
    let _ = waiter.cancel();
    scene.all_well(1);
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_loses_no_reservation() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = with_last_will(&scene);
    drop(held.take());
    let _ = panics(|| drop(waiter.poll()));
    let _ = waiter.cancel();
    scene.all_well(1);
}

#[test]
fn a_waker_that_panics_when_its_served_getter_is_cancelled_loses_no_object() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let waiter = with_last_will(&scene);
    drop(held);
    let _ = waiter.cancel();
    scene.all_well(1);
}

#[test]
fn a_waker_that_panics_when_its_getter_has_connected_loses_no_object() {
    let scene = Scene::new(1);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let mut waiter = with_last_will(&scene);
    gate.open();
    let _ = panics(|| drop(waiter.poll()));
    let _ = waiter.cancel();
    scene.all_well(1);
}

#[test]
fn a_waker_that_panics_when_it_is_replaced_or_cancelled_loses_nothing() {
    for cancel in [false, true] {
        let scene = Scene::new(1);
        let held = scene.hold();
        let mut waiter = with_last_will(&scene);
        let mut next = scene.get().waits();
        if !cancel {
            let _ = panics(|| drop(waiter.poll()));
        }
        let _ = waiter.cancel();
        drop(held);
        drop(next.woken_ready().unwrap());
        scene.all_well(1);
    }
}

#[test]
fn a_waker_that_panics_when_it_is_replaced_does_not_unwind_into_who_replaces_it() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = with_last_will(&scene);
    assert!(!panics(|| assert!(waiter.poll().is_pending())));
    let mut end = scene.polled(scene.pool.closed());
    let mut leaves = scene.polled(scene.pool.closed());
    for mourner in [&mut end, &mut leaves] {
        let waker = Waker::from(Arc::new(LastWill));
        assert!(mourner.poll_with(&waker).is_pending());
    }
    assert!(!panics(|| assert!(end.poll().is_pending())));
    assert!(leaves.cancel().is_ok(), "who waits for the end no more");
    scene.pool.close();
    drop(held);
    end.woken_ready();
    assert!(matches!(waiter.woken_ready(), Err(PoolError::Closed)));
    scene.all_gone();
}

#[test]
fn a_waker_that_holds_an_object_of_the_same_pool_does_not_deadlock() {
    let scene = Scene::new(2);
    let (one, two) = (scene.hold(), scene.hold());
    let mut line = scene.queue(2);
    // The waker's drop gives an object back: it runs while the pool serves somebody.
    struct Holder(#[expect(dead_code, reason = "dropped with the waker")] Object<World>);
    impl Wake for Holder {
        fn wake(self: Arc<Self>) {}
    }
    let mut third = scene.get();
    let waker = Waker::from(Arc::new(Holder(two.into_object())));
    assert!(third.poll_with(&waker).is_pending());
    drop(waker);
    third.cancel().unwrap();
    drop(line[0].woken_ready().unwrap());
    drop(one);
    drop(line[1].woken_ready().unwrap());
    drop(line);
    scene.all_well(2);
}
