//! OpenTelemetry's metrics.

use super::figures::{Amount, Figure};
use super::ledger::{Ledger, Round, Sample};
use crate::engine::sync::{Arc, Mutex};
use crate::observe::names::{BUCKETS_SECONDS, Kind, METRICS, Metric, POOL_NAME};
use crate::observe::{Histogram, Pools};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};
use std::time::{Duration, Instant};

/// Shows the pools of a list to OpenTelemetry, those included that are listed later: from now on, whenever a
/// reader of the meter's provider collects. There is no way back; call it once for a list.
///
/// Names, units and attributes are those of the [table](crate::observe::names). Counts and totals are observed
/// when somebody collects: all of a collection are of one reading of the pools. Histograms cannot be observed, so
/// that reading records what was added to them since the last one, with the buckets of the table: it is part of
/// the same collection. A pool that has left the list is not observed any more; its histograms stand still.
///
/// # Progress
///
/// A collection never waits for a get. It costs some microseconds for a pool, what reading its
/// [`stats`](crate::managed::Pool::stats) costs, and some fifty nanoseconds for each get since the last one. It asks
/// for the health, with the provider's locks held: a [`Listener`](crate::observe::Listener) that is told of a
/// change or a leak must not make instruments there, or collect.
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
/// use millpond::observe::{Pools, export::register_opentelemetry};
///
/// let pool: Pool<Numbers> = Pool::builder(Numbers).name("numbers").build().unwrap();
/// Pools::global().list(&pool);
/// register_opentelemetry(Pools::global().clone(), &opentelemetry::global::meter("millpond"));
/// ```
pub fn register_opentelemetry(pools: Pools, meter: &Meter) {
    let histograms = METRICS
        .iter()
        .filter(|metric| metric.kind == Kind::Histogram);
    let histograms = histograms.map(|metric| (metric.name, histogram(meter, metric)));
    let source = Arc::new(Source {
        pools,
        ledger: Ledger::default(),
        histograms: histograms.collect(),
        page: Mutex::new(None),
    });
    for (row, metric) in METRICS.iter().enumerate() {
        observe(meter, &source, row, metric);
    }
}

/// What the callbacks of all instruments share.
struct Source {
    pools: Pools,
    ledger: Ledger,
    histograms: Vec<(&'static str, opentelemetry::metrics::Histogram<f64>)>,
    page: Mutex<Option<Page>>,
}

/// One reading of all pools, and which instruments have observed it.
struct Page {
    round: Arc<Round>,
    at: Instant,
    /// A bit for each row of the table.
    observed: u64,
}

fn histogram(meter: &Meter, metric: &Metric) -> opentelemetry::metrics::Histogram<f64> {
    meter
        .f64_histogram(metric.name)
        .with_description(metric.help)
        .with_unit(metric.unit)
        .with_boundaries(BUCKETS_SECONDS.to_vec())
        .build()
}

/// Instruments are not needed after this: the provider keeps their callbacks.
fn observe(meter: &Meter, source: &Arc<Source>, row: usize, metric: &'static Metric) {
    let source = Arc::clone(source);
    let (name, help, unit) = (metric.name, metric.help, metric.unit);
    match metric.kind {
        Kind::Counter => {
            let builder = meter.u64_observable_counter(name);
            let builder = builder.with_description(help).with_unit(unit);
            builder
                .with_callback(move |to| source.show(row, |of| of, to))
                .build();
        }
        Kind::UpDownCounter => {
            let builder = meter.i64_observable_up_down_counter(name);
            let builder = builder.with_description(help).with_unit(unit);
            let signed = |of| i64::try_from(of).unwrap_or(i64::MAX);
            builder
                .with_callback(move |to| source.show(row, signed, to))
                .build();
        }
        Kind::Gauge => {
            let builder = meter.u64_observable_gauge(name);
            let builder = builder.with_description(help).with_unit(unit);
            builder
                .with_callback(move |to| source.show(row, |of| of, to))
                .build();
        }
        Kind::Histogram => {}
    }
}

impl Source {
    /// Shows one row of the table.
    fn show<N>(&self, row: usize, number: impl Fn(u64) -> N, to: &dyn AsyncInstrument<N>) {
        let Some(round) = self.round_for(row) else {
            return;
        };
        let of_the_row = |sample: &&Sample| sample.figure.metric.name == METRICS[row].name;
        for sample in round.samples.iter().filter(of_the_row) {
            if let Amount::Level(amount) | Amount::Total(amount) = sample.figure.amount {
                to.observe(number(amount), &attributes(sample));
            }
        }
    }

    /// The reading that this row is to show: the last one, or a new one if the row has shown that already, for
    /// then this is another collection.
    fn round_for(&self, row: usize) -> Option<Arc<Round>> {
        let mut page = self.page.lock();
        if let Some(page) = page.as_mut().filter(|page| page.is_new_to(row)) {
            page.observed |= 1 << row;
            return Some(page.round.clone());
        }
        drop(page);
        // The pools are read, and the histograms fed, without the lock: both may run code of others.
        let fresh = self.ledger.read(&self.pools).map(Arc::new);
        if let Some(fresh) = &fresh {
            fresh.samples.iter().for_each(|sample| self.record(sample));
        }
        let mut page = self.page.lock();
        let newer = |page: &Page, round: &Round| page.round.number > round.number;
        match (fresh, &mut *page) {
            (Some(fresh), there) if there.as_ref().is_none_or(|page| !newer(page, &fresh)) => {
                *there = Some(Page::new(fresh.clone(), row));
                Some(fresh)
            }
            (_, there) => there.as_ref().map(|page| page.round.clone()),
        }
    }

    fn record(&self, sample: &Sample) {
        let Figure {
            metric,
            amount: Amount::Times(times),
            ..
        } = &sample.figure
        else {
            return;
        };
        let found = self
            .histograms
            .iter()
            .find(|(name, _)| *name == metric.name);
        if let Some((_, histogram)) = found {
            record(histogram, times, &attributes(sample));
        }
    }
}

impl Page {
    fn new(round: Arc<Round>, row: usize) -> Self {
        Self {
            round,
            at: Instant::now(),
            observed: 1 << row,
        }
    }

    /// Whether this row has not shown it yet. An old one is new to nobody: readers of which each collects other
    /// instruments would else show each other's.
    fn is_new_to(&self, row: usize) -> bool {
        self.observed & 1 << row == 0 && self.at.elapsed() < COLLECTION
    }
}

fn record(
    histogram: &opentelemetry::metrics::Histogram<f64>,
    times: &Histogram,
    attributes: &[KeyValue],
) {
    for (time, count) in times.buckets() {
        (0..count).for_each(|_| histogram.record(time.as_secs_f64(), attributes));
    }
}

fn attributes(sample: &Sample) -> Vec<KeyValue> {
    let Figure { metric, label, .. } = sample.figure;
    let mut attributes = vec![KeyValue::new(POOL_NAME.key, sample.pool.clone())];
    if let (Some(key), Some(value)) = (metric.labels.get(1), label) {
        attributes.push(KeyValue::new(key.key, value));
    }
    attributes
}

const _: () = assert!(METRICS.len() <= u64::BITS as usize, "a bit for each row");

/// No collection takes longer, from its first callback to its last.
const COLLECTION: Duration = Duration::from_secs(1);
