//! Prepares whose callers go before the server has answered: nothing stays at the server that is unknown here.

use crate::ground::{database, eventually, pool};
use crate::statements::on_the_server;
use millpond::postgres::Client;
use std::pin::pin;
use std::task::{Context, Waker};

/// Polls it once, so that its request is on its way, and drops it.
fn begin_and_drop(future: impl Future) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
}

/// All that was queued before has been answered, and the tasks that waited for it have run.
async fn settled(client: &Client, kept: usize) {
    client.batch_execute("").await.unwrap();
    eventually("every orphan is seen through", || {
        client.statement_cache.size() == kept
    })
    .await;
}

#[tokio::test]
async fn prepares_that_were_dropped_are_seen_through_and_kept() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    for n in 0..20 {
        begin_and_drop(client.prepare_cached(&format!("SELECT {n}")));
    }
    settled(&client, 20).await;
    assert_eq!(on_the_server(&client).await, 20);
    for n in 0..20 {
        client.prepare_cached(&format!("SELECT {n}")).await.unwrap();
    }
    assert_eq!(on_the_server(&client).await, 20);
    // What is known is closed when nobody wants it.
    client.statement_cache.clear();
    assert_eq!(on_the_server(&client).await, 0);
}

#[tokio::test]
async fn a_prepare_that_was_dropped_and_pushed_out_leaves_nothing() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    for n in 0..20 {
        begin_and_drop(client.prepare_cached(&format!("SELECT {n}")));
        client.statement_cache.clear();
    }
    client.batch_execute("").await.unwrap();
    // The last Close of them is on its way as soon as its task has run.
    let mut left = 20;
    for _ in 0..100 {
        left = on_the_server(&client).await;
        if left == 0 {
            break;
        }
    }
    assert_eq!((left, client.statement_cache.size()), (0, 0));
}

#[tokio::test]
async fn a_dropped_prepare_with_a_type_of_its_own_is_seen_through() {
    let db = database();
    db.query("CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE pair AS (one mood, two mood[])")
        .unwrap();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    begin_and_drop(client.prepare_cached("SELECT $1::pair"));
    settled(&client, 1).await;
    // And tokio-postgres' own, which look up the types: one each for types, enums and composites.
    assert_eq!(on_the_server(&client).await, 4);
}

#[tokio::test]
async fn a_dropped_prepare_that_fails_leaves_nothing() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    begin_and_drop(client.prepare_cached("SELECT no_such_column"));
    client.prepare_cached("SELECT 1").await.unwrap();
    assert_eq!(client.statement_cache.size(), 1);
    assert_eq!(on_the_server(&client).await, 1);
}

#[tokio::test]
async fn callers_that_only_wait_and_go_send_nothing() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    let mut first = pin!(client.prepare_cached("SELECT 1"));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    for _ in 0..10 {
        begin_and_drop(client.prepare_cached("SELECT 1"));
    }
    first.await.unwrap();
    assert_eq!(client.statement_cache.size(), 1);
    assert_eq!(on_the_server(&client).await, 1);
}

#[tokio::test]
async fn a_transaction_takes_the_client_back_and_what_was_lost_is_closed_on_return() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut client = pool.get().await.unwrap();
    for n in 0..20 {
        begin_and_drop(client.prepare_cached(&format!("SELECT {n}")));
    }
    let transaction = client.transaction().await.unwrap();
    transaction.prepare_cached("SELECT 'kept'").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(client.statement_cache.size(), 1);
    assert_eq!(on_the_server(&client).await, 21);
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(client.statement_cache.size(), 1);
    assert_eq!(on_the_server(&client).await, 1);
    assert_eq!(pool.stats().created, 1, "the connection is the same");
}

#[tokio::test]
async fn prepares_that_were_dropped_in_a_transaction_are_closed_on_return() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut client = pool.get().await.unwrap();
    client.prepare_cached("SELECT 'kept'").await.unwrap();
    let mine = client.prepare("SELECT 'mine'").await.unwrap();
    let transaction = client.transaction().await.unwrap();
    for n in 0..20 {
        begin_and_drop(transaction.prepare_cached(&format!("SELECT {n}")));
    }
    // Known by now, and lost before that: closed as well, since they cannot be told apart.
    transaction.prepare_cached("SELECT 7").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(on_the_server(&client).await, 23);
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(on_the_server(&client).await, 2);
    client.query_one(&mine, &[]).await.unwrap();
    client.query_one_cached("SELECT 'kept'", &[]).await.unwrap();
    client.query_one_cached("SELECT 7", &[]).await.unwrap();
    assert_eq!(on_the_server(&client).await, 3);
    assert_eq!(pool.stats().created, 1, "the connection is the same");
}

#[tokio::test]
async fn a_connection_whose_lookups_were_lost_is_not_kept() {
    let db = database();
    db.query("CREATE TYPE mood AS ENUM ('calm')").unwrap();
    let pool = pool(db.config(), 1);
    let mut client = pool.get().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    // Dropped while tokio-postgres prepares its own statement, for the type.
    let mut context = Context::from_waker(Waker::noop());
    let mut prepare = Box::pin(transaction.prepare_cached("SELECT $1::mood"));
    assert!(prepare.as_mut().poll(&mut context).is_pending());
    transaction.batch_execute("").await.unwrap();
    assert!(prepare.as_mut().poll(&mut context).is_pending());
    drop(prepare);
    transaction.prepare_cached("SELECT $1::mood").await.unwrap();
    transaction.commit().await.unwrap();
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(pool.stats().created, 2);
    assert_eq!(on_the_server(&client).await, 0);
}

#[tokio::test]
async fn a_prepare_that_is_forgotten_does_not_keep_the_client() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut client = pool.get().await.unwrap();
    let mut prepare = Box::pin(client.prepare_cached("SELECT 1"));
    let mut context = Context::from_waker(Waker::noop());
    assert!(prepare.as_mut().poll(&mut context).is_pending());
    std::mem::forget(prepare);
    client.transaction().await.unwrap().commit().await.unwrap();
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(on_the_server(&client).await, 0);
}
