//! How a service ends.

use crate::stage::{MS, S, Stage};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_ready_first_and_whoever_is_there_is_served() {
    let stage = Stage::new(1, 30 * S).await;
    let served = stage.asks("/query?ms=1500");
    stage.until(|look| look.in_use == Some(1)).await;
    let in_line = stage.asks("/query?ms=10");
    stage.until(|look| look.waiting == Some(1)).await;
    let (client, base, pool) = (stage.client.clone(), stage.service.url(), stage.pool);
    let ending = tokio::spawn(stage.service.shut_down(S, 30 * S));
    // While it tells that it ends, it listens, lives, and serves.
    let ready = format!("{base}/ready");
    let begun = Instant::now();
    let refused = loop {
        let answer = client.get(&ready).send().await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
        assert!(begun.elapsed() < 30 * S, "it stays ready");
    };
    assert_eq!(refused.status(), 503);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"], "shutting_down");
    assert!(
        !served.is_finished(),
        "it was told while the request was under way"
    );
    assert_eq!(served.await.unwrap(), 200);
    assert_eq!(in_line.await.unwrap(), 200);
    ending.await.unwrap().unwrap();
    let look = pool.look();
    assert_eq!((look.size, look.in_use), (Some(0), Some(0)), "{look:?}");
    let gone = client.get(&ready).send().await.unwrap_err();
    assert!(gone.is_connect(), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_wait_for_ever_and_says_who_it_waited_for() {
    let stage = Stage::new(1, S).await;
    let asked = stage.asks("/query?ms=4000");
    stage.until(|look| look.in_use == Some(1)).await;
    let begun = Instant::now();
    let ended = stage.service.shut_down(Duration::ZERO, 200 * MS).await;
    assert!(begun.elapsed() < 3 * S, "{:?}", begun.elapsed());
    let why = ended.unwrap_err().to_string();
    assert!(why.contains("service/query.rs:"), "{why}");
    asked.abort();
    assert!(asked.await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_dropped_leaves_its_pool_as_it_is() {
    let stage = Stage::new(2, S).await;
    assert_eq!(stage.get("/query").await.status(), 200);
    let url = stage.url("/live");
    drop(stage.service);
    let client = millpond_lab::load::client().unwrap();
    let begun = Instant::now();
    while client.get(&url).send().await.is_ok() {
        assert!(begun.elapsed() < 30 * S, "it still listens");
    }
    let caller = std::panic::Location::caller();
    let mut lease = stage.pool.get(S, caller).await.unwrap();
    lease.work(millpond_lab::subject::Work::Ask).await.unwrap();
    drop(lease);
    stage.pool.close().await;
}
