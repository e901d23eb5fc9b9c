//! P3: first come, first served; and idle objects in the order that was asked for.

mod support;

use millpond::managed::{Acquire, PoolError, QueueMode, TimeoutType, Timeouts};
use std::collections::VecDeque;
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::scene::Got;
use support::{Gate, Hand, Polled, Scene, Step};

const MS: Duration = Duration::from_millis(1);

/// Small, and the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

fn woken(line: &[Polled<'_, Got>]) -> Vec<bool> {
    line.iter().map(Polled::is_woken).collect()
}

#[test]
fn a_retain_that_keeps_everything_keeps_the_order_too() {
    for (mode, expected) in [(QueueMode::Fifo, [0, 1, 2]), (QueueMode::Lifo, [2, 1, 0])] {
        let scene = Scene::built(3, false, |builder| builder.queue_mode(mode));
        let held = scene.fill(3);
        held.into_iter().for_each(drop::<Hand>);
        scene.retain(|_| true);
        let order: Vec<_> = scene.fill(3).iter().map(|hand| hand.id).collect();
        assert_eq!(order, expected, "{mode:?}");
    }
}

#[test]
fn a_line_is_served_in_the_order_in_which_it_came() {
    let scene = Scene::new(2);
    let (mut one, two) = (scene.hold(), scene.hold());
    let mut line = scene.queue(50);
    for nth in 0..50 {
        drop(one);
        let told = woken(&line);
        assert_eq!(told.iter().position(|told| *told), Some(nth));
        assert_eq!(told.iter().filter(|told| **told).count(), 1);
        one = line[nth].ready().unwrap();
    }
    drop((one, two, line));
    scene.all_well(2);
}

#[test]
fn time_outs_and_cancels_in_the_middle_of_the_line_disturb_nobody() {
    for returned_first in [false, true] {
        let scene = Scene::with_runtime(1);
        let mut held = Some(scene.hold());
        let short = Timeouts::wait_millis(50);
        let long = Timeouts::wait_millis(500);
        let mut stays = Vec::new();
        let (mut late, mut leaves) = (Vec::new(), VecDeque::new());
        for nth in 0..60 {
            match nth % 4 {
                0 => stays.push(scene.get().waits()),
                1 => stays.push(scene.get_within(&long).waits()),
                2 => late.push(scene.get_within(&short).waits()),
                _ => leaves.push_back(scene.get().waits()),
            }
        }
        // From both ends and from the middle.
        while let Some(getter) = leaves.pop_front() {
            drop(getter.cancel());
            drop(leaves.pop_back().map(Polled::cancel));
            drop(leaves.remove(leaves.len() / 2).map(Polled::cancel));
        }
        scene.advance(50 * MS);
        assert!(late.iter().all(Polled::is_woken));
        if returned_first {
            // Those whose time is over still stand in line until they are polled, but behind the first.
            drop(held.take());
            drop(stays[0].woken_ready().unwrap());
        }
        for getter in late.iter_mut().rev() {
            match getter.ready() {
                Err(PoolError::Timeout(TimeoutType::Wait)) => {}
                Ok(hand) => assert!(returned_first, "{} was not to be had", hand.id),
                Err(error) => panic!("{error}"),
            }
        }
        drop(held);
        for (nth, getter) in stays
            .iter_mut()
            .enumerate()
            .skip(usize::from(returned_first))
        {
            assert!(getter.is_woken(), "{nth} is next");
            drop(getter.ready().unwrap());
        }
        drop((stays, late));
        scene.all_well(1);
    }
}

#[test]
fn a_newcomer_never_takes_the_object_of_a_woken_waiter() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    // Woken, but not polled yet: everybody who comes now stands behind.
    let mut newcomer = scene.get().waits();
    let mut impatient = scene.get_within(&NO_WAIT);
    assert!(matches!(
        impatient.ready(),
        Err(PoolError::Timeout(TimeoutType::Wait))
    ));
    assert!(scene.acquire(&Acquire::new().try_only()).ready().is_err());
    assert!(scene.retain(|_| panic!("nothing is idle")).is_empty());
    let hand = first.ready().unwrap();
    drop(hand);
    assert!(second.is_woken() && !newcomer.is_woken());
    drop(second.ready().unwrap());
    drop(newcomer.woken_ready().unwrap());
    assert_eq!(scene.world.made(), 1);
    scene.all_well(1);
}

