//! Connections that died: seen when they come back, and before they are handed out.

use crate::ground::{Connecting, backend_pid, builder, database, eventually, pool, recycling};
use millpond::Runtime;
use millpond::managed::{Manager as _, Metrics, RecycleError};
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{
    Connect, Ending, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod,
};
use millpond_testdb::{Database, Server, Stop};
use std::time::{Duration, Instant};

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
    eventually("it is gone by itself", || pool.status().size == 0).await;
    assert_eq!(pool.stats().closed.broken, 1);
    let client = pool.get().await.unwrap();
    assert_ne!(backend_pid(&client).await, pid);
    assert_eq!(pool.status().size, 1);
}

/// Nobody asks for it, and the pool has no task: the task that drove it tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_die_idle_leave_within_a_tenth_of_a_second() {
    let db = database();
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let pool = builder(db.config(), 8).queue_mode(mode).build().unwrap();
        let mut held = Vec::new();
        let mut pids = Vec::new();
        for _ in 0..8 {
            let client = pool.get().await.unwrap();
            pids.push(backend_pid(&client).await);
            held.push(client);
        }
        drop(held);
        eventually("all are back", || pool.snapshot().idle == 8).await;
        let pids: Vec<_> = pids[..6].iter().map(i32::to_string).collect();
        let end = format!(
            "SELECT bool_and(pg_terminate_backend(pid, 10000))::text FROM unnest('{{{}}}'::int[]) pid",
            pids.join(",")
        );
        assert_eq!(db.query(&end).unwrap().as_deref(), Some("true"));
        let ended = Instant::now();
        eventually("they are gone", || pool.snapshot().idle == 2).await;
        let took = ended.elapsed();
        assert!(took < Duration::from_millis(100), "{took:?}");
        assert_eq!(pool.snapshot().size, 2, "the others are where they were");
        assert_eq!(pool.stats().closed.broken, 6);
        assert_eq!(pool.stats().checks + pool.stats().check_failures, 0);
    }
}

/// What the server says last is not told to any request, and is seen on the wire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ran_out_of_its_time_is_gone_and_says_why() {
    let db = database();
    for (setting, left, code) in [
        ("idle_session_timeout", "SELECT 1", "57P05"),
        ("idle_in_transaction_session_timeout", "BEGIN", "25P03"),
    ] {
        let mut config = db.config();
        config.options(format!("-c {setting}=50"));
        let pool = pool(config, 1);
        let client = pool.get().await.unwrap();
        client.simple_query(left).await.unwrap();
        eventually("the reason is known", || client.ending().is_some()).await;
        let ending = client.ending().unwrap();
        assert_eq!(ending.code().map(|code| code.code()), Some(code));
        drop(client);
        assert_eq!(pool.stats().closed.broken, 1, "{setting}");
    }
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
