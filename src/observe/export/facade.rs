//! The [`metrics`](https://docs.rs/metrics) facade.

use super::figures::{Amount, Figure};
use super::ledger::{Ledger, Sample};
use crate::engine::sync::{Arc, Mutex, OnceLock};
use crate::observe::names::{Kind, METRICS, Metric, POOL_NAME};
use crate::observe::{Histogram, Pools};
use metrics::{Key, KeyName, Label, Metadata, Recorder, Unit};
use std::collections::BTreeSet;
use std::{fmt, mem};

/// Hands what the pools of a list have counted to the recorder that is installed in
/// [`metrics`](https://docs.rs/metrics), whenever it is told to [`publish`](Self::publish).
///
/// The names are those of a Prometheus page
/// ([`prometheus_name`](crate::observe::names::Metric::prometheus_name)). Build one for a list, once: two would
/// both tell what was added to the histograms.
///
/// A gauge of a pool that has left the list is set to 0, once: the facade cannot take it away. Its counters stand
/// still.
///
/// # Examples
///
/// ```
/// # use millpond::managed::{Manager, Metrics as Uses, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Uses) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// use millpond::observe::{Pools, export::Metrics};
///
/// let pool: Pool<Numbers> = Pool::builder(Numbers).name("numbers").build().unwrap();
/// Pools::global().list(&pool);
/// let metrics = Metrics::new(Pools::global().clone());
///
/// metrics.publish(); // before each rendering of the page
/// ```
pub struct Metrics {
    pools: Pools,
    ledger: Ledger,
    described: OnceLock<()>,
    levels: Mutex<BTreeSet<Series>>,
}

/// What tells a series from others: the metric's name, the pool, the value of the second label.
type Series = (&'static str, Arc<str>, Option<&'static str>);

impl Metrics {
    /// For the pools of this list, those included that are listed later. Tells nothing yet.
    #[must_use]
    pub fn new(pools: Pools) -> Self {
        Self {
            pools,
            ledger: Ledger::default(),
            described: OnceLock::new(),
            levels: Mutex::new(BTreeSet::new()),
        }
    }

    /// Describes all metrics, the first time; then sets the gauges and counters of each pool that is listed, and
    /// adds to the histograms what was added since it was called last.
    ///
    /// To be called before a page is rendered, on any thread, by any number of them at once. The recorder has to
    /// be installed before it is called first.
    ///
    /// # Progress
    ///
    /// Never waits for a get. Some microseconds for a pool, what reading its
    /// [`stats`](crate::managed::Pool::stats) costs, and some ten nanoseconds for each get since the last time,
    /// in the recorder's histograms. It asks for the health, so a listener may be told here that it has changed.
    pub fn publish(&self) {
        self.described.get_or_init(describe);
        let Some(round) = self.ledger.read(&self.pools) else {
            return;
        };
        metrics::with_recorder(|recorder| {
            round
                .samples
                .iter()
                .for_each(|sample| tell(recorder, sample));
            self.take_down(recorder, &round.samples);
        });
    }

    /// Sets the gauges to 0 that were there last time and are not there now.
    fn take_down(&self, recorder: &dyn Recorder, samples: &[Sample]) {
        let now: BTreeSet<_> = samples.iter().filter_map(level).collect();
        let before = mem::replace(&mut *self.levels.lock(), now.clone());
        for (name, pool, value) in before.difference(&now) {
            let metric = METRICS.iter().find(|metric| metric.name == *name);
            if let Some(metric) = metric {
                let key = key(metric, pool, *value);
                recorder.register_gauge(&key, &METADATA).set(0.0);
            }
        }
    }

    /// Publishes now and then every so often, for exporters that render whenever they are asked. Never ends: to
    /// be spawned.
    ///
    /// # Panics
    ///
    /// If `every` is zero, and outside of a Tokio runtime with a timer.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    #[cfg(feature = "rt_tokio_1")]
    pub async fn publish_every(&self, every: std::time::Duration) -> std::convert::Infallible {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.publish();
        }
    }
}

fn describe() {
    metrics::with_recorder(|recorder| {
        for metric in METRICS {
            let name = KeyName::from(metric.prometheus_name());
            let (unit, help) = (Some(unit(metric)), metric.help.into());
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, unit, help),
                Kind::UpDownCounter | Kind::Gauge => recorder.describe_gauge(name, unit, help),
                Kind::Histogram => recorder.describe_histogram(name, unit, help),
            }
        }
    });
}

/// The facade has no word for what is counted.
fn unit(metric: &Metric) -> Unit {
    match metric.unit {
        "s" => Unit::Seconds,
        _ => Unit::Count,
    }
}

fn tell(recorder: &dyn Recorder, sample: &Sample) {
    let Figure {
        metric,
        label,
        amount,
    } = &sample.figure;
    let key = key(metric, &sample.pool, *label);
    match amount {
        Amount::Level(level) => recorder.register_gauge(&key, &METADATA).set(*level as f64),
        Amount::Total(total) => recorder.register_counter(&key, &METADATA).absolute(*total),
        Amount::Times(times) => add(&recorder.register_histogram(&key, &METADATA), times),
    }
}

fn add(histogram: &metrics::Histogram, times: &Histogram) {
    for (time, count) in times.buckets() {
        histogram.record_many(time, usize::try_from(count).unwrap_or(usize::MAX));
    }
}

fn level(sample: &Sample) -> Option<Series> {
    let Figure {
        metric,
        label,
        amount: Amount::Level(_),
    } = sample.figure
    else {
        return None;
    };
    Some((metric.name, sample.pool.clone(), label))
}

fn key(metric: &Metric, pool: &Arc<str>, value: Option<&'static str>) -> Key {
    let mut labels = vec![Label::new(POOL_NAME.prometheus_name(), pool.clone())];
    if let (Some(label), Some(value)) = (metric.labels.get(1), value) {
        labels.push(Label::new(label.prometheus_name(), value));
    }
    Key::from_parts(metric.prometheus_name(), labels)
}

const METADATA: Metadata<'static> =
    Metadata::new("millpond", metrics::Level::INFO, Some(module_path!()));

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("pools", &self.pools)
            .finish_non_exhaustive()
    }
}
