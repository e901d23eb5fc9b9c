//! P1, P8: the maximum may change at any time, in any direction, whatever is under way; the limit holds.

mod support;

use millpond::managed::{QueueMode, TimeoutType};
use support::oracle::NO_WAIT;
use support::scene::Got;
use support::{Exit, Gate, Hand, Polled, Scene, Step, acc, cap, lim, once};

/// Where an object, or the right to make one, is when the pool is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Checking,
    Served,
    Granted,
    Connecting,
    Ownerless,
    InUse,
    Idle,
}

/// In the order in which they can be brought about beside one another.
const PLACES: [Place; 7] = [
    Place::Checking,
    Place::Served,
    Place::Granted,
    Place::Connecting,
    Place::Ownerless,
    Place::InUse,
    Place::Idle,
];

/// One of several under way in a pool: what has to happen for it to come to its end.
struct Party<'a> {
    getter: Option<Polled<'a, Got>>,
    hand: Option<Hand>,
    gate: Gate,
}

fn bring<'a>(scene: &'a Scene, place: Place, held: &mut Vec<Hand>) -> Party<'a> {
    let gate = Gate::new();
    let (mut getter, mut hand) = (None, None);
    match place {
        Place::Served | Place::Granted => {
            let waiter = scene.get().waits();
            if place == Place::Granted {
                scene.world.broken.then(Step::Err);
            }
            held.pop();
            assert!(waiter.is_woken());
            getter = Some(waiter);
        }
        Place::Checking => {
            scene.world.recycle.then(Step::at(&gate));
            held.pop();
            getter = Some(scene.get().waits());
        }
        Place::Connecting | Place::Ownerless => {
            scene.world.create.then(Step::at(&gate));
            let waiter = scene.get().waits();
            if place == Place::Ownerless {
                waiter.cancel().unwrap();
                scene.settle();
            } else {
                getter = Some(waiter);
            }
        }
        Place::InUse => hand = held.pop(),
        Place::Idle => drop(held.pop()),
    }
    Party { getter, hand, gate }
}

/// A pool that is full: one party in each of `places`.
fn full_of<'a>(scene: &'a Scene, places: &[Place]) -> Vec<Party<'a>> {
    let makes = |place: &Place| matches!(place, Place::Connecting | Place::Ownerless);
    let objects = places.iter().filter(|place| !makes(place)).count();
    scene.resize(objects);
    let mut held = scene.fill(objects);
    let mut parties = Vec::new();
    for place in PLACES {
        if place == Place::Connecting {
            scene.resize(places.len());
        }
        let here = places.iter().filter(|other| **other == place);
        parties.extend(here.map(|place| bring(scene, *place, &mut held)));
    }
    parties
}

impl Party<'_> {
    fn go_on(&mut self, scene: &Scene) {
        self.gate.open();
        drop(self.hand.take());
        self.poll();
        scene.settle();
        self.poll();
    }

    fn poll(&mut self) {
        if let Some(getter) = self.getter.as_mut().filter(|getter| !getter.is_done()) {
            if let std::task::Poll::Ready(got) = getter.poll() {
                drop(got.unwrap());
            }
        }
    }
}

#[track_caller]
fn the_limit_holds(scene: &Scene) {
    let now = scene.pool.snapshot();
    acc(&scene.pool);
    lim(&scene.pool);
    assert!(
        now.size <= now.max_size || now.idle == 0,
        "surplus is kept: {now:?}"
    );
}

/// All ways to fill `n` places, without regard to order.
fn mixtures(n: usize) -> Vec<Vec<Place>> {
    let mut all = vec![vec![]];
    for _ in 0..n {
        let longer = all.iter().flat_map(|some: &Vec<Place>| {
            let from = some.last().map_or(0, |last| *last as usize);
            PLACES[from..].iter().map(|place| {
                let mut more = some.clone();
                more.push(*place);
                more
            })
        });
        all = longer.collect();
    }
    all
}

