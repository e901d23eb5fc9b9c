//! The name of everything that millpond exports, in one table: [`METRICS`].
//!
//! Exporters take name, unit, help and labels from here; `docs/metrics.md` is made of it; and the alert rules,
//! the dashboard in `ops/` and the runbook are checked against it, so a query for a metric that is not there
//! fails the tests.
//!
//! Where OpenTelemetry has a name for it, that is the name: the [semantic conventions for database
//! clients][convention], "connection pools" (read at [193fc3d], where all of them are still marked as in
//! *development*; the older `db.client.connections.*`, in the plural, is deprecated there). They have no name
//! for why a connection was closed, how a get ended, a leak or a state of health: those are `millpond.*`.
//!
//! Every series has the label [`POOL_NAME`], so two pools never overwrite one another.
//!
//! On a Prometheus page the same metrics are found under the names that OpenTelemetry's own translation gives
//! them ([`Metric::prometheus_name`]): a dot becomes an underscore, seconds are said at the end, units in braces
//! are not, and a counter ends in `_total`.
//!
//! ```text
//! db_client_connection_count{db_client_connection_pool_name="main",db_client_connection_state="idle"} 3
//! db_client_connection_wait_time_seconds_bucket{db_client_connection_pool_name="main",le="0.001"} 41
//! millpond_gets_total{db_client_connection_pool_name="main",outcome="at_once"} 40
//! ```
//!
//! # Examples
//!
//! ```
//! use millpond::observe::names::{self, Kind};
//!
//! assert_eq!(names::WAIT_TIME.name, "db.client.connection.wait_time");
//! assert_eq!(names::WAIT_TIME.prometheus_name(), "db_client_connection_wait_time_seconds");
//! assert_eq!(names::GETS.prometheus_name(), "millpond_gets_total");
//! assert!(names::OUTCOME.allows(names::outcome::AT_ONCE));
//! assert!(names::METRICS.iter().any(|metric| metric.kind == Kind::Histogram));
//! ```
//!
//! [convention]: https://opentelemetry.io/docs/specs/semconv/db/database-metrics/
//! [193fc3d]: https://github.com/open-telemetry/semantic-conventions/blob/193fc3d3cc1488e080f80c3f7ca000d4aff56e87/model/db/metrics.yaml

mod labels;

pub use self::labels::{Label, OUTCOME, POOL_NAME, REASON, STATE, outcome, reason, state};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// With dots, as OpenTelemetry writes it: `db.client.connection.count`.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// In UCUM: `s` for seconds; in braces what is counted, `{connection}`.
    pub unit: &'static str,
    /// What it means, in a sentence without a full stop.
    pub help: &'static str,
    /// What its series are told apart by; [`POOL_NAME`] is always the first.
    pub labels: &'static [Label],
    /// Who gave it its name.
    pub source: Source,
}

/// What kind of figure a metric is; OpenTelemetry's instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A total since the start that only grows.
    Counter,
    /// A count of what is there now; the sum over several pools means something. Prometheus: a gauge.
    UpDownCounter,
    /// A reading of which a sum means nothing.
    Gauge,
    /// How often which values occurred, in buckets.
    Histogram,
}

/// Who gave a metric its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// OpenTelemetry's semantic conventions; the name follows them.
    SemConv,
    /// We: the conventions have none.
    Millpond,
}

impl Metric {
    /// The name on a Prometheus page: `db_client_connection_wait_time_seconds`. Of a histogram it is the name
    /// of the family; see [`prometheus_series`](Self::prometheus_series).
    pub fn prometheus_name(&self) -> String {
        let mut name = underscored(self.name);
        if self.unit == "s" {
            name.push_str("_seconds");
        }
        if self.kind == Kind::Counter {
            name.push_str("_total");
        }
        name
    }

    /// The names that its series have on a Prometheus page: the name itself, or a histogram's three.
    pub fn prometheus_series(&self) -> Vec<String> {
        let name = self.prometheus_name();
        match self.kind {
            Kind::Histogram => ["_bucket", "_count", "_sum"]
                .iter()
                .map(|end| format!("{name}{end}"))
                .collect(),
            Kind::Counter | Kind::UpDownCounter | Kind::Gauge => vec![name],
        }
    }
}

