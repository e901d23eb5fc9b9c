//! `/debug/pool`: what the pool looks like now, who holds its connections, how it feels, what it has done; for a program
//! as JSON, for a browser as a page that draws the same. For operators: it names files and lines.

use super::Desk;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY};
use axum::response::{Html, IntoResponse, Response};
use millpond::observe::{Checkout, Health, Histogram, Observe, Stats};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn pool(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let common = [(CACHE_CONTROL, "no-store"), (VARY, "accept")];
    if wants_html(&headers) {
        let policy = [(CONTENT_SECURITY_POLICY, POLICY)];
        return (common, policy, Html(PAGE)).into_response();
    }
    (common, Json(seen(&desk))).into_response()
}

/// A browser names it first; a program that takes anything gets JSON.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let mut kinds = accepts
        .unwrap_or_default()
        .split(',')
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.find(|kind| ["text/html", "application/json"].contains(kind)) == Some("text/html")
}

fn seen(desk: &Desk) -> Value {
    let look = desk.pool.look();
    let observed = desk.observed();
    let observed = observed.as_deref();
    let ends = desk.tally.ends();
    let ends: Map<_, _> = ends
        .map(|(end, count)| (end.name().to_owned(), count.into()))
        .collect();
    json!({
        "pool": {
            "kind": desk.settings.kind,
            "name": desk.name,
            "state": observed.map(|pool| pool.state().name()),
        },
        "snapshot": {
            "max_size": look.max,
            "size": look.size,
            "connecting": look.connecting,
            "in_use": look.in_use,
            "idle": look.idle,
            "waiting": look.waiting,
        },
        "health": match observed.and_then(Observe::health) {
            Some(health) => of_health(&health),
            None => json!(look.health.map(|level| json!({ "level": level, "findings": [] }))),
        },
        "holders": observed.and_then(Observe::checkouts).map(of_holders),
        "stats": observed.and_then(Observe::stats).map(|stats| of_stats(&stats)),
        "service": {
            "up_s": desk.begun.elapsed().as_secs_f64(),
            "stopping": desk.is_stopping(),
            "wait_ms": ms(desk.settings.wait),
            "returns_per_second": desk.pace.per_second(),
            "next_turn_ms": desk.turn().map(ms),
            "ends": ends,
        },
    })
}

fn of_health(health: &Health) -> Value {
    let findings = health.findings.iter().map(|finding| {
        json!({
            "level": finding.level.name(),
            "trouble": finding.trouble.name(),
            "text": finding.trouble.to_string(),
        })
    });
    json!({ "level": health.level.name(), "findings": findings.collect::<Vec<_>>() })
}

fn of_holders(holders: Vec<Checkout>) -> Value {
    let holders = holders.into_iter().map(|holder| {
        json!({
            "id": holder.id,
            "held_ms": ms(holder.held),
            "at": format!("{}:{}", holder.caller.file(), holder.caller.line()),
            "label": holder.label.as_deref(),
            "task": holder.task,
        })
    });
    holders.collect()
}

fn of_stats(stats: &Stats) -> Value {
    let gets = &stats.gets;
    let closed = millpond::observe::CloseReason::ALL.iter();
    let closed: Map<_, _> = closed
        .map(|reason| (reason.name().to_owned(), stats.closed.of(*reason).into()))
        .collect();
    json!({
        "gets": {
            "started": gets.started,
            "at_once": gets.at_once,
            "after_waiting": gets.after_waiting,
            "created": gets.created,
            "timed_out": gets.timed_out.total(),
            "cancelled": gets.cancelled,
            "failed": gets.failed,
            "shed": gets.shed,
            "closed": gets.closed,
        },
        "created": stats.created,
        "create_failures": stats.create_failures,
        "checks": stats.checks,
        "check_failures": stats.check_failures,
        "closed": closed,
        "leaks": stats.leaks,
        "wait_time": of_times(&stats.wait_time),
        "connect_time": of_times(&stats.connect_time),
        "check_time": of_times(&stats.check_time),
        "use_time": of_times(&stats.use_time),
    })
}

fn of_times(times: &Histogram) -> Value {
    let at = |share| times.quantile(share).map(ms);
    json!({
        "count": times.count(),
        "mean_ms": times.mean().map(ms),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "max_ms": at(1.0),
    })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// It draws itself, and asks nobody but this address.
const PAGE: &str = include_str!("debug.html");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'";

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_browser_gets_the_page_and_a_program_gets_json() {
        let cases = [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("text/html;q=0.9", true),
            ("application/json", false),
            ("application/json, text/html", false),
            ("*/*", false),
            ("", false),
        ];
        for (accept, html) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_html(&headers), html, "{accept}");
        }
        assert!(!wants_html(&HeaderMap::new()));
    }
}
