use super::*;
use std::collections::BTreeSet;

const NAME: &[&str] = &["db.client.connection.pool.name"];

/// What the conventions say of connection pools: name, instrument, unit, required attributes.
const CONVENTION: [(&str, &str, &str, &[&str]); 9] = [
    (
        "db.client.connection.count",
        "updowncounter",
        "{connection}",
        &[
            "db.client.connection.pool.name",
            "db.client.connection.state",
        ],
    ),
    (
        "db.client.connection.idle.max",
        "updowncounter",
        "{connection}",
        NAME,
    ),
    (
        "db.client.connection.idle.min",
        "updowncounter",
        "{connection}",
        NAME,
    ),
    (
        "db.client.connection.max",
        "updowncounter",
        "{connection}",
        NAME,
    ),
    (
        "db.client.connection.pending_requests",
        "updowncounter",
        "{request}",
        NAME,
    ),
    (
        "db.client.connection.timeouts",
        "counter",
        "{timeout}",
        NAME,
    ),
    ("db.client.connection.create_time", "histogram", "s", NAME),
    ("db.client.connection.wait_time", "histogram", "s", NAME),
    ("db.client.connection.use_time", "histogram", "s", NAME),
];

#[test]
fn what_the_conventions_name_is_exactly_as_they_have_it() {
    let ours = METRICS
        .iter()
        .filter(|metric| metric.source == Source::SemConv);
    let ours = ours.map(|metric| {
        let instrument = match metric.kind {
            Kind::Counter => "counter",
            Kind::UpDownCounter => "updowncounter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<_> = metric.labels.iter().map(|label| label.key).collect();
        (metric.name, instrument, metric.unit, labels)
    });
    let theirs = CONVENTION.map(|(name, kind, unit, labels)| (name, kind, unit, labels.to_vec()));
    assert_eq!(ours.collect::<BTreeSet<_>>(), BTreeSet::from(theirs));
    assert!(STATE.allows("idle") && STATE.allows("used") && !STATE.allows("open"));
    assert_eq!(STATE.values.len(), 2);
}

#[test]
fn what_they_do_not_name_is_named_as_ours() {
    for metric in METRICS {
        let theirs = metric.name.starts_with("db.client.connection.");
        assert_eq!(theirs, metric.source == Source::SemConv, "{metric:?}");
        assert_ne!(theirs, metric.name.starts_with("millpond."), "{metric:?}");
    }
}

#[test]
fn names_are_unique_with_dots_and_on_a_prometheus_page() {
    let dotted: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(dotted.len(), METRICS.len());
    let series = || METRICS.iter().flat_map(Metric::prometheus_series);
    let families = METRICS.iter().map(Metric::prometheus_name);
    // A histogram's family has the name of no series, and no series the name of another family.
    let histograms = METRICS
        .iter()
        .filter(|metric| metric.kind == Kind::Histogram);
    let all: BTreeSet<_> = series().chain(families).collect();
    assert_eq!(all.len(), series().count() + histograms.count());
}

#[test]
fn names_are_valid_on_a_prometheus_page() {
    let valid = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    for metric in METRICS {
        for series in metric.prometheus_series() {
            assert!(valid(&series), "{series}");
        }
        for label in metric.labels {
            assert!(valid(&label.prometheus_name()), "{label:?}");
            assert!(
                label.values.iter().all(|(value, _)| valid(value)),
                "{label:?}"
            );
        }
    }
}

#[test]
fn units_end_and_counters_total_as_opentelemetry_translates_them() {
    let names = [
        (CONNECTION_COUNT, "db_client_connection_count"),
        (CONNECTION_IDLE_MAX, "db_client_connection_idle_max"),
        (PENDING_REQUESTS, "db_client_connection_pending_requests"),
        (TIMEOUTS, "db_client_connection_timeouts_total"),
        (WAIT_TIME, "db_client_connection_wait_time_seconds"),
        (CHECK_TIME, "millpond_connection_check_time_seconds"),
        (GETS, "millpond_gets_total"),
        (LEAKS_SUSPECTED, "millpond_leaks_suspected"),
        (HEALTH, "millpond_health"),
    ];
    for (metric, name) in names {
        assert_eq!(metric.prometheus_name(), name);
    }
    assert_eq!(
        USE_TIME.prometheus_series()[0],
        "db_client_connection_use_time_seconds_bucket"
    );
    assert_eq!(
        POOL_NAME.prometheus_name(),
        "db_client_connection_pool_name"
    );
}

#[test]
fn every_metric_tells_pools_apart_and_says_what_it_is() {
    for metric in METRICS {
        assert_eq!(metric.labels[0], POOL_NAME, "{metric:?}");
        assert!(
            metric.help.len() > 10 && !metric.help.ends_with('.'),
            "{metric:?}"
        );
        let keys: BTreeSet<_> = metric.labels.iter().map(|label| label.key).collect();
        assert_eq!(keys.len(), metric.labels.len(), "{metric:?}");
        for label in metric.labels {
            let values: BTreeSet<_> = label.values.iter().map(|(value, _)| value).collect();
            assert_eq!(values.len(), label.values.len(), "{label:?}");
        }
    }
}

#[test]
fn buckets_rise_from_microseconds_to_seconds() {
    assert!(BUCKETS_SECONDS.is_sorted_by(|below, above| below < above));
    assert_eq!(BUCKETS_SECONDS.first(), Some(&0.000_01));
    assert_eq!(BUCKETS_SECONDS.last(), Some(&10.0));
}
