//! Slots that are kept for a priority, under any script of those who have it and those who do not.

mod support;

use millpond::managed::Acquire;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::task::Poll;
use support::reserve::{Acquired, all_well, reserving, urgent_get};
use support::{Hand, Polled, Scene, Step};

#[derive(Clone, Debug)]
enum Deed {
    Come { urgent: bool },
    Cancel(u8),
    Poll(u8),
    Return(u8),
    Take(u8),
    Create(bool),
    Recycle(bool),
    Resize(u8),
    Pause,
    Resume,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => any::<bool>().prop_map(|urgent| Deed::Come { urgent }),
        2 => any::<u8>().prop_map(Deed::Cancel),
        4 => any::<u8>().prop_map(Deed::Poll),
        6 => any::<u8>().prop_map(Deed::Return),
        1 => any::<u8>().prop_map(Deed::Take),
        1 => any::<bool>().prop_map(Deed::Create),
        2 => any::<bool>().prop_map(Deed::Recycle),
        1 => (0..7_u8).prop_map(Deed::Resize),
        1 => Just(Deed::Pause),
        2 => Just(Deed::Resume),
    ]
}

/// Who waits and who holds, with and without priority.
struct Crowd<'a> {
    scene: &'a Scene,
    line: Vec<(bool, Polled<'a, Acquired>)>,
    held: Vec<(bool, Hand)>,
}

impl Crowd<'_> {
    fn poll(&mut self, nth: usize) {
        if let Poll::Ready(got) = self.line[nth].1.poll() {
            let (urgent, _) = self.line.remove(nth);
            self.held.extend(got.ok().map(|hand| (urgent, hand)));
        }
    }

    /// Polls everybody who was woken, the last to come first, until nobody is.
    fn run(&mut self) {
        while let Some(nth) = self.line.iter().rposition(|(_, getter)| getter.is_woken()) {
            self.poll(nth);
        }
    }

    fn urgent(&self) -> (usize, usize) {
        let held = self.held.iter().filter(|(urgent, _)| *urgent).count();
        (held, self.line.iter().filter(|(urgent, _)| *urgent).count())
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 600,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn whatever_happens_the_reserve_is_there_and_the_rest_is_for_all(
        max in 2..6_usize,
        reserve in 1..3_usize,
        script in vec(deed(), 1..80),
    ) {
        let reserve = reserve.min(max - 1);
        let scene = reserving(max, reserve);
        let (how, ordinary) = (urgent_get(), Acquire::new());
        let (mut max, mut paused) = (max, false);
        let mut crowd = Crowd { scene: &scene, line: Vec::new(), held: Vec::new() };
        for deed in script {
            let step = |good: bool| if good { Step::Ok } else { Step::Err };
            let pick = |nth: u8, len: usize| usize::from(nth).checked_rem(len);
            match deed {
                Deed::Come { urgent } => {
                    let how = if urgent { &how } else { &ordinary };
                    crowd.line.push((urgent, crowd.scene.acquire(how)));
                    crowd.poll(crowd.line.len() - 1);
                }
                Deed::Cancel(nth) => if let Some(nth) = pick(nth, crowd.line.len()) {
                    crowd.line.remove(nth).1.cancel().unwrap();
                }
                Deed::Poll(nth) => if let Some(nth) = pick(nth, crowd.line.len()) {
                    crowd.poll(nth);
                }
                Deed::Return(nth) => if let Some(nth) = pick(nth, crowd.held.len()) {
                    drop(crowd.held.remove(nth));
                }
                Deed::Take(nth) => if let Some(nth) = pick(nth, crowd.held.len()) {
                    drop(crowd.held.remove(nth).1.take());
                }
                Deed::Create(good) => scene.world.create.then(step(good)),
                Deed::Recycle(good) => scene.world.recycle.then(step(good)),
                Deed::Resize(to) => {
                    max = usize::from(to);
                    scene.resize(max);
                }
                Deed::Pause => {
                    scene.pool.pause();
                    paused = true;
                }
                Deed::Resume => {
                    scene.pool.resume();
                    paused = false;
                }
            }
            crowd.run();
            let now = scene.pool.snapshot();
            let share = max.saturating_sub(reserve).max(max.min(1));
            let (urgent_held, urgent_waiting) = crowd.urgent();
            let (others_held, others_waiting) =
                (crowd.held.len() - urgent_held, crowd.line.len() - urgent_waiting);
            prop_assert_eq!(now.waiting, crowd.line.len(), "{:?}", now);
            prop_assert!(now.waiting == now.held_back || now.idle == 0, "{:?}", now);
            if paused || max == 0 {
                continue;
            }
            // One with priority waits only while the others have no more than their share, and so as many with
            // priority as the reserve is have an object; but for what a shrink found out.
            let others_within = others_held <= share && now.size <= max;
            prop_assert!(
                !others_within || urgent_waiting == 0 || urgent_held >= reserve.min(max - share),
                "{:?}: {} urgent hold, {} wait; others: {}", now, urgent_held, urgent_waiting, others_held
            );
            // And one without waits only while they have all of their share, or those with priority more than theirs.
            prop_assert!(
                others_waiting == 0 || others_held >= share || now.idle + urgent_held + others_held >= max,
                "{:?}: others: {} hold, {} wait; {} urgent hold", now, others_held, others_waiting, urgent_held
            );
        }
        scene.world.calm();
        scene.pool.resume();
        let last = max.max(reserve + 1);
        scene.resize(last);
        crowd.run();
        while !crowd.line.is_empty() {
            prop_assert!(!crowd.held.is_empty(), "nobody holds, and some wait: {:?}", scene.pool.snapshot());
            drop(crowd.held.remove(0));
            crowd.run();
        }
        drop(crowd);
        all_well(&scene, last, reserve);
    }
}
