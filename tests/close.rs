//! P5: a pool may be closed in every state; everybody in line hears of it, and nothing is left in the end.

mod support;

use millpond::managed::{Acquire, PoolError, QueueMode, ReadyStep, Reason, Timeouts};
use std::task::Poll;
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::scene::Got;
use support::{Exit, Gate, Hand, Polled, Scene, Step, acc, ignore, once};

/// What is under way when the pool is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nothing,
    Idle,
    InUse,
    Hungry,
    ServedUnpolled,
    GrantedUnpolled,
    Connecting,
    NeverConnects,
    MadeUnpolled,
    FailsToConnect,
    PanicsConnecting,
    ServedWhileConnecting,
    PostCreate,
    PreRecycle,
    Recycle,
    PostRecycle,
    RecycleFails,
    Ownerless,
}

const PLACES: [Place; 18] = [
    Place::Nothing,
    Place::Idle,
    Place::InUse,
    Place::Hungry,
    Place::ServedUnpolled,
    Place::GrantedUnpolled,
    Place::Connecting,
    Place::NeverConnects,
    Place::MadeUnpolled,
    Place::FailsToConnect,
    Place::PanicsConnecting,
    Place::ServedWhileConnecting,
    Place::PostCreate,
    Place::PreRecycle,
    Place::Recycle,
    Place::PostRecycle,
    Place::RecycleFails,
    Place::Ownerless,
];

/// What its getter must hear after the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hears {
    Closed,
    /// It had its object before the close: it is in use, and destroyed when it comes back.
    AnObject,
}

struct Case<'a> {
    getter: Option<Polled<'a, Got>>,
    held: Vec<Hand>,
    gate: Gate,
    hears: Hears,
}

fn bring(scene: &Scene, place: Place) -> Case<'_> {
    let gate = Gate::new();
    let at = || Step::at(&gate);
    let world = &scene.world;
    let mut held = Vec::new();
    let mut hears = Hears::Closed;
    match place {
        Place::Connecting | Place::MadeUnpolled | Place::Ownerless => world.create.then(at()),
        Place::NeverConnects => world.create.then(Step::Never),
        Place::FailsToConnect => world.create.then(Step::at_then(&gate, Step::Err)),
        Place::PanicsConnecting => world.create.then(Step::at_then(&gate, Step::Panic)),
        Place::PostCreate => world.post_create.then(at()),
        _ => held = scene.fill(2),
    }
    match place {
        Place::PreRecycle => world.pre_recycle.then(at()),
        Place::Recycle => world.recycle.then(at()),
        Place::PostRecycle => world.post_recycle.then(at()),
        Place::RecycleFails => world.recycle.then(Step::at_then(&gate, Step::Err)),
        Place::GrantedUnpolled => world.broken.then(Step::Err),
        Place::ServedWhileConnecting => {
            drop(held.pop().map(Hand::take));
            world.create.then(at());
        }
        _ => {}
    }
    if matches!(
        place,
        Place::Idle | Place::PreRecycle | Place::Recycle | Place::PostRecycle | Place::RecycleFails
    ) {
        held.pop();
        held.pop();
    }
    let mut getter = match place {
        Place::Nothing => {
            drop(held.pop().map(Hand::take));
            drop(held.pop().map(Hand::take));
            None
        }
        Place::Idle | Place::InUse => None,
        _ => Some(scene.get().waits()),
    };
    match place {
        Place::ServedUnpolled | Place::GrantedUnpolled | Place::ServedWhileConnecting => {
            held.pop();
            if place != Place::GrantedUnpolled {
                hears = Hears::AnObject;
            }
        }
        Place::PreRecycle | Place::Recycle | Place::PostRecycle => hears = Hears::AnObject,
        Place::MadeUnpolled => gate.open(),
        Place::Ownerless => {
            getter.take().unwrap().cancel().unwrap();
            scene.settle();
        }
        _ => {}
    }
    Case {
        getter,
        held,
        gate,
        hears,
    }
}

/// Whoever waits for the end is told exactly when it is there.
#[track_caller]
fn the_end_is_told(scene: &Scene, gone: &mut Polled<'_, ()>) {
    let now = scene.pool.snapshot();
    assert!(now.closed && now.waiting == 0 && now.idle == 0, "{now:?}");
    if gone.is_done() {
        assert_eq!(now.size, 0);
    } else {
        assert_eq!(gone.is_woken(), now.size == 0, "{now:?}");
        assert_eq!(gone.poll().is_ready(), now.size == 0, "{now:?}");
    }
}

