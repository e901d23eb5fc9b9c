//! A command as steps: each announced, timed, and listed in a table at the end.

use crate::failure::Failure;
use crate::tally::Tally;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The steps of one command so far.
#[derive(Debug)]
pub(crate) struct Steps {
    keep_going: bool,
    begun: Instant,
    steps: Vec<Step>,
}

/// One step, done or passed over.
#[derive(Debug)]
struct Step {
    name: &'static str,
    took: Duration,
    tally: Tally,
    end: End,
}

/// How a step ended.
#[derive(Debug)]
enum End {
    Passed,
    Failed(Failure),
    NotRun,
}

impl Steps {
    /// No step yet. With `keep_going` a failed step does not keep the others from running.
    pub(crate) fn new(keep_going: bool) -> Self {
        Self {
            keep_going,
            begun: Instant::now(),
            steps: Vec::new(),
        }
    }

    /// Does the step `name`, unless an earlier one failed. `work` counts the tests that it runs.
    pub(crate) fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Tally) -> Result<(), Failure>,
    ) {
        let mut tally = Tally::default();
        let begun = Instant::now();
        let end = if self.failure().is_some() && !self.keep_going {
            End::NotRun
        } else {
            println!("\n==> {name}");
            work(&mut tally).map_or_else(End::Failed, |()| End::Passed)
        };
        if let End::Failed(failure) = &end {
            eprintln!("error: {name}: {failure}");
        }
        self.steps.push(Step {
            name,
            took: begun.elapsed(),
            tally,
            end,
        });
    }

    /// Prints the table and, alone on the last line, how many tests passed and failed.
    /// The exit code is that of the first step that failed.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n==> summary");
        self.steps
            .iter()
            .for_each(|step| println!("{}", step.row()));
        println!(
            "    {:<16} {:>7.1} s",
            "all",
            self.begun.elapsed().as_secs_f64()
        );
        if self.steps.iter().any(|step| !step.tally.is_empty()) {
            println!("\n{}", self.tally());
        }
        self.failure().map_or(ExitCode::SUCCESS, Failure::exit_code)
    }

    /// The first failure.
    fn failure(&self) -> Option<&Failure> {
        self.steps.iter().find_map(|step| match &step.end {
            End::Failed(failure) => Some(failure),
            End::Passed | End::NotRun => None,
        })
    }

    /// All tests of all steps. A step that failed without a failing test counts as one: the line
    /// must not say `0 failed` of a run that did.
    fn tally(&self) -> Tally {
        self.steps
            .iter()
            .fold(Tally::default(), |sum, step| sum.plus(step.counted()))
    }
}

impl Step {
    fn counted(&self) -> Tally {
        let failed = u64::from(matches!(self.end, End::Failed(_)));
        Tally {
            failed: self.tally.failed.max(failed),
            ..self.tally
        }
    }

    fn row(&self) -> String {
        let tests = if self.tally.is_empty() {
            String::new()
        } else {
            format!("  {}", self.tally)
        };
        let end = match self.end {
            End::Passed => "ok",
            End::Failed(_) => "FAILED",
            End::NotRun => "not run",
        };
        format!(
            "    {:<16} {:>7.1} s  {end:<7}{tests}",
            self.name,
            self.took.as_secs_f64()
        )
        .trim_end()
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(tally: &mut Tally) -> Result<(), Failure> {
        tally.passed = 2;
        Ok(())
    }

    fn failing(_: &mut Tally) -> Result<(), Failure> {
        Err(Failure::new("on purpose"))
    }

    fn ends(steps: &Steps) -> Vec<&'static str> {
        let end = |step: &Step| match step.end {
            End::Passed => "passed",
            End::Failed(_) => "failed",
            End::NotRun => "not run",
        };
        steps.steps.iter().map(end).collect()
    }

    fn three_with_a_failure(keep_going: bool) -> Steps {
        let mut steps = Steps::new(keep_going);
        steps.step("first", passing);
        steps.step("second", failing);
        steps.step("third", passing);
        steps
    }

    #[test]
    fn steps_stop_at_the_first_failure() {
        let steps = three_with_a_failure(false);
        assert_eq!(ends(&steps), ["passed", "failed", "not run"]);
        assert_eq!(steps.tally().to_string(), "2 passed, 1 failed");
        assert_ne!(
            format!("{:?}", steps.finish()),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }

    #[test]
    fn keep_going_runs_the_rest_and_still_fails() {
        let steps = three_with_a_failure(true);
        assert_eq!(ends(&steps), ["passed", "failed", "passed"]);
        assert_eq!(steps.tally().to_string(), "4 passed, 1 failed");
        assert_ne!(
            format!("{:?}", steps.finish()),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }

    #[test]
    fn a_good_run_succeeds() {
        let mut steps = Steps::new(false);
        steps.step("only", passing);
        assert_eq!(steps.tally().to_string(), "2 passed, 0 failed");
        assert_eq!(
            format!("{:?}", steps.finish()),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }
}
