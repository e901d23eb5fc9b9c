//! P1, P3, P5: any script of moves, on a pool and on the reference model side by side; and, without the
//! model, that nobody waits beside capacity and that every pool recovers once its manager does.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::collections::BTreeMap;
use std::time::Duration;
use support::duel::{Ending, Move, Tally, play, quiet};
use support::model::{End, Setup, Stage};
use support::scene::Got;
use support::{Gate, Hand, Polled, Scene, Script, Step, World, ignore};

/// The same cases in every run; `PROPTEST_CASES` asks for a long one with others, which
/// `PROPTEST_RNG_SEED` repeats. What was found once is a test of its own below.
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
        max_shrink_iters: 20_000,
        ..Config::default()
    }
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![4 => Just(End::Good), 3 => Just(End::Fails), 1 => Just(End::Panics)]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        1 => end().prop_map(Ending::Now),
        2 => end().prop_map(Ending::Late),
    ]
}

fn hook() -> impl Strategy<Value = Stage> {
    prop_oneof![
        Just(Stage::PostCreate),
        Just(Stage::PreRecycle),
        Just(Stage::PostRecycle),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    let patient = || prop_oneof![3 => Just(true), 1 => Just(false)];
    prop_oneof![
        12 => patient().prop_map(|patient| Move::Get { patient }),
        1 => patient().prop_map(|patient| Move::Appear { patient }),
        10 => any::<u8>().prop_map(Move::Poll),
        2 => any::<u8>().prop_map(Move::PollAnew),
        4 => any::<u8>().prop_map(Move::Cancel),
        8 => any::<u8>().prop_map(Move::Return),
        2 => any::<u8>().prop_map(Move::Broken),
        2 => any::<u8>().prop_map(Move::Take),
        6 => ending().prop_map(Move::Create),
        4 => ending().prop_map(Move::Recycle),
        4 => (hook(), ending()).prop_map(|(stage, ending)| Move::Hook(stage, ending)),
        4 => Just(Move::GetWithin),
        4 => (1..6_u8).prop_map(Move::Pass),
        5 => any::<u8>().prop_map(Move::Open),
        3 => (0..6_u8).prop_map(Move::Resize),
        2 => any::<u8>().prop_map(Move::Retain),
        2 => Just(Move::Pause),
        3 => Just(Move::Resume),
    ]
}

/// A script, which may close the pool somewhere, or leave a getter to a connect that is too slow for it.
fn script() -> impl Strategy<Value = Vec<Move>> {
    let somewhere = || prop_oneof![4 => Just(None), 1 => (0..60_usize).prop_map(Some)];
    (vec(a_move(), 1..60), somewhere(), somewhere()).prop_map(|(mut moves, close, slow)| {
        if let Some(at) = close {
            moves.insert(at.min(moves.len()), Move::Close);
        }
        if let Some(at) = slow {
            let at = at.min(moves.len());
            let slow = Move::Create(Ending::Late(End::Good));
            let polls = (0..3).map(Move::Poll);
            moves.splice(
                at..at,
                [slow, Move::GetWithin, Move::Pass(3)]
                    .into_iter()
                    .chain(polls),
            );
        }
        moves
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    (0..5_usize, any::<[bool; 3]>()).prop_map(|(max, [background, newest_first, hooks])| Setup {
        max,
        background,
        newest_first,
        hooks,
    })
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn after_every_move_the_pool_is_what_the_model_is(setup in setup(), script in script()) {
        play(setup, &script);
    }
}

#[test]
fn the_scripts_lead_to_every_answer() {
    let sum = std::cell::RefCell::new(Tally::new());
    let mut runner = TestRunner::new(cases(500));
    let played = runner.run(&(setup(), script()), |(setup, script)| {
        for (answer, count) in play(setup, &script) {
            *sum.borrow_mut().entry(answer).or_default() += count;
        }
        Ok(())
    });
    played.unwrap();
    let sum = sum.into_inner();
    println!("{sum:?}");
    let rare = sum.iter().filter(|(_, count)| **count < 10);
    assert_eq!((sum.len(), rare.count()), (8, 0), "{sum:?}");
}

/// Scripts that once led to a difference, as a failure prints them.
mod found {
    #![allow(
        unused_imports,
        reason = "every name that a script may be printed with"
    )]
    use super::play;
    use super::support::duel::{Ending::*, Move::*};
    use super::support::model::{
        End::*, Setup, Stage::PostCreate, Stage::PostRecycle, Stage::PreRecycle,
    };

    #[test]
    fn getters_whose_connects_were_too_many_connect_again_in_the_order_of_the_line() {
        let setup = Setup {
            max: 2,
            background: false,
            newest_first: false,
            hooks: true,
        };
        let script = [
            Create(Late(Good)),
            Create(Late(Good)),
            Get { patient: true },
            Get { patient: true },
            Resize(0),
            Open(0),
            Poll(0),
            Open(0),
            Poll(1),
            Resize(1),
        ];
        play(setup, &script);
    }
}

// Exhaustion: the manager answers at once, so whoever is woken is served or fails when it is polled.

#[derive(Clone, Debug)]
enum Press {
    Come,
    Cancel(u8),
    Return(u8),
    Take(u8),
    Create(bool),
    Recycle(bool),
    Resize(u8),
}

fn press() -> impl Strategy<Value = Press> {
    prop_oneof![
        8 => Just(Press::Come),
        2 => any::<u8>().prop_map(Press::Cancel),
        5 => any::<u8>().prop_map(Press::Return),
        1 => any::<u8>().prop_map(Press::Take),
        1 => any::<bool>().prop_map(Press::Create),
        2 => any::<bool>().prop_map(Press::Recycle),
        1 => (0..5_u8).prop_map(Press::Resize),
    ]
}

/// Who waits, in order of arrival, and who holds.
struct Crowd<'a> {
    scene: &'a Scene,
    line: Vec<(usize, Polled<'a, Got>)>,
    held: Vec<Hand>,
}

impl Crowd<'_> {
    /// Polls everybody who was woken, the last to come first, until nobody is.
    fn run(&mut self) {
        while let Some(nth) = self.line.iter().rposition(|(_, getter)| getter.is_woken()) {
            if let std::task::Poll::Ready(got) = self.line[nth].1.poll() {
                self.line.remove(nth);
                self.held.extend(got.ok());
            }
        }
    }

    fn numbers(&self) -> Vec<usize> {
        self.line.iter().map(|(number, _)| *number).collect()
    }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn nobody_waits_beside_capacity_and_the_order_of_service_is_the_order_of_arrival(
        max in 1..4_usize,
        script in vec(press(), 1..80),
    ) {
        let scene = Scene::new(max);
        let mut crowd = Crowd { scene: &scene, line: Vec::new(), held: Vec::new() };
        for (number, press) in script.into_iter().enumerate() {
            let step = |good: bool| if good { Step::Ok } else { Step::Err };
            let pick = |nth: u8, len: usize| usize::from(nth).checked_rem(len);
            let mut before = crowd.numbers();
            match press {
                Press::Come => {
                    before.push(number);
                    let mut getter = crowd.scene.get();
                    match getter.poll() {
                        std::task::Poll::Ready(got) => crowd.held.extend(got.ok()),
                        std::task::Poll::Pending => crowd.line.push((number, getter)),
                    }
                }
                Press::Cancel(nth) => if let Some(nth) = pick(nth, crowd.line.len()) {
                    before.remove(nth);
                    crowd.line.remove(nth).1.cancel().unwrap();
                }
                Press::Return(nth) => if let Some(nth) = pick(nth, crowd.held.len()) {
                    drop(crowd.held.remove(nth));
                }
                Press::Take(nth) => if let Some(nth) = pick(nth, crowd.held.len()) {
                    drop(crowd.held.remove(nth).take());
                }
                Press::Create(good) => scene.world.create.then(step(good)),
                Press::Recycle(good) => scene.world.recycle.then(step(good)),
                Press::Resize(max) => scene.resize(usize::from(max)),
            }
            crowd.run();
            let left = crowd.numbers();
            prop_assert!(before.ends_with(&left), "of {before:?}, these still wait: {left:?}");
            let now = scene.pool.snapshot();
            prop_assert_eq!(now.waiting, left.len());
            prop_assert!(now.waiting == 0 || (now.idle == 0 && now.size >= now.max_size), "{now:?}");
        }
        // Whoever waits is served in the end, if there is any room at all.
        let max = scene.pool.snapshot().max_size;
        scene.world.calm();
        while max > 0 && !crowd.line.is_empty() {
            let before = crowd.line.len();
            drop(crowd.held.remove(0));
            crowd.run();
            prop_assert!(crowd.line.len() < before || scene.pool.snapshot().size >= max);
        }
        drop(crowd);
        scene.all_well(max);
    }
}