fn close_there(place: Place, runtime: bool, cancel: bool, mode: QueueMode) {
    let scene = Scene::built(2, runtime, |builder| builder.queue_mode(mode));
    let mut case = bring(&scene, place);
    let mut gone = scene.polled(scene.pool.closed()).waits();
    scene.pool.close();
    scene.pool.close();
    scene.settle();
    the_end_is_told(&scene, &mut gone);
    if place != Place::PostCreate {
        // An object in its first hook lives, but still counts as connecting.
        acc(&scene.pool);
    }
    if let Some(mut getter) = case.getter.take() {
        if case.hears == Hears::Closed && place != Place::RecycleFails {
            assert!(getter.is_woken(), "it must hear of the close at once");
        }
        if cancel {
            getter.cancel().unwrap();
        } else {
            if case.hears == Hears::AnObject || place == Place::RecycleFails {
                case.gate.open();
            }
            match getter.ready() {
                Ok(hand) => {
                    assert_eq!(case.hears, Hears::AnObject);
                    the_end_is_told(&scene, &mut gone);
                    drop(hand);
                }
                Err(PoolError::Closed) => assert_eq!(case.hears, Hears::Closed),
                Err(error) => panic!("{error:?} where the pool is closed"),
            }
        }
    }
    the_end_is_told(&scene, &mut gone);
    let connects = scene.world.connecting();
    assert_eq!(connects, usize::from(place == Place::Ownerless));
    for hand in case.held {
        drop(hand);
        the_end_is_told(&scene, &mut gone);
    }
    case.gate.open();
    scene.settle();
    the_end_is_told(&scene, &mut gone);
    assert!(gone.is_done(), "nothing is left");
    scene.resize(9);
    scene.all_gone();
}

#[test]
fn in_every_state_a_close_strands_nothing_and_closed_completes_exactly_at_the_end() {
    for place in PLACES {
        let only_with = place == Place::Ownerless;
        for runtime in [only_with, true] {
            for cancel in [false, true] {
                for mode in [QueueMode::Fifo, QueueMode::Lifo] {
                    println!("{place:?}, runtime {runtime}, cancel {cancel}, {mode:?}");
                    close_there(place, runtime, cancel, mode);
                }
            }
        }
    }
}

#[test]
fn a_served_waiter_that_is_never_polled_again_strands_nothing() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let waiter = scene.get().waits();
    drop(held);
    scene.pool.close();
    assert_eq!(scene.world.live(), 1, "it is the waiter's");
    waiter.cancel().unwrap();
    scene.all_gone();
}

#[test]
fn a_close_tells_everybody_in_line_and_wakes_each_of_them_once() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut line = scene.queue(100);
    scene.pool.close();
    assert_eq!(scene.pool.snapshot().waiting, 0);
    for waiter in &mut line {
        assert!(matches!(waiter.woken_ready(), Err(PoolError::Closed)));
        assert_eq!(waiter.change_waker().wakes(), 1);
    }
    drop(held);
    scene.all_gone();
}

#[test]
fn a_connect_without_a_getter_ends_with_its_pool_after_its_bound_at_the_latest() {
    for bound in [None, Some(Duration::from_secs(3))] {
        let scene = Scene::built(1, true, |builder| builder.create_timeout(bound));
        scene.world.create.then(Step::Never);
        scene.get().waits().cancel().unwrap();
        scene.settle();
        let mut gone = scene.polled(scene.pool.closed()).waits();
        scene.pool.close();
        let bound = bound.unwrap_or(Duration::from_secs(10));
        scene.advance(bound - Duration::from_millis(1));
        assert!(!gone.is_woken());
        scene.advance(Duration::from_millis(1));
        gone.woken_ready();
        scene.all_gone();
    }
}

#[test]
fn closed_tells_all_that_wait_for_it_but_not_those_that_left() {
    let scene = Scene::new(2);
    let (one, two) = (scene.hold(), scene.hold());
    let mut watchers: Vec<_> = (0..5)
        .map(|_| scene.polled(scene.pool.closed()).waits())
        .collect();
    let mut left = watchers.remove(2);
    let flag = left.change_waker();
    left.cancel().unwrap();
    scene.pool.close();
    let mut late = scene.polled(scene.pool.closed()).waits();
    drop(one);
    assert!(!watchers.iter().any(Polled::is_woken) && !late.is_woken());
    // Polled with another waker in between: it is the last one that counts.
    let old = watchers[0].change_waker();
    watchers[0].pending();
    drop(two);
    watchers.iter_mut().for_each(Polled::woken_ready);
    late.woken_ready();
    assert_eq!((flag.wakes(), old.wakes()), (0, 0));
    scene.polled(scene.pool.closed()).ready();
    scene.all_gone();
}

#[test]
fn closed_waits_for_a_pool_that_is_still_open() {
    let scene = Scene::new(1);
    let mut gone = scene.polled(scene.pool.closed()).waits();
    drop(scene.hold().take());
    scene.resize(0);
    assert!(!gone.is_woken(), "empty, but open");
    scene.pool.close();
    gone.woken_ready();
    scene.all_gone();
}

