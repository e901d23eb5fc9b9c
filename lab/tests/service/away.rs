//! Who is turned away, and what he is told.

use crate::stage::{MS, S, Saying, Says, Stage};
use millpond_lab::load::until_ready;
use millpond_lab::subject::Refusal;
use millpond_testdb::{Server, Stop};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

const SECRET: &str = "hunter2";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_pool_says_it_is_503_with_a_reason_a_time_and_no_secret() {
    let cases: [(Saying, &str, &str); 5] = [
        (|| Refusal::Shed(Some(2_300 * MS)), "overloaded", "3"),
        (|| Refusal::Shed(None), "overloaded", "1"),
        (|| Refusal::TimedOut, "timed_out", "1"),
        (|| Refusal::Closed, "shutting_down", "1"),
        (
            || Refusal::Failed(format!("password {SECRET} is wrong").into()),
            "unavailable",
            "1",
        ),
    ];
    for (says, error, retry_after) in cases {
        let stage = Stage::over(Arc::new(Says(says)), S).await;
        let answer = stage.get("/query").await;
        assert_eq!(answer.status(), 503, "{error}");
        assert_eq!(answer.headers()["retry-after"], retry_after, "{error}");
        let body = answer.text().await.unwrap();
        assert!(!body.contains(SECRET), "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"], error);
        assert!(body["reason"].as_str().unwrap().len() > 10, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_as_long_as_he_may_is_told_when_it_would_be_his_turn() {
    let stage = Stage::new(1, 10 * S).await;
    // One comes back every 100 ms, so that the service knows how fast they do.
    for _ in 0..8 {
        assert_eq!(stage.get("/query?ms=100").await.status(), 200);
    }
    let line: Vec<_> = (0..9).map(|_| stage.asks("/query?ms=400")).collect();
    stage.until(|look| look.waiting == Some(8)).await;
    let begun = Instant::now();
    let answer = stage.get("/query?within_ms=100").await;
    let took = begun.elapsed();
    assert_eq!(answer.status(), 503);
    let seconds: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let body: serde_json::Value = answer.json().await.unwrap();
    // Nine turns, each of 100 ms as far as was seen, or a little more on a busy machine.
    let ms = body["retry_after_ms"].as_u64().unwrap();
    assert!((900..4_000).contains(&ms), "{body}");
    assert_eq!(seconds, ms.div_ceil(1_000));
    assert!(took < 2 * S, "{took:?}");
    for asked in line {
        assert_eq!(asked.await.unwrap(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let stage = Stage::new(1, 10 * S).await;
    let first = stage.asks("/query?ms=1500");
    stage.until(|look| look.in_use == Some(1)).await;
    let second = stage.asks("/query?ms=0");
    stage.until(|look| look.waiting == Some(1)).await;
    for asked in [first, second] {
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
    }
    stage
        .until(|look| (look.in_use, look.waiting) == (Some(0), Some(0)))
        .await;
    let (_, seen) = stage.json("/debug/pool").await;
    assert_eq!(seen["service"]["ends"]["gone_away"], 2, "{seen}");
    assert_eq!(stage.get("/query").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_it_lives_is_not_ready_and_comes_back() {
    let server = Arc::new(spawn_blocking(Server::private).await.unwrap().unwrap());
    let database = spawn_blocking({
        let server = Arc::clone(&server);
        move || server.database().unwrap()
    });
    let database = database.await.unwrap();
    let stage = Stage::on(database, 2, 2 * S).await;
    let other = Arc::clone(&server);
    spawn_blocking(move || other.stop(Stop::Fast).unwrap())
        .await
        .unwrap();
    let (status, body) = stage.json("/query").await;
    assert_eq!((status, body["error"].as_str()), (503, Some("unavailable")));
    assert!(
        !body["reason"].as_str().unwrap().contains("127.0.0.1"),
        "{body}"
    );
    // As soon as it has met that what it had is dead.
    let begun = Instant::now();
    while stage.json("/ready").await.0 != 503 {
        assert!(begun.elapsed() < 60 * S, "it stays ready");
        tokio::time::sleep(20 * MS).await;
    }
    let (_, body) = stage.json("/ready").await;
    assert_eq!(body["error"], "unavailable", "{body}");
    assert_eq!(stage.get("/live").await.status(), 200);
    let other = Arc::clone(&server);
    spawn_blocking(move || other.start().unwrap())
        .await
        .unwrap();
    // Nobody helps but those who ask.
    let begun = Instant::now();
    while stage.get("/query").await.status() != 200 {
        assert!(begun.elapsed() < 60 * S, "it does not come back");
        tokio::time::sleep(20 * MS).await;
    }
    assert_eq!(stage.get("/ready").await.status(), 200);
    stage
        .service
        .shut_down(Duration::ZERO, 10 * S)
        .await
        .unwrap();
    spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_told_of_in_clear_words() {
    let client = millpond_lab::load::client().unwrap();
    let within = 200 * MS;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/ready", listener.local_addr().unwrap());
    let silent = until_ready(&client, &address, within)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        silent.contains("something listens there, and gave no answer"),
        "{silent}"
    );
    drop(listener);
    let refused = until_ready(&client, &address, within)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("connection refused: nothing listens there"),
        "{refused}"
    );
    assert!(refused.contains(&address), "{refused}");
    let stage = Stage::over(Arc::new(Says(|| Refusal::Closed)), S).await;
    let said = until_ready(&client, &stage.url("/query"), within)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("it answers 503 Service Unavailable: {\"error\":\"shutting_down\""),
        "{said}"
    );
    until_ready(&client, &stage.url("/ready"), within)
        .await
        .unwrap();
    let no_address = until_ready(&client, "localhost", within)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        no_address.contains("\"localhost\" is no address"),
        "{no_address}"
    );
}
