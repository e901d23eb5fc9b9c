//! `/live` and `/ready`: for whoever restarts the service, and for whoever sends it requests.

use super::Desk;
use super::answer::Turned;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use millpond::observe::{Observe, State as Open, Trouble};
use serde_json::{Value, json};
use std::sync::Arc;

/// The process runs, and answers. Nothing else: a service is not restarted because its database is away.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// Whether requests are well sent here. A pool that is full is no reason against it: who is sent elsewhere for that
/// fills the next one. Asks nothing of the pool but what it looks like.
pub(super) async fn ready(State(desk): State<Arc<Desk>>) -> Result<Json<Value>, Turned> {
    if desk.is_stopping() {
        return Err(not_ready("shutting_down", "the service is shutting down"));
    }
    if let Some(why) = desk.observed().and_then(|pool| trouble(&*pool)) {
        return Err(not_ready("unavailable", why));
    }
    Ok(Json(json!({ "ready": true })))
}

fn not_ready(error: &str, why: impl Into<String>) -> Turned {
    Turned::plain(StatusCode::SERVICE_UNAVAILABLE, error, why)
}

/// Why the pool can serve nobody. What it has is used on while it can make no more.
fn trouble(pool: &dyn Observe) -> Option<String> {
    if pool.state() == Open::Closed {
        return Some("the pool is closed".to_owned());
    }
    let seen = pool.snapshot()?;
    if seen.idle + seen.in_use > 0 {
        return None;
    }
    let findings = pool.health()?.findings;
    let cannot_connect = |trouble: &Trouble| {
        matches!(
            trouble,
            Trouble::ConnectFailures { .. } | Trouble::BreakerOpen
        )
    };
    let mut troubles = findings.into_iter().map(|finding| finding.trouble);
    troubles
        .find(cannot_connect)
        .map(|trouble| trouble.to_string())
}