#[test]
fn closed_waits_for_an_object_until_it_is_destroyed_or_taken() {
    for exit in ["dropped", "taken", "broken"] {
        let scene = Scene::new(1);
        let held = scene.hold();
        scene.pool.close();
        let mut gone = scene.polled(scene.pool.closed()).waits();
        match exit {
            "dropped" => drop(held),
            "taken" => drop(held.take()),
            _ => {
                scene.world.broken.then(Step::Err);
                drop(held);
            }
        }
        gone.woken_ready();
        scene.all_gone();
    }
}

#[test]
fn objects_are_destroyed_where_they_come_back_to_a_closed_pool() {
    let scene = Scene::new(3);
    let held = scene.fill(3);
    scene.pool.close();
    for (nth, hand) in held.into_iter().enumerate() {
        assert_eq!(hand.id, nth, "still usable");
        drop(hand);
        assert_eq!(scene.world.dropped(), nth + 1);
    }
    scene.all_gone();
}

#[test]
fn detach_is_called_exactly_once_on_every_way_out() {
    for exit in Exit::ALL {
        for runtime in exit.runtimes() {
            println!("{exit:?}, runtime {runtime}");
            let scene = Scene::built(1, runtime, |builder| builder);
            exit.play(&scene);
            assert_eq!((scene.world.detached(), scene.world.dropped()), (1, 1));
            assert_eq!(scene.world.detach.calls(), 1);
            once(&scene.pool);
            ignore(|| scene.pool.close());
            scene.all_gone();
        }
    }
}

#[test]
fn a_closed_pool_says_so_to_everybody_who_comes() {
    for runtime in [false, true] {
        let scene = Scene::built(2, runtime, |builder| builder);
        drop(scene.fill(2));
        scene.pool.close();
        let all_bounds = Timeouts {
            wait: Some(Duration::MAX),
            create: Some(Duration::MAX),
            recycle: Some(Duration::ZERO),
        };
        assert!(matches!(scene.get().ready(), Err(PoolError::Closed)));
        let got = scene.get_within(&NO_WAIT).ready();
        assert!(matches!(got, Err(PoolError::Closed)));
        if runtime {
            let got = scene.get_within(&all_bounds).ready();
            assert!(matches!(got, Err(PoolError::Closed)));
        }
        for how in [Acquire::new(), Acquire::new().try_only().label("late")] {
            let error = scene.acquire(&how).ready().unwrap_err();
            assert!(matches!(error.reason(), Reason::Closed), "{error:?}");
            assert!(error.snapshot().closed && error.holders().is_empty());
        }
        let error = scene.polled(scene.pool.warm_up(1)).ready().unwrap_err();
        assert!(matches!(error.step(), ReadyStep::Closed), "{error:?}");
        let kept = scene.pool.retain(|_, _| true);
        assert_eq!((kept.retained, kept.removed.len()), (0, 0));
        assert_eq!(scene.world.made(), 2, "nothing is made any more");
        scene.all_gone();
    }
}

#[test]
fn a_closed_pool_stays_closed_whatever_it_is_resized_to() {
    let scene = Scene::new(2);
    let held = scene.hold();
    scene.pool.close();
    for max in [0, 1, 5, usize::MAX] {
        scene.resize(max);
        let status = scene.pool.status();
        assert_eq!((status.max_size, status.size, status.available), (0, 1, 0));
        assert!(scene.pool.is_closed());
        assert!(matches!(scene.get().ready(), Err(PoolError::Closed)));
    }
    drop(held);
    assert_eq!(scene.world.live(), 0);
    scene.all_gone();
}

#[test]
fn the_status_of_a_closed_pool_says_max_size_zero() {
    for asked in [0, 1, 7, usize::MAX] {
        let scene = Scene::new(asked);
        assert_eq!(scene.pool.status().max_size, asked);
        scene.pool.close();
        let status = scene.pool.status();
        assert_eq!(
            (
                status.max_size,
                status.size,
                status.available,
                status.waiting
            ),
            (0, 0, 0, 0)
        );
        assert_eq!(scene.pool.snapshot().max_size, 0);
    }
}

#[test]
fn a_getter_that_was_not_polled_before_the_close_hears_of_it() {
    let scene = Scene::new(1);
    drop(scene.hold());
    let mut getter = scene.get();
    scene.pool.close();
    assert!(matches!(getter.ready(), Err(PoolError::Closed)));
    scene.all_gone();
}

#[test]
fn a_warm_up_that_is_overtaken_by_a_close_says_closed_and_leaves_nothing() {
    for probe in [false, true] {
        let scene = Scene::new(2);
        let gate = Gate::new();
        let script = [&scene.world.create, &scene.world.probe][usize::from(probe)];
        script.then(Step::at(&gate));
        let mut warm = scene.polled(scene.pool.warm_up(2)).waits();
        scene.pool.close();
        let mut gone = scene.polled(scene.pool.closed()).waits();
        gate.open();
        match warm.poll() {
            Poll::Ready(Err(error)) => assert!(matches!(error.step(), ReadyStep::Closed)),
            other => panic!("{other:?}"),
        }
        gone.woken_ready();
        assert_eq!(scene.world.made(), 1);
        scene.all_gone();
    }
}
