//! A script played on a pool and on the reference model side by side: after every move, both must show
//! the same counts, and have given the same answer.

use super::model::{
    Answer, CREATE_BOUND, Counts, End, Model, Patience, Plan, RECYCLE_BOUND, Setup, Stage, TICK,
    WAIT_BOUND,
};
use super::oracle::NO_WAIT;
use super::scene::{Got, Scene};
use super::{Gate, Hand, Polled, Step};
use millpond::managed::{PoolError, QueueMode, TimeoutType, Timeouts};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Once;
use std::task::Poll;
use std::time::Duration;

/// One move of a script. A number says which of the getters, objects or gates that there are: all
/// numbers are good, and small ones stay small when a script is shrunk.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    /// A getter appears, and is polled; impatient ones would not wait.
    Get {
        patient: bool,
    },
    /// A getter appears, and is not polled yet.
    Appear {
        patient: bool,
    },
    /// A getter with bounds in time appears, and is polled. A pool without a clock has endless ones only.
    GetWithin,
    Poll(u8),
    /// Polled with another waker than before.
    PollAnew(u8),
    Cancel(u8),
    Return(u8),
    /// What comes back is known to be dead.
    Broken(u8),
    Take(u8),
    /// What the next `create` that has no plan yet will do.
    Create(Ending),
    /// What the next `recycle` that has no plan yet will do.
    Recycle(Ending),
    /// What the next call of a hook that has no plan yet will do.
    Hook(Stage, Ending),
    /// So many ticks of the clock pass, where there is one.
    Pass(u8),
    /// Opens a gate: a call that waits at it may end.
    Open(u8),
    Resize(u8),
    /// Keeps the idle objects whose bit is set.
    Retain(u8),
    Pause,
    Resume,
    Close,
}

/// How a call ends, and whether a gate holds it up.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Now(End),
    Late(End),
}

/// How often a getter came to each answer when it was polled, and was in line for what was parked.
pub type Tally = BTreeMap<&'static str, usize>;

/// The two, and what happened so far, to be read when they differ.
struct Duel<'a> {
    scene: &'a Scene,
    model: Model,
    getters: BTreeMap<usize, Polled<'a, Got>>,
    held: BTreeMap<usize, Hand>,
    /// Those that are closed still, with their numbers in the model.
    gates: Vec<(usize, Gate)>,
    begun: usize,
    tally: Tally,
    log: String,
}

/// Plays `script`; then everything ends, and the oracles are asked. If anything differs, panics with the
/// script as it was understood, move by move, and as a test to be kept.
pub fn play(setup: Setup, script: &[Move]) -> Tally {
    quiet();
    let mode = match setup.newest_first {
        true => QueueMode::Lifo,
        false => QueueMode::Fifo,
    };
    let set = |builder: super::scene::TestBuilder| builder.queue_mode(mode);
    let scene = match setup.hooks {
        true => Scene::built(setup.max, setup.background, set),
        false => Scene::bare(setup.max, setup.background, set),
    };
    let mut duel = Duel {
        scene: &scene,
        model: Model::new(setup),
        getters: BTreeMap::new(),
        held: BTreeMap::new(),
        gates: Vec::new(),
        begun: 0,
        tally: Tally::new(),
        log: format!("{setup:?}\n"),
    };
    let played = catch_unwind(AssertUnwindSafe(|| {
        script.iter().for_each(|step| duel.step(*step));
        duel.end();
    }));
    let Duel {
        log, model, tally, ..
    } = duel;
    let ended = played.and_then(|()| {
        catch_unwind(AssertUnwindSafe(|| match model.counts() {
            Counts { closed: true, .. } => scene.all_gone(),
            Counts { max_size, .. } => scene.all_well(max_size),
        }))
    });
    if let Err(panic) = ended {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        match words {
            Some(words) => panic!("{words}\n\nthe script:\n{log}\n{}", as_test(setup, script)),
            None => resume_unwind(panic),
        }
    }
    tally
}

/// The script in Rust: what `Debug` prints is what `found` reads, for it has all the names at hand.
fn as_test(setup: Setup, script: &[Move]) -> String {
    let moves: String = script
        .iter()
        .map(|step| format!("            {step:?},\n"))
        .collect();
    format!(
        "for `mod found` of tests/model.rs:\n\n    #[test]\n    fn what_it_is_about() {{\n        \
         let setup = {setup:?};\n        let script = [\n{moves}        ];\n        \
         play(setup, &script);\n    }}\n"
    )
}