#[test]
fn a_newcomer_never_takes_the_reservation_of_a_woken_waiter() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut first = scene.get().waits();
    drop(held.take());
    let mut newcomer = scene.get().waits();
    assert!(first.is_woken());
    assert!(scene.get_within(&NO_WAIT).ready().is_err());
    drop(first.ready().unwrap());
    drop(newcomer.woken_ready().unwrap());
    assert_eq!(scene.world.book().peak, 1);
    scene.all_well(1);
}

#[test]
fn a_dead_object_keeps_its_getter_first() {
    for deaths in [1, 2, 5] {
        let scene = Scene::with_runtime(deaths + 1);
        let mut held = scene.fill(deaths + 1);
        let mut line = scene.queue(2);
        let gate = Gate::new();
        scene.world.create.always(Step::at(&gate));
        for _ in 0..deaths {
            // Handed over, and dead: its getter connects in its place, and is the first in line again.
            scene.world.recycle.then(Step::Err);
            drop(held.pop());
            assert_eq!(woken(&line), [true, false]);
            line[0].pending();
        }
        assert_eq!(scene.world.connecting(), deaths);
        drop(held.pop());
        assert_eq!(woken(&line), [true, false], "served before the one behind");
        let hand = line[0].ready().unwrap();
        assert_eq!(hand.id, 0, "the healthy one");
        gate.open();
        scene.settle();
        drop(line[1].woken_ready().unwrap());
        drop((hand, line));
        scene.all_well(deaths + 1);
    }
}

#[test]
fn a_dead_object_without_room_for_another_keeps_its_getter_first_all_the_same() {
    let scene = Scene::new(2);
    let (one, two) = (scene.hold(), scene.hold());
    let mut line = scene.queue(3);
    let pool = scene.pool.clone();
    let shrink = Step::run_then(move || pool.resize(1), Step::Err);
    scene.world.recycle.then(shrink);
    drop(one);
    line[0].pending();
    assert_eq!((scene.world.dropped(), scene.world.connecting()), (1, 0));
    drop(two);
    for nth in 0..3 {
        assert!(line[nth].is_woken() && !line[nth + 1..].iter().any(Polled::is_woken));
        drop(line[nth].ready().unwrap());
    }
    drop(line);
    scene.all_well(1);
}

#[test]
fn getters_that_connect_are_served_in_the_order_in_which_they_came() {
    for runtime in [false, true] {
        let scene = Scene::built(6, runtime, |builder| builder);
        let held = scene.fill(3);
        let gate = Gate::new();
        scene.world.create.always(Step::at(&gate));
        let mut line = scene.queue(5);
        assert_eq!(scene.world.connecting(), 3);
        for (nth, hand) in held.into_iter().enumerate() {
            drop(hand);
            let told: Vec<_> = (0..5).map(|n| n <= nth).collect();
            assert_eq!(
                woken(&line),
                told,
                "connecting or not, first come, first served"
            );
        }
        let hands: Vec<_> = (0..3).map(|nth| line[nth].ready().unwrap()).collect();
        scene.settle();
        // Their connects go on for those behind; without a background, those behind connect.
        assert_eq!(line[3].is_woken(), !runtime);
        gate.open();
        scene.settle();
        for waiter in &mut line[3..] {
            waiter.poll().map(drop).is_ready().then_some(()).unwrap();
        }
        drop((hands, line));
        scene.all_well(6);
    }
}

#[test]
fn a_getter_whose_own_connect_is_first_overtakes_nobodys_object() {
    let scene = Scene::new(3);
    let held = scene.hold();
    let (slow, fast) = (Gate::new(), Gate::new());
    scene.world.create.then(Step::at(&slow));
    scene.world.create.then(Step::at(&fast));
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    fast.open();
    let own = second.woken_ready().unwrap();
    assert!(!first.is_woken());
    drop(held);
    let hand = first.woken_ready().unwrap();
    assert_eq!((hand.id, own.id), (0, 1));
    drop((hand, own));
    scene.all_well(3);
}

