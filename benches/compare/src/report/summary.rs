//! The rounds of one job, summed up pool by pool.

use crate::contest::{Contest, Entry};
use crate::job::{Job, OURS};
use crate::measure::{Better, Outcome};
use millpond_benches::statistics::Spread;
use std::collections::BTreeMap;

/// One job.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) job: Job,
    pub(super) rows: Vec<Row>,
}

/// One pool in it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) pool: &'static str,
    /// In the order of the job's measures.
    pub(super) figures: Vec<Option<Spread>>,
    /// Each figure over ours, round by round.
    pub(super) over_ours: Vec<Option<Spread>>,
    /// What went wrong, and how often; of faults that differ in their numbers alone, the first is told.
    pub(super) faults: Vec<(String, usize)>,
    pub(super) unfit: Option<String>,
}

/// A figure in which another pool is ahead.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loss {
    pub(super) measure: &'static str,
    pub(super) pool: &'static str,
    /// Theirs over ours.
    pub(super) ratio: Spread,
}

impl Summary {
    pub(super) fn of(contest: &Contest) -> Self {
        let ours = contest.entries.iter().find(|entry| entry.pool == OURS);
        let row = |entry| Row::of(contest.job, entry, ours);
        Self {
            job: contest.job,
            rows: contest.entries.iter().map(row).collect(),
        }
    }

    /// Where another pool is ahead, and not by chance: even the quartile of the rounds that is worst for it is ahead,
    /// by 2 %. The floors are no pools.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let pools = self.rows.iter().filter(|row| !is_floor(row.pool));
        let losses = pools.flat_map(|row| {
            let measures = self.job.measures().iter().zip(&row.over_ours);
            measures.filter_map(|(measure, ratio)| {
                let ratio = (*ratio)?;
                let ahead = match measure.better {
                    Better::Less => ratio.upper < 0.98,
                    Better::More => ratio.lower > 1.02,
                };
                ahead.then_some(Loss {
                    measure: measure.name,
                    pool: row.pool,
                    ratio,
                })
            })
        });
        losses.collect()
    }
}

/// Whether it is no pool, but what a pool could not be without.
pub(super) fn is_floor(pool: &str) -> bool {
    ["floor", "semaphore"].contains(&pool)
}

impl Row {
    fn of(job: Job, entry: &Entry, ours: Option<&Entry>) -> Self {
        let mut faults = BTreeMap::new();
        for fault in entry.rounds.iter().flat_map(|round| &round.faults) {
            let first = faults.entry(without_numbers(fault));
            first.or_insert_with(|| (fault.clone(), 0)).1 += 1;
        }
        let indices = 0..job.measures().len();
        let figures = indices.clone().map(|at| {
            let rounds = entry.rounds.iter();
            Spread::of(rounds.filter_map(|round| figure(round, at)))
        });
        let ratios = indices.map(|at| {
            let rounds = entry.rounds.iter().zip(&ours?.rounds);
            let ratio = |(theirs, ours)| Some(figure(theirs, at)? / figure(ours, at)?);
            // Nothing over nothing is nothing.
            Spread::of(rounds.filter_map(ratio).filter(|ratio| ratio.is_finite()))
        });
        Self {
            pool: entry.pool,
            figures: figures.collect(),
            over_ours: ratios.collect(),
            faults: faults.into_values().collect(),
            unfit: entry.rounds.iter().find_map(|round| round.unfit.clone()),
        }
    }
}

fn figure(round: &Outcome, at: usize) -> Option<f64> {
    round
        .figures
        .get(at)
        .copied()
        .flatten()
        .filter(|figure| figure.is_finite())
}

/// So that the same fault with other numbers is counted as the same.
fn without_numbers(fault: &str) -> String {
    let mut told = String::new();
    for c in fault.chars() {
        match c.is_ascii_digit() {
            true if told.ends_with('n') => {}
            true => told.push('n'),
            false => told.push(c),
        }
    }
    told
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::work::Work;

    pub(crate) fn contest(theirs: &[f64]) -> Contest {
        let rounds = |figures: &[f64]| {
            let round = |figure: &f64| Outcome::of([*figure; 2], Vec::new());
            figures.iter().map(round).collect::<Vec<_>>()
        };
        let entry = |pool, figures: &[f64]| Entry {
            pool,
            rounds: rounds(figures),
        };
        Contest {
            job: Job::Memory(Work::Alone),
            entries: vec![
                entry(OURS, &[10.0, 20.0, 40.0]),
                entry("deadpool", theirs),
                entry("floor", &[1.0, 1.0, 1.0]),
            ],
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let summary = Summary::of(&contest(&[20.0, 60.0, 40.0]));
        let ratio = summary.rows[1].over_ours[0].expect("three rounds");
        assert_eq!((ratio.lower, ratio.median, ratio.upper), (1.5, 2.0, 2.5));
        assert_eq!(summary.losses(), []);
    }

    #[test]
    fn a_pool_that_is_ahead_in_most_rounds_is_a_loss() {
        let summary = Summary::of(&contest(&[8.0, 16.0, 32.0]));
        let losses = summary.losses();
        assert_eq!(
            losses.len(),
            2,
            "both figures, and the floor is no pool: {losses:?}"
        );
        assert_eq!((losses[0].pool, losses[0].ratio.median), ("deadpool", 0.8));
    }

    #[test]
    fn faults_of_one_kind_are_counted_together_and_rounds_without_a_figure_left_out() {
        let mut contest = contest(&[20.0, 60.0, 40.0]);
        contest.entries[1].rounds[0] = Outcome::fault("12 of 16 objects lost");
        contest.entries[1].rounds[1]
            .faults
            .push("3 of 16 objects lost".to_owned());
        let row = &Summary::of(&contest).rows[1];
        assert_eq!(row.faults, [("12 of 16 objects lost".to_owned(), 2)]);
        assert_eq!(row.figures[0].map(|spread| spread.median), Some(50.0));
    }
}
