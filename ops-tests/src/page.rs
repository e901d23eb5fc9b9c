//! `docs/metrics.md`, made of the table.

use millpond::observe::names::{
    BUCKETS_SECONDS, Kind, Label, METRICS, Metric, OUTCOME, POOL_NAME, REASON, STATE, Source,
};
use std::fmt::Write;

/// The page as it should be.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let of = |source| METRICS.iter().filter(move |metric| metric.source == source);
    page.push_str(CONVENTION);
    page.push_str(COLUMNS);
    of(Source::SemConv).for_each(|metric| push_row(&mut page, metric));
    page.push_str(OURS);
    page.push_str(COLUMNS);
    of(Source::Millpond).for_each(|metric| push_row(&mut page, metric));
    page.push_str(LABELS);
    for label in [POOL_NAME, STATE, OUTCOME, REASON] {
        push_label(&mut page, &label);
    }
    let buckets: Vec<_> = BUCKETS_SECONDS.iter().map(f64::to_string).collect();
    write!(page, "{BUCKETS}\n\n```text\n{}\n```\n", buckets.join(" ")).expect("a string grows");
    page
}

fn push_row(page: &mut String, metric: &Metric) {
    let labels = metric.labels.iter().filter(|label| **label != POOL_NAME);
    let labels: Vec<_> = labels
        .map(|label| format!("`{}`", label.prometheus_name()))
        .collect();
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::UpDownCounter => "up-down counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let (name, unit, help) = (metric.name, metric.unit, metric.help);
    let (prometheus, labels) = (metric.prometheus_name(), labels.join(", "));
    writeln!(
        page,
        "| `{name}` | `{prometheus}` | {kind} | `{unit}` | {labels} | {help} |"
    )
    .expect("a string grows");
}

fn push_label(page: &mut String, label: &Label) {
    let (key, prometheus, help) = (label.key, label.prometheus_name(), label.help);
    let title = if key == prometheus {
        format!("`{key}`")
    } else {
        format!("`{key}`, `{prometheus}`")
    };
    writeln!(page, "\n### {title}\n\n{help}.").expect("a string grows");
    if label.values.is_empty() {
        return;
    }
    page.push_str("\n| value | meaning |\n| --- | --- |\n");
    for (value, meaning) in label.values {
        writeln!(page, "| `{value}` | {meaning} |").expect("a string grows");
    }
}

/// Where it is.
pub const PAGE: &str = "docs/metrics.md";
/// What to do about a stale one.
pub const STALE: &str = "docs/metrics.md is stale: run `cargo xtask metrics`";

const HEAD: &str = r#"# Metrics

Made by `cargo xtask metrics` from the table in [src/observe/names.rs](../src/observe/names.rs); do not edit
it. `cargo xtask test` fails if it is stale. Alert rules and a dashboard over these names: [ops/](../ops/README.md).
What to do when one of them looks wrong: [runbook.md](runbook.md).

A name with dots is what OpenTelemetry sees, the one with underscores stands on a Prometheus page. A
histogram has three series there: the name with `_bucket`, `_count` and `_sum`. Every series has the label
`db_client_connection_pool_name`. `promtool check metrics` objects to one of these names, OpenTelemetry's
`db_client_connection_count`: it would leave `_count` to histograms.

Off by default: the features `metrics` and `opentelemetry` bring the two exporters below. Both look at the pools of
a list when somebody collects, and add nothing to the way of a get. A figure that a kind of pool does not have (an
unmanaged pool keeps no statistics) is absent, not 0; every value of a label is there from the start.

## To Prometheus

With millpond's feature `metrics`, and the crates `metrics` and `metrics-exporter-prometheus`, or another exporter
for the `metrics` facade:

```rust
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use millpond::observe::{Pools, export::Metrics, names};

# fn main() -> Result<(), Box<dyn std::error::Error>> {
# let pool = millpond::unmanaged::Pool::from(vec![7]);
let mut builder = PrometheusBuilder::new();
for histogram in names::METRICS.iter().filter(|metric| metric.kind == names::Kind::Histogram) {
    let name = Matcher::Full(histogram.prometheus_name());
    builder = builder.set_buckets_for_metric(name, &names::BUCKETS_SECONDS)?;
}
let page = builder.install_recorder()?;
let metrics = Metrics::new(Pools::global().clone());
Pools::global().list(&pool); // each pool, when it is built

metrics.publish(); // whenever the page is asked for
let text = page.render();
# assert!(text.contains("db_client_connection_count{"));
# Ok(())
# }
```

Without the buckets that exporter makes summaries, and the alert rules want histograms. Where it serves the page
itself (`with_http_listener`) nobody can publish first: `tokio::spawn(async move {
metrics.publish_every(Duration::from_secs(5)).await })` does so all the time. When a pool is gone its gauges are set
to 0, since the facade cannot take them away; its counters stand still, and go on if another pool takes its name.

## To OpenTelemetry

With millpond's feature `opentelemetry`, which is for version 0.33 of that crate:

```rust
use millpond::observe::{Pools, export::register_opentelemetry};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

# let pool = millpond::unmanaged::Pool::from(vec![7]);
let exporter = InMemoryMetricExporter::default(); // in its place, that of your backend
let reader = PeriodicReader::builder(exporter).build();
let provider = SdkMeterProvider::builder().with_reader(reader).build();
register_opentelemetry(Pools::global().clone(), &provider.meter("millpond"));
Pools::global().list(&pool); // each pool, when it is built
```

Counts are observed; what was added to the histograms is recorded on the way, and is part of the same
collection. A histogram appears with its first value, as there is no other way; a pool that is gone disappears.
"#;

const CONVENTION: &str = "
## OpenTelemetry's

Names, kinds, units and labels as the [semantic conventions for database
clients](https://opentelemetry.io/docs/specs/semconv/db/database-metrics/) have them under \"connection pools\".
";

const OURS: &str = "
## Ours

What the conventions have no name for.
";

const COLUMNS: &str = "
| OpenTelemetry | Prometheus | kind | unit | labels | meaning |
| --- | --- | --- | --- | --- | --- |
";

const LABELS: &str = "
## Labels
";

const BUCKETS: &str = "
## Buckets

Upper bounds of all histograms, in seconds:";
