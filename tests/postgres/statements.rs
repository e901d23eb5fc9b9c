//! The statement cache, as the server sees it.

use crate::ground::{database, eventually, pool, recycling};
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::tokio_postgres::types::Type;
use millpond::postgres::{Client, Manager, Pool, RecyclingMethod};
use std::pin::pin;
use std::task::{Context, Waker};

/// How many statements the server keeps for this connection, beside this one.
pub(crate) async fn on_the_server(client: &Client) -> i64 {
    let count = "SELECT count(*)::text FROM pg_prepared_statements";
    let answer = client.simple_query(count).await.unwrap();
    answer
        .iter()
        .find_map(|message| match message {
            millpond::postgres::tokio_postgres::SimpleQueryMessage::Row(row) => {
                row.get(0).map(|count| count.parse().unwrap())
            }
            _ => None,
        })
        .unwrap()
}

#[tokio::test]
async fn a_statement_is_prepared_once() {
    let db = database();
    let pool = pool(db.config(), 1);
    for _ in 0..3 {
        let client = pool.get().await.unwrap();
        let statement = client.prepare_cached("SELECT 1 + $1").await.unwrap();
        let row = client.query_one(&statement, &[&1_i32]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 2);
        client
            .prepare_typed_cached("SELECT $1", &[Type::INT8])
            .await
            .unwrap();
        assert_eq!(client.statement_cache.size(), 2);
        assert_eq!(on_the_server(&client).await, 2);
    }
}

#[tokio::test]
async fn the_same_statement_at_once_is_prepared_once() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = std::sync::Arc::new(pool.get().await.unwrap());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.prepare_cached("SELECT 7").await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(on_the_server(&client).await, 1);
}

#[tokio::test]
async fn a_statement_that_fails_leaves_nothing_and_may_succeed_later() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    for _ in 0..2 {
        let failed = client.prepare_cached("SELECT n FROM later").await;
        assert_eq!(
            failed.unwrap_err().code().map(|code| code.code()),
            Some("42P01")
        );
        assert_eq!(client.statement_cache.size(), 0);
    }
    client
        .batch_execute("CREATE TABLE later (n int)")
        .await
        .unwrap();
    client.prepare_cached("SELECT n FROM later").await.unwrap();
    assert_eq!(client.statement_cache.size(), 1);
}

#[tokio::test]
async fn statements_that_fail_push_nothing_out() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    client.prepare_cached("SELECT 1").await.unwrap();
    for n in 0..300 {
        let failed = client.prepare_cached(&format!("SELECT no_{n}")).await;
        assert!(failed.is_err());
    }
    assert_eq!(client.statement_cache.size(), 1);
    assert_eq!(on_the_server(&client).await, 1);
}

#[tokio::test]
async fn a_prepare_that_is_dropped_hands_over_to_the_next() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(client.prepare_cached("SELECT 8"));
    assert!(first.as_mut().poll(&mut context).is_pending());
    let mut second = pin!(client.prepare_cached("SELECT 8"));
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    second.await.unwrap();
    assert_eq!(client.statement_cache.size(), 1);
    assert_eq!(on_the_server(&client).await, 1);
}

#[tokio::test]
async fn the_cache_is_bounded_on_both_sides() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    for n in 0..400 {
        client.prepare_cached(&format!("SELECT {n}")).await.unwrap();
        client.prepare_cached("SELECT 'often'").await.unwrap();
    }
    assert_eq!(client.statement_cache.size(), 256);
    assert_eq!(on_the_server(&client).await, 256);
    let often = client.statement_cache.remove("SELECT 'often'", &[]);
    assert!(often.is_some(), "what is used often stays");
    assert!(client.statement_cache.remove("SELECT 0", &[]).is_none());
}

#[tokio::test]
async fn the_bound_is_a_knob() {
    let db = database();
    let manager = Manager::new(db.config(), NoTls).statement_cache_size(50);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let client = pool.get().await.unwrap();
    for n in 0..1_000 {
        client.prepare_cached(&format!("SELECT {n}")).await.unwrap();
        assert!(client.statement_cache.size() <= 50);
    }
    assert_eq!(on_the_server(&client).await, 50);
}

#[tokio::test]
async fn a_bound_of_0_keeps_nothing_and_still_works() {
    let db = database();
    let manager = Manager::new(db.config(), NoTls).statement_cache_size(0);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let client = pool.get().await.unwrap();
    for _ in 0..3 {
        let statement = client.prepare_cached("SELECT 7").await.unwrap();
        let row = client.query_one(&statement, &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 7);
        let row = client.query_one_cached("SELECT 8", &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 8);
    }
    assert_eq!(client.statement_cache.size(), 0);
    assert_eq!(on_the_server(&client).await, 0);
}

#[tokio::test]
async fn a_statement_that_falls_out_while_it_is_used_works_on() {
    let db = database();
    let manager = Manager::new(db.config(), NoTls).statement_cache_size(2);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let client = pool.get().await.unwrap();
    let used = client.prepare_cached("SELECT 'used'").await.unwrap();
    for n in 0..5 {
        client.prepare_cached(&format!("SELECT {n}")).await.unwrap();
    }
    let fallen_out = client.statement_cache.remove("SELECT 'used'", &[]);
    assert!(fallen_out.is_none());
    let row = client.query_one(&used, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "used");
    assert_eq!(on_the_server(&client).await, 3);
    drop((used, row));
    assert_eq!(on_the_server(&client).await, 2);
}

#[tokio::test]
async fn all_caches_of_a_pool_can_be_cleared() {
    let db = database();
    let pool = pool(db.config(), 2);
    let (one, two) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    for client in [&one, &two] {
        client.prepare_cached("SELECT 1").await.unwrap();
        client.prepare_cached("SELECT 2").await.unwrap();
    }
    let caches = &pool.manager().statement_caches;
    caches.remove("SELECT 1", &[]);
    assert_eq!(
        (one.statement_cache.size(), two.statement_cache.size()),
        (1, 1)
    );
    caches.clear();
    assert_eq!(
        (one.statement_cache.size(), two.statement_cache.size()),
        (0, 0)
    );
    assert_eq!(on_the_server(&one).await, 0);
    drop((one, two));
    assert_eq!(format!("{caches:?}"), "StatementCaches { caches: 2 }");
    pool.close();
    assert_eq!(format!("{caches:?}"), "StatementCaches { caches: 0 }");
}

#[tokio::test]
async fn what_the_server_forgot_is_not_kept() {
    let db = database();
    for sql in ["DISCARD ALL", "select 1; deallocate all;"] {
        let method = RecyclingMethod::Custom(sql.to_owned());
        let pool = recycling(db.config(), method).build().unwrap();
        for _ in 0..3 {
            let client = pool.get().await.unwrap();
            let statement = client.prepare_cached("SELECT 1").await.unwrap();
            client.query_one(&statement, &[]).await.unwrap();
        }
        eventually("one connection", || pool.status().size == 1).await;
    }
}