// Recovery: everything that is a user's code fails, panics or hangs, anywhere.

#[derive(Clone, Debug)]
enum Trouble {
    Get,
    Poll(u8),
    Cancel(u8),
    Return(u8),
    Take(u8),
    Retain(u8),
    Resize(u8),
    Open(u8),
    Fault { of: usize, end: End, late: bool },
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        8 => Just(Trouble::Get),
        4 => any::<u8>().prop_map(Trouble::Poll),
        2 => any::<u8>().prop_map(Trouble::Cancel),
        5 => any::<u8>().prop_map(Trouble::Return),
        1 => any::<u8>().prop_map(Trouble::Take),
        1 => any::<u8>().prop_map(Trouble::Retain),
        1 => (0..4_u8).prop_map(Trouble::Resize),
        3 => any::<u8>().prop_map(Trouble::Open),
        9 => (0..8_usize, end(), any::<bool>())
            .prop_map(|(of, end, late)| Trouble::Fault { of, end, late }),
    ]
}

/// The script number `of`; the last two are those of calls that cannot wait and whose only fault is a panic.
fn victim(world: &World, of: usize, words: bool) -> (&Script, bool) {
    let waits = [
        &world.create,
        &world.post_create,
        &world.pre_recycle,
        &world.recycle,
        &world.post_recycle,
    ];
    match waits.get(of) {
        Some(script) => (script, true),
        None if of == waits.len() => (&world.broken, false),
        // Not both in one script: a `Vec` of objects that is dropped by a panic would abort.
        None if words => (&world.detach, false),
        None => (&world.drops, false),
    }
}

