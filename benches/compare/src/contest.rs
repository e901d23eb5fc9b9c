//! Runs the rounds: each in a process of its own, all pools in turn, so that whatever else the machine does meets all
//! of them alike; and one that hangs is ended, and told.

use crate::job::Job;
use crate::measure::Outcome;
use crate::options::Options;
use crate::work::Effort;
use std::env;
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The word with which this program calls itself for a round.
pub(crate) const ROUND: &str = "round";

/// What one pool made of one job, round by round.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) pool: &'static str,
    pub(crate) rounds: Vec<Outcome>,
}

/// What all pools made of one job.
#[derive(Debug)]
pub(crate) struct Contest {
    pub(crate) job: Job,
    pub(crate) entries: Vec<Entry>,
}

/// All rounds of all jobs.
pub(crate) fn run(options: &Options, url: Option<&str>) -> Vec<Contest> {
    let jobs = options.jobs.iter();
    jobs.map(|job| of_job(*job, options, url)).collect()
}

fn of_job(job: Job, options: &Options, url: Option<&str>) -> Contest {
    let pools = options.pools(job);
    let entry = |pool| Entry {
        pool,
        rounds: Vec::new(),
    };
    let mut entries: Vec<_> = pools.into_iter().map(entry).collect();
    let url = url.filter(|_| job.needs_server());
    eprintln!("{}: {}", job.name(), job.title());
    for round in 0..options.rounds(job) {
        let begin = round % entries.len();
        let (late, early) = entries.split_at_mut(begin);
        for entry in early.iter_mut().chain(late) {
            let outcome = if entry.is_hopeless() {
                Outcome::fault(NOT_TRIED)
            } else {
                in_a_process(job, entry.pool, options.effort, url)
            };
            entry.rounds.push(outcome);
        }
    }
    Contest { job, entries }
}

impl Entry {
    /// Who has hung twice hangs again.
    fn is_hopeless(&self) -> bool {
        let hung = |outcome: &&Outcome| outcome.faults.iter().any(|fault| fault.starts_with(HUNG));
        self.rounds.iter().filter(hung).count() >= 2
    }
}

const HUNG: &str = "hung";
const NOT_TRIED: &str = "not tried again";

fn in_a_process(job: Job, pool: &str, effort: Effort, url: Option<&str>) -> Outcome {
    let mut command = Command::new(env::current_exe().expect("this program is somewhere"));
    command.args([ROUND, &job.name(), pool, effort.name()]);
    if let Some(url) = url {
        command.env(URL, url);
    }
    bounded(&mut command, job.bound(effort))
}

/// The server's, for a round. Not an argument: everybody sees those.
pub(crate) const URL: &str = "MILLPOND_COMPARE_URL";

/// Runs it to its end, or to the bound.
fn bounded(command: &mut Command, bound: Duration) -> Outcome {
    // A round ends when its standard input does: it does not outlive us, whatever ends us.
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match piped.stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::fault(format!("cannot be run: {error}")),
    };
    let printed = read_aside(child.stdout.take().expect("it is piped"));
    let complaints = read_aside(child.stderr.take().expect("it is piped"));
    let printed = printed.recv_timeout(bound);
    if printed.is_err() {
        let _ = child.kill();
    }
    let status = wait(&mut child);
    let complaints = complaints.recv().unwrap_or_default();
    let Ok(printed) = printed else {
        return Outcome::fault(format!("{HUNG}: no end after {} s", bound.as_secs_f64()));
    };
    match Outcome::of_text(&printed) {
        Some(outcome) => outcome,
        None => Outcome::fault(format!("{status}: {}", first_line(&complaints))),
    }
}

fn wait(child: &mut Child) -> String {
    match child.wait() {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

/// All that comes out of it, once no more comes.
fn read_aside(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (done, all) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        if let Err(error) = pipe.read_to_string(&mut text) {
            text = error.to_string();
        }
        // Who hung is no longer listened to.
        let _ = done.send(text);
    });
    all
}

/// What a panic says is in its second line.
fn first_line(complaints: &str) -> String {
    let lines: Vec<_> = complaints.lines().filter(|line| !line.is_empty()).collect();
    let panic = lines.iter().position(|line| line.contains("panicked at"));
    let line = panic.map_or(0, |at| at + 1);
    lines
        .get(line)
        .map_or(String::new(), |line| (*line).to_owned())
}

/// In the process of a round: ends it when the one that compares is gone.
pub(crate) fn end_with_parent() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(1);
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Outcome {
        let mut sh = Command::new("sh");
        bounded(
            sh.args(["-c", script]),
            Duration::from_secs(if script.contains("read") { 1 } else { 60 }),
        )
    }

    #[test]
    fn a_round_that_ends_well_is_read() {
        assert_eq!(
            sh("echo figure 7; echo end"),
            Outcome::of([7.0], Vec::new())
        );
    }

    /// It waits for what never comes.
    #[test]
    fn a_round_that_hangs_is_ended_and_told() {
        assert_eq!(sh("read word").faults, ["hung: no end after 1 s"]);
    }

    #[test]
    fn a_round_that_panics_is_told_with_its_reason() {
        let outcome = sh("echo figure 7; echo 'thread panicked at x' >&2; echo lost >&2; exit 101");
        assert_eq!(outcome.faults, ["exit status: 101: lost"]);
    }

    #[test]
    fn who_has_hung_twice_is_not_tried_again() {
        let hung = Outcome::fault("hung: no end after 1 s");
        let mut entry = Entry {
            pool: "x",
            rounds: vec![hung.clone()],
        };
        assert!(!entry.is_hopeless());
        entry.rounds.push(hung);
        assert!(entry.is_hopeless());
    }
}
