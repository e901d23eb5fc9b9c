//! P5: a get may be dropped at every await, in every state; nothing leaks and nobody is forgotten.

mod support;

use millpond::managed::QueueMode;
use std::time::Duration;
use support::scene::Got;
use support::{Flag, Gate, Hand, Polled, Scene, Step};

/// Where a getter stands when it is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    NeverPolled,
    Hungry,
    GrantedUnpolled,
    ServedUnpolled,
    Connecting,
    MadeUnpolled,
    FailedUnpolled,
    ServedWhileConnecting,
    PostCreate,
    PreRecycle,
    Recycle,
    PostRecycle,
    /// In line for the second time, with nothing but what it owed for a dead object.
    FrontAgain,
}

const PLACES: [Place; 13] = [
    Place::NeverPolled,
    Place::Hungry,
    Place::GrantedUnpolled,
    Place::ServedUnpolled,
    Place::Connecting,
    Place::MadeUnpolled,
    Place::FailedUnpolled,
    Place::ServedWhileConnecting,
    Place::PostCreate,
    Place::PreRecycle,
    Place::Recycle,
    Place::PostRecycle,
    Place::FrontAgain,
];

/// A getter in its place, those who hold the other objects, and the gate that it may wait at.
struct Case<'a> {
    victim: Polled<'a, Got>,
    held: Vec<Hand>,
    gate: Gate,
}

fn bring<'a>(scene: &'a Scene, max: usize, place: Place) -> Case<'a> {
    let gate = Gate::new();
    let mut held = scene.fill(max - usize::from(connects(place)));
    let world = &scene.world;
    match place {
        Place::Connecting | Place::MadeUnpolled | Place::ServedWhileConnecting => {
            world.create.then(Step::at(&gate));
        }
        Place::FailedUnpolled => world.create.then(Step::at_then(&gate, Step::Err)),
        Place::PostCreate => world.post_create.then(Step::at(&gate)),
        Place::PreRecycle => world.pre_recycle.then(Step::at(&gate)),
        Place::Recycle => world.recycle.then(Step::at(&gate)),
        Place::PostRecycle => world.post_recycle.then(Step::at(&gate)),
        Place::FrontAgain => {
            world.recycle.then(Step::Err);
            world.create.then(Step::at(&gate));
        }
        Place::GrantedUnpolled => world.broken.then(Step::Err),
        Place::NeverPolled | Place::Hungry | Place::ServedUnpolled => {}
    }
    if matches!(
        place,
        Place::PreRecycle | Place::Recycle | Place::PostRecycle | Place::FrontAgain
    ) {
        held.pop();
    }
    let mut victim = scene.get();
    if place != Place::NeverPolled {
        victim.pending();
    }
    match place {
        Place::GrantedUnpolled | Place::ServedUnpolled | Place::ServedWhileConnecting => {
            held.pop();
            assert!(victim.is_woken());
        }
        Place::MadeUnpolled | Place::FailedUnpolled => gate.open(),
        _ => {}
    }
    Case { victim, held, gate }
}

fn connects(place: Place) -> bool {
    matches!(
        place,
        Place::Connecting
            | Place::MadeUnpolled
            | Place::FailedUnpolled
            | Place::ServedWhileConnecting
            | Place::PostCreate
    )
}

/// Whether the cancel alone, or the background after it, must wake the next in line.
fn frees(place: Place) -> bool {
    !matches!(place, Place::NeverPolled | Place::Hungry)
}

fn cancel_there(place: Place, max: usize, runtime: bool, behind: usize, mode: QueueMode) {
    let scene = Scene::built(max, runtime, |builder| builder.queue_mode(mode));
    let Case { victim, held, gate } = bring(&scene, max, place);
    let mut waiters = scene.queue(behind);
    victim.cancel().unwrap();
    gate.open();
    scene.settle();
    if behind > 0 && frees(place) {
        assert!(waiters[0].is_woken(), "the next in line must hear of it");
    }
    if behind > 1 && place == Place::Hungry {
        assert!(!waiters.iter().any(Polled::is_woken), "nothing is free yet");
    }
    let served = scene.drain(&mut waiters, held);
    assert_eq!(served, behind, "everybody behind is served");
    drop(waiters);
    scene.all_well(max);
}

#[test]
fn at_every_await_nothing_is_lost_and_the_next_in_line_goes_on() {
    for place in PLACES {
        for runtime in [false, true] {
            for max in [1, 2, 3] {
                if place == Place::ServedWhileConnecting && max == 1 {
                    continue;
                }
                for behind in [0, 1, 2, 5] {
                    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
                        println!("{place:?} max {max} runtime {runtime} behind {behind} {mode:?}");
                        cancel_there(place, max, runtime, behind, mode);
                    }
                }
            }
        }
    }
}

#[test]
fn two_getters_cancelled_in_any_two_places_and_either_order_lose_nothing() {
    let places = PLACES.into_iter().filter(|place| !connects(*place));
    for first in places.clone() {
        for second in places.clone() {
            for swap in [false, true] {
                println!("{first:?} {second:?} {swap}");
                let scene = Scene::new(2);
                let mut others = scene.fill(2);
                others.pop();
                // One object each: the first one's case is played with the other in hand.
                let one = bring_beside(&scene, first, &mut others);
                let two = bring_beside(&scene, second, &mut others);
                let pair = if swap { [two, one] } else { [one, two] };
                for victim in pair.into_iter().flatten() {
                    victim.cancel().unwrap();
                }
                drop(others);
                scene.all_well(2);
            }
        }
    }
}

