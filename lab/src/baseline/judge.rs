//! A run, held to a baseline.

use super::{Baseline, Kept, runs};
use crate::data::{Better, CaseReport, Verdict};
use std::fmt;

/// What was kept, and what was measured now.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What was kept.
    pub kept: Kept,
    /// What was measured, if it was.
    pub now: Option<f64>,
    /// What that means.
    pub standing: Standing,
}

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Within the noise of what was kept, or better.
    Good,
    /// Worse by more than its noise.
    Worse,
    /// The case was run, and this was not measured, or the run did not pass: why.
    Missing(String),
}

impl Baseline {
    /// Holds what was run to what was kept of these cases; of all, if none is named.
    pub fn compare(&self, cases: &[CaseReport], only: &[String]) -> Vec<Compared> {
        let asked = |kept: &&Kept| only.is_empty() || only.contains(&kept.case);
        self.figures
            .iter()
            .filter(asked)
            .map(|kept| kept.compare(cases))
            .collect()
    }
}

impl Kept {
    fn compare(&self, cases: &[CaseReport]) -> Compared {
        let run = runs(cases).find(|(case, run)| *case == self.case && run.pool == self.pool);
        let compared = |now: Option<f64>, standing| Compared {
            kept: self.clone(),
            now,
            standing,
        };
        let missing = |why: String| compared(None, Standing::Missing(why));
        let Some((_, run)) = run else {
            return missing("it was not run".to_owned());
        };
        if run.verdict != Verdict::Passed {
            return missing(format!("the run: {}", run.verdict.word()));
        }
        let same =
            |figure: &&crate::data::Figure| figure.name == self.name && figure.unit == self.unit;
        match run.figures.iter().find(same) {
            Some(figure) if figure.value.is_finite() => {
                let standing = match self.allows(figure.value) {
                    true => Standing::Good,
                    false => Standing::Worse,
                };
                compared(Some(figure.value), standing)
            }
            _ => missing("it is not measured any more".to_owned()),
        }
    }

    fn allows(&self, now: f64) -> bool {
        match self.better {
            Better::Lower => now <= self.limit(),
            Better::Higher => now >= self.limit(),
            Better::Neither => true,
        }
    }

    /// The worst that is no news.
    fn limit(&self) -> f64 {
        match self.better {
            Better::Higher => self.lowest / self.noise.times - self.noise.more,
            _ => self.highest * self.noise.times + self.noise.more,
        }
    }

    fn worst(&self) -> f64 {
        match self.better {
            Better::Higher => self.lowest,
            _ => self.highest,
        }
    }
}

impl Compared {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.standing == Standing::Good
    }
}

/// `saturation, millpond: latest time-out after its bound: 2.10 ms, 1.80 to 3.10 kept (0.7 times the worst; up to 26.2 is noise)`
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.kept;
        write!(f, "{}, {}: {}: ", kept.case, kept.pool, kept.name)?;
        match (&self.standing, self.now) {
            (Standing::Missing(why), _) => write!(f, "{why}")?,
            (_, Some(now)) => write!(f, "{now:.2} {}", kept.unit)?,
            (_, None) => write!(f, "unknown")?,
        }
        write!(f, ", {:.2} to {:.2} kept", kept.lowest, kept.highest)?;
        let Some(now) = self.now else {
            return Ok(());
        };
        let bound = if kept.better == Better::Higher {
            "down"
        } else {
            "up"
        };
        let limit = kept.limit();
        match kept.worst() {
            0.0 => write!(f, " ({bound} to {limit:.2} is noise)"),
            worst => {
                let ratio = now / worst;
                write!(
                    f,
                    " ({ratio:.2} times the worst; {bound} to {limit:.2} is noise)"
                )
            }
        }
    }
}