fn resized_twice(places: &[Place], first: usize, second: usize, backwards: bool) {
    let scene = Scene::with_runtime(places.len());
    let mut parties = full_of(&scene, places);
    if backwards {
        parties.reverse();
    }
    the_limit_holds(&scene);
    scene.resize(first);
    the_limit_holds(&scene);
    let (early, late) = parties.split_at_mut(places.len() / 2);
    for party in early {
        party.go_on(&scene);
        the_limit_holds(&scene);
    }
    scene.resize(second);
    the_limit_holds(&scene);
    for party in late {
        party.go_on(&scene);
        the_limit_holds(&scene);
    }
    let mut left: Vec<_> = parties
        .into_iter()
        .filter_map(|party| party.getter)
        .filter(|getter| !getter.is_done())
        .collect();
    if second > 0 {
        let waiting = left.len();
        assert_eq!(scene.drain(&mut left, Vec::new()), waiting, "all served");
    }
    drop(left);
    scene.all_well(second);
}

#[test]
fn whatever_is_under_way_the_limit_holds_after_every_step() {
    for places in mixtures(3) {
        for first in [0, 1, 2, 3, 5] {
            for second in [0, 1, 2, 3, 5] {
                for backwards in [false, true] {
                    println!("{places:?} to {first}, to {second}, backwards {backwards}");
                    resized_twice(&places, first, second, backwards);
                }
            }
        }
    }
}

#[test]
fn cycles_of_growing_and_shrinking_never_inflate_a_pool() {
    for places in mixtures(2) {
        for peak in [2, 3, 64] {
            println!("{places:?} up to {peak}");
            let scene = Scene::with_runtime(2);
            let mut parties = full_of(&scene, &places);
            for _ in 0..10 {
                for max in [0, peak, 1, 2] {
                    scene.resize(max);
                    the_limit_holds(&scene);
                }
            }
            parties.iter_mut().for_each(|party| party.go_on(&scene));
            parties.iter_mut().for_each(|party| party.go_on(&scene));
            drop(parties);
            scene.all_well(2);
        }
    }
}

#[test]
fn a_pool_of_ten_in_use_that_is_shrunk_to_two_gives_two_after_all_came_back() {
    let scene = Scene::new(10);
    let held = scene.fill(10);
    scene.resize(2);
    assert_eq!(scene.pool.snapshot().size, 10, "nobody's object is taken");
    for (nth, hand) in held.into_iter().enumerate() {
        drop(hand);
        assert_eq!(scene.pool.snapshot().size, 2.max(9 - nth));
    }
    cap(&scene.pool, 2);
    scene.all_well(2);
}

#[test]
fn a_pool_that_was_never_full_is_shrunk_all_the_same() {
    for in_use in 0..=3 {
        for idle in 0..=3 {
            let scene = Scene::new(10);
            let mut held = scene.fill(in_use + idle);
            held.truncate(in_use);
            scene.resize(2);
            drop(held);
            scene.all_well(2);
        }
    }
}

#[test]
fn shrinking_by_one_with_two_coming_back_retires_exactly_one() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let scene = Scene::built(2, false, |builder| builder.queue_mode(mode));
        let held = scene.fill(2);
        scene.resize(1);
        drop(held);
        assert_eq!((scene.world.made(), scene.world.dropped()), (2, 1));
        scene.all_well(1);
    }
}

#[test]
fn an_object_that_comes_back_while_another_is_being_retired_is_kept() {
    // It comes back from within the other's `detach`, and from within its `Drop`.
    for from_drop in [false, true] {
        let scene = Scene::new(2);
        let (one, two) = (scene.hold(), scene.hold());
        scene.resize(1);
        let script = [&scene.world.detach, &scene.world.drops][usize::from(from_drop)];
        script.then(Step::run(move || drop(two)));
        drop(one);
        assert_eq!((scene.world.live(), scene.pool.snapshot().idle), (1, 1));
        scene.all_well(1);
    }
}

