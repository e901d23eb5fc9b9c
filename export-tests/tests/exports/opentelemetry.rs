//! What OpenTelemetry's SDK collects, by its exporter in memory.

use crate::expected::{Figure, Series, Sum, assert_same, expected, row, value};
use crate::pools::{Scene, Scripted};
use millpond::managed::Pool;
use millpond::observe::Pools;
use millpond::observe::export::register_opentelemetry;
use millpond::observe::names::{BUCKETS_SECONDS, Kind, POOL_NAME};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Histogram, Metric, MetricData, ResourceMetrics,
};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, InMemoryMetricExporterBuilder, PeriodicReader, SdkMeterProvider,
    Temporality,
};
use std::collections::BTreeMap;

/// A provider with a reader of its own for each exporter, which collect when they are told.
struct Collector {
    provider: SdkMeterProvider,
    exporters: Vec<InMemoryMetricExporter>,
}

impl Collector {
    fn of(pools: &Pools, temporalities: &[Temporality]) -> Self {
        let exporter = |temporality: &Temporality| {
            let builder = InMemoryMetricExporterBuilder::new();
            builder.with_temporality(*temporality).build()
        };
        let exporters: Vec<_> = temporalities.iter().map(exporter).collect();
        let readers = exporters.iter().cloned();
        let readers = readers.map(|exporter| PeriodicReader::builder(exporter).build());
        let provider = readers.fold(SdkMeterProvider::builder(), |builder, reader| {
            builder.with_reader(reader)
        });
        let provider = provider.build();
        register_opentelemetry(pools.clone(), &provider.meter("millpond"));
        Self {
            provider,
            exporters,
        }
    }

    /// One collection by each reader; what the last exporter got of it.
    fn collect(&self) -> BTreeMap<Series, Figure> {
        self.exporters
            .iter()
            .for_each(InMemoryMetricExporter::reset);
        self.provider.force_flush().expect("it collects");
        self.got(self.exporters.len() - 1)
    }

    fn got(&self, exporter: usize) -> BTreeMap<Series, Figure> {
        let got = self.exporters[exporter].get_finished_metrics();
        let got = got.expect("it has collected");
        assert_eq!(got.len(), 1, "one collection");
        read(&got[0])
    }
}

/// Every series of a collection. Fails at whatever is not in the table: a name, a kind, a unit, a help, an
/// attribute, a bound.
fn read(got: &ResourceMetrics) -> BTreeMap<Series, Figure> {
    let metrics = got.scope_metrics().flat_map(|scope| scope.metrics());
    let mut seen = BTreeMap::new();
    for (key, figure) in metrics.flat_map(read_metric) {
        let before = seen.insert(key, figure);
        assert_eq!(before, None, "twice");
    }
    seen
}

fn read_metric(metric: &Metric) -> Vec<(Series, Figure)> {
    let row = row(metric.name());
    assert_eq!((metric.unit(), metric.description()), (row.unit, row.help));
    let number = |number: f64| Figure::Number(number);
    match (row.kind, metric.data()) {
        (Kind::Counter, AggregatedMetrics::U64(MetricData::Sum(sum))) => {
            assert!(sum.is_monotonic(), "{}", row.name);
            let points = sum.data_points();
            let points =
                points.map(|of| (series(row.name, of.attributes()), number(of.value() as f64)));
            points.collect()
        }
        (Kind::UpDownCounter, AggregatedMetrics::I64(MetricData::Sum(sum))) => {
            assert!(!sum.is_monotonic(), "{}", row.name);
            let points = sum.data_points();
            let points =
                points.map(|of| (series(row.name, of.attributes()), number(of.value() as f64)));
            points.collect()
        }
        (Kind::Gauge, AggregatedMetrics::U64(MetricData::Gauge(gauge))) => {
            let points = gauge.data_points();
            let points =
                points.map(|of| (series(row.name, of.attributes()), number(of.value() as f64)));
            points.collect()
        }
        (Kind::Histogram, AggregatedMetrics::F64(MetricData::Histogram(histogram))) => {
            read_histogram(row.name, histogram)
        }
        (kind, data) => panic!("{} is {kind:?}, and told as {data:?}", row.name),
    }
}

fn read_histogram(name: &'static str, histogram: &Histogram<f64>) -> Vec<(Series, Figure)> {
    let read = |of: &opentelemetry_sdk::metrics::data::HistogramDataPoint<f64>| {
        assert!(of.bounds().eq(BUCKETS_SECONDS), "{name}");
        let up_to = of.bucket_counts().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        // The last is without a bound.
        let up_to = up_to.take(BUCKETS_SECONDS.len()).collect();
        let (count, sum) = (of.count(), Sum(of.sum()));
        let figure = Figure::Times { up_to, count, sum };
        (series(name, of.attributes()), figure)
    };
    histogram.data_points().map(read).collect()
}

fn series<'a>(name: &'static str, attributes: impl Iterator<Item = &'a KeyValue>) -> Series {
    let told = attributes.map(|of| (of.key.to_string(), of.value.to_string()));
    let mut told: BTreeMap<_, _> = told.collect();
    let pool = told.remove(POOL_NAME.key).expect("the pool's name");
    let row = row(name);
    let label = row.labels.get(1).and_then(|label| told.remove(label.key));
    assert!(
        told.is_empty(),
        "{name}: attributes that are not in the table: {told:?}"
    );
    (name, pool, value(row, label.as_deref()))
}

