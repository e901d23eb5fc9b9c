//! Scripts: what each call of a manager's method does, by its number.

use crate::gate::Gate;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The error of everything that fails by its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptedError;

impl fmt::Display for ScriptedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scripted fault")
    }
}

impl std::error::Error for ScriptedError {}

/// What one call does.
#[derive(Clone, Debug)]
pub enum Step {
    /// It is good.
    Ok,
    /// It fails.
    Err,
    /// It panics.
    Panic,
    /// It is pending for ever.
    Never,
    /// It takes its time on tokio's clock, and is good.
    Sleep(Duration),
    /// It waits at a gate, then goes on: [`Step::at`].
    At(Gate, Box<Step>),
    /// It runs a test's own code from within, then goes on: [`Step::run`].
    Run(Errand, Box<Step>),
}

impl Step {
    /// It waits at a gate, and is good.
    pub fn at(gate: &Gate) -> Self {
        Self::at_then(gate, Self::Ok)
    }

    /// It waits at a gate, then goes on with `step`.
    pub fn at_then(gate: &Gate, step: Self) -> Self {
        Self::At(gate.clone(), Box::new(step))
    }

    /// It runs a test's own code from within, once, and is good: to look at a pool, or to change it, in the middle of its
    /// own work.
    pub fn run(errand: impl FnOnce() + Send + 'static) -> Self {
        Self::run_then(errand, Self::Ok)
    }

    /// It runs a test's own code from within, then goes on with `step`.
    pub fn run_then(errand: impl FnOnce() + Send + 'static, step: Self) -> Self {
        let errand = Errand(Arc::new(Mutex::new(Some(Box::new(errand)))));
        Self::Run(errand, Box::new(step))
    }

    /// Plays an asynchronous call: for a manager of your own.
    ///
    /// # Errors
    ///
    /// That is what the script says.
    ///
    /// # Panics
    ///
    /// That is what the script says.
    pub async fn play(mut self) -> Result<(), ScriptedError> {
        loop {
            match self {
                Self::Never => std::future::pending::<()>().await,
                Self::Sleep(time) => {
                    tokio::time::sleep(time).await;
                    return Ok(());
                }
                Self::At(gate, then) => {
                    gate.pass().await;
                    self = *then;
                }
                Self::Run(errand, then) => {
                    errand.run();
                    self = *then;
                }
                now => return now.play_now(),
            }
        }
    }

    /// Plays a call that cannot wait.
    ///
    /// # Errors
    ///
    /// That is what the script says.
    ///
    /// # Panics
    ///
    /// That is what the script says, or it says to wait.
    pub fn play_now(self) -> Result<(), ScriptedError> {
        match self {
            Self::Ok => Ok(()),
            Self::Err => Err(ScriptedError),
            Self::Panic => panic!("scripted panic"),
            Self::Run(errand, then) => {
                errand.run();
                then.play_now()
            }
            other => panic!("{other:?} needs an asynchronous call"),
        }
    }
}

/// A test's own code, run once from within a call of the manager's. See [`Step::run`].
#[derive(Clone)]
pub struct Errand(Arc<Mutex<Option<Code>>>);

type Code = Box<dyn FnOnce() + Send>;

impl Errand {
    fn run(&self) {
        let errand = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        errand.expect("an errand is run once")();
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errand")
    }
}

/// What the calls of one method do: first the steps that were queued, one for each call, then always the same.
///
/// ```
/// use millpond_testkit::{Script, Step};
///
/// // The second call fails.
/// let script = Script::default();
/// script.then(Step::Ok);
/// script.then(Step::Err);
/// let played: Vec<_> = (0..4).map(|_| script.next().play_now().is_ok()).collect();
/// assert_eq!(played, [true, false, true, true]);
/// assert_eq!(script.calls(), 4);
/// ```
#[derive(Debug, Default)]
pub struct Script(Mutex<Steps>);

#[derive(Debug)]
struct Steps {
    queued: VecDeque<Step>,
    otherwise: Step,
    calls: usize,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            queued: VecDeque::new(),
            otherwise: Step::Ok,
            calls: 0,
        }
    }
}

impl Script {
    /// The next call that has no step yet takes this one.
    pub fn then(&self, step: Step) {
        self.steps().queued.push_back(step);
    }

    /// The call with this number, the first one being 1, takes this step; those before it that have none are good.
    ///
    /// # Panics
    ///
    /// That call has a step already, or has been made.
    pub fn at_call(&self, number: usize, step: Step) {
        let mut steps = self.steps();
        let next = steps.calls + steps.queued.len() + 1;
        assert!(number >= next, "call {number} has its step: {next} is free");
        steps.queued.extend((next..number).map(|_| Step::Ok));
        steps.queued.push_back(step);
    }

    /// Calls without a step of their own take this one.
    pub fn always(&self, step: Step) {
        self.steps().otherwise = step;
    }

    /// From now on every call is good.
    pub fn calm(&self) {
        let mut steps = self.steps();
        steps.queued.clear();
        steps.otherwise = Step::Ok;
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.steps().calls
    }

    /// The step of a call that begins now: for a manager of your own.
    pub fn next(&self) -> Step {
        let mut steps = self.steps();
        steps.calls += 1;
        let queued = steps.queued.pop_front();
        queued.unwrap_or_else(|| steps.otherwise.clone())
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
