//! What a service can do on this machine, measured before more is asked of it.

use super::pressed::write_down;
use crate::data::Better;
use crate::load::{Answer, Fate, Shot, fire, quantile, steady};
use crate::record::Recorder;
use reqwest::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long.
pub(super) const BEFOREHAND: Duration = Duration::from_millis(1_500);
/// At which share of what it could do if nothing but the work took any time.
const LOAD: f64 = 0.8;
/// Longer than any answer takes of a service that is not overloaded.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests the service can do in a second: as many as it has connections, in the time for which one is held.
pub(super) async fn capacity(
    client: &Client,
    service: &str,
    connections: usize,
    work: Duration,
    dice: &mut fastrand::Rng,
    recorder: &Recorder,
) -> f64 {
    let url = question(service, work);
    let at_best = connections as f64 / work.as_secs_f64();
    let due = steady(Duration::ZERO, BEFOREHAND, LOAD * at_best, dice);
    let shot = |at| Shot {
        group: "beforehand",
        at,
        url: Arc::clone(&url),
        hangs_up: None,
    };
    let (shots, begun) = (due.into_iter().map(shot).collect(), Instant::now());
    let phase = recorder.phase("what it can do");
    let answers = fire(client, begun, shots, PATIENCE, book(recorder)).await;
    drop(phase);
    let held = answers.iter().filter_map(|answer| match answer.fate {
        Fate::Served { held, .. } => held,
        _ => None,
    });
    // What is usual, not the mean: a moment in which the machine stood still says nothing of all others.
    let usual = quantile(held, 0.5).max(work);
    let capacity = connections as f64 / usual.as_secs_f64();
    recorder.figure("what it can do", capacity, "/s", Better::Neither);
    capacity
}

/// A request that works for so long.
pub(super) fn question(service: &str, work: Duration) -> Arc<str> {
    format!("{service}/query?ms={}", work.as_millis()).into()
}

/// Writes down what comes of each request.
pub(super) fn book(recorder: &Recorder) -> impl Fn(&Answer) + Send + Sync + 'static {
    let book = recorder.clone();
    move |answer| write_down(&book, answer)
}
