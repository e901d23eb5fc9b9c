//! What the pool says of itself is what the server says of it: `pg_stat_activity`, by the application's name.

use crate::ground::{backend_pid, database, eventually, pool};
use millpond::postgres::tokio_postgres::Config as PgConfig;
use millpond::postgres::{Object, Pool};
use millpond_testdb::Database;
use std::time::{Duration, Instant};

const NAME: &str = "agreement";

fn config(db: &Database) -> PgConfig {
    let mut config = db.config();
    config.application_name(NAME);
    config
}

/// The pool's own figures agree with one another; and with the server, once that has seen the last goodbye.
/// `taken`: connections that are out of the pool for good, and open.
async fn agree(pool: &Pool, db: &Database, taken: usize) {
    eventually("all are gone that were closed", || {
        let closed = pool.stats().closed.total();
        pool.stats().created - closed == pool.snapshot().size as u64
    })
    .await;
    let (now, stats) = (pool.snapshot(), pool.stats());
    assert_eq!((now.connecting, now.waiting), (0, 0), "at rest: {now:?}");
    assert_eq!(now.idle + now.in_use, now.size, "{now:?}");
    assert_eq!(pool.checkouts().len(), now.in_use);
    assert_eq!(stats.gets.started, stats.gets.ended(), "{stats:?}");
    let expected = now.size + taken;
    eventually("the server counts as many", move || {
        db.count_connections(NAME).unwrap() == expected
    })
    .await;
}

async fn held(pool: &Pool, count: usize) -> Vec<Object> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(pool.get().await.unwrap());
    }
    held
}

/// Uses all connections until the pool has found so many dead, in a check or when they came back.
async fn for_dead(pool: &Pool, count: u64) {
    let began = Instant::now();
    loop {
        let closed = pool.stats().closed;
        if closed.check_failed + closed.broken == count {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{closed:?}");
        drop(held(pool, pool.snapshot().max_size).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_counts_what_the_pool_counts_whatever_has_happened() {
    let db = database();
    let pool = pool(config(&db), 5);
    agree(&pool, &db, 0).await;

    // Some held, the others idle.
    drop(held(&pool, 5).await);
    let mut out = held(&pool, 2).await;
    assert_eq!(pool.snapshot().idle, 3);
    agree(&pool, &db, 0).await;

    // Taken out of the pool, and still open.
    let client = Object::take(out.pop().unwrap());
    agree(&pool, &db, 1).await;
    drop(client);
    agree(&pool, &db, 0).await;

    // Shrunk with some idle, and below what is out; and grown again.
    out.extend(held(&pool, 2).await);
    pool.resize(2);
    agree(&pool, &db, 0).await;
    assert_eq!(pool.snapshot().in_use, 3, "a hold outlives the shrink");
    out.clear();
    agree(&pool, &db, 0).await;
    assert_eq!(pool.snapshot().size, 2);
    pool.resize(4);
    drop(held(&pool, 4).await);
    agree(&pool, &db, 0).await;
    assert_eq!(pool.stats().closed.surplus, 2);

    // Ended by the server: one that is out, and one that lies idle and is found out by the next get.
    let out = held(&pool, 2).await;
    let idle_one = held(&pool, 1).await;
    let (used, idle) = (backend_pid(&out[0]).await, backend_pid(&idle_one[0]).await);
    drop(idle_one);
    for pid in [used, idle] {
        db.query(&format!("SELECT pg_terminate_backend({pid})"))
            .unwrap();
    }
    eventually("the pool knows of the one that is out", || {
        out[0].ending().is_some()
    })
    .await;
    drop(out);
    for_dead(&pool, 2).await;
    drop(held(&pool, 4).await);
    agree(&pool, &db, 0).await;
    assert_eq!(pool.snapshot().size, 4);

    // Turned down, by the pool's user.
    pool.retain(|_, metrics| metrics.recycle_count == 0);
    agree(&pool, &db, 0).await;

    // Closed with one out.
    let last = held(&pool, 1).await;
    pool.close();
    agree(&pool, &db, 0).await;
    assert_eq!(pool.snapshot().size, 1);
    drop(last);
    agree(&pool, &db, 0).await;
    assert_eq!(db.count_connections(NAME).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_many_gets_and_cancels_at_once_the_server_counts_what_the_pool_counts() {
    let db = database();
    let pool = pool(config(&db), 4);
    let churn = |seed: u64| {
        let pool = pool.clone();
        async move {
            for turn in seed..seed + 40 {
                let patience = Duration::from_micros(turn % 7 * 500);
                let used = tokio::time::timeout(patience, async {
                    let client = pool.get().await.unwrap();
                    client.simple_query("SELECT 1").await.unwrap();
                    client
                });
                match used.await {
                    Ok(client) if turn % 9 == 0 => drop(Object::take(client)),
                    Ok(_) | Err(_) => {}
                }
            }
        }
    };
    let tasks: Vec<_> = (0..16).map(|seed| tokio::spawn(churn(seed))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    eventually("nothing is half made", || {
        let now = pool.snapshot();
        (now.connecting, now.in_use, now.waiting) == (0, 0, 0)
    })
    .await;
    agree(&pool, &db, 0).await;
    let stats = pool.stats();
    assert_eq!(stats.gets.started, 16 * 40);
    assert!(
        stats.gets.cancelled > 0 && stats.closed.taken > 0,
        "{stats:?}"
    );
    pool.close();
    agree(&pool, &db, 0).await;
}
