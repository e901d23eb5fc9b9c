//! Slots that are kept for a priority: who has it is served beside any crowd of those who do not, who have all the
//! rest among themselves, in their order, and nothing is lost however any of them ends.

mod support;

use millpond::managed::Acquire;
use std::collections::VecDeque;
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::reserve::{
    all_well, hold_urgently, reserving, reserving_in_time, urgent_get, would_wait,
};
use support::{Gate, Polled, Scene, Step, ignore, panics};

const S: Duration = Duration::from_secs(1);

/// One of several things that may happen, and what it is called.
type Way<T> = (&'static str, fn(&Scene) -> T);

#[test]
fn beside_a_line_of_others_those_with_priority_are_served_at_once_up_to_the_reserve() {
    let scene = reserving(5, 2);
    let mut held = scene.fill(3);
    let mut line = scene.queue(4);
    let now = scene.pool.snapshot();
    assert_eq!((now.in_use, now.waiting, now.held_back), (3, 4, 4));
    let first = hold_urgently(&scene);
    let second = hold_urgently(&scene);
    let how = urgent_get();
    let mut third = scene.acquire(&how).waits();
    assert_eq!(
        scene.pool.snapshot().held_back,
        4,
        "the third is in the pool's own line"
    );
    // What comes back from one of the others goes to it, and the ticket to one of them, who stands behind it.
    drop(held.pop());
    let third = third.woken_ready().unwrap();
    assert!(line[0].is_woken() && !line[1].is_woken());
    line[0].pending();
    drop(first);
    let served = line[0].woken_ready().unwrap();
    drop((second, third, served));
    let served = scene.drain(&mut line, held);
    assert_eq!(served, 3);
    drop(line);
    all_well(&scene, 5, 2);
}

#[test]
fn the_reserve_is_made_when_it_is_wanted_and_lies_idle_beside_the_line() {
    let scene = reserving(3, 1);
    drop([
        hold_urgently(&scene),
        hold_urgently(&scene),
        hold_urgently(&scene),
    ]);
    let held = scene.fill(2);
    let mut line = scene.queue(2);
    let now = scene.pool.snapshot();
    assert_eq!((now.idle, now.waiting, now.held_back), (1, 2, 2));
    assert_eq!(
        now.to_string(),
        "2/3 in use, 1 idle, 2 waiting, 2 of them held back by the reserve"
    );
    assert_eq!(scene.pool.status().waiting, 2);
    let hasty = Acquire::new().try_only();
    let error = scene.acquire(&hasty).ready().unwrap_err();
    let words =
        "what others do not use is kept for those with priority (2/3 in use, 1 idle, 2 waiting";
    assert!(error.to_string().starts_with(words), "{error}");
    let urgent = hold_urgently(&scene);
    assert_eq!(scene.world.made(), 3, "the idle one");
    drop(urgent);
    assert!(
        line.iter().all(|getter| !getter.is_woken()),
        "it is not for them"
    );
    assert_eq!(scene.drain(&mut line, held), 2);
    drop(line);
    all_well(&scene, 3, 1);
}

#[test]
fn those_held_back_are_served_in_their_order_and_nobody_overtakes() {
    let scene = reserving(3, 1);
    let mut held = VecDeque::from(scene.fill(2));
    let mut line = VecDeque::from(scene.queue(5));
    while let Some(mut first) = line.pop_front() {
        drop(held.pop_front());
        assert!(line.iter().all(|other| !other.is_woken()));
        // A newcomer takes neither the ticket nor the object.
        assert!(would_wait(&scene.get_within(&NO_WAIT).ready()));
        held.push_back(first.woken_ready().unwrap());
    }
    drop(held);
    all_well(&scene, 3, 1);
}

#[test]
fn whoever_leaves_the_gate_leaves_nothing_behind() {
    let scene = reserving(3, 1);
    let held = scene.fill(2);
    let mut line = scene.queue(4);
    // Before it is given a ticket, and after.
    line.remove(1).cancel().unwrap();
    drop(held);
    assert!(line[0].is_woken() && line[1].is_woken() && !line[2].is_woken());
    assert_eq!(
        scene.pool.snapshot().held_back,
        3,
        "two were given tickets, and have not come yet"
    );
    line.remove(0).cancel().unwrap();
    assert!(line[1].is_woken(), "the ticket of the one that left");
    line.into_iter().for_each(|getter| getter.cancel().unwrap());
    assert_eq!(scene.pool.snapshot().idle, 2);
    all_well(&scene, 3, 1);
}

#[test]
fn a_ticket_goes_back_when_its_holder_ends_in_any_way() {
    let scene = reserving(3, 2);
    let ways: [Way<()>; 9] = [
        ("returned", |scene| drop(scene.hold())),
        ("taken", |scene| drop(scene.hold().take())),
        ("broken", |scene| {
            let held = scene.hold();
            scene.world.broken.then(Step::Err);
            drop(held);
        }),
        ("retired in a panic", |scene| {
            let held = scene.hold();
            scene.world.broken.then(Step::Panic);
            panics(|| drop(held));
        }),
        ("its connect failed", |scene| {
            drop(scene.retain(|_| false));
            scene.world.create.then(Step::Err);
            assert!(scene.get().ready().is_err());
        }),
        ("its connect panicked", |scene| {
            drop(scene.retain(|_| false));
            scene.world.create.then(Step::Panic);
            scene.get().panics();
        }),
        ("cancelled while it connected", |scene| {
            drop(scene.retain(|_| false));
            scene.world.create.then(Step::Never);
            scene.get().waits().cancel().unwrap();
        }),
        ("cancelled in its check", |scene| {
            drop(scene.hold());
            scene.world.recycle.then(Step::Never);
            scene.get().waits().cancel().unwrap();
        }),
        ("its check panicked", |scene| {
            drop(scene.hold());
            scene.world.recycle.then(Step::Panic);
            scene.get().panics();
        }),
    ];
    for (way, end) in ways {
        end(&scene);
        let next = scene.get_within(&NO_WAIT).ready();
        assert!(next.is_ok(), "{way}: {next:?}");
        let other = scene.get_within(&NO_WAIT).ready();
        assert!(would_wait(&other), "{way}: {other:?}");
    }
    all_well(&scene, 3, 2);
}

#[test]
fn whose_object_is_dead_keeps_its_ticket_and_its_turn() {
    let scene = reserving(3, 1);
    drop(scene.fill(2));
    scene.world.recycle.then(Step::Err);
    scene.world.recycle.then(Step::Err);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let mut first = scene.get().waits();
    let second = scene.hold();
    let mut third = scene.get().waits();
    assert_eq!(scene.pool.snapshot().held_back, 1);
    drop(hold_urgently(&scene));
    let got = first.woken_ready().unwrap();
    gate.open();
    drop((got, second));
    drop(third.woken_ready().unwrap());
    all_well(&scene, 3, 1);
}

#[test]
fn a_panic_or_a_cancel_among_the_others_costs_the_priority_nothing() {
    let scene = reserving(4, 2);
    let mut held = scene.fill(2);
    let mut line = scene.queue(3);
    for round in 0..20 {
        let urgent = [hold_urgently(&scene), hold_urgently(&scene)];
        match round % 3 {
            0 => {
                scene.world.recycle.then(Step::Panic);
                drop(held.pop());
                line[0].panics();
            }
            1 => {
                drop(held.pop());
                line.remove(0).cancel().unwrap();
                line.push(scene.get().waits());
            }
            _ => {
                scene.world.broken.then(Step::Panic);
                let goes = held.pop();
                ignore(|| drop(goes));
            }
        }
        drop(urgent);
        while held.len() < 2 {
            if line.iter().all(Polled::is_done) {
                line = scene.queue(3);
            }
            line.retain(|getter| !getter.is_done());
            let woken = line.iter().position(Polled::is_woken);
            match woken {
                Some(nth) => held.push(line.remove(nth).woken_ready().unwrap()),
                None => held.push(scene.hold()),
            }
        }
        while line.len() < 3 {
            line.push(scene.get().waits());
        }
    }
    drop(line);
    drop(held);
    all_well(&scene, 4, 2);
}

#[test]
fn what_the_pool_does_for_itself_takes_no_tickets() {
    let scene = reserving_in_time(3, 2, |builder| builder.min_idle(2));
    let held = scene.hold();
    scene.settle();
    scene.advance(S);
    assert_eq!(
        scene.pool.snapshot().idle,
        2,
        "spare ones, also beside a line"
    );
    let mut line = scene.queue(1);
    let mut seen = 0;
    drop(scene.retain(|_| {
        seen += 1;
        true
    }));
    assert_eq!(seen, 2);
    assert!(!line[0].is_woken());
    scene.polled(scene.pool.warm_up(3)).ready().unwrap();
    drop(held);
    drop(line[0].woken_ready().unwrap());
    drop(line);
    scene.advance(S);
    all_well(&scene, 3, 2);
}

#[test]
fn whoever_left_an_object_untidy_has_its_ticket_until_it_is_tidied_or_closed() {
    let ways: [Way<Gate>; 4] = [
        ("tidied", |scene| scene.untidy(Step::Ok)),
        ("not to be tidied", |scene| scene.untidy(Step::Err)),
        ("closed slowly", |scene| {
            scene.world.broken.then(Step::Err);
            slow(scene)
        }),
        ("not to be tidied, and closed slowly", |scene| {
            let gate = slow(scene);
            scene.untidy(Step::Err).open();
            gate
        }),
    ];
    for (way, begin) in ways {
        let scene = reserving_in_time(2, 1, |builder| builder);
        let held = scene.hold();
        let mut line = scene.queue(1);
        let gate = begin(&scene);
        drop(held);
        scene.settle();
        assert!(!line[0].is_woken(), "{way}: it would take what is kept");
        drop(hold_urgently(&scene));
        gate.open();
        scene.settle();
        assert!(line[0].is_woken(), "{way}");
        drop(line[0].ready().unwrap());
        drop(line);
        all_well(&scene, 2, 1);
    }
}

/// The next that is closed takes its time at a gate.
fn slow(scene: &Scene) -> Gate {
    let gate = Gate::new();
    scene.world.slow.then(Step::Err);
    scene.world.close.then(Step::at(&gate));
    gate
}

#[test]
fn without_a_reserve_a_priority_changes_nothing() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut first = scene.get().waits();
    let how = urgent_get();
    let mut second = scene.acquire(&how).waits();
    drop(held);
    drop(first.woken_ready().unwrap());
    drop(second.woken_ready().unwrap());
    drop((first, second));
    scene.all_well(1);
}

#[test]
fn while_an_object_is_tidied_or_closed_its_slot_is_not_taken_from_the_reserve() {
    for closes in [false, true] {
        let scene = reserving_in_time(2, 1, |builder| builder);
        let held = scene.hold();
        let mut line = scene.queue(1);
        let gate = Gate::new();
        if closes {
            scene.world.broken.then(Step::Err);
            scene.world.slow.then(Step::Err);
            scene.world.close.then(Step::at(&gate));
        } else {
            scene.world.untidy.then(Step::Err);
            scene.world.tidy.then(Step::at(&gate));
        }
        drop(held);
        scene.settle();
        assert!(!line[0].is_woken(), "closes: {closes}");
        let urgent = hold_urgently(&scene);
        gate.open();
        scene.settle();
        drop(line[0].woken_ready().unwrap());
        drop((urgent, line));
        all_well(&scene, 2, 1);
    }
}
