//! `/metrics`: the pool under millpond's names, and the service under its own.

use super::Desk;
use crate::Failure;
use crate::subject::Look;
use ::metrics::{counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use millpond::observe::names::{self, Metric};
use millpond::observe::{Pools, export};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The page, with a recorder of its own: two services in one process do not see one another.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    // Whoever publishes renders, before the next one publishes.
    exporter: Mutex<Option<export::Metrics>>,
}

impl Metrics {
    /// Of the pools on that list, if ours can be there.
    pub(super) fn new(listed: &Pools, exported: bool) -> Result<Self, Failure> {
        let mut builder = PrometheusBuilder::new();
        let histograms = names::METRICS.iter();
        for histogram in histograms.filter(|metric| metric.kind == names::Kind::Histogram) {
            let name = Matcher::Full(histogram.prometheus_name());
            builder = builder.set_buckets_for_metric(name, &names::BUCKETS_SECONDS)?;
        }
        let recorder = builder.build_recorder();
        Ok(Self {
            handle: recorder.handle(),
            recorder,
            exporter: Mutex::new(exported.then(|| export::Metrics::new(listed.clone()))),
        })
    }

    fn render(&self, desk: &Desk) -> String {
        let exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner);
        with_local_recorder(&self.recorder, || {
            match &*exporter {
                Some(exporter) => exporter.publish(),
                None => publish(&desk.settings.kind, &desk.pool.look()),
            }
            publish_service(desk);
        });
        self.handle.render()
    }
}

pub(super) async fn page(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let page = desk.metrics.render(&desk);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], page)
}

/// A pool that millpond's exporters cannot look at: what is known of it, and what is not known is absent.
fn publish(pool: &str, look: &Look) {
    let tell = |metric: &Metric, label: Option<(String, &str)>, value: Option<usize>| {
        let Some(value) = value else { return };
        let mut labels = vec![(names::POOL_NAME.prometheus_name(), pool.to_owned())];
        labels.extend(label.map(|(label, value)| (label, value.to_owned())));
        describe_gauge!(metric.prometheus_name(), metric.help);
        gauge!(metric.prometheus_name(), &labels).set(value as f64);
    };
    let state = |state| Some((names::STATE.prometheus_name(), state));
    tell(
        &names::CONNECTION_COUNT,
        state(names::state::IDLE),
        look.idle,
    );
    tell(
        &names::CONNECTION_COUNT,
        state(names::state::USED),
        look.in_use,
    );
    tell(&names::CONNECTION_MAX, None, look.max);
    tell(&names::PENDING_REQUESTS, None, look.waiting);
    tell(&names::CONNECTING, None, look.connecting);
    let health = look.health.map(|level| level as usize);
    tell(&names::HEALTH, None, health);
}

fn publish_service(desk: &Desk) {
    describe_counter!(
        ANSWERS,
        "Requests of /query that ended since the start, by how"
    );
    for (end, count) in desk.tally.ends() {
        counter!(ANSWERS, "end" => end.name()).absolute(count);
    }
    describe_gauge!(
        RETURNS,
        "Connections that come back in a second, as seen lately"
    );
    gauge!(RETURNS).set(desk.pace.per_second().unwrap_or(0.0));
}

const ANSWERS: &str = "lab_service_answers_total";
const RETURNS: &str = "lab_service_returns_per_second";

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