#[test]
fn a_shrink_while_an_object_is_being_retired_takes_no_second_one() {
    for exit in [Exit::Take, Exit::Broken, Exit::RecycleFails] {
        let scene = Scene::new(2);
        let (one, two) = (scene.hold(), scene.hold());
        drop(two);
        let (pool, world) = (scene.pool.clone(), scene.world.clone());
        let shrink = Step::run(move || {
            world.limit(1);
            pool.resize(1);
        });
        scene.world.detach.then(shrink);
        println!("{exit:?}");
        match exit {
            Exit::Take => drop(one.take()),
            Exit::Broken => {
                scene.world.broken.then(Step::Err);
                drop(one);
            }
            _ => {
                scene.world.recycle.then(Step::Err);
                // It is idle, and dead; the other one is in use and healthy.
                scene.get().pending();
                drop(one);
            }
        }
        assert_eq!((scene.world.made(), scene.world.dropped()), (2, 1));
        scene.all_well(1);
    }
}

#[test]
fn a_dead_object_beside_a_shrink_does_not_take_a_healthy_one_with_it() {
    for dead_first in [false, true] {
        let scene = Scene::new(2);
        let (one, two) = (scene.hold(), scene.hold());
        scene.resize(1);
        if dead_first {
            scene.world.broken.then(Step::Err);
            drop(one);
            drop(two);
        } else {
            drop(one);
            assert_eq!(scene.world.dropped(), 1, "surplus");
            drop(two);
        }
        assert_eq!((scene.world.live(), scene.world.made()), (1, 2));
        scene.all_well(1);
    }
}

#[test]
fn shrinking_to_nothing_and_back_serves_those_who_waited_meanwhile() {
    for idle in [false, true] {
        let scene = Scene::new(2);
        let mut held = scene.fill(2);
        if idle {
            held.clear();
        }
        scene.resize(0);
        assert_eq!(scene.world.live(), held.len());
        let mut line = scene.queue(3);
        drop(held);
        assert_eq!(scene.world.live(), 0);
        assert!(!line.iter().any(Polled::is_woken));
        let mut now = scene.get_within(&NO_WAIT);
        assert!(matches!(
            now.ready(),
            Err(millpond::managed::PoolError::Timeout(TimeoutType::Wait))
        ));
        scene.resize(2);
        assert_eq!(scene.drain(&mut line, Vec::new()), 3);
        scene.all_well(2);
    }
}

#[test]
fn growing_lets_those_in_line_connect_at_once_in_their_order() {
    let scene = Scene::new(0);
    let gate = Gate::new();
    scene.world.create.always(Step::at(&gate));
    let mut line = scene.queue(5);
    for (max, woken) in [(1, 1), (3, 3), (4, 4), (9, 5)] {
        scene.resize(max);
        let told: Vec<_> = line.iter().map(Polled::is_woken).collect();
        let expected: Vec<_> = (0..5).map(|nth| nth < woken).collect();
        assert_eq!(told, expected, "of {max}");
    }
    line.iter_mut().for_each(Polled::pending);
    assert_eq!(scene.world.connecting(), 5);
    gate.open();
    line.iter_mut()
        .for_each(|getter| drop(getter.woken_ready()));
    drop(line);
    scene.all_well(9);
}

#[test]
fn getters_whose_connects_a_shrink_made_surplus_keep_their_order() {
    let scene = Scene::new(3);
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    for gate in &gates {
        scene.world.create.then(Step::at(gate));
    }
    let mut line = scene.queue(3);
    scene.resize(0);
    for (getter, gate) in line.iter_mut().zip(&gates) {
        gate.open();
        getter.pending();
    }
    assert_eq!((scene.world.dropped(), scene.pool.snapshot().size), (3, 0));
    scene.resize(1);
    let told: Vec<_> = line.iter().map(Polled::is_woken).collect();
    assert_eq!(told, [true, false, false], "first come, first served");
    assert_eq!(scene.drain(&mut line, Vec::new()), 3);
    drop(line);
    scene.all_well(1);
}

