//! What was measured before, kept in the repository, and what of a new run is worse than that by more than its noise.
//!
//! A figure is compared by its ratio to the worst that was seen when it was kept. How many times as bad it may be, and how
//! much more beside that (what is next to nothing has no ratio), stands beside each figure in the file, where it can be
//! changed by hand: keeping the figures anew leaves it as it is.

pub(crate) mod cli;
mod judge;

pub use judge::{Compared, Standing};

use crate::Failure;
use crate::data::{Better, CaseReport, Figure, Machine, Report, Scale};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The file: several baselines, each for a kind of machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Baselines {
    /// By the name of the kind of machine.
    pub baselines: BTreeMap<String, Baseline>,
}

/// What was measured on one kind of machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    /// When the last run of it began.
    pub kept: String,
    /// How many runs were kept.
    pub runs: usize,
    /// Where.
    pub machine: Machine,
    /// Of what.
    pub versions: BTreeMap<String, String>,
    /// How long the cases were.
    pub scale: Scale,
    /// The figures.
    pub figures: Vec<Kept>,
}

/// A figure that was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Of what case.
    pub case: String,
    /// Of what pool.
    pub pool: String,
    /// What.
    pub name: String,
    /// Of what: `ms`, `%`.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// The lowest of all runs that were kept.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
    /// How much worse is no news.
    pub noise: Noise,
}

/// How much worse than the worst that was kept a figure may be: so many times as bad, and so much more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// So many times.
    pub times: f64,
    /// And so much more, in the figure's unit.
    pub more: f64,
}

impl Noise {
    /// What is assumed of a unit until somebody knows better. Times on a shared machine of two cores are late by a turn of
    /// its scheduler now and then, and by half of what they are; counts are exact.
    fn of(unit: &str) -> Self {
        let (times, more) = match unit {
            "µs" => (2.0, 20_000.0),
            "ms" => (2.0, 20.0),
            "s" => (2.0, 0.5),
            "%" => (1.0, 2.0),
            unit if unit.ends_with("/s") => (2.0, 0.0),
            _ => (1.0, 0.1),
        };
        Self { times, more }
    }
}

impl Baselines {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is none.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let name = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| name(&error))?;
        Ok(serde_json::from_str(&text).map_err(|error| name(&error))?)
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
    }

    /// The one of that name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn named(&self, name: &str) -> Result<&Baseline, Failure> {
        self.baselines.get(name).ok_or_else(|| {
            let names: Vec<_> = self.baselines.keys().map(String::as_str).collect();
            let names = names.join(", ");
            format!("there is no baseline {name:?}, only: {names}; `lab baseline save --name {name}` makes one").into()
        })
    }

    /// Keeps the figures of these runs as the baseline `name`, and of the one before it what noise it allowed.
    ///
    /// # Errors
    ///
    /// There is none to keep: no run, one that did not pass, one of another scale.
    pub fn keep(&mut self, name: &str, reports: &[Report]) -> Result<(), Failure> {
        let last = reports.last().ok_or("there is no report to keep")?;
        let mut figures: Vec<Kept> = Vec::new();
        for report in reports {
            if report.scale != last.scale {
                return Err(
                    "runs of the short form and of the full one cannot be kept together".into(),
                );
            }
            for figure in of_report(report)? {
                match figures.iter_mut().find(|kept| kept.is_of(&figure)) {
                    Some(kept) => {
                        kept.lowest = kept.lowest.min(figure.lowest);
                        kept.highest = kept.highest.max(figure.highest);
                    }
                    None => figures.push(figure),
                }
            }
        }
        let before = self
            .baselines
            .get(name)
            .map_or(&[][..], |before| &before.figures);
        for figure in &mut figures {
            if let Some(kept) = before.iter().find(|kept| kept.is_of(figure)) {
                figure.noise = kept.noise;
            }
        }
        let baseline = Baseline {
            kept: last.started.clone(),
            runs: reports.len(),
            machine: last.machine.clone(),
            versions: last.versions.clone(),
            scale: last.scale,
            figures,
        };
        self.baselines.insert(name.to_owned(), baseline);
        Ok(())
    }
}

impl Kept {
    fn is_of(&self, other: &Self) -> bool {
        (&self.case, &self.pool, &self.name, &self.unit)
            == (&other.case, &other.pool, &other.name, &other.unit)
    }

    fn of(case: &str, pool: &str, figure: &Figure) -> Self {
        Self {
            case: case.to_owned(),
            pool: pool.to_owned(),
            name: figure.name.clone(),
            unit: figure.unit.clone(),
            better: figure.better,
            lowest: figure.value,
            highest: figure.value,
            noise: Noise::of(&figure.unit),
        }
    }
}

/// What of a report can be better or worse. A run that did not pass is no measure for others.
fn of_report(report: &Report) -> Result<Vec<Kept>, Failure> {
    let mut figures = Vec::new();
    for (case, run) in runs(&report.cases) {
        if !run.passed() {
            let word = run.verdict.word();
            return Err(format!("{case}, {}: {word}; only what passed is kept", run.pool).into());
        }
        let judged = run
            .figures
            .iter()
            .filter(|it| it.better != Better::Neither && it.value.is_finite());
        figures.extend(judged.map(|figure| Kept::of(case, &run.pool, figure)));
    }
    match figures.is_empty() {
        true => Err("the report has no figure to keep".into()),
        false => Ok(figures),
    }
}

fn runs(cases: &[CaseReport]) -> impl Iterator<Item = (&str, &crate::data::Run)> {
    cases
        .iter()
        .flat_map(|case| case.runs.iter().map(|run| (case.name.as_str(), run)))
}

/// The one of this repository.
pub fn usual_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.json")
}

/// The kind of machine that the repository's figures are of.
pub const USUAL: &str = "two-cores";