impl<'a> Duel<'a> {
    fn step(&mut self, step: Move) {
        match step {
            Move::Get { patient } => {
                self.appear(patience(patient));
                self.poll(self.begun - 1, false);
            }
            Move::Appear { patient } => self.appear(patience(patient)),
            Move::GetWithin => {
                self.appear(match self.scene.handle() {
                    Some(_) => Patience::Bounded,
                    None => Patience::Endless,
                });
                self.poll(self.begun - 1, false);
            }
            Move::Poll(nth) => self.with_getter(nth, |duel, getter| duel.poll(getter, false)),
            Move::PollAnew(nth) => self.with_getter(nth, |duel, getter| duel.poll(getter, true)),
            Move::Cancel(nth) => self.with_getter(nth, Self::cancel),
            Move::Return(nth) => self.with_held(nth, |duel, object, hand| {
                duel.say(format_args!("object {object} comes back"));
                duel.model.give_back(object, false);
                drop(hand);
            }),
            Move::Broken(nth) => self.with_held(nth, |duel, object, hand| {
                duel.say(format_args!("object {object} comes back, broken"));
                duel.model.give_back(object, true);
                duel.scene.world.broken.then(Step::Err);
                drop(hand);
            }),
            Move::Take(nth) => self.with_held(nth, |duel, object, hand| {
                duel.say(format_args!("object {object} is taken"));
                duel.model.take(object);
                drop(hand.take());
            }),
            Move::Create(ending) => self.plan(Stage::Create, ending),
            Move::Recycle(ending) => self.plan(Stage::Recycle, ending),
            Move::Hook(stage, ending) => self.plan(stage, ending),
            Move::Pass(ticks) => {
                if self.scene.handle().is_some() {
                    let ticks = u64::from(ticks);
                    self.say(format_args!("{} ms pass", ticks * TICK));
                    self.scene.advance(Duration::from_millis(ticks * TICK));
                    self.model.pass(ticks);
                }
            }
            Move::Open(nth) => {
                if let Some(nth) = pick(nth, self.gates.len()) {
                    let (number, gate) = self.gates.remove(nth);
                    self.say(format_args!("gate {number} opens"));
                    gate.open();
                    self.scene.settle();
                    self.model.open(number);
                }
            }
            Move::Resize(max) => {
                self.say(format_args!("resize to {max}"));
                self.scene.resize(usize::from(max));
                self.model.resize(usize::from(max));
            }
            Move::Retain(bits) => {
                let keep = |object: usize| bits >> (object % 8) & 1 == 1;
                self.say(format_args!("retain {bits:#010b}"));
                let removed = self.scene.retain(|thing| keep(thing.id));
                let removed: Vec<_> = removed.iter().map(|thing| thing.id).collect();
                assert_eq!(removed, self.model.retain(keep).1, "removed by retain");
            }
            Move::Pause => {
                self.say(format_args!("pause"));
                self.scene.pool.pause();
                self.model.pause();
            }
            Move::Resume => {
                self.say(format_args!("resume"));
                let waiting = self.model.counts().waiting;
                if waiting.min(self.model.parked()) > 0 {
                    *self.tally.entry("resumed to").or_default() += 1;
                }
                self.scene.pool.resume();
                self.model.resume();
            }
            Move::Close => {
                self.say(format_args!("close"));
                self.scene.pool.close();
                self.model.close();
            }
        }
        self.compare();
    }

    fn with_getter(&mut self, nth: u8, step: impl FnOnce(&mut Self, usize)) {
        let getters = self.model.getters();
        if let Some(nth) = pick(nth, getters.len()) {
            step(self, getters[nth]);
        }
    }

    fn with_held(&mut self, nth: u8, step: impl FnOnce(&mut Self, usize, Hand)) {
        if let Some(nth) = pick(nth, self.model.held().len()) {
            let object = self.model.held()[nth];
            let hand = self.held.remove(&object).expect("held in both");
            step(self, object, hand);
        }
    }

    fn plan(&mut self, stage: Stage, ending: Ending) {
        let (end, late) = match ending {
            Ending::Now(end) => (end, false),
            Ending::Late(end) => (end, true),
        };
        let step = match end {
            End::Good => Step::Ok,
            End::Fails => Step::Err,
            End::Panics => Step::Panic,
        };
        let gate = late.then(|| self.model.gate());
        self.say(format_args!(
            "a {stage:?} will end as {end:?}, behind gate {gate:?}"
        ));
        let step = gate.map_or(step.clone(), |number| {
            let gate = Gate::new();
            self.gates.push((number, gate.clone()));
            Step::at_then(&gate, step)
        });
        let world = &self.scene.world;
        let script = match stage {
            Stage::Create => &world.create,
            Stage::PostCreate => &world.post_create,
            Stage::PreRecycle => &world.pre_recycle,
            Stage::Recycle => &world.recycle,
            Stage::PostRecycle => &world.post_recycle,
        };
        script.then(step);
        self.model.plan(stage, Plan { end, gate });
    }