#[test]
fn getters_whose_reservations_a_shrink_took_back_keep_their_order() {
    let scene = Scene::new(0);
    let mut line = scene.queue(4);
    scene.resize(3);
    scene.resize(0);
    line.iter_mut().for_each(Polled::pending);
    for nth in 0..4 {
        scene.resize(nth + 1);
        let told: Vec<_> = line.iter().map(Polled::is_woken).collect();
        assert_eq!(told, (0..4).map(|n| n <= nth).collect::<Vec<_>>());
    }
    assert_eq!(scene.drain(&mut line, Vec::new()), 4);
    drop(line);
    scene.all_well(4);
}

#[test]
fn surplus_idle_objects_are_destroyed_before_resize_returns_the_oldest_first() {
    for (mode, gone) in [(QueueMode::Fifo, [0, 1, 2]), (QueueMode::Lifo, [2, 3, 4])] {
        let scene = Scene::built(5, false, |builder| builder.queue_mode(mode));
        drop(scene.fill(5));
        scene.resize(2);
        assert_eq!(scene.world.gone(), gone, "{mode:?}");
        assert_eq!(scene.pool.snapshot().size, 2);
        scene.all_well(2);
    }
}

#[test]
fn a_shrink_prefers_idle_objects_to_those_in_use() {
    let scene = Scene::new(4);
    let mut held = scene.fill(4);
    held.truncate(2);
    scene.resize(2);
    assert_eq!(scene.world.gone(), [2, 3]);
    drop(held);
    assert_eq!(scene.world.dropped(), 2);
    scene.all_well(2);
}

#[test]
fn any_usize_is_a_maximum() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut line = scene.queue(3);
    for max in [usize::MAX, 65_536, 65_535, usize::MAX - 1] {
        scene.world.limit(max);
        scene.pool.resize(max);
        assert_eq!(scene.pool.status().max_size, max, "as it was asked for");
        assert_eq!(scene.pool.snapshot().max_size, 65_535, "as a pool can hold");
    }
    assert_eq!(scene.drain(&mut line, Vec::new()), 3);
    drop(line);
    scene.resize(2);
    assert_eq!(scene.pool.status().max_size, 2);
    drop(held);
    scene.all_well(2);
}

#[test]
fn a_resize_to_what_it_was_changes_nothing() {
    let scene = Scene::new(2);
    let (one, two) = (scene.hold(), scene.hold());
    drop(two);
    scene.resize(2);
    assert_eq!((scene.world.live(), scene.pool.snapshot().idle), (2, 1));
    drop(one);
    scene.all_well(2);
}

#[test]
fn a_resize_from_within_the_managers_own_calls_holds_the_limit() {
    type At = fn(&Scene) -> &support::Script;
    let calls: [(&str, At); 6] = [
        ("create", |scene| &scene.world.create),
        ("post_create", |scene| &scene.world.post_create),
        ("pre_recycle", |scene| &scene.world.pre_recycle),
        ("recycle", |scene| &scene.world.recycle),
        ("post_recycle", |scene| &scene.world.post_recycle),
        ("has_broken", |scene| &scene.world.broken),
    ];
    for (name, at) in calls {
        for max in [0, 1, 2, 3] {
            println!("{name} {max}");
            let scene = Scene::new(2);
            let (one, two) = (scene.hold(), scene.hold());
            let (pool, world) = (scene.pool.clone(), scene.world.clone());
            at(&scene).then(Step::run(move || {
                world.limit(max);
                pool.resize(max);
            }));
            if matches!(name, "create" | "post_create") {
                drop(one.take());
            } else {
                drop(one);
            }
            let mut getter = scene.get();
            if let std::task::Poll::Ready(got) = getter.poll() {
                drop(got.unwrap());
            }
            the_limit_holds(&scene);
            drop(two);
            drop(getter);
            once(&scene.pool);
            scene.all_well(max);
        }
    }
}
