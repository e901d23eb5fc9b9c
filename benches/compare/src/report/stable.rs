//! What is stable enough to be held to a baseline, line by line, for `cargo xtask bench check`: counts of ours, and how
//! many times as much another pool works for the same.

use super::summary::Summary;
use crate::contest::Contest;
use crate::job::{Job, OURS};
use crate::work::Work;
use std::fmt::Write;

/// The pool that ours is measured by.
pub(crate) const MEASURE: &str = "deadpool";

/// `count <name> <number>`, the less the better, and `ratio <name> <number>`, the more the better.
pub(crate) fn stable(contests: &[Contest]) -> String {
    let mut text = String::new();
    for summary in contests.iter().map(Summary::of) {
        let of = |pool| summary.rows.iter().find(|row| row.pool == pool);
        let (Some(ours), Some(theirs)) = (of(OURS), of(MEASURE)) else {
            continue;
        };
        if summary.job == Job::Memory(Work::Allocations) {
            for (measure, figure) in summary.job.measures().iter().zip(&ours.figures) {
                let Some(figure) = figure else { continue };
                let name = measure.name.replace(' ', "-");
                writeln!(text, "count {name} {:.3}", figure.median).expect("a string takes all");
            }
        } else if let Some(work) = theirs.over_ours[WORK] {
            let name = summary.job.name();
            writeln!(text, "ratio {name} {:.3}", work.median).expect("a string takes all");
        }
    }
    text
}

/// The second figure of all work on one thread.
const WORK: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::Entry;
    use crate::measure::Outcome;

    fn entry(pool: &'static str, figures: [f64; 3]) -> Entry {
        Entry {
            pool,
            rounds: vec![Outcome::of(figures, Vec::new())],
        }
    }

    #[test]
    fn work_is_told_as_a_ratio_and_allocations_as_they_are() {
        let of = |work| Contest {
            job: Job::Memory(work),
            entries: vec![
                entry(OURS, [0.0, 2.0, 0.0]),
                entry(MEASURE, [9.0, 5.0, 9.0]),
            ],
        };
        assert_eq!(
            stable(&[of(Work::Alone), of(Work::Allocations)]),
            "ratio alone 2.500\ncount per-get 0.000\ncount per-wait 2.000\n\
             count bytes-left-per-cancelled-getter 0.000\n"
        );
    }
}
