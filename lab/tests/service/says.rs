//! What each address says.

use crate::stage::{S, Says, Stage};
use millpond_lab::subject::Refusal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn each_address_says_what_it_is_there_for() {
    let stage = Stage::new(3, S).await;
    assert_eq!(stage.get("/live").await.status(), 200);
    assert_eq!(stage.get("/ready").await.status(), 200);

    let (status, served) = stage.json("/query?ms=30").await;
    assert_eq!(status, 200);
    assert!(served["held_ms"].as_f64().unwrap() >= 30.0, "{served}");
    assert!(served["waited_ms"].as_f64().unwrap() >= 0.0, "{served}");

    for (path, status, error) in [
        ("/query?ms=soon", 400, "not_asked_well"),
        ("/query?ms=600000", 400, "not_asked_well"),
        ("/query?millis=3", 400, "not_asked_well"),
        ("/nothing", 404, "nothing_here"),
    ] {
        let (found, body) = stage.json(path).await;
        assert_eq!((found, body["error"].as_str()), (status, Some(error)));
        assert!(!body["reason"].as_str().unwrap().is_empty(), "{body}");
    }
    let told = stage.client.post(stage.url("/query")).send().await.unwrap();
    assert_eq!(told.status(), 405);
    let body: Value = told.json().await.unwrap();
    assert_eq!(body["error"], "only_asked", "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_debug_page_has_counts_holders_health_and_figures() {
    let stage = Stage::new(1, 10 * S).await;
    let first = stage.asks("/query?ms=1500");
    stage.until(|look| look.in_use == Some(1)).await;
    let second = stage.asks("/query?ms=0");
    stage.until(|look| look.waiting == Some(1)).await;
    let (status, seen) = stage.json("/debug/pool").await;
    assert_eq!(status, 200);
    let counts = ["max_size", "size", "in_use", "idle", "waiting"];
    let counts = counts.map(|name| seen["snapshot"][name].as_u64());
    assert_eq!(counts, [1, 1, 1, 0, 1].map(Some), "{seen}");
    assert_eq!(seen["health"]["level"], "critical");
    assert_eq!(seen["health"]["findings"][0]["text"], "1 of 1 in use");
    let holders = seen["holders"].as_array().unwrap();
    assert_eq!(holders.len(), 1, "{seen}");
    // Whose line of code took it: the service's.
    let at = holders[0]["at"].as_str().unwrap();
    assert!(at.contains("service/query.rs:"), "{at}");
    for asked in [first, second] {
        assert_eq!(asked.await.unwrap(), 200);
    }
    let (_, seen) = stage.json("/debug/pool").await;
    assert_eq!(seen["service"]["ends"]["served"], 2);
    assert_eq!(seen["stats"]["gets"]["started"], 2, "{seen}");
    assert_eq!(seen["stats"]["use_time"]["count"], 2, "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_browser_it_is_a_page_that_loads_nothing_from_elsewhere() {
    let stage = Stage::over(Arc::new(Says(|| Refusal::TimedOut)), S).await;
    let asked = stage.client.get(stage.url("/debug/pool"));
    let answer = asked.header("accept", "text/html,*/*;q=0.8").send().await;
    let answer = answer.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    // Whatever stands in it, a browser that keeps to this loads nothing.
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    let page = answer.text().await.unwrap();
    let mut addresses = page
        .match_indices("://")
        .map(|(at, _)| &page[at - 4..at + 30]);
    // The name of SVG is no address that is asked.
    let other = addresses.find(|address| !address.starts_with("http://www.w3.org/2000/svg"));
    assert_eq!(other, None);
    for loads in [
        "src=",
        "href=",
        "@import",
        "url(",
        "<link",
        "XMLHttpRequest",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("fetch(location.pathname"));
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_a_prometheus_page_with_the_pool_and_the_service() {
    let stage = Stage::new(2, S).await;
    for _ in 0..3 {
        assert_eq!(stage.get("/query").await.status(), 200);
    }
    let answer = stage.get("/metrics").await;
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(kind, "text/plain; version=0.0.4");
    let page = parsed(&answer.text().await.unwrap());
    let sum = |name: &str, with: &str| -> f64 {
        let series = page.iter();
        let those = series.filter(|(key, _)| key.starts_with(name) && key.contains(with));
        those.map(|(_, value)| value).sum()
    };
    assert_eq!(sum("db_client_connection_max{", "service-"), 2.0);
    assert_eq!(sum("millpond_gets_total{", "service-"), 3.0);
    assert_eq!(
        sum(
            "db_client_connection_use_time_seconds_bucket{",
            "le=\"+Inf\""
        ),
        3.0
    );
    assert_eq!(sum("lab_service_answers_total{", "end=\"served\""), 3.0);
    assert_eq!(sum("lab_service_answers_total{", ""), 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_another_pool_it_says_what_is_known_and_no_more() {
    let stage = Stage::over(Arc::new(Says(|| Refusal::TimedOut)), S).await;
    let page = parsed(&stage.get("/metrics").await.text().await.unwrap());
    let names: BTreeSet<_> = page
        .keys()
        .map(|key| key.split('{').next().unwrap())
        .collect();
    let known = [
        "db_client_connection_count",
        "db_client_connection_max",
        "db_client_connection_pending_requests",
        "lab_service_answers_total",
        "lab_service_returns_per_second",
    ];
    assert_eq!(names, BTreeSet::from(known));
    let (_, seen) = stage.json("/debug/pool").await;
    assert_eq!(seen["snapshot"]["in_use"], 3);
    for unknown in [
        &seen["snapshot"]["size"],
        &seen["health"],
        &seen["holders"],
        &seen["stats"],
    ] {
        assert_eq!(*unknown, Value::Null, "{seen}");
    }
    assert_eq!(stage.get("/ready").await.status(), 200);
}

/// Series and values of a page in Prometheus' text format; each belongs to a family whose type was told before.
fn parsed(page: &str) -> BTreeMap<String, f64> {
    let mut family = String::new();
    let mut series = BTreeMap::new();
    for line in page.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<_> = comment.splitn(3, ' ').collect();
            assert!(["HELP", "TYPE"].contains(&words[0]), "{line}");
            if words[0] == "TYPE" {
                assert!(
                    ["counter", "gauge", "histogram"].contains(&words[2]),
                    "{line}"
                );
            }
            family = words[1].to_owned();
            continue;
        }
        let (key, value) = line.rsplit_once(' ').unwrap();
        let name = key.split('{').next().unwrap();
        let own = name.strip_prefix(&*family);
        assert!(
            own.is_some_and(|end| ["", "_bucket", "_count", "_sum"].contains(&end)),
            "{line} after {family}"
        );
        let value = value.parse().unwrap();
        assert!(series.insert(key.to_owned(), value).is_none(), "{line}");
    }
    series
}
