//! Prepares whose callers go before the server has answered: nothing stays at the server that is unknown here.

use crate::ground::{database, eventually, pool};
use crate::statements::on_the_server;
use millpond::Runtime;
use millpond::postgres::tokio_postgres::{NoTls, SimpleQueryMessage};
use millpond::postgres::{Client, Manager, Pool};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

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
    // Lost once, and kept the second time.
    transaction.prepare_cached("SELECT 7").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(on_the_server(&client).await, 23);
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(on_the_server(&client).await, 3);
    client.query_one(&mine, &[]).await.unwrap();
    for kept in ["SELECT 'kept'", "SELECT 7"] {
        let statement = client.prepare_cached(kept).await.unwrap();
        client.query_one(&statement, &[]).await.unwrap();
    }
    assert_eq!(on_the_server(&client).await, 3);
    assert_eq!(pool.stats().created, 1, "the connection is the same");
}

#[tokio::test]
async fn prepares_by_hand_that_were_dropped_leave_nothing() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut client = pool.get().await.unwrap();
    for n in 0..20 {
        begin_and_drop(client.prepare(&format!("SELECT {n}")));
    }
    // The last Close of them is on its way as soon as its task has run.
    let mut left = 20;
    for _ in 0..100 {
        left = on_the_server(&client).await;
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0);
    let transaction = client.transaction().await.unwrap();
    for n in 0..20 {
        begin_and_drop(transaction.prepare(&format!("SELECT {n}")));
    }
    transaction.commit().await.unwrap();
    assert_eq!(on_the_server(&client).await, 20);
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(on_the_server(&client).await, 0);
}

#[tokio::test]
async fn queries_by_text_that_were_dropped_leave_nothing_and_what_is_kept_stays() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut client = pool.get().await.unwrap();
    let kept = client.prepare_cached("SELECT 'kept'").await.unwrap();
    for n in 0..20 {
        begin_and_drop(client.query(&format!("SELECT {n}"), &[]));
        begin_and_drop(client.execute("SELECT 'the same'", &[]));
        begin_and_drop(client.query_one(&kept, &[]));
    }
    let transaction = client.transaction().await.unwrap();
    begin_and_drop(transaction.query_opt("SELECT 'within'", &[]));
    transaction.commit().await.unwrap();
    assert_eq!(on_the_server(&client).await, 42);
    drop(client);
    let client = pool.get().await.unwrap();
    assert_eq!(on_the_server(&client).await, 1);
    let again = client.prepare_cached("SELECT 'kept'").await.unwrap();
    client.query_one(&again, &[]).await.unwrap();
    assert_eq!(format!("{again:?}"), format!("{kept:?}"));
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

/// Polls it so many times, and drops it then.
async fn polled<F: Future>(times: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// One user: takes a connection, does this or that with it, and goes at any point.
async fn come_and_go(pool: Pool, mut dice: u64) {
    const QUERIES: [&str; 6] = [
        "SELECT 1",
        "SELECT $1::mood",
        "SELECT 'three'",
        "SELECT $1::pair",
        "SELECT no_such_column",
        "SELECT 6",
    ];
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) % sides
    };
    for _ in 0..60 {
        let mut client = pool.get().await.unwrap();
        for _ in 0..3 {
            let query = QUERIES[usize::try_from(roll(6)).unwrap()];
            let patience = u32::try_from(roll(30)).unwrap();
            match roll(4) {
                0 => drop(polled(patience, client.query_cached(query, &[])).await),
                1 => {
                    let transaction = client.transaction().await.unwrap();
                    drop(polled(patience, transaction.prepare_cached(query)).await);
                    drop(polled(patience, transaction.query(query, &[])).await);
                }
                2 => drop(polled(patience, client.query(query, &[])).await),
                _ => drop(polled(patience, client.prepare_cached(query)).await),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_and_goes_the_server_keeps_what_is_kept_here() {
    let db = database();
    db.query("CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE pair AS (one mood, two mood)")
        .unwrap();
    let manager = Manager::new(db.config(), NoTls).statement_cache_size(3);
    let builder = Pool::builder(manager).max_size(2);
    let pool = builder.runtime(Runtime::Tokio1).build().unwrap();
    let users: Vec<_> = (0..8)
        .map(|user| tokio::spawn(come_and_go(pool.clone(), user)))
        .collect();
    for user in users {
        user.await.unwrap();
    }
    // Those that were lost in a transaction are gone by now. Orphans may still be under way.
    let clients = [pool.get().await.unwrap(), pool.get().await.unwrap()];
    for client in &clients {
        let began = Instant::now();
        loop {
            let [ours, lookups, kinds] = statements(client).await;
            let right = ours == client.statement_cache.size() && lookups == kinds;
            if right && ours <= 3 {
                break;
            }
            let found = format!("{ours}, {lookups} of {kinds}, {client:?}");
            assert!(began.elapsed() < Duration::from_secs(10), "{found}");
            tokio::task::yield_now().await;
        }
    }
}

/// How many statements the server has for this connection: ours; tokio-postgres' own, which look up types; and how
/// many different ones of those.
async fn statements(client: &Client) -> [usize; 3] {
    let question = "SELECT count(*) FILTER (WHERE NOT lookup), count(*) FILTER (WHERE lookup),
            count(DISTINCT statement) FILTER (WHERE lookup)
        FROM (SELECT statement, statement LIKE '%pg_catalog.%' AS lookup FROM pg_prepared_statements) all_of_them";
    let answer = client.simple_query(question).await.unwrap();
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    [0, 1, 2].map(|column| row.unwrap().get(column).unwrap().parse().unwrap())
}
