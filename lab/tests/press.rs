//! `lab press`: what a service does wrong under more than it can do is found by what its clients see of it.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use millpond_lab::data::{Run, Verdict};
use millpond_lab::press::{PressArgs, press};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);
const PLACES: usize = 4;
const WORK: Duration = Duration::from_millis(400);
/// So many may wait: for a second and a half.
const LINE: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_found_by_its_name() {
    let all = [
        (Does::Well, None),
        (
            Does::Fails,
            Some("everybody is answered: served, or 503 or 429"),
        ),
        (
            Does::SaysNoTime,
            Some("who is turned away is told when to come again"),
        ),
        (
            Does::SaysAnyTime,
            Some("Retry-After is what the rate of returns says"),
        ),
        (
            Does::SaysItLate,
            Some("who is turned away hears of it within his budget"),
        ),
        (
            Does::ServesLate,
            Some("who is served is served within his budget"),
        ),
        (
            Does::ServesFew,
            Some("it goes on serving as many as it can"),
        ),
        (
            Does::Everything,
            Some("it was more than the service can do"),
        ),
    ];
    // Not all at once: they measure times.
    for some in all.chunks(4) {
        let asked = some.iter().map(|(does, missed)| found(*does, *missed));
        asked.collect::<JoinSet<_>>().join_all().await;
    }
}

async fn found(does: Does, missed: Option<&str>) {
    let run = pressed(&start(does).await).await;
    let checks = run.checks.iter().filter(|check| !check.holds);
    let checks: Vec<_> = checks.map(|check| (&*check.name, &*check.found)).collect();
    match missed {
        None => assert!(run.passed(), "{does:?}: {checks:?}, {:?}", run.verdict),
        Some(name) => {
            assert_eq!(run.verdict, Verdict::Failed, "{does:?}");
            let named = checks.iter().any(|(other, _)| *other == name);
            assert!(named, "{does:?}: {checks:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_breaks_the_run_and_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = pressed(&address).await;
    let Verdict::Broken(why) = &run.verdict else {
        panic!("{:?}", run.verdict);
    };
    assert!(why.contains("connection refused"), "{why}");
    let senseless = PressArgs {
        capacity: 0.0,
        ..args(&address)
    };
    let why = press(&senseless).await.unwrap_err().to_string();
    assert!(why.contains("--capacity 0"), "{why}");
}

fn args(service: &str) -> PressArgs {
    PressArgs {
        service: service.to_owned(),
        capacity: PLACES as f64 / WORK.as_secs_f64(),
        path: "/work".to_owned(),
        ready: "/ready".to_owned(),
        times: 2.0,
        budget_ms: 3_000,
        seconds: 6.0,
        out: None,
        seed: Some(7),
    }
}

async fn pressed(service: &str) -> Run {
    let report = press(&args(service)).await.unwrap();
    report.cases.into_iter().next().unwrap().runs.remove(0)
}

/// What a service does when it has more than it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Well,
    /// 500.
    Fails,
    /// 503, and no Retry-After.
    SaysNoTime,
    /// A minute, always.
    SaysAnyTime,
    /// 503 after four seconds.
    SaysItLate,
    /// Twice as many may wait as can be served in time.
    ServesLate,
    /// Half of its places stay empty.
    ServesFew,
    /// It can do more than was said.
    Everything,
}

/// A service with places and a line of its own, no pool.
async fn start(does: Does) -> String {
    let places = match does {
        Does::ServesFew => PLACES / 2,
        Does::Everything => 100,
        _ => PLACES,
    };
    let line = match does {
        Does::ServesLate => 3 * LINE,
        Does::ServesFew => LINE / 2,
        _ => LINE,
    };
    let (places, line) = (
        Arc::new(Semaphore::new(places)),
        Arc::new(Semaphore::new(line)),
    );
    let work = move || -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>> {
        let (places, line) = (Arc::clone(&places), Arc::clone(&line));
        Box::pin(async move {
            let Ok(in_line) = line.try_acquire() else {
                return turned(does).await;
            };
            let place = places.acquire().await.unwrap();
            drop(in_line);
            sleep(WORK).await;
            drop(place);
            StatusCode::OK.into_response()
        })
    };
    let app = Router::new()
        .route("/work", get(work))
        .route("/ready", get(|| async { "yes" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn turned(does: Does) -> Response {
    let full = StatusCode::SERVICE_UNAVAILABLE;
    match does {
        Does::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Does::SaysNoTime => full.into_response(),
        Does::SaysAnyTime => (full, [("retry-after", "60")]).into_response(),
        Does::SaysItLate => {
            sleep(4_000 * MS).await;
            (full, [("retry-after", "2")]).into_response()
        }
        _ => (full, [("retry-after", "2")]).into_response(),
    }
}
