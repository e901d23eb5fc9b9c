//! What a run came to: the data of `report.json`. Everything that the page, the table and the baseline show is here.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the file's shape. Raised when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// When it began, UTC, RFC 3339.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What everything that is drawn by chance was drawn from.
    pub seed: u64,
    /// How long the cases were.
    pub scale: Scale,
    /// Where it ran.
    pub machine: Machine,
    /// Versions, by what they are of: each pool, the server, rustc.
    pub versions: BTreeMap<String, String>,
    /// On what database.
    pub backend: Backend,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// What came of each case that was asked for.
    pub cases: Vec<CaseReport>,
}

/// How long the cases are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// All seven in about two minutes.
    #[default]
    Short,
    /// To the letter.
    Full,
}

/// The machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Processors that this process may use.
    pub cores: usize,
    /// What the processor calls itself, if that is known.
    pub processor: Option<String>,
    /// `linux`, `macos` …
    pub system: String,
    /// Runnable tasks in the last minute when the run began, where the system says.
    pub load: Option<f64>,
}

/// A database, as the report's first line tells of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backend {
    /// `PostgreSQL`, `SQLite`, `simulated`.
    pub kind: String,
    /// What it says it is.
    pub version: String,
    /// Where it comes from: `started for this run`, `TEST_DATABASE_URL` … Never a URL, which may hold a password.
    pub origin: String,
    /// Where blocking work sleeps.
    pub sleeps: Sleeps,
}

/// Where blocking work sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sleeps {
    /// In the server, by `pg_sleep`.
    InServer,
    /// In the client, which holds the connection.
    InClient,
}

/// A case, and what each pool made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseReport {
    /// What the command line calls it.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it asks.
    pub question: String,
    /// Its fixed conditions.
    pub conditions: Vec<String>,
    /// One for each pool.
    pub runs: Vec<Run>,
}

/// One pool in one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The pool.
    pub pool: String,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What was asked for, and what was found. It passed if all of these hold.
    pub checks: Vec<Check>,
    /// What was measured, for baselines and for comparing pools.
    pub figures: Vec<Figure>,
    /// What the requests came to, by who made them.
    pub groups: Vec<Group>,
    /// What the pools of this run looked like over time.
    pub timelines: Vec<Timeline>,
    /// What happened when: phases of the case, faults.
    pub marks: Vec<Mark>,
    /// What a reader should know, such as who was named as the holder of a leaked object.
    pub notes: Vec<String>,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// Every check holds.
    Passed,
    /// It ran, and a check does not hold.
    Failed,
    /// It cannot be asked here: why. Named and counted, never silent.
    Skipped(String),
    /// It could not be run to its end: why.
    Broken(String),
    /// It was stopped.
    Interrupted,
}

/// Something that must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// What is asked for, in words with its unit.
    pub bound: String,
    /// What was found.
    pub found: String,
    /// Whether that is within the bound.
    pub holds: bool,
}

/// Something that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// How much; what could not be found out is no number.
    #[serde(deserialize_with = "number_or_none")]
    pub value: f64,
    /// Of what: `ms`, `%`, `/s`.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// What it is held to, in words with its unit, if to anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// Whether it is the one that the table shows.
    pub headline: bool,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The lower, the better.
    Lower,
    /// The higher, the better.
    Higher,
    /// Neither: it is shown, not judged.
    Neither,
}

/// What the requests of one kind came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Group {
    /// Who made them.
    pub name: String,
    /// How many ended how.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How long those that got a connection had waited for it.
    pub waits: Distribution,
    /// How long they took altogether, the wait included.
    pub totals: Distribution,
    /// How long those that got none waited for that.
    pub refusals: Distribution,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It got a connection and did its work.
    Served,
    /// It got none within its bound.
    TimedOut,
    /// It was turned away at once.
    Shed,
    /// Connecting failed, or its work did.
    Failed,
    /// It was cancelled, as the case meant it to be.
    Cancelled,
    /// It panicked, as the case meant it to.
    Panicked,
    /// It kept its connection for ever, as the case meant it to.
    Forgot,
}

/// Times, in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// How many.
    pub count: u64,
    /// The shortest, the longest, and those between.
    pub min: f64,
    /// One in two is at most this.
    pub p50: f64,
    /// Nine in ten.
    pub p90: f64,
    /// 99 in a hundred.
    pub p99: f64,
    /// 999 in a thousand.
    pub p999: f64,
    /// The longest.
    pub max: f64,
    /// How many were at most so long, and longer than the one before: `(upper bound, count)`, on a log scale; empty ones
    /// left out.
    pub buckets: Vec<(f64, u64)>,
}

/// What a pool looked like over time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// The pool's name at the server.
    pub name: String,
    /// One after the other.
    pub samples: Vec<Sample>,
}

/// What a pool looked like at one moment. `None`: unknown to this kind of pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds from the beginning of the run.
    pub at: f64,
    /// The most connections.
    pub max: Option<usize>,
    /// Connections that exist or are being made.
    pub size: Option<usize>,
    /// Those that are being made.
    pub connecting: Option<usize>,
    /// Those that are held.
    pub in_use: Option<usize>,
    /// Those that lie ready.
    pub idle: Option<usize>,
    /// Who waits.
    pub waiting: Option<usize>,
    /// How the pool feels.
    pub health: Option<Level>,
}

/// How a pool feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is wrong.
    Healthy,
    /// Somebody should look at it soon.
    Warning,
    /// Callers suffer, or are about to.
    Critical,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// Seconds from the beginning of the run.
    pub from: f64,
    /// When it was over, if it is not a moment.
    pub to: Option<f64>,
    /// What kind of thing.
    pub kind: MarkKind,
    /// What.
    pub text: String,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A part of the case.
    Phase,
    /// Something was done to the server, or to the way there.
    Fault,
}

impl Run {
    /// Whether it may count as a success.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    /// The figure that the table shows.
    pub fn headline(&self) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.headline)
    }
}

impl Verdict {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped(_) => "skipped",
            Self::Broken(_) => "BROKEN",
            Self::Interrupted => "stopped",
        }
    }
}

impl Level {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Outcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::TimedOut => "timed out",
            Self::Shed => "shed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
            Self::Forgot => "forgot",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, value, unit, ..
        } = self;
        let value = match value.abs() {
            _ if !value.is_finite() => return write!(f, "{name} unknown"),
            size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
            size if size >= 10.0 => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        write!(f, "{}", format!("{name} {value} {unit}").trim_end())
    }
}

/// JSON knows no number that is none, and says `null`.
fn number_or_none<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}