/// Brings a getter into `place` with what is idle or held; `None` where that cannot be now.
fn bring_beside<'a>(
    scene: &'a Scene,
    place: Place,
    held: &mut Vec<Hand>,
) -> Option<Polled<'a, Got>> {
    let (world, gate) = (&scene.world, Gate::new());
    match place {
        Place::PreRecycle => world.pre_recycle.then(Step::at(&gate)),
        Place::Recycle => world.recycle.then(Step::at(&gate)),
        Place::PostRecycle => world.post_recycle.then(Step::at(&gate)),
        Place::FrontAgain => {
            world.recycle.then(Step::Err);
            world.create.then(Step::at(&gate));
        }
        Place::GrantedUnpolled => world.broken.then(Step::Err),
        _ => {}
    }
    let mut victim = scene.get();
    if place == Place::NeverPolled {
        return Some(victim);
    }
    let done = victim.poll().is_ready();
    if matches!(place, Place::GrantedUnpolled | Place::ServedUnpolled) {
        held.pop();
    }
    world.calm();
    (!done).then_some(victim)
}

#[test]
fn a_thousand_woken_waiters_cancelled_one_after_the_other_pass_the_object_on() {
    for runtime in [false, true] {
        let scene = Scene::built(1, runtime, |builder| builder);
        let held = scene.hold();
        let mut waiters = scene.queue(1_000);
        drop(held);
        let mut last = waiters.pop().unwrap();
        for waiter in waiters {
            assert!(waiter.is_woken(), "the object must go to the next in line");
            waiter.cancel().unwrap();
        }
        drop(last.woken_ready().unwrap());
        assert_eq!(scene.world.made(), 1);
        scene.all_well(1);
    }
}

#[test]
fn a_thousand_granted_waiters_cancelled_one_after_the_other_pass_the_reservation_on() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiters = scene.queue(1_000);
    drop(held.take());
    let mut last = waiters.pop().unwrap();
    for waiter in waiters {
        assert!(waiter.is_woken(), "the reservation must go to the next");
        waiter.cancel().unwrap();
    }
    drop(last.woken_ready().unwrap());
    assert_eq!(scene.world.made(), 2);
    scene.all_well(1);
}

#[test]
fn a_chain_with_every_second_waiter_cancelled_before_its_turn_stays_in_order() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let waiters = scene.queue(1_000);
    drop(held);
    let (mut stay, go): (Vec<_>, Vec<_>) = waiters
        .into_iter()
        .enumerate()
        .partition(|(nth, _)| nth % 2 == 1);
    drop(go);
    for (nth, waiter) in &mut stay {
        drop(waiter.woken_ready().unwrap());
        assert!(*nth % 2 == 1);
    }
    drop(stay);
    scene.all_well(1);
}

#[test]
fn a_waiter_cancelled_in_the_middle_of_the_line_disturbs_nobody() {
    let scene = Scene::new(1);
    for gone in 0..5 {
        let held = scene.hold();
        let mut waiters = scene.queue(5);
        waiters.remove(gone).cancel().unwrap();
        assert_eq!(scene.pool.snapshot().waiting, 4);
        drop(held);
        for waiter in &mut waiters {
            drop(waiter.woken_ready().unwrap());
        }
    }
    scene.all_well(1);
}

#[test]
fn a_getter_polled_with_another_waker_is_woken_by_the_last_one() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    let old: std::sync::Arc<Flag> = waiter.change_waker();
    waiter.pending();
    drop(held);
    assert_eq!(old.wakes(), 0, "that waker is nobody's any more");
    drop(waiter.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_connect_that_was_cancelled_is_dropped_at_once_without_a_runtime() {
    let scene = Scene::new(1);
    scene.world.create.then(Step::Never);
    let getter = scene.get().waits();
    assert_eq!(
        (scene.world.connecting(), scene.pool.snapshot().size),
        (1, 1)
    );
    getter.cancel().unwrap();
    assert_eq!(
        (scene.world.connecting(), scene.pool.snapshot().size),
        (0, 0)
    );
    scene.all_well(1);
}

#[test]
fn a_cancelled_check_destroys_its_object_before_another_is_made() {
    let scene = Scene::new(1);
    drop(scene.hold());
    scene.world.recycle.then(Step::Never);
    let getter = scene.get().waits();
    let mut next = scene.get().waits();
    getter.cancel().unwrap();
    assert_eq!(scene.world.dropped(), 1);
    drop(next.woken_ready().unwrap());
    assert_eq!(scene.world.book().peak, 1);
    scene.all_well(1);
}

#[test]
fn an_acquire_may_be_dropped_where_a_get_may() {
    let scene = Scene::with_runtime(1);
    let how = millpond::managed::Acquire::new().deadline(Duration::from_secs(60));
    let held = scene.hold();
    let (one, two) = (scene.acquire(&how).waits(), scene.acquire(&how).waits());
    drop(held);
    assert!(one.is_woken() && !two.is_woken());
    one.cancel().unwrap();
    let mut two = two;
    drop(two.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_cancelled_closed_leaves_the_others_waiting() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let gone = scene.polled(scene.pool.closed()).waits();
    let mut stays = scene.polled(scene.pool.closed()).waits();
    scene.pool.close();
    gone.cancel().unwrap();
    assert!(!stays.is_woken());
    drop(held);
    stays.woken_ready();
    scene.all_gone();
}
