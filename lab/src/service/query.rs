//! `/query`: takes a connection, works with it, gives it back.

use super::Desk;
use super::answer::Turned;
use super::tally::End;
use crate::subject::{Lease, Refusal, Work};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// For how long the database works.
    #[serde(default)]
    ms: u64,
    /// For how long its client will wait for a connection, if not as long as the service would.
    within_ms: Option<u64>,
}

/// The answer of one that is served.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Served {
    /// How long it waited for a connection.
    pub waited_ms: f64,
    /// How long it had it.
    pub held_ms: f64,
}

pub(super) async fn query(
    State(desk): State<Arc<Desk>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Served>, Turned> {
    let asked = asked
        .map_err(|rejection| not_well(rejection.body_text()))?
        .0;
    if asked.ms > LONGEST {
        return Err(not_well(format!("ms may be {LONGEST} at most")));
    }
    let under_way = desk.tally.begin();
    let begun = Instant::now();
    let lease = match wait(&desk, &asked).await {
        Ok(lease) => Held { lease, desk: &desk },
        Err(refusal) => {
            let end = ended(&refusal);
            under_way.ended(end);
            if let Refusal::Failed(error) = &refusal {
                tracing::warn!(target: "lab::service", %error, "no connection");
            }
            return Err(Turned::away(end, &refusal, desk.turn()));
        }
    };
    let (waited, taken) = (begun.elapsed(), Instant::now());
    let worked = work(lease, &asked).await;
    if let Err(error) = worked {
        under_way.ended(End::Failed);
        tracing::warn!(target: "lab::service", %error, "the work failed");
        return Err(Turned::failed());
    }
    under_way.ended(End::Served);
    Ok(Json(Served {
        waited_ms: waited.as_secs_f64() * 1e3,
        held_ms: taken.elapsed().as_secs_f64() * 1e3,
    }))
}

async fn wait(desk: &Desk, asked: &Asked) -> Result<Box<dyn Lease>, Refusal> {
    let _waiting = desk.tally.wait();
    let own = desk.settings.wait;
    let within = asked.within_ms.map_or(own, Duration::from_millis).min(own);
    desk.pool.get(within, Location::caller()).await
}

async fn work(mut held: Held<'_>, asked: &Asked) -> Result<(), crate::Failure> {
    let work = match asked.ms {
        0 => Work::Ask,
        ms => Work::Sleep(Duration::from_millis(ms)),
    };
    held.lease.work(work).await
}

/// A connection that is noted when it comes back, also from a request whose client went away.
struct Held<'a> {
    lease: Box<dyn Lease>,
    desk: &'a Desk,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.desk.pace.returned();
    }
}

fn ended(refusal: &Refusal) -> End {
    match refusal {
        Refusal::TimedOut => End::TimedOut,
        Refusal::Shed(_) => End::Shed,
        Refusal::Closed => End::Closed,
        Refusal::Failed(_) => End::Unavailable,
    }
}

fn not_well(reason: String) -> Turned {
    Turned::plain(StatusCode::BAD_REQUEST, "not_asked_well", reason)
}

/// Nobody holds a connection for longer, in milliseconds.
const LONGEST: u64 = 60_000;
