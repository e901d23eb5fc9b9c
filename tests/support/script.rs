//! Scripts: what each call of a manager's method does, by its number; and gates at which calls wait.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The error of everything that fails by its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scripted fault")
    }
}

impl std::error::Error for Fault {}

/// What one call does.
#[derive(Clone, Debug)]
pub enum Step {
    Ok,
    Err,
    Panic,
    /// Is pending for ever.
    Never,
    /// Takes its time on tokio's clock.
    Sleep(Duration),
    /// Waits at a gate, then goes on.
    At(Gate, Box<Step>),
    /// Runs a test's own code from within, then goes on.
    Run(Errand, Box<Step>),
}

/// A test's own code, run once from within a call of the manager's.
#[derive(Clone)]
pub struct Errand(Arc<Mutex<Option<Code>>>);

type Code = Box<dyn FnOnce() + Send>;

impl Errand {
    fn run(&self) {
        let errand = self.0.lock().unwrap().take();
        errand.expect("an errand is run once")();
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errand")
    }
}

impl Step {
    pub fn at(gate: &Gate) -> Self {
        Self::at_then(gate, Self::Ok)
    }

    pub fn at_then(gate: &Gate, step: Self) -> Self {
        Self::At(gate.clone(), Box::new(step))
    }

    pub fn run(errand: impl FnOnce() + Send + 'static) -> Self {
        Self::run_then(errand, Self::Ok)
    }

    pub fn run_then(errand: impl FnOnce() + Send + 'static, step: Self) -> Self {
        let errand = Errand(Arc::new(Mutex::new(Some(Box::new(errand)))));
        Self::Run(errand, Box::new(step))
    }

    /// Plays an asynchronous call.
    pub async fn play(mut self) -> Result<(), Fault> {
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
    pub fn play_now(self) -> Result<(), Fault> {
        match self {
            Self::Ok => Ok(()),
            Self::Err => Err(Fault),
            Self::Panic => panic!("scripted panic"),
            Self::Run(errand, then) => {
                errand.run();
                then.play_now()
            }
            other => unreachable!("{other:?} needs an asynchronous call"),
        }
    }
}

/// What the calls of one method do: first the steps that were queued, then always the same.
#[derive(Debug)]
pub struct Script(Mutex<Steps>);

#[derive(Debug)]
struct Steps {
    queued: VecDeque<Step>,
    otherwise: Step,
    calls: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self(Mutex::new(Steps {
            queued: VecDeque::new(),
            otherwise: Step::Ok,
            calls: 0,
        }))
    }
}

impl Script {
    /// The next call that has no step yet takes this one.
    pub fn then(&self, step: Step) {
        self.0.lock().unwrap().queued.push_back(step);
    }

    /// Calls without a step of their own take this one.
    pub fn always(&self, step: Step) {
        self.0.lock().unwrap().otherwise = step;
    }

    /// From now on every call is good.
    pub fn calm(&self) {
        let mut steps = self.0.lock().unwrap();
        steps.queued.clear();
        steps.otherwise = Step::Ok;
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// The step of a call that begins now.
    pub fn next(&self) -> Step {
        let mut steps = self.0.lock().unwrap();
        steps.calls += 1;
        let queued = steps.queued.pop_front();
        queued.unwrap_or_else(|| steps.otherwise.clone())
    }
}

/// Closed at first; whoever comes waits until it is opened.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<Passage>>);

#[derive(Debug, Default)]
struct Passage {
    open: bool,
    wakers: Vec<Waker>,
}

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn open(&self) {
        let wakers = {
            let mut passage = self.0.lock().unwrap();
            passage.open = true;
            std::mem::take(&mut passage.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub async fn pass(&self) {
        poll_fn(|context| {
            let mut passage = self.0.lock().unwrap();
            if passage.open {
                return Poll::Ready(());
            }
            passage.wakers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
