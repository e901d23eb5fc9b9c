//! What is to be exported of a scene, written down once more, by hand: every series with its figure.

use crate::pools::{NAMES, Scene, Scripted};
use millpond::managed::Pool;
use millpond::observe::names::{BUCKETS_SECONDS, METRICS, Metric};
use millpond::observe::{Histogram, Level, Observe};
use std::collections::BTreeMap;

/// One series: the metric's dotted name, the pool, the value of the second label (or nothing).
pub(crate) type Series = (&'static str, String, &'static str);

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Figure {
    /// A counter or a gauge.
    Number(f64),
    /// A histogram: how many up to each bound of the table, how many in all; and their sum in seconds, which is
    /// compared with some room.
    Times {
        up_to: Vec<u64>,
        count: u64,
        sum: Sum,
    },
}

/// Equal to a sum that is at most 3.3 % away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum(pub(crate) f64);

impl PartialEq for Sum {
    fn eq(&self, other: &Self) -> bool {
        (self.0 - other.0).abs() <= self.0.max(other.0) * 0.033
    }
}

/// Everything that is to be seen of the scene, at rest.
pub(crate) fn expected(scene: &Scene) -> BTreeMap<Series, Figure> {
    let mut all = Expected(BTreeMap::new());
    for (name, pool) in scene.managed() {
        all.managed(name, pool);
    }
    all.number("foreign", "db.client.connection.idle.max", "", 9);
    all.number("foreign", "db.client.connection.idle.min", "", 4);
    let now = scene.unmanaged.snapshot();
    all.counts("unmanaged", &now);
    let seen: std::collections::BTreeSet<_> =
        all.0.keys().map(|(_, pool, _)| pool.clone()).collect();
    assert!(seen.iter().eq(&NAMES));
    let metrics: std::collections::BTreeSet<_> = all.0.keys().map(|(name, ..)| *name).collect();
    assert_eq!(
        metrics.len(),
        METRICS.len(),
        "every metric is there somewhere"
    );
    all.0
}

struct Expected(BTreeMap<Series, Figure>);

impl Expected {
    fn managed(&mut self, name: &str, pool: &Pool<Scripted>) {
        self.counts(name, &pool.snapshot());
        let stats = pool.stats();
        let gets = &stats.gets;
        for (outcome, count) in [
            ("at_once", gets.at_once),
            ("after_waiting", gets.after_waiting),
            ("created", gets.created),
            ("timed_out_wait", gets.timed_out.wait),
            ("timed_out_create", gets.timed_out.create),
            ("timed_out_recycle", gets.timed_out.recycle),
            ("cancelled", gets.cancelled),
            ("failed", gets.failed),
            ("shed", gets.shed),
            ("closed", gets.closed),
        ] {
            self.number(name, "millpond.gets", outcome, count);
        }
        let closed = &stats.closed;
        for (reason, count) in [
            ("lifetime", closed.lifetime),
            ("idle", closed.idle),
            ("check_failed", closed.check_failed),
            ("broken", closed.broken),
            ("untidy", closed.untidy),
            ("surplus", closed.surplus),
            ("refreshed", closed.refreshed),
            ("taken", closed.taken),
            ("pool_closed", closed.pool_closed),
        ] {
            self.number(name, "millpond.connection.closed", reason, count);
        }
        for (metric, count) in [
            ("db.client.connection.timeouts", gets.timed_out.total()),
            ("millpond.connection.created", stats.created),
            ("millpond.connection.create_errors", stats.create_failures),
            ("millpond.connection.checks", stats.checks),
            ("millpond.connection.check_failures", stats.check_failures),
            ("millpond.connection.tidied", stats.tidied),
            ("millpond.leaks", stats.leaks),
        ] {
            self.number(name, metric, "", count);
        }
        for (metric, times) in [
            ("db.client.connection.create_time", &stats.connect_time),
            ("db.client.connection.wait_time", &stats.wait_time),
            ("db.client.connection.use_time", &stats.use_time),
            ("millpond.connection.check_time", &stats.check_time),
        ] {
            self.put(name, metric, "", times_of(times));
        }
        let idle = "db.client.connection.idle.min";
        self.number(name, idle, "", 0);
        if name == "fresh" {
            self.number(name, "db.client.connection.idle.max", "", 5);
        }
        if let Some(leaks) = Observe::leaks_suspected(pool) {
            self.number(name, "millpond.leaks_suspected", "", leaks as u64);
        }
        let health = match pool.health().level {
            Level::Healthy => 0,
            Level::Warning => 1,
            Level::Critical => 2,
        };
        self.number(name, "millpond.health", "", health);
    }

    fn counts(&mut self, pool: &str, now: &millpond::observe::Snapshot) {
        let count = "db.client.connection.count";
        self.number(pool, count, "idle", now.idle as u64);
        self.number(pool, count, "used", now.in_use as u64);
        self.number(pool, "db.client.connection.max", "", now.max_size as u64);
        let pending = "db.client.connection.pending_requests";
        self.number(pool, pending, "", now.waiting as u64);
        let connecting = "millpond.connection.connecting";
        self.number(pool, connecting, "", now.connecting as u64);
    }

    fn number(&mut self, pool: &str, metric: &'static str, label: &'static str, number: u64) {
        self.put(pool, metric, label, Figure::Number(number as f64));
    }

    fn put(&mut self, pool: &str, metric: &'static str, label: &'static str, figure: Figure) {
        let before = self.0.insert((metric, pool.to_owned(), label), figure);
        assert_eq!(before, None, "{metric} of {pool}, {label}");
    }
}

fn times_of(times: &Histogram) -> Figure {
    let up_to = |bound: &f64| {
        let below = times
            .buckets()
            .filter(|(time, _)| time.as_secs_f64() <= *bound);
        below.map(|(_, count)| count).sum()
    };
    Figure::Times {
        up_to: BUCKETS_SECONDS.iter().map(up_to).collect(),
        count: times.count(),
        sum: Sum(times.sum().as_secs_f64()),
    }
}

/// The row of the table.
pub(crate) fn row(name: &str) -> &'static Metric {
    let found = METRICS.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in the table"))
}

/// The value of a metric's second label as the table has it; nothing where it has none.
pub(crate) fn value(metric: &Metric, told: Option<&str>) -> &'static str {
    match (metric.labels.get(1), told) {
        (None, None) => "",
        (Some(label), Some(told)) => {
            let found = label.values.iter().find(|(value, _)| *value == told);
            found
                .unwrap_or_else(|| panic!("{} is never {told}", label.key))
                .0
        }
        (label, told) => panic!("{}: {label:?} is told as {told:?}", metric.name),
    }
}

/// Fails with each series that is not as it is expected.
#[track_caller]
pub(crate) fn assert_same(seen: &BTreeMap<Series, Figure>, expected: &BTreeMap<Series, Figure>) {
    let keys = seen.keys().chain(expected.keys());
    let differ = keys.filter(|key| seen.get(*key) != expected.get(*key));
    let faults: Vec<_> = differ
        .map(|key| {
            format!(
                "{key:?}: {:?}, expected {:?}",
                seen.get(key),
                expected.get(key)
            )
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