impl Kind {
    /// What Prometheus calls it, after `# TYPE`.
    pub fn prometheus_type(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter | Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

fn underscored(name: &str) -> String {
    name.replace('.', "_")
}

/// Everything that is exported.
pub const METRICS: &[Metric] = &[
    CONNECTION_COUNT,
    CONNECTION_MAX,
    CONNECTION_IDLE_MAX,
    CONNECTION_IDLE_MIN,
    PENDING_REQUESTS,
    TIMEOUTS,
    CREATE_TIME,
    WAIT_TIME,
    USE_TIME,
    CONNECTING,
    CREATED,
    CREATE_ERRORS,
    CLOSED,
    CHECKS,
    CHECK_FAILURES,
    CHECK_TIME,
    TIDIED,
    GETS,
    LEAKS,
    LEAKS_SUSPECTED,
    HEALTH,
];

/// Upper bounds of the buckets of every histogram, in seconds. The conventions name none for pools; these are
/// what they name for `db.client.operation.duration`, with three below, since a healthy pool is waited for for
/// microseconds.
pub const BUCKETS_SECONDS: [f64; 12] = [
    0.000_01, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0,
];

/// Connections that exist, idle or used.
pub const CONNECTION_COUNT: Metric = Metric {
    name: "db.client.connection.count",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    help: "Connections that exist now, by state; those that are being made are millpond.connection.connecting",
    labels: &[POOL_NAME, STATE],
    source: Source::SemConv,
};

/// `max_size`.
pub const CONNECTION_MAX: Metric = Metric {
    name: "db.client.connection.max",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    help: "The most connections that may exist; 0 when the pool is closed",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// `max_idle`.
pub const CONNECTION_IDLE_MAX: Metric = Metric {
    name: "db.client.connection.idle.max",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    help: "The most connections that are kept idle",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// `min_idle`.
pub const CONNECTION_IDLE_MIN: Metric = Metric {
    name: "db.client.connection.idle.min",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    help: "How many idle connections the pool tries to keep",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// Getters in line.
pub const PENDING_REQUESTS: Metric = Metric {
    name: "db.client.connection.pending_requests",
    kind: Kind::UpDownCounter,
    unit: "{request}",
    help: "Gets that stand in line now, those that connect included",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// Gets that timed out, in whatever phase: the sum of three [`outcome`]s of [`GETS`].
pub const TIMEOUTS: Metric = Metric {
    name: "db.client.connection.timeouts",
    kind: Kind::Counter,
    unit: "{timeout}",
    help: "Gets that timed out since the start, in whatever phase",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// How long a create took.
pub const CREATE_TIME: Metric = Metric {
    name: "db.client.connection.create_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long it took to make a connection",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// How long a get took.
pub const WAIT_TIME: Metric = Metric {
    name: "db.client.connection.wait_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long it took to get a connection from the pool",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// How long an object was held.
pub const USE_TIME: Metric = Metric {
    name: "db.client.connection.use_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long a connection was held, from the get to its return",
    labels: &[POOL_NAME],
    source: Source::SemConv,
};

/// Objects that are being made.
pub const CONNECTING: Metric = Metric {
    name: "millpond.connection.connecting",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    help: "Connections that are being made now",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Objects that were made.
pub const CREATED: Metric = Metric {
    name: "millpond.connection.created",
    kind: Kind::Counter,
    unit: "{connection}",
    help: "Connections made since the start",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Creates that failed.
pub const CREATE_ERRORS: Metric = Metric {
    name: "millpond.connection.create_errors",
    kind: Kind::Counter,
    unit: "{error}",
    help: "Attempts to make a connection that failed since the start",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Objects that left the pool, by [`reason`].
pub const CLOSED: Metric = Metric {
    name: "millpond.connection.closed",
    kind: Kind::Counter,
    unit: "{connection}",
    help: "Connections that left the pool since the start, by reason",
    labels: &[POOL_NAME, REASON],
    source: Source::Millpond,
};

/// Checks of used objects.
pub const CHECKS: Metric = Metric {
    name: "millpond.connection.checks",
    kind: Kind::Counter,
    unit: "{check}",
    help: "Checks of used connections since the start",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Checks that failed.
pub const CHECK_FAILURES: Metric = Metric {
    name: "millpond.connection.check_failures",
    kind: Kind::Counter,
    unit: "{check}",
    help: "Checks that a used connection did not pass since the start",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// How long a check took.
pub const CHECK_TIME: Metric = Metric {
    name: "millpond.connection.check_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long it took to check a used connection",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Objects that came back in need of tidying, and were tidied.
pub const TIDIED: Metric = Metric {
    name: "millpond.connection.tidied",
    kind: Kind::Counter,
    unit: "{connection}",
    help: "Connections that were made fit for the next user after they came back, since the start",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Gets, by how they ended ([`outcome`]): at rest their sum is the number of gets that were started.
pub const GETS: Metric = Metric {
    name: "millpond.gets",
    kind: Kind::Counter,
    unit: "{get}",
    help: "Gets that ended since the start, by how",
    labels: &[POOL_NAME, OUTCOME],
    source: Source::Millpond,
};

/// Holds that were reported as leaks.
pub const LEAKS: Metric = Metric {
    name: "millpond.leaks",
    kind: Kind::Counter,
    unit: "{leak}",
    help: "Connections reported since the start as held for longer than the leak threshold",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// Holds beyond the threshold, now.
pub const LEAKS_SUSPECTED: Metric = Metric {
    name: "millpond.leaks_suspected",
    kind: Kind::UpDownCounter,
    unit: "{leak}",
    help: "Connections held now for longer than the leak threshold; absent without a threshold",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// The state of health, as one of [`health`]'s figures.
pub const HEALTH: Metric = Metric {
    name: "millpond.health",
    kind: Kind::Gauge,
    unit: "{level}",
    help: "The pool's health: 0 Healthy, 1 Warning, 2 Critical",
    labels: &[POOL_NAME],
    source: Source::Millpond,
};

/// The figures of [`HEALTH`].
pub mod health {
    /// Nothing is wrong.
    pub const HEALTHY: u64 = 0;
    /// Somebody should look.
    pub const WARNING: u64 = 1;
    /// Gets fail, or are about to.
    pub const CRITICAL: u64 = 2;
}

#[cfg(test)]
mod tests;
