//! Many tasks, few connections, and the server's own count of them.

use crate::ground::{backend_pid, builder, database, eventually, pool, recycling};
use millpond::observe::HandClock;
use millpond::postgres::{Object, RecyclingMethod};
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test]
async fn a_query_runs() {
    let db = database();
    let pool = pool(db.config(), 2);
    let client = pool.get().await.unwrap();
    let row = client.query_one("SELECT 1 + $1, current_database()::text", &[&2_i32]);
    let row = row.await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 3);
    assert_eq!(row.get::<_, String>(1), db.name());
}

/// What `Defaults::server` says, on a clock that is turned by hand.
#[tokio::test]
async fn by_default_a_connection_lies_ten_minutes_and_lives_thirty() {
    const MINUTE: Duration = Duration::from_secs(60);
    let db = database();
    let clock = HandClock::new();
    let pool = builder(db.config(), 2).clock(&clock).build().unwrap();
    let first = backend_pid(&pool.get().await.unwrap()).await;
    clock.advance(9 * MINUTE);
    assert_eq!(backend_pid(&pool.get().await.unwrap()).await, first);
    clock.advance(10 * MINUTE);
    assert_ne!(backend_pid(&pool.get().await.unwrap()).await, first);
    assert_eq!(pool.stats().closed.idle, 1);
    for _ in 0..5 {
        clock.advance(6 * MINUTE);
        drop(pool.get().await.unwrap());
    }
    assert_eq!(pool.stats().closed.lifetime, 1, "{:?}", pool.stats().closed);
}

/// Also where a get asks nothing of it: whatever is on the way there sees traffic.
#[tokio::test]
async fn a_keepalive_asks_the_server() {
    const MINUTE: Duration = Duration::from_secs(60);
    let db = database();
    let clock = HandClock::new();
    let kept = builder(db.config(), 1)
        .clock(&clock)
        .keepalive(Some(MINUTE));
    let kept = kept.build().unwrap();
    let pid = backend_pid(&kept.get().await.unwrap()).await;
    let other = pool(db.config(), 1);
    let other = other.get().await.unwrap();
    let heard = async || -> std::time::SystemTime {
        let last = "SELECT state_change FROM pg_stat_activity WHERE pid = $1";
        other.query_one(last, &[&pid]).await.unwrap().get(0)
    };
    let before = heard().await;
    let checks = kept.stats().checks;
    clock.advance(MINUTE);
    eventually("it is checked", || kept.stats().checks > checks).await;
    assert!(heard().await > before, "the server was asked something");
    assert_eq!(kept.snapshot().idle, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tasks_share_four_connections() {
    let db = database();
    let mut config = db.config();
    config.application_name("two hundred");
    let pool = pool(config, 4);

    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut pids = Vec::new();
                for _ in 0..5 {
                    pids.push(backend_pid(&pool.get().await.unwrap()).await);
                }
                pids
            })
        })
        .collect();
    let mut seen = 0;
    while tasks.iter().any(|task| !task.is_finished()) {
        seen = seen.max(db.count_connections("two hundred").unwrap());
        assert!(seen <= 4, "the server saw {seen} connections");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut pids = BTreeSet::new();
    for task in tasks {
        pids.extend(task.await.unwrap());
    }

    let status = pool.status();
    assert_eq!((status.size, status.available, status.waiting), (4, 4, 0));
    assert_eq!(db.count_connections("two hundred").unwrap(), status.size);
    assert_eq!(pids.len(), 4, "each query ran on one of the four");

    pool.close();
    eventually("all gone from the server", || {
        db.count_connections("two hundred").unwrap() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_gets_leave_no_connection_behind() {
    let db = database();
    let mut config = db.config();
    config.application_name("cancelled");
    let pool = pool(config, 4);
    for round in 0..100 {
        let patience = Duration::from_micros(round % 20 * 200);
        let gets = (0..4).map(|_| tokio::spawn(cancelled(pool.clone(), patience)));
        for get in gets.collect::<Vec<_>>() {
            get.await.unwrap();
        }
        if round % 10 == 0 {
            pool.retain(|_, _| false);
        }
    }
    eventually("nothing is half made", || pool.snapshot().connecting == 0).await;
    eventually("the server agrees", || {
        db.count_connections("cancelled").unwrap() == pool.status().size
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(pool.get().await.unwrap());
    }
    assert_eq!(db.count_connections("cancelled").unwrap(), 4);
}

async fn cancelled(pool: millpond::postgres::Pool, patience: Duration) {
    let use_it = async {
        let client = pool.get().await.unwrap();
        client.simple_query("SELECT 1").await.unwrap();
    };
    let _ = tokio::time::timeout(patience, use_it).await;
}

#[tokio::test]
async fn every_way_to_check_hands_the_same_connection_out_again() {
    let db = database();
    for method in [
        RecyclingMethod::Fast,
        RecyclingMethod::Verified,
        RecyclingMethod::Clean,
        RecyclingMethod::Custom("DISCARD ALL".to_owned()),
    ] {
        let pool = recycling(db.config(), method.clone()).build().unwrap();
        let first = backend_pid(&pool.get().await.unwrap()).await;
        for _ in 0..20 {
            let client = pool.get().await.unwrap();
            assert_eq!(backend_pid(&client).await, first, "{method:?}");
        }
        let client = pool.get().await.unwrap();
        assert_eq!(Object::metrics(&client).recycle_count, 21);
    }
}

#[tokio::test]
async fn a_check_that_fails_costs_the_connection_and_not_the_getter() {
    let db = database();
    let method = RecyclingMethod::Custom("SELECT 1 / (1 - n) FROM counted".to_owned());
    db.query("CREATE TABLE counted AS SELECT 0 AS n").unwrap();
    let pool = recycling(db.config(), method).build().unwrap();
    let first = backend_pid(&pool.get().await.unwrap()).await;
    assert_eq!(backend_pid(&pool.get().await.unwrap()).await, first);
    db.query("UPDATE counted SET n = 1").unwrap();
    assert_ne!(backend_pid(&pool.get().await.unwrap()).await, first);
    assert_eq!(pool.status().size, 1);
}

#[tokio::test]
async fn clean_undoes_what_the_last_user_left_behind() {
    let db = database();
    let pool = recycling(db.config(), RecyclingMethod::Clean)
        .build()
        .unwrap();
    let client = pool.get().await.unwrap();
    let leave =
        "SET statement_timeout = '7s'; SELECT pg_advisory_lock(7); CREATE TEMP TABLE rest (n int)";
    client.batch_execute(leave).await.unwrap();
    let pid = backend_pid(&client).await;
    drop(client);

    let client = pool.get().await.unwrap();
    assert_eq!(backend_pid(&client).await, pid);
    let left = "SELECT current_setting('statement_timeout'), \
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), \
        to_regclass('pg_temp.rest') IS NULL";
    let row = client.query_one(left, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "0");
    assert_eq!(row.get::<_, i64>(1), 0);
    assert!(row.get::<_, bool>(2));
}