    fn appear(&mut self, patience: Patience) {
        let number = self.begun;
        self.begun += 1;
        let scene = self.scene;
        let getter = match patience {
            Patience::Endless => scene.get(),
            Patience::None => scene.get_within(&NO_WAIT),
            Patience::Bounded => scene.get_within(&BOUNDS),
        };
        self.getters.insert(number, getter);
        self.model.get(number, patience);
        self.say(format_args!(
            "getter {number} appears, patience: {patience:?}"
        ));
    }

    fn poll(&mut self, number: usize, anew: bool) {
        let getter = self.getters.get_mut(&number).expect("alive in both");
        if anew {
            getter.change_waker();
        }
        let polled = catch_unwind(AssertUnwindSafe(|| getter.poll()));
        let mut hand = None;
        let answer = match polled {
            Ok(Poll::Pending) => Answer::Pending,
            Ok(Poll::Ready(Ok(object))) => Answer::Object(hand.insert(object).id),
            Ok(Poll::Ready(Err(PoolError::Backend(_) | PoolError::PostCreateHook(_)))) => {
                Answer::Failed
            }
            Ok(Poll::Ready(Err(PoolError::Closed))) => Answer::Closed,
            Ok(Poll::Ready(Err(PoolError::Timeout(TimeoutType::Wait)))) => Answer::WouldWait,
            Ok(Poll::Ready(Err(PoolError::Timeout(TimeoutType::Create)))) => Answer::CreateLate,
            Ok(Poll::Ready(Err(other))) => panic!("getter {number}: {other}"),
            Err(_) => Answer::Panicked,
        };
        if answer != Answer::Pending {
            self.getters.remove(&number);
        }
        self.scene.settle();
        self.say(format_args!("getter {number} is polled: {answer:?}"));
        let kind = match answer {
            Answer::Pending => "pending",
            Answer::Object(_) => "object",
            Answer::Failed => "failed",
            Answer::Panicked => "panicked",
            Answer::WouldWait => "would wait",
            Answer::CreateLate => "create late",
            Answer::Closed => "closed",
        };
        *self.tally.entry(kind).or_default() += 1;
        assert_eq!(
            answer,
            self.model.poll(number),
            "the pool's answer, the model's"
        );
        self.held.extend(hand.map(|hand| (hand.id, hand)));
    }

    fn cancel(&mut self, number: usize) {
        self.say(format_args!("getter {number} is cancelled"));
        let getter = self.getters.remove(&number).expect("alive in both");
        getter.cancel().expect("a cancel does not panic");
        self.scene.settle();
        self.model.cancel(number);
    }

    /// Everything ends: calls, getters, those who hold.
    fn end(&mut self) {
        while !self.gates.is_empty() {
            self.step(Move::Open(0));
        }
        while !self.getters.is_empty() {
            self.step(Move::Cancel(0));
        }
        while !self.held.is_empty() {
            self.step(Move::Return(0));
        }
        self.step(Move::Resume);
    }

    fn compare(&self) {
        let (now, world) = (self.scene.pool.snapshot(), &self.scene.world);
        let counts = Counts {
            max_size: now.max_size,
            size: now.size,
            idle: now.idle,
            connecting: now.connecting,
            in_use: now.in_use,
            waiting: now.waiting,
            closed: now.closed,
            creating: world.connecting(),
        };
        assert_eq!(counts, self.model.counts(), "the pool, the model");
        let paused = self.scene.pool.is_paused();
        assert_eq!(paused, self.model.is_paused(), "paused");
        assert_eq!(
            world.objects(),
            self.model.objects(),
            "the objects that live"
        );
        for (number, getter) in &self.getters {
            let forgotten = self.model.has_news(*number) && !getter.is_woken();
            assert!(
                !forgotten,
                "getter {number} sleeps beside what it was given"
            );
        }
        super::oracle::lim(&self.scene.pool);
    }

    fn say(&mut self, what: std::fmt::Arguments<'_>) {
        writeln!(self.log, "  {what}").expect("a string takes all");
    }
}

fn patience(patient: bool) -> Patience {
    if patient {
        Patience::Endless
    } else {
        Patience::None
    }
}

const BOUNDS: Timeouts = Timeouts {
    wait: Some(Duration::from_millis(WAIT_BOUND)),
    create: Some(Duration::from_millis(CREATE_BOUND)),
    recycle: Some(Duration::from_millis(RECYCLE_BOUND)),
};

fn pick(nth: u8, of: usize) -> Option<usize> {
    usize::from(nth).checked_rem(of)
}

/// Scripted panics are not reported: there are thousands.
pub fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let scripted = panic.payload().downcast_ref() == Some(&"scripted panic");
            if !scripted {
                report(panic);
            }
        }));
    });
}