/// The store of idle objects grows in tiers (64, 512, 4,096 …). On one thread the order is exact across
/// them: pushes only ever go to a newer tier, and pops look through the older ones first. (Threads that
/// return at the very moment at which a tier is made may be a few places out.)
#[test]
fn idle_objects_come_in_the_order_that_was_asked_for_however_many_they_are() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        for n in [1, 3, 64, 65, 70, 576, 577, 700] {
            let scene = Scene::built(n, false, |builder| builder.queue_mode(mode));
            let mut held: Vec<_> = scene.fill(n);
            let mut dice = Dice(n as u64);
            for _ in 0..3 {
                let mut returned = Vec::new();
                while !held.is_empty() {
                    let hand = held.swap_remove(dice.below(held.len()));
                    returned.push(hand.id);
                }
                if let QueueMode::Lifo = mode {
                    returned.reverse();
                }
                held = scene.fill(n);
                let order: Vec<_> = held.iter().map(|hand| hand.id).collect();
                assert_eq!(order, returned, "{mode:?} {n}");
            }
            assert_eq!(scene.world.made(), n);
        }
    }
}

#[test]
fn gets_and_returns_in_any_sequence_keep_the_order_of_idle_objects() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        for max in [3, 70, 700] {
            let scene = Scene::built(max, false, |builder| builder.queue_mode(mode));
            let mut held: Vec<Hand> = Vec::new();
            let mut idle = VecDeque::new();
            let mut dice = Dice(42);
            // Long stretches of more gets, then of more returns, so that the store fills and empties.
            for step in 0..max * 30 {
                let gets = [3, 1][step / (max * 2) % 2];
                if held.len() < max && dice.below(4) < gets {
                    let hand = scene.hold();
                    let next = match mode {
                        QueueMode::Fifo => idle.pop_front(),
                        QueueMode::Lifo => idle.pop_back(),
                    };
                    let expected = next.unwrap_or(scene.world.made() - 1);
                    assert_eq!(hand.id, expected, "{mode:?} {max} step {step}");
                    held.push(hand);
                } else if !held.is_empty() {
                    let hand = held.swap_remove(dice.below(held.len()));
                    idle.push_back(hand.id);
                }
                assert_eq!(scene.pool.snapshot().idle, idle.len());
            }
            drop(held);
            scene.all_well(max);
        }
    }
}

#[test]
fn joins_cancels_and_returns_in_any_sequence_keep_the_order_of_the_line() {
    for seed in 0..20 {
        let scene = Scene::new(3);
        let mut held = scene.fill(3);
        let mut line: VecDeque<Polled<'_, Got>> = VecDeque::new();
        let mut dice = Dice(seed);
        for _ in 0..1_000 {
            match dice.below(4) {
                0 | 1 => line.push_back(scene.get().waits()),
                2 if !line.is_empty() => {
                    let nth = dice.below(line.len());
                    line.remove(nth).unwrap().cancel().unwrap();
                }
                _ if line.is_empty() => {}
                _ => {
                    drop(held.swap_remove(dice.below(held.len())));
                    assert!(line[0].is_woken(), "the first in line");
                    assert!(
                        !line.iter().skip(1).any(Polled::is_woken),
                        "and nobody else"
                    );
                    if dice.below(3) == 0 {
                        // Cancelled with the object in its cell: it goes to the next, or lies idle.
                        line.pop_front().unwrap().cancel().unwrap();
                    }
                    let hand = match line.pop_front() {
                        Some(mut next) => next.woken_ready().unwrap(),
                        None => scene.hold(),
                    };
                    held.push(hand);
                }
            }
            assert_eq!(scene.pool.snapshot().waiting, line.len());
        }
        drop(held);
        for first in line.iter_mut().take(3) {
            drop(first.woken_ready().unwrap());
        }
        drop(line);
        assert_eq!(scene.world.made(), 3);
        scene.all_well(3);
    }
}
