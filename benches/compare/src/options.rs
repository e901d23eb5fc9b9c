//! What can be asked for.

use crate::job::{self, Job, OURS};
use crate::report;
use crate::work::Effort;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) jobs: Vec<Job>,
    /// None: all.
    pub(crate) pools: Option<Vec<String>>,
    pub(crate) rounds: usize,
    pub(crate) effort: Effort,
    pub(crate) write: bool,
    /// Prints what is stable enough to be held to a baseline, and no page.
    pub(crate) stable: bool,
}

/// Shown when something else is asked for.
pub(crate) const HELP: &str = "\
cargo xtask bench compare -- [--only WORK]… [--pools A,B] [--rounds N] [--quick] [--no-write]

--only WORK     only work whose name contains WORK (several times: any of them)
--pools A,B     only these pools; millpond is always among them
--rounds N      rounds of each (default: 21, on a server 7; with --quick 5)
--quick         about a minute: smaller rounds, no PostgreSQL
--stable        only what `cargo xtask bench check` compares with its baseline
--no-write      leaves docs/benchmarks.md as it is; so does whatever leaves out work or pools";

impl Options {
    /// Of the words after `--`.
    pub(crate) fn of(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut only, mut pools, mut rounds) = (Vec::new(), None, None);
        let (mut quick, mut write, mut stable) = (false, true, false);
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word}: of what?"));
            match word.as_str() {
                "--only" => only.push(value()?),
                "--pools" => pools = Some(named_pools(&value()?)?),
                "--rounds" => {
                    rounds = Some(value()?.parse().map_err(|e| format!("--rounds: {e}"))?);
                }
                "--quick" => quick = true,
                "--no-write" => write = false,
                "--stable" => stable = true,
                // cargo's own, for benchmarks.
                "--bench" => {}
                _ => return Err(format!("what is {word}?")),
            }
        }
        let wanted =
            |job: &Job| only.is_empty() || only.iter().any(|part| job.name().contains(part));
        let jobs = job::all().into_iter().filter(wanted);
        let jobs = jobs.filter(|job| !(quick && job.needs_server()));
        let jobs: Vec<_> = jobs.filter(|job| !stable || job.is_stable()).collect();
        if jobs.is_empty() {
            let names: Vec<_> = job::all().into_iter().map(Job::name).collect();
            return Err(format!("no such work; there are {}", names.join(", ")));
        }
        if rounds == Some(0) {
            return Err("--rounds: one at least".to_owned());
        }
        Ok(Self {
            write: write
                && cfg!(feature = "postgres")
                && only.is_empty()
                && pools.is_none()
                && !quick
                && !stable,
            jobs,
            pools: pools.or_else(|| stable.then(|| vec![report::MEASURE.to_owned()])),
            stable,
            rounds: rounds.unwrap_or(if quick { 5 } else { 21 }),
            effort: if quick { Effort::Quick } else { Effort::Full },
        })
    }

    /// The pools that do this job.
    pub(crate) fn pools(&self, job: Job) -> Vec<&'static str> {
        let mut pools = job.pools();
        if let Some(named) = &self.pools {
            pools.retain(|pool| *pool == OURS || named.iter().any(|name| name == pool));
        }
        pools
    }

    /// How many rounds of it: those on a server are long.
    pub(crate) fn rounds(&self, job: Job) -> usize {
        if job.needs_server() {
            self.rounds.div_ceil(3)
        } else {
            self.rounds
        }
    }
}

fn named_pools(list: &str) -> Result<Vec<String>, String> {
    let known: Vec<_> = job::all().into_iter().flat_map(Job::pools).collect();
    let named: Vec<_> = list.split(',').map(str::to_owned).collect();
    match named.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(format!("--pools: there is no {unknown}")),
        None => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> Result<Options, String> {
        Options::of(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_a_word_everything_is_done_and_written() {
        let options = of("").expect("nothing is wrong with it");
        assert_eq!(options.jobs, job::all());
        // A page without PostgreSQL is not the page.
        assert_eq!(options.write, cfg!(feature = "postgres"));
        assert_eq!(options.rounds(options.jobs[0]), 21);
    }

    #[test]
    fn what_leaves_something_out_is_not_written() {
        for words in ["--quick", "--only line", "--pools qp", "--no-write"] {
            assert!(!of(words).expect(words).write, "{words}");
        }
    }

    #[test]
    fn what_is_stable_is_asked_of_two_pools_alone() {
        let options = of("--stable").expect("it is known");
        assert!(!options.write && options.jobs.iter().all(|job| job.is_stable()));
        assert_eq!(options.pools(options.jobs[0]), [OURS, "deadpool"]);
    }

    #[test]
    fn work_and_pools_are_chosen() {
        let options = of("--only line --only storm --pools qp,bb8 --rounds 3").expect("all known");
        let names: Vec<_> = options.jobs.iter().map(|job| job.name()).collect();
        assert_eq!(names, ["line-100", "line-10000", "storm"]);
        assert_eq!(options.pools(options.jobs[0]), [OURS, "bb8", "qp"]);
        assert_eq!(options.rounds, 3);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for words in [
            "--onyl x",
            "--only tpcc",
            "--pools puddle",
            "--rounds",
            "--rounds 0",
        ] {
            assert!(of(words).is_err(), "{words}");
        }
    }
}
