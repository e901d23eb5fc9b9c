//! What it costs that a connection is watched. Timed, and so ignored: run them in a release build, on a machine with
//! nothing else to do:
//!
//! ```text
//! cargo test --release --features postgres --test postgres -- --ignored --nocapture cost
//! ```

use crate::ground::database;
use crate::ways::By;
use millpond::postgres::{Client, Pool, tokio_postgres};
use std::time::{Duration, Instant};

/// The best of several rounds, in which both take turns.
async fn best_of(rounds: usize, clients: [&Client; 2], statement: &str) -> [Duration; 2] {
    let mut best = [Duration::MAX; 2];
    let mut statements = Vec::new();
    for client in clients {
        statements.push(client.prepare(statement).await.unwrap());
    }
    for _ in 0..rounds {
        for (at, client) in clients.into_iter().enumerate() {
            let began = Instant::now();
            let rows = read(client, &statements[at]).await;
            assert!(rows > 0);
            best[at] = best[at].min(began.elapsed());
        }
    }
    best
}

async fn read(client: &tokio_postgres::Client, statement: &tokio_postgres::Statement) -> usize {
    client.query(statement, &[]).await.unwrap().len()
}

fn ratio([watched, plain]: [Duration; 2]) -> f64 {
    watched.as_secs_f64() / plain.as_secs_f64()
}

#[ignore = "timed; see above"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_rows_are_not_slower_by_more_than_two_in_a_hundred() {
    let db = database();
    let (watched, plain) = (By::Tcp.pool(&db), By::Foreign.pool(&db));
    let (watched, plain) = (watched.get().await.unwrap(), plain.get().await.unwrap());
    assert!(watched.is_watched() && !plain.is_watched());
    let million = "SELECT n, n::text FROM generate_series(1, 1000000) n";
    let best = best_of(15, [&watched, &plain], million).await;
    println!("a million rows: {best:?}, {:.4}", ratio(best));
    assert!(ratio(best) < 1.02, "{best:?}");
}

#[ignore = "timed; see above"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_row_is_not_slower_by_more_than_five_in_a_hundred() {
    let db = database();
    let (watched, plain) = (By::Tcp.pool(&db), By::Foreign.pool(&db));
    let (watched, plain) = (watched.get().await.unwrap(), plain.get().await.unwrap());
    let best = best_of(20_000, [&watched, &plain], "SELECT 1").await;
    println!("one row: {best:?}, {:.4}", ratio(best));
    assert!(ratio(best) < 1.05, "{best:?}");
}

/// How many of those that come back idle have to go through the background, because the driver was not done yet.
#[ignore = "timed; see above"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn most_that_come_back_idle_are_idle_at_once() {
    async fn use_it(pool: &Pool, times: usize) {
        for _ in 0..times {
            let client = pool.get().await.unwrap();
            let statement = client.prepare_cached("SELECT 1").await.unwrap();
            assert_eq!(read(&client, &statement).await, 1);
        }
    }
    let db = database();
    let pool = By::Tcp.pool(&db);
    use_it(&pool, 1_000).await;
    let before = pool.stats().tidied;
    let began = Instant::now();
    use_it(&pool, 20_000).await;
    let each = began.elapsed() / 20_000;
    let tidied = pool.stats().tidied - before;
    println!("get, query, return: {each:?} each; {tidied} of 20000 through the background");
    assert!(tidied < 2_000, "{tidied}");
}