fn recover(max: usize, runtime: bool, words: bool, script: &[Trouble]) {
    quiet();
    let scene = Scene::built(max, runtime, |builder| builder);
    let (mut getters, mut held, mut gates) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (number, trouble) in script.iter().enumerate() {
        let pick = |nth: &u8, len: usize| usize::from(*nth).checked_rem(len);
        let nth_getter = |nth: &u8, getters: &BTreeMap<usize, Polled<'_, Got>>| {
            pick(nth, getters.len()).and_then(|nth| getters.keys().nth(nth).copied())
        };
        match trouble {
            Trouble::Get => drop(getters.insert(number, scene.get())),
            Trouble::Poll(nth) => {
                if let Some(getter) = nth_getter(nth, &getters) {
                    let mut polled = None;
                    ignore(|| polled = Some(getters.get_mut(&getter).unwrap().poll()));
                    match polled {
                        Some(std::task::Poll::Pending) => {}
                        Some(std::task::Poll::Ready(got)) => held.extend(got.ok()),
                        None => ignore(|| drop(getters.remove(&getter).unwrap().cancel())),
                    }
                    getters.retain(|_, getter| !getter.is_done());
                }
            }
            Trouble::Cancel(nth) => {
                if let Some(getter) = nth_getter(nth, &getters) {
                    ignore(|| drop(getters.remove(&getter).unwrap().cancel()));
                }
            }
            Trouble::Return(nth) => {
                if let Some(nth) = pick(nth, held.len()) {
                    ignore(|| drop(held.remove(nth)));
                }
            }
            Trouble::Take(nth) => {
                if let Some(nth) = pick(nth, held.len()) {
                    let hand: Hand = held.remove(nth);
                    ignore(|| drop(hand.take()));
                }
            }
            Trouble::Retain(bits) => {
                let mut removed = Vec::new();
                ignore(|| removed = scene.retain(|thing| bits >> (thing.id % 8) & 1 == 1));
                removed.into_iter().for_each(|thing| ignore(|| drop(thing)));
            }
            Trouble::Resize(max) => ignore(|| scene.resize(usize::from(*max))),
            Trouble::Open(nth) => {
                if let Some(nth) = pick(nth, gates.len()) {
                    let gate: Gate = gates.remove(nth);
                    gate.open();
                }
            }
            Trouble::Fault { of, end, late } => {
                let (script, waits) = victim(&scene.world, *of, words);
                let step = match end {
                    End::Good => Step::Ok,
                    End::Fails if *of < 6 => Step::Err,
                    End::Fails | End::Panics => Step::Panic,
                };
                script.then(match waits && *late {
                    false => step,
                    true => {
                        gates.push(Gate::new());
                        Step::at_then(gates.last().unwrap(), step)
                    }
                });
            }
        }
        scene.settle();
    }
    scene.world.calm();
    // A connect that nobody lets through has its bound; the other half is let through.
    gates.iter().step_by(2).for_each(Gate::open);
    for getter in getters.into_values() {
        ignore(|| drop(getter.cancel()));
    }
    held.into_iter().for_each(|hand| ignore(|| drop(hand)));
    scene.resize(max);
    scene.settle();
    if runtime {
        scene.advance(Duration::from_secs(11));
    }
    scene.all_well(max);
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn after_any_script_of_faults_a_healed_manager_has_its_whole_pool_again(
        max in 1..4_usize,
        runtime in any::<bool>(),
        words in any::<bool>(),
        script in vec(trouble(), 1..60),
    ) {
        recover(max, runtime, words, &script);
    }
}
