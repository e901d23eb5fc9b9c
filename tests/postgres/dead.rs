//! Connections that died: seen when they come back, and before they are handed out.

use crate::ground::{Connecting, backend_pid, database, eventually, pool, recycling};
use millpond::Runtime;
use millpond::managed::{Manager as _, Metrics, RecycleError};
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{Connect, Ending, Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use millpond_testdb::{Database, Server, Stop};
use std::time::Duration;

/// Has the server end a backend, and waits until it has.
async fn terminate(db: &Database, pid: i32) {
    db.query(&format!("SELECT pg_terminate_backend({pid})"))
        .unwrap();
    let alive = format!("SELECT count(*)::text FROM pg_stat_activity WHERE pid = {pid}");
    eventually("the backend is gone", || {
        db.query(&alive).unwrap().as_deref() == Some("0")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_died_in_use_is_not_kept_and_says_why() {
    let db = database();
    let pool = pool(db.config(), 2);
    let client = pool.get().await.unwrap();
    assert!(client.ending().is_none());
    terminate(&db, backend_pid(&client).await).await;
    eventually("the reason is known", || client.ending().is_some()).await;
    let ending = client.ending().unwrap();
    assert_eq!(
        ending.code().map(|code| code.code()),
        Some("57P01"),
        "{ending:?}"
    );
    assert_eq!(
        ending.to_string(),
        "the connection ended: FATAL: terminating connection due to administrator command (SQLSTATE 57P01)"
    );
    assert!(
        client
            .simple_query("SELECT 1")
            .await
            .unwrap_err()
            .is_closed()
    );

    drop(client);
    assert_eq!(pool.status().size, 0, "it was not kept");
    pool.get()
        .await
        .unwrap()
        .simple_query("SELECT 1")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_died_idle_is_replaced_without_an_error() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    let pid = backend_pid(&client).await;
    drop(client);
    terminate(&db, pid).await;
    eventually("the end is seen", || {
        let mut seen = false;
        pool.retain(|client, _| {
            seen = client.ending().is_some();
            true
        });
        seen
    })
    .await;
    let client = pool.get().await.unwrap();
    assert_ne!(backend_pid(&client).await, pid);
    assert_eq!(pool.status().size, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_names_the_reason() {
    let db = database();
    let manager = Manager::new(db.config(), NoTls);
    let mut client = manager.create().await.unwrap();
    terminate(&db, backend_pid(&client).await).await;
    eventually("the reason is known", || client.ending().is_some()).await;
    assert!(manager.has_broken(&mut client));
    let refused = manager.recycle(&mut client, &Metrics::default()).await;
    let Err(RecycleError::Message(reason)) = refused else {
        panic!("no reason: {refused:?}");
    };
    assert!(reason.contains("SQLSTATE 57P01"), "{reason}");
    let refused = manager.probe(&mut client).await;
    assert!(
        matches!(refused, Err(RecycleError::Message(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_idle_ones_outlive_a_restart_by_being_replaced() {
    for how in [Stop::Fast, Stop::Immediate] {
        let server = Server::private().unwrap();
        let pool = pool(server.config("postgres"), 10);
        let mut held = Vec::new();
        for _ in 0..10 {
            held.push(pool.get().await.unwrap());
        }
        drop(held);
        assert_eq!(pool.status().available, 10);

        // The workers of this runtime go on meanwhile, and meet the ends of the connections.
        server.restart(how).unwrap();
        let uses: Vec<_> = (0..20)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let client = pool.get().await.unwrap();
                    client.simple_query("SELECT 1").await.unwrap();
                })
            })
            .collect();
        for used in uses {
            used.await.unwrap();
        }
        assert!(pool.status().size <= 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_backend_is_found_by_verified_within_its_bound() {
    let server = Server::private().unwrap();
    let pool = recycling(server.config("postgres"), RecyclingMethod::Verified)
        .recycle_timeout(Some(Duration::from_millis(200)))
        .build()
        .unwrap();
    let frozen = backend_pid(&pool.get().await.unwrap()).await;
    server.freeze_backend(frozen).unwrap();
    let client = pool.get().await.unwrap();
    assert_ne!(backend_pid(&client).await, frozen);
    server.thaw_backend(frozen).unwrap();
}

#[test]
fn a_connection_does_not_outlive_its_runtime_and_is_replaced() {
    let db = database();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    };
    let pool = pool(db.config(), 1);
    let first = runtime();
    let client = first.block_on(pool.get()).unwrap();
    drop(first);
    assert!(matches!(client.ending(), Some(Ending::TaskGone)));
    drop(client);
    let second = runtime();
    let answer = second.block_on(async {
        let client = pool.get().await.unwrap();
        client
            .query_one("SELECT 1", &[])
            .await
            .unwrap()
            .get::<_, i32>(0)
    });
    assert_eq!(answer, 1);
}

/// deadpool-postgres' way to bring a connection of one's own.
struct MyOwn;

impl Connect for MyOwn {
    fn connect(&self, config: &PgConfig) -> Connecting<'_> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let task = tokio::spawn(async move {
                let _ = connection.await;
            });
            Ok((client, task))
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_ones_own_is_looked_after_too() {
    let db = database();
    let mut config = db.config();
    config.application_name("my own");
    let manager = Manager::from_connect(config, MyOwn, ManagerConfig::default());
    let pool = Pool::builder(manager)
        .max_size(2)
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    let client = pool.get().await.unwrap();
    terminate(&db, backend_pid(&client).await).await;
    eventually("the end is seen", || client.ending().is_some()).await;
    assert!(matches!(client.ending(), Some(Ending::Unknown)));
    drop(client);
    assert_eq!(pool.status().size, 0);

    let client = pool.get().await.unwrap();
    assert_eq!(db.count_connections("my own").unwrap(), 1);
    drop(Object::take(client));
    eventually("it said goodbye", || {
        db.count_connections("my own").unwrap() == 0
    })
    .await;
}
