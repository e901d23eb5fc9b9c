//! Any script of moves on two or three pools of one budget: its cap holds whatever happens, its books add up after
//! every move, nobody sleeps beside a free place or beside what lies idle elsewhere, and in the end everybody is
//! served.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;
use support::duel::quiet;
use support::{Gate, Hand, Polled, Script, Step, Town};

/// The same cases in every run; `PROPTEST_CASES` asks for a long one with others, which
/// `PROPTEST_RNG_SEED` repeats.
fn cases(cases: u32) -> Config {
    let asked = Config::default();
    let long = std::env::var_os("PROPTEST_CASES").is_some();
    Config {
        cases: if long { asked.cases } else { cases },
        rng_seed: if long {
            asked.rng_seed
        } else {
            RngSeed::Fixed(1)
        },
        failure_persistence: None,
        ..Config::default()
    }
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Get {
        pool: usize,
        patient: bool,
    },
    Cancel(u8),
    PollAnew(u8),
    Return(u8),
    Take(u8),
    Broken(u8),
    /// What the next call of a stage that has no plan yet does, and whether a gate holds it up.
    Plan(Stage, End, bool),
    Open(u8),
    Budget(usize),
    Resize {
        pool: usize,
        max: usize,
    },
    Refresh(usize),
    Pause(usize),
    Resume(usize),
    Close(usize),
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Create,
    PostCreate,
    Recycle,
    Detach,
    Drop,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Fails,
    Panics,
    Good,
}

fn a_move() -> impl Strategy<Value = Move> {
    let pool = || 0..3_usize;
    let stage = prop_oneof![
        4 => Just(Stage::Create),
        1 => Just(Stage::PostCreate),
        2 => Just(Stage::Recycle),
        1 => Just(Stage::Detach),
        1 => Just(Stage::Drop),
    ];
    let end = prop_oneof![2 => Just(End::Fails), 1 => Just(End::Panics), 2 => Just(End::Good)];
    prop_oneof![
        14 => (pool(), prop_oneof![4 => Just(true), 1 => Just(false)])
            .prop_map(|(pool, patient)| Move::Get { pool, patient }),
        4 => any::<u8>().prop_map(Move::Cancel),
        1 => any::<u8>().prop_map(Move::PollAnew),
        12 => any::<u8>().prop_map(Move::Return),
        1 => any::<u8>().prop_map(Move::Take),
        1 => any::<u8>().prop_map(Move::Broken),
        4 => (stage, end, any::<bool>()).prop_map(|(stage, end, late)| Move::Plan(stage, end, late)),
        4 => any::<u8>().prop_map(Move::Open),
        1 => (1..6_usize).prop_map(Move::Budget),
        1 => (pool(), 1..5_usize).prop_map(|(pool, max)| Move::Resize { pool, max }),
        1 => pool().prop_map(Move::Refresh),
        1 => pool().prop_map(Move::Pause),
        2 => pool().prop_map(Move::Resume),
        1 => pool().prop_map(Move::Close),
    ]
}

/// A script being played.
struct Play<'a> {
    town: &'a Town,
    getters: BTreeMap<usize, (usize, Polled<'a, support::scene::Got>)>,
    held: Vec<Hand>,
    gates: Vec<Gate>,
    begun: usize,
}

impl<'a> Play<'a> {
    fn new(town: &'a Town) -> Self {
        Self {
            town,
            getters: BTreeMap::new(),
            held: Vec::new(),
            gates: Vec::new(),
            begun: 0,
        }
    }

    fn step(&mut self, step: Move) {
        let (town, pools) = (self.town, self.town.pools.len());
        match step {
            Move::Get { pool, patient } => {
                let pool = pool % pools;
                if patient {
                    let getter = town.get(pool);
                    self.getters.insert(self.begun, (pool, getter));
                    self.poll(self.begun);
                    self.begun += 1;
                } else {
                    let mut got = None;
                    scripted(|| got = town.try_get_now(pool));
                    self.held.extend(got);
                }
            }
            Move::Cancel(nth) => {
                if let Some(number) = self.getter(nth) {
                    let (_, getter) = self.getters.remove(&number).expect("it is there");
                    let _ = getter.cancel();
                }
            }
            Move::PollAnew(nth) => {
                if let Some(number) = self.getter(nth) {
                    let (_, getter) = self.getters.get_mut(&number).expect("it is there");
                    getter.change_waker();
                    self.poll(number);
                }
            }
            Move::Return(nth) => self.with_held(nth, drop),
            Move::Take(nth) => self.with_held(nth, |hand| drop(hand.take())),
            Move::Broken(nth) => {
                let world = &town.world;
                self.with_held(nth, |hand| {
                    world.broken.then(Step::Err);
                    drop(hand);
                });
            }
            Move::Plan(stage, end, late) => self.plan(stage, end, late),
            Move::Open(nth) => {
                if let Some(nth) = usize::from(nth).checked_rem(self.gates.len()) {
                    self.gates.remove(nth).open();
                }
            }
            Move::Budget(max) => {
                // What is out stays out: nothing is begun beyond the new maximum.
                town.world.limit(max.max(town.budget.snapshot().in_use));
                scripted(|| town.budget.resize(max));
                town.world.limit(max);
            }
            Move::Resize { pool, max } => scripted(|| town.pools[pool % pools].resize(max)),
            Move::Refresh(pool) => scripted(|| town.pools[pool % pools].refresh()),
            Move::Pause(pool) => town.pools[pool % pools].pause(),
            Move::Resume(pool) => scripted(|| town.pools[pool % pools].resume()),
            Move::Close(pool) => scripted(|| town.pools[pool % pools].close()),
        }
        self.quiet_down();
        town.adds_up();
    }