/// A histogram cannot be shown before something is recorded.
fn without_empty_ones(mut all: BTreeMap<Series, Figure>) -> BTreeMap<Series, Figure> {
    all.retain(|_, figure| !matches!(figure, Figure::Times { count: 0, .. }));
    all
}

#[tokio::test]
async fn a_collection_has_the_table_and_the_figures_of_the_pools_and_nothing_else() {
    let scene = Scene::new().await;
    let collector = Collector::of(&scene.pools, &[Temporality::Cumulative]);
    let first = collector.collect();
    let expected_at_first = without_empty_ones(expected(&scene));
    assert_same(&first, &expected_at_first);
    let times = |name| {
        matches!(
            expected_at_first[&(name, "busy".to_owned(), "")],
            Figure::Times { .. }
        )
    };
    assert!(times("db.client.connection.wait_time") && times("db.client.connection.use_time"));

    // Again: nothing is counted twice, and what has happened since is part of the same collection.
    drop(scene.fresh.get().await.expect("made"));
    drop(scene.fresh.get().await.expect("idle"));
    assert_same(&collector.collect(), &without_empty_ones(expected(&scene)));
}

#[tokio::test]
async fn two_readers_get_the_same_whoever_collects_first() {
    let scene = Scene::new().await;
    let collector = Collector::of(&scene.pools, &[Temporality::Cumulative; 2]);
    for _ in 0..3 {
        collector.collect();
        let expected = without_empty_ones(expected(&scene));
        assert_same(&collector.got(0), &expected);
        assert_same(&collector.got(1), &expected);
        drop(scene.fresh.get().await.expect("made, then idle"));
    }
}

fn pool(name: &str) -> Pool<Scripted> {
    let builder = Pool::builder(Scripted::default()).name(name).max_size(3);
    builder.build().expect("it builds")
}

fn number(
    all: &BTreeMap<Series, Figure>,
    metric: &'static str,
    label: &'static str,
) -> Option<f64> {
    match all.get(&(metric, "main".to_owned(), label))? {
        Figure::Number(number) => Some(*number),
        Figure::Times { count, .. } => Some(*count as f64),
    }
}

#[tokio::test]
async fn with_deltas_each_collection_has_what_was_added_since() {
    let (pools, main) = (Pools::new(), pool("main"));
    pools.list(&main);
    let collector = Collector::of(&pools, &[Temporality::Delta]);
    for (gets, created) in [(3, 1.0), (0, 0.0), (5, 0.0)] {
        for _ in 0..gets {
            drop(main.get().await.expect("made, then idle"));
        }
        let got = collector.collect();
        assert_eq!(number(&got, "millpond.gets", "created"), Some(created));
        let told = |metric| number(&got, metric, "").unwrap_or(0.0);
        assert_eq!(told("db.client.connection.wait_time"), f64::from(gets));
        assert_eq!(told("db.client.connection.use_time"), f64::from(gets));
        let idle = number(&got, "db.client.connection.count", "idle");
        assert!(idle.is_some(), "a level has no delta of its own: {got:?}");
    }
}

#[tokio::test]
async fn a_pool_that_is_gone_is_not_observed_and_who_takes_its_name_counts_on() {
    let (pools, main) = (Pools::new(), pool("main"));
    let collector = Collector::of(&pools, &[Temporality::Cumulative]);
    pools.list(&main);
    drop(main.get().await);
    let got = collector.collect();
    assert_eq!(number(&got, "db.client.connection.max", ""), Some(3.0));
    assert_eq!(
        number(&got, "millpond.gets", "shed"),
        Some(0.0),
        "from the start"
    );
    drop(main);
    let got = collector.collect();
    let times = |(metric, ..): &Series| row(metric).kind == Kind::Histogram;
    assert!(
        got.keys().all(times),
        "only histograms stand: {:?}",
        got.keys()
    );

    let main = pool("main");
    pools.list(&main);
    for _ in 0..3 {
        drop(main.get().await);
    }
    let got = collector.collect();
    assert_eq!(number(&got, "millpond.gets", "created"), Some(2.0));
    assert_eq!(number(&got, "millpond.gets", "at_once"), Some(2.0));
    assert_eq!(
        number(&got, "db.client.connection.wait_time", ""),
        Some(4.0)
    );
}

/// With two threads that flush while others get: no deadlock, and at the end nothing is missing.
#[test]
fn collections_from_many_threads_lose_nothing() {
    const GETS: u32 = 2_000;
    let (pools, main) = (Pools::new(), pool("main"));
    pools.list(&main);
    let collector = Collector::of(&pools, &[Temporality::Cumulative; 2]);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let runtime = runtime.expect("a runtime");
                for _ in 0..GETS {
                    drop(runtime.block_on(main.get()).expect("one each"));
                }
            });
        }
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..50 {
                    collector.provider.force_flush().expect("it collects");
                }
            });
        }
    });
    let got = collector.collect();
    assert_eq!(
        number(&got, "db.client.connection.use_time", ""),
        Some(f64::from(3 * GETS))
    );
}
