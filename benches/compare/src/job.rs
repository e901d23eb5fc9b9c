//! What is done in a round: some work, by one of the pools.

use crate::measure::{Measure, Outcome};
use crate::pools::{Bb8, Deadpool, FastPool, Floor, Millpond, Mobc, Qp};
#[cfg(feature = "postgres")]
use crate::postgres::ServerWork;
use crate::work::{self, Effort, Work, threads};
use std::time::Duration;

/// Some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// On objects that are nothing.
    Memory(Work),
    /// On connections to a real server.
    #[cfg(feature = "postgres")]
    Server(ServerWork),
}

/// The pool that the others are compared with.
pub(crate) const OURS: &str = "millpond";

/// All pools, in the order of the tables.
const POOLS: [&str; 9] = [
    OURS,
    "deadpool",
    "bb8",
    "mobc",
    "qp",
    "fast_pool",
    "r2d2",
    "semaphore",
    "floor",
];

/// All that there is to do.
pub(crate) fn all() -> Vec<Job> {
    let memory = work::ALL.into_iter().map(Job::Memory);
    #[cfg(feature = "postgres")]
    let memory = memory.chain(crate::postgres::ALL.into_iter().map(Job::Server));
    memory.collect()
}

impl Job {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        all().into_iter().find(|job| job.name() == name)
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Memory(work) => work.name(),
            #[cfg(feature = "postgres")]
            Self::Server(work) => work.name(),
        }
    }

    pub(crate) fn title(self) -> String {
        match self {
            Self::Memory(work) => work.title(),
            #[cfg(feature = "postgres")]
            Self::Server(work) => work.title(),
        }
    }

    pub(crate) fn measures(self) -> &'static [Measure] {
        match self {
            Self::Memory(work) => work.measures(),
            #[cfg(feature = "postgres")]
            Self::Server(work) => work.measures(),
        }
    }

    pub(crate) fn needs_server(self) -> bool {
        !matches!(self, Self::Memory(_))
    }

    /// The measure that pools are compared by. Where a processor is all that is needed it is what it worked: on a machine
    /// with others the time favours who takes little, for who takes longer is interrupted more.
    pub(crate) fn compared_by(self) -> usize {
        let worked = |measure: &Measure| measure.name.starts_with("CPU");
        self.measures().iter().position(worked).unwrap_or(0)
    }

    /// Whether its figures are much the same in each run: one thread, and the work of the processor is measured.
    pub(crate) fn is_stable(self) -> bool {
        matches!(
            self,
            Self::Memory(Work::Alone | Work::Sized { .. } | Work::Line { .. } | Work::Allocations)
        )
    }

    /// The pools that it is given to.
    pub(crate) fn pools(self) -> Vec<&'static str> {
        match self {
            Self::Memory(Work::Alone | Work::Sized { .. }) => POOLS.to_vec(),
            // The floor is for one thread.
            Self::Memory(_) => POOLS[..8].to_vec(),
            #[cfg(feature = "postgres")]
            Self::Server(_) => crate::postgres::POOLS.to_vec(),
        }
    }

    /// How long a round may take: who takes longer hangs. Most take less than a tenth of it.
    pub(crate) fn bound(self, effort: Effort) -> Duration {
        let seconds = match (self.needs_server(), effort) {
            (true, _) => 40,
            (false, Effort::Full) => 15,
            (false, Effort::Quick | Effort::Least) => 5,
        };
        Duration::from_secs(seconds)
    }

    /// Does it, in a process that does nothing else. `url` is that of the server, where one is needed.
    pub(crate) fn run(self, pool: &str, effort: Effort, url: Option<&str>) -> Outcome {
        match (self, url) {
            (Self::Memory(work), None) => in_memory(work, pool, effort),
            #[cfg(feature = "postgres")]
            (Self::Server(work), Some(url)) => crate::postgres::run(work, pool, effort, url),
            _ => Outcome::fault("a server where none is needed, or none where one is"),
        }
    }
}

fn in_memory(work: Work, pool: &str, effort: Effort) -> Outcome {
    match pool {
        OURS => work.run::<Millpond>(effort),
        "deadpool" => work.run::<Deadpool>(effort),
        "bb8" => work.run::<Bb8>(effort),
        "mobc" => work.run::<Mobc>(effort),
        "qp" => work.run::<Qp>(effort),
        "fast_pool" => work.run::<FastPool>(effort),
        "r2d2" => threads::run(work, effort),
        "semaphore" => work.run::<Floor>(effort),
        "floor" => work::floor(work, effort),
        _ => Outcome::fault(format!("there is no pool {pool}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_found_by_their_names() {
        for job in all() {
            assert_eq!(Job::of_name(&job.name()), Some(job));
        }
        assert_eq!(Job::of_name("lone"), None);
    }

    /// Each work by each pool, as little of it as there is: done, with all its figures, or refused with the reason.
    #[test]
    fn every_pool_does_the_work_or_says_why_not() {
        for work in work::ALL {
            let job = Job::Memory(work);
            for pool in job.pools() {
                let outcome = bounded(job, pool);
                let told = format!("{} by {pool}: {outcome:?}", job.name());
                let failed = !outcome.faults.is_empty();
                // What others lose is theirs, and is told in the page; ours and the floors must not.
                if MUST_NOT_FAIL.contains(&pool) {
                    assert!(!failed, "{told}");
                }
                let whole = outcome.figures.len() == job.measures().len();
                assert!(whole || failed || outcome.unfit.is_some(), "{told}");
            }
        }
    }

    const MUST_NOT_FAIL: [&str; 3] = [OURS, "semaphore", "floor"];

    /// As in a round, one that hangs is left behind; what must not has time enough on any machine.
    fn bounded(job: Job, pool: &'static str) -> Outcome {
        let (done, outcome) = std::sync::mpsc::channel();
        std::thread::spawn(move || done.send(job.run(pool, Effort::Least, None)));
        let seconds = if MUST_NOT_FAIL.contains(&pool) {
            120
        } else {
            5
        };
        let outcome = outcome.recv_timeout(Duration::from_secs(seconds));
        outcome.unwrap_or_else(|error| Outcome::fault(error.to_string()))
    }

    #[test]
    fn an_unknown_pool_is_a_fault() {
        let outcome = Job::Memory(Work::Alone).run("puddle", Effort::Least, None);
        assert_eq!(outcome.faults, ["there is no pool puddle"]);
    }
}
