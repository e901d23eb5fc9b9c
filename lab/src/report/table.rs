//! The table at the end of a run: case, pool, verdict, the figure, what does not hold.

use crate::data::{Report, Run, Verdict};
use std::fmt::Write;

/// The table, and below it what did not pass and why.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let mut troubles = String::new();
    for case in &report.cases {
        for run in &case.runs {
            let figure = run.headline().map_or(String::new(), ToString::to_string);
            let _ = writeln!(
                text,
                "  {:<14} {:<12} {:<8} {:>6.1} s  {figure}",
                case.name,
                run.pool,
                run.verdict.word(),
                run.seconds
            );
            trouble(&mut troubles, &case.name, run);
        }
    }
    text + &troubles
}

fn trouble(text: &mut String, case: &str, run: &Run) {
    let Run { pool, verdict, .. } = run;
    match verdict {
        Verdict::Skipped(why) | Verdict::Broken(why) => {
            let _ = writeln!(text, "\n{case}, {pool}: {}: {why}", verdict.word());
        }
        _ => {}
    }
    for check in run.checks.iter().filter(|check| !check.holds) {
        let _ = writeln!(
            text,
            "\n{case}, {pool}: {}\n  asked  {}\n  found  {}",
            check.name, check.bound, check.found
        );
    }
}
