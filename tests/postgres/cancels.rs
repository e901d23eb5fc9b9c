//! Cancels by the user, and commits that are none.

use crate::ground::database;
use crate::ways::{By, begin, of};
use millpond::postgres::tokio_postgres::NoTls;
use std::pin::pin;
use std::time::Duration;

/// Who cancels himself, as with tokio-postgres; but there 249 of 300 such rounds end with the second query cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_is_over_when_the_server_has_acted_on_it() {
    let db = database();
    for by in [By::Tcp, By::Address, By::Socket] {
        let pool = by.pool(&db);
        let client = pool.get().await.unwrap();
        for round in 0..100 {
            let mut sleeping = pin!(client.simple_query("SELECT pg_sleep(60)"));
            let token = client.cancel_token();
            let slept = loop {
                // One that comes before the query does has nothing to cancel.
                if let Ok(slept) = tokio::time::timeout(MOMENT, &mut sleeping).await {
                    break slept;
                }
                token.cancel_query(NoTls).await.unwrap();
            };
            assert_eq!(slept.unwrap_err().code().unwrap().code(), "57014");
            let next = client.simple_query("SELECT 1").await;
            next.unwrap_or_else(|error| panic!("round {round}, {by:?}: {error:?}"));
        }
    }
}

/// Within a transaction, and through a stream that is there already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_works_wherever_it_comes_from() {
    let db = database();
    let port = db.config().get_ports()[0];
    for by in [By::Tcp, By::Address, By::Socket, By::Foreign] {
        let pool = by.pool(&db);
        let mut client = pool.get().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let token = transaction.cancel_token();
        let mut sleeping = pin!(transaction.simple_query("SELECT pg_sleep(60)"));
        let slept = loop {
            if let Ok(slept) = tokio::time::timeout(MOMENT, &mut sleeping).await {
                break slept;
            }
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", port));
            let cancel = token.cancel_query_raw(stream.await.unwrap(), NoTls);
            cancel.await.unwrap();
        };
        assert_eq!(slept.unwrap_err().code().unwrap().code(), "57014", "{by:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_became_a_rollback_is_an_error_where_that_is_wanted() {
    let db = database();
    db.query("CREATE TABLE paid (n int)").unwrap();
    for (by, strict) in By::ALL.into_iter().flat_map(|by| [(by, true), (by, false)]) {
        let what = format!("{by:?}, {strict}");
        let pool = of(by.manager(&db).strict_commit(strict));
        let pool = pool.build().unwrap();
        let mut client = pool.get().await.unwrap();
        // One in which a statement fails, with and without anybody waiting for that.
        for waits in [true, false] {
            let transaction = client.transaction().await.unwrap();
            transaction
                .batch_execute("INSERT INTO paid VALUES (1)")
                .await
                .unwrap();
            let failing = transaction.batch_execute("SELECT 1 / 0");
            match waits {
                true => drop(failing.await.unwrap_err()),
                false => begin(failing),
            }
            let committed = transaction.commit().await;
            assert_eq!(committed.is_err(), strict, "{what}");
        }
        let mut transaction = client.transaction().await.unwrap();
        let within = transaction.transaction().await.unwrap();
        within
            .batch_execute("INSERT INTO paid VALUES (2)")
            .await
            .unwrap();
        within.commit().await.unwrap();
        transaction.commit().await.unwrap();
    }
    let paid = "SELECT string_agg(DISTINCT n::text, ',') FROM paid";
    assert_eq!(db.query(paid).unwrap().as_deref(), Some("2"));
}

const MOMENT: Duration = Duration::from_millis(2);
