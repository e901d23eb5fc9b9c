//! `lab compare`: every case with one pool after the other, on the same database in one run.
//!
//! The verdict is millpond's: what another pool comes to is shown, and is no failure of this program.

mod page;

use crate::Failure;
use crate::cli::{self, RunArgs};
use crate::data::{Report, Run};
use crate::subject::Maker;
use clap::Args;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// The pools that are compared where none is named.
const USUAL: [&str; 5] = ["millpond", "deadpool", "bb8", "mobc", "sqlx"];

/// Whose failure is this program's.
const OURS: &str = "millpond";

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Writes the comparison as a page of Markdown.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

impl CompareArgs {
    /// The pools that are asked for.
    pub(crate) fn pools(&self) -> Vec<String> {
        match self.run.pools.as_slice() {
            [] => USUAL.map(str::to_owned).to_vec(),
            named => named.to_vec(),
        }
    }
}

/// Compares them. Whether all that is ours passed, or, where nothing of ours was asked for, the run came to its end.
pub(crate) async fn run(args: CompareArgs, makers: &[Arc<dyn Maker>]) -> Result<bool, Failure> {
    let pools = args.pools();
    let CompareArgs {
        mut run,
        page: file,
    } = args;
    run.pools = pools;
    let cases = cli::chosen_cases(&run.cases)?;
    let report = cli::told(cases, run, makers).await?;
    if let Some(file) = &file {
        let text = page::page(&report, makers);
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    println!("{}", verdict(&report));
    Ok(holds(&report))
}

fn holds(report: &Report) -> bool {
    let ran = report.cases.iter().any(|case| !case.runs.is_empty());
    !report.interrupted && ran && ours(report).all(Run::passed)
}

fn ours(report: &Report) -> impl Iterator<Item = &Run> {
    let runs = report.cases.iter().flat_map(|case| &case.runs);
    runs.filter(|run| run.pool == OURS)
}

/// The last line: what the exit status is about.
fn verdict(report: &Report) -> String {
    let (all, passed) = (
        ours(report).count(),
        ours(report).filter(|run| run.passed()).count(),
    );
    format!(
        "{OURS}: {passed} of {all} cases passed, which is what the exit status says; what others come to is shown above."
    )
}

#[cfg(test)]
mod tests {
    use super::page::tests::report;
    use super::*;
    use crate::data::Verdict;

    #[test]
    fn the_failure_of_a_peer_is_not_ours() {
        let mut report = report();
        assert!(holds(&report), "a peer failed, and ours did not");
        report.cases[0].runs[0].verdict = Verdict::Failed;
        assert!(!holds(&report));
        report.cases[0].runs[0].verdict = Verdict::Skipped("no server".to_owned());
        assert!(!holds(&report), "what was not asked did not pass");
    }

    #[test]
    fn a_run_of_nothing_is_no_success() {
        let mut report = report();
        report.cases.clear();
        assert!(!holds(&report));
    }
}
