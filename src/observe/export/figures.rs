//! One pool, read once: every figure of the table that it has.

use crate::observe::names::{self, Metric, outcome, state};
use crate::observe::{
    CloseReason, Closed, Gets, Histogram, IdleBounds, Level, Observe, Snapshot, Stats,
};

/// One figure of one pool.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) metric: &'static Metric,
    /// The value of the metric's second label, where it has one.
    pub(super) label: Option<&'static str>,
    pub(super) amount: Amount,
}

/// How much it is.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    /// So much now.
    Level(u64),
    /// So much since the start.
    Total(u64),
    /// These since the start.
    Times(Histogram),
}

/// All figures that a pool has.
pub(super) fn of(pool: &dyn Observe) -> Vec<Figure> {
    let mut figures = Figures(Vec::new());
    // First, since it looks for leaks, and the others say what it found.
    let health = pool.health();
    if let Some(now) = pool.snapshot() {
        figures.counts(&now);
    }
    figures.bounds(pool.idle_bounds());
    if let Some(stats) = pool.stats() {
        figures.totals(stats);
    }
    if let Some(leaks) = pool.leaks_suspected() {
        figures.level(&names::LEAKS_SUSPECTED, None, leaks as u64);
    }
    if let Some(health) = health {
        figures.level(&names::HEALTH, None, figure_of(health.level));
    }
    figures.0
}

struct Figures(Vec<Figure>);

impl Figures {
    fn counts(&mut self, now: &Snapshot) {
        let count = &names::CONNECTION_COUNT;
        self.level(count, Some(state::IDLE), now.idle as u64);
        self.level(count, Some(state::USED), now.in_use as u64);
        self.level(&names::CONNECTION_MAX, None, now.max_size as u64);
        self.level(&names::PENDING_REQUESTS, None, now.waiting as u64);
        self.level(&names::CONNECTING, None, now.connecting as u64);
    }

    fn bounds(&mut self, bounds: IdleBounds) {
        if let Some(max) = bounds.max {
            self.level(&names::CONNECTION_IDLE_MAX, None, max as u64);
        }
        if let Some(min) = bounds.min {
            self.level(&names::CONNECTION_IDLE_MIN, None, min as u64);
        }
    }

    fn totals(&mut self, stats: Stats) {
        self.total(&names::TIMEOUTS, None, stats.gets.timed_out.total());
        self.total(&names::CREATED, None, stats.created);
        self.total(&names::CREATE_ERRORS, None, stats.create_failures);
        self.total(&names::CHECKS, None, stats.checks);
        self.total(&names::CHECK_FAILURES, None, stats.check_failures);
        self.total(&names::TIDIED, None, stats.tidied);
        self.total(&names::LEAKS, None, stats.leaks);
        self.gets(&stats.gets);
        self.closed(&stats.closed);
        self.times(&names::CREATE_TIME, stats.connect_time);
        self.times(&names::WAIT_TIME, stats.wait_time);
        self.times(&names::USE_TIME, stats.use_time);
        self.times(&names::CHECK_TIME, stats.check_time);
    }

    fn gets(&mut self, gets: &Gets) {
        let by_outcome = [
            (outcome::AT_ONCE, gets.at_once),
            (outcome::AFTER_WAITING, gets.after_waiting),
            (outcome::CREATED, gets.created),
            (outcome::TIMED_OUT_WAIT, gets.timed_out.wait),
            (outcome::TIMED_OUT_CREATE, gets.timed_out.create),
            (outcome::TIMED_OUT_RECYCLE, gets.timed_out.recycle),
            (outcome::CANCELLED, gets.cancelled),
            (outcome::FAILED, gets.failed),
            (outcome::SHED, gets.shed),
            (outcome::CLOSED, gets.closed),
        ];
        for (outcome, count) in by_outcome {
            self.total(&names::GETS, Some(outcome), count);
        }
    }

    fn closed(&mut self, closed: &Closed) {
        for reason in CloseReason::ALL {
            self.total(&names::CLOSED, Some(reason.name()), closed.of(reason));
        }
    }

    fn level(&mut self, metric: &'static Metric, label: Option<&'static str>, level: u64) {
        self.push(metric, label, Amount::Level(level));
    }

    fn total(&mut self, metric: &'static Metric, label: Option<&'static str>, total: u64) {
        self.push(metric, label, Amount::Total(total));
    }

    fn times(&mut self, metric: &'static Metric, times: Histogram) {
        self.push(metric, None, Amount::Times(times));
    }

    fn push(&mut self, metric: &'static Metric, label: Option<&'static str>, amount: Amount) {
        self.0.push(Figure {
            metric,
            label,
            amount,
        });
    }
}

fn figure_of(level: Level) -> u64 {
    match level {
        Level::Healthy => names::health::HEALTHY,
        Level::Warning => names::health::WARNING,
        Level::Critical => names::health::CRITICAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::names::{Kind, METRICS};
    use crate::observe::{Health, State};
    use std::borrow::Cow;
    use std::collections::BTreeSet;

    /// A pool that knows everything that can be known.
    struct Full;

    impl Observe for Full {
        fn name(&self) -> Cow<'_, str> {
            "full".into()
        }

        fn kind(&self) -> crate::observe::Kind {
            crate::observe::Kind::Foreign("full")
        }

        fn state(&self) -> State {
            State::Open
        }

        fn snapshot(&self) -> Option<Snapshot> {
            Some(Snapshot {
                max_size: 0,
                size: 0,
                idle: 0,
                connecting: 0,
                in_use: 0,
                waiting: 0,
                closed: true,
            })
        }

        fn idle_bounds(&self) -> IdleBounds {
            IdleBounds {
                max: Some(0),
                min: Some(0),
            }
        }

        fn stats(&self) -> Option<Stats> {
            Some(Stats::default())
        }

        fn leaks_suspected(&self) -> Option<usize> {
            Some(0)
        }

        fn health(&self) -> Option<Health> {
            Some(Health {
                level: Level::Healthy,
                findings: Vec::new(),
            })
        }
    }

    #[test]
    fn there_is_a_figure_for_each_row_of_the_table_and_each_value_of_its_label() {
        let told: Vec<_> = of(&Full)
            .iter()
            .map(|figure| (figure.metric.name, figure.label))
            .collect();
        let in_the_table = METRICS.iter().flat_map(|metric| {
            let values = metric.labels.get(1).map_or(&[][..], |label| label.values);
            let values = values.iter().map(|(value, _)| Some(*value));
            let none = values.len() == 0;
            values
                .chain(none.then_some(None))
                .map(|value| (metric.name, value))
        });
        let in_the_table: BTreeSet<_> = in_the_table.collect();
        assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), in_the_table);
        assert_eq!(told.len(), in_the_table.len(), "each once");
    }

    #[test]
    fn a_figure_is_of_the_kind_that_the_table_says() {
        for figure in of(&Full) {
            let fits = match figure.amount {
                Amount::Level(_) => {
                    matches!(figure.metric.kind, Kind::UpDownCounter | Kind::Gauge)
                }
                Amount::Total(_) => figure.metric.kind == Kind::Counter,
                Amount::Times(_) => figure.metric.kind == Kind::Histogram,
            };
            assert!(fits, "{figure:?}");
        }
    }
}
