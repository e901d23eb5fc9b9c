//! The work that every pool is given, and what is measured of it.

mod allocations;
mod alone;
mod audit;
mod cold;
mod line;
mod spawned;
mod storm;
pub(crate) mod threads;

use crate::measure::{Measure, Outcome};
use crate::pools::Peer;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Get an idle object and give it back, on one thread.
    Alone,
    /// Tasks that get an object and give it back, and wait for nothing in between.
    Spawned { tasks: usize, objects: usize },
    /// Tasks that hold their object over a yield: more of them than objects.
    Held { tasks: usize, objects: usize },
    /// One object, handed from one of those in line to the next.
    Line { getters: usize },
    /// Getters of which half give up half-way.
    Storm,
    /// What is allocated on the way.
    Allocations,
    /// An empty pool meets a hundred callers.
    Cold,
    /// As `Alone`, with so many objects idle.
    Sized { objects: usize },
}

/// All work, in the order of the page.
pub(crate) const ALL: [Work; 16] = [
    Work::Alone,
    Work::Spawned {
        tasks: 2,
        objects: 16,
    },
    Work::Spawned {
        tasks: 8,
        objects: 2,
    },
    Work::Spawned {
        tasks: 16,
        objects: 16,
    },
    Work::Spawned {
        tasks: 32,
        objects: 8,
    },
    Work::Held {
        tasks: 64,
        objects: 8,
    },
    Work::Held {
        tasks: 512,
        objects: 16,
    },
    Work::Line { getters: 100 },
    Work::Line { getters: 10_000 },
    Work::Storm,
    Work::Allocations,
    Work::Cold,
    Work::Sized { objects: 8 },
    Work::Sized { objects: 128 },
    Work::Sized { objects: 1_024 },
    Work::Sized { objects: 8_192 },
];

/// How much of the work is done in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Full,
    /// About a third.
    Quick,
    /// Just enough to see that it works: for tests.
    Least,
}

impl Effort {
    /// So many steps, or fewer.
    pub(crate) fn of(self, steps: u64) -> u64 {
        match self {
            Self::Full => steps,
            Self::Quick => steps / 3,
            Self::Least => steps / 500,
        }
        .max(10)
    }

    pub(crate) fn lasting(self, time: Duration) -> Duration {
        match self {
            Self::Full => time,
            Self::Quick => time / 2,
            Self::Least => time / 20,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
            Self::Least => "least",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Full, Self::Quick, Self::Least]
            .into_iter()
            .find(|effort| effort.name() == name)
    }
}

impl Work {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Alone => "alone".to_owned(),
            Self::Spawned { tasks, objects } => format!("spawned-{tasks}-{objects}"),
            Self::Held { tasks, objects } => format!("held-{tasks}-{objects}"),
            Self::Line { getters } => format!("line-{getters}"),
            Self::Storm => "storm".to_owned(),
            Self::Allocations => "allocations".to_owned(),
            Self::Cold => "cold".to_owned(),
            Self::Sized { objects } => format!("sized-{objects}"),
        }
    }

    /// For the page.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Alone => "Get an idle object and give it back, alone".to_owned(),
            Self::Spawned { tasks, objects } => format!("{tasks} tasks over {objects} objects"),
            Self::Held { tasks, objects } => {
                format!("{tasks} tasks over {objects} objects, each held over a yield")
            }
            Self::Line { getters } => format!("A line of {getters}, handed over one by one"),
            Self::Storm => "64 tasks over 4 objects, half of the gets dropped half-way".to_owned(),
            Self::Allocations => "Allocations".to_owned(),
            Self::Cold => "A cold start: 100 callers, 16 objects, 1 ms to make each".to_owned(),
            Self::Sized { objects } => format!("Get and give back, with {objects} objects idle"),
        }
    }

    /// What is measured; the first is what pools are compared by.
    pub(crate) fn measures(self) -> &'static [Measure] {
        const EACH: Measure = Measure::less("ns each");
        const WORK: Measure = Measure::less("CPU ns each");
        match self {
            Self::Alone | Self::Spawned { .. } | Self::Sized { .. } | Self::Storm => {
                const { &[EACH, WORK] }
            }
            Self::Line { .. } => const { &[Measure::less("ns per hand-over"), WORK] },
            Self::Held { .. } => {
                const {
                    &[
                        EACH,
                        WORK,
                        Measure::less("p50 µs"),
                        Measure::less("p99 µs"),
                        Measure::less("p99.9 µs"),
                        Measure::less("max µs"),
                        Measure::more("fairness"),
                    ]
                }
            }
            Self::Allocations => {
                const {
                    &[
                        Measure::less("per get"),
                        Measure::less("per wait"),
                        Measure::less("bytes left per cancelled getter"),
                    ]
                }
            }
            Self::Cold => {
                const {
                    &[
                        Measure::less("ms until all are served"),
                        Measure::less("made"),
                    ]
                }
            }
        }
    }

    /// Does it, in a process that does nothing else.
    pub(crate) fn run<P: Peer>(self, effort: Effort) -> Outcome {
        match self {
            Self::Alone => alone::run::<P>(1, effort),
            Self::Sized { objects } => alone::run::<P>(objects, effort),
            Self::Spawned { tasks, objects } => spawned::run::<P>(tasks, objects, effort),
            Self::Held { tasks, objects } => spawned::run_held::<P>(tasks, objects, effort),
            Self::Line { getters } => line::run::<P>(getters, effort),
            Self::Storm => storm::run::<P>(effort),
            Self::Allocations => allocations::run::<P>(effort),
            Self::Cold => cold::run::<P>(),
        }
    }
}

/// A runtime on this thread alone.
fn on_one_thread() -> Runtime {
    let built = Builder::new_current_thread().enable_time().build();
    built.expect("a runtime needs little")
}

/// A runtime with two workers.
fn on_two() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let built = builder.worker_threads(2).enable_time().build();
    built.expect("a runtime needs little")
}

/// The floor, for what is done on one thread.
pub(crate) fn floor(work: Work, effort: Effort) -> Outcome {
    match work {
        Work::Alone => alone::floor(1, effort),
        Work::Sized { objects } => alone::floor(objects, effort),
        _ => Outcome::unfit("for one thread only"),
    }
}
