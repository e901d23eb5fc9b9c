//! Whether a pool is well: a verdict with its reasons, by rules that can be set.

use std::fmt;
use std::time::Duration;

/// How well a pool is, and why not better.
///
/// # Examples
///
/// ```
/// # use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// use millpond::observe::{Level, Trouble};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(1).build().unwrap();
/// assert_eq!(pool.health().level, Level::Healthy);
///
/// let only = pool.get().await.unwrap();
/// let health = pool.health();
/// assert_eq!(health.level, Level::Critical);
/// assert!(matches!(health.findings[0].trouble, Trouble::Utilisation { in_use: 1, max_size: 1 }));
/// # drop(only);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// The worst of the findings; it falls only after it has been better for a while
    /// ([`Thresholds::calm`]).
    pub level: Level,
    /// What is wrong now, worst first. May be empty while the level is about to fall.
    pub findings: Vec<Finding>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is wrong.
    Healthy,
    /// Somebody should look at it soon.
    Warning,
    /// Callers suffer, or are about to.
    Critical,
}

/// One thing that is wrong, and how bad it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is.
    pub trouble: Trouble,
}

/// What may be wrong with a pool. [`name`](Self::name) is for machines, `Display` for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// Most of what the pool may have is in use.
    Utilisation {
        /// Objects in use.
        in_use: usize,
        /// The most objects that may exist.
        max_size: usize,
    },
    /// The line has not been empty for a while.
    Line {
        /// Getters in line.
        waiting: usize,
        /// How long there has been somebody.
        for_at_least: Duration,
    },
    /// Those who got an object lately had to wait for it nearly as long as they may.
    SlowWaits {
        /// What one in a hundred waited at least.
        p99: Duration,
        /// What it is compared with: the pool's bound on waiting, or [`Thresholds::slow_wait`].
        bound: Duration,
    },
    /// Gets have run out of time lately.
    TimeOuts {
        /// How many.
        count: u64,
        /// Of how many gets that ended in the same time.
        of: u64,
    },
    /// Making objects has failed since it last went well.
    ConnectFailures {
        /// How often.
        count: u64,
    },
    /// The pool makes no objects for now, since making them has failed too often.
    BreakerOpen,
    /// Objects have been held for longer than the leak threshold.
    LeakSuspected {
        /// How many are held so now.
        count: usize,
    },
    /// The pool is closed.
    Closed,
}

/// What is compared with what, to say how well a pool is.
///
/// The defaults are those of HikariCP's and PgBouncer's alert rules where they agree, and otherwise the
/// first moment at which a caller could notice.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// Share of `max_size` in use that is a warning. Default: 0.80.
    pub utilisation_warning: f64,
    /// Share of `max_size` in use that is critical. Default: 0.95.
    pub utilisation_critical: f64,
    /// How far below a threshold the utilisation must fall before it counts as below. Default: 0.05.
    pub utilisation_slack: f64,
    /// A line that has not been empty for so long is a warning. Default: 1 s.
    pub line_warning: Duration,
    /// A line that has not been empty for so long is critical. Default: 10 s.
    pub line_critical: Duration,
    /// Share of the bound on waiting that one in a hundred waits for: a warning. Default: 0.5.
    pub wait_warning: f64,
    /// Share of the bound on waiting that one in a hundred waits for: critical. Default: 0.9.
    pub wait_critical: f64,
    /// What waits are compared with where the pool has no bound on waiting. Default: 1 s.
    pub slow_wait: Duration,
    /// Share of the gets that ended lately that ran out of time: critical. One is a warning. Default: 0.05.
    pub time_outs_critical: f64,
    /// Failures to make an object in a row that are critical. One is a warning. Default: 3.
    pub connect_failures_critical: u64,
    /// How far back "lately" reaches: between half of this and all of it. Default: 10 s.
    pub window: Duration,
    /// How long the level must have been lower before it falls. Default: 1 s.
    pub calm: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            utilisation_warning: 0.80,
            utilisation_critical: 0.95,
            utilisation_slack: 0.05,
            line_warning: Duration::from_secs(1),
            line_critical: Duration::from_secs(10),
            wait_warning: 0.5,
            wait_critical: 0.9,
            slow_wait: Duration::from_secs(1),
            time_outs_critical: 0.05,
            connect_failures_critical: 3,
            window: Duration::from_secs(10),
            calm: Duration::from_secs(1),
        }
    }
}

impl Trouble {
    /// In one word: `utilisation`, `line`, `slow_waits`, `time_outs`, `connect_failures`, `breaker_open`,
    /// `leak_suspected`, `closed`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Utilisation { .. } => "utilisation",
            Self::Line { .. } => "line",
            Self::SlowWaits { .. } => "slow_waits",
            Self::TimeOuts { .. } => "time_outs",
            Self::ConnectFailures { .. } => "connect_failures",
            Self::BreakerOpen => "breaker_open",
            Self::LeakSuspected { .. } => "leak_suspected",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utilisation { in_use, max_size } => write!(f, "{in_use} of {max_size} in use"),
            Self::Line {
                waiting,
                for_at_least,
            } => {
                let seconds = for_at_least.as_secs_f64();
                write!(f, "{waiting} in line, and somebody for {seconds:.1} s")
            }
            Self::SlowWaits { p99, bound } => {
                let (p99, bound) = (p99.as_secs_f64(), bound.as_secs_f64());
                write!(
                    f,
                    "one in a hundred waited {p99:.3} s, with {bound:.3} s as the bound"
                )
            }
            Self::TimeOuts { count, of } => write!(f, "{count} of {of} gets timed out lately"),
            Self::ConnectFailures { count } => {
                write!(f, "making an object failed {count} times in a row")
            }
            Self::BreakerOpen => f.write_str("making objects is suspended after failures"),
            Self::LeakSuspected { count } => {
                write!(f, "{count} held beyond the leak threshold")
            }
            Self::Closed => f.write_str("the pool is closed"),
        }
    }
}

impl Level {
    /// In one word: `healthy`, `warning`, `critical`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Health {
    /// `critical: 20 of 20 in use; 31 in line, and somebody for 4.2 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.level)?;
        for (index, finding) in self.findings.iter().enumerate() {
            let before = if index == 0 { ": " } else { "; " };
            write!(f, "{before}{}", finding.trouble)?;
        }
        Ok(())
    }
}