    fn plan(&mut self, stage: Stage, end: End, late: bool) {
        let world = &self.town.world;
        let step = match end {
            End::Good => Step::Ok,
            End::Fails => Step::Err,
            End::Panics => Step::Panic,
        };
        let (script, waits): (&Script, bool) = match stage {
            Stage::Create => (&world.create, true),
            Stage::PostCreate => (&world.post_create, true),
            Stage::Recycle => (&world.recycle, true),
            Stage::Detach => (&world.detach, false),
            Stage::Drop => (&world.drops, false),
        };
        match (waits, end) {
            (true, _) if late => {
                let gate = Gate::new();
                script.then(Step::at_then(&gate, step));
                self.gates.push(gate);
            }
            (true, _) => script.then(step),
            (false, End::Panics) => script.then(Step::Panic),
            (false, _) => {}
        }
    }

    fn getter(&self, nth: u8) -> Option<usize> {
        let nth = usize::from(nth).checked_rem(self.getters.len())?;
        self.getters.keys().nth(nth).copied()
    }

    fn with_held(&mut self, nth: u8, step: impl FnOnce(Hand)) {
        if let Some(nth) = usize::from(nth).checked_rem(self.held.len()) {
            let hand = self.held.remove(nth);
            scripted(|| step(hand));
        }
    }

    fn poll(&mut self, number: usize) {
        let (_, getter) = self.getters.get_mut(&number).expect("it is there");
        let mut polled = None;
        scripted(|| polled = Some(getter.poll()));
        match polled {
            Some(Poll::Pending) => return,
            Some(Poll::Ready(Ok(hand))) => self.held.push(hand),
            // Failed, closed, or it panicked.
            Some(Poll::Ready(Err(_))) | None => {}
        }
        self.getters.remove(&number);
    }

    /// Polls who was woken, until nobody is.
    fn quiet_down(&mut self) {
        loop {
            self.town.settle();
            let mut getters = self.getters.iter();
            let woken = getters.find(|(_, (_, getter))| getter.is_woken());
            let Some((&number, _)) = woken else { return };
            self.poll(number);
        }
    }

    /// Everything ends well: all gates open, pools go on, objects come back one after the other. Then nobody may be
    /// left in line.
    fn end(mut self) {
        self.town.world.calm();
        self.gates.drain(..).for_each(|gate| gate.open());
        self.town.pools.iter().for_each(|pool| pool.resume());
        self.quiet_down();
        while let Some(hand) = self.held.pop() {
            drop(hand);
            self.quiet_down();
            self.town.adds_up();
        }
        let left: Vec<_> = self.getters.values().map(|(pool, _)| *pool).collect();
        let now = self.town.budget.snapshot();
        assert!(
            left.is_empty(),
            "who wait in these pools sleep for ever: {left:?}; {now:?}"
        );
    }
}

/// Runs `step`; a panic that was asked for ends here.
fn scripted(step: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(step)) {
        if panic.downcast_ref() != Some(&"scripted panic") {
            resume_unwind(panic);
        }
    }
}

fn play(runtime: bool, max: usize, sizes: &[usize], connecting: usize, script: &[Move]) {
    quiet();
    let town = Town::built(max, sizes, runtime, |_, builder| {
        builder.max_connecting(connecting)
    });
    let mut play = Play::new(&town);
    for step in script {
        play.step(*step);
    }
    play.end();
    town.all_well();
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_script_passes_the_cap_or_leaves_somebody_asleep(
        runtime in any::<bool>(),
        max in 1..6_usize,
        sizes in vec(1..5_usize, 2..4),
        connecting in 1..4_usize,
        script in vec(a_move(), 0..60),
    ) {
        play(runtime, max, &sizes, connecting, &script);
    }
}
