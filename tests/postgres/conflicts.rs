//! Transactions that lose against others, and are tried again.

use crate::ground::{database, pool};
use crate::transact::{accounts, count, is_outside};
use millpond::postgres::tokio_postgres::IsolationLevel;
use millpond::postgres::{Class, Retry, RunError, TransactionPlan};
use millpond_testdb::Server;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Barrier;

const SERIALIZABLE: IsolationLevel = IsolationLevel::Serializable;

/// The other transaction does all of its work between two statements of the first attempt.
#[tokio::test]
async fn who_loses_a_conflict_between_serializable_transactions_wins_at_the_next_attempt() {
    let db = accounts();
    let pool = pool(db.config(), 2);
    let attempts = AtomicU32::new(0);
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let retry = Retry::new().tell(move |retrying| {
        log.lock().unwrap().push((retrying.failed, retrying.class));
    });
    let plan = TransactionPlan::new().isolation_level(SERIALIZABLE);
    let sum: i64 = pool
        .transaction_with(plan.clone().retry(retry), async |tx| {
            let first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
            let row = tx.query_one("SELECT sum(sum) FROM accounts", &[]).await?;
            tx.execute("INSERT INTO accounts VALUES (10, 1)", &[])
                .await?;
            if first {
                let other = async |tx: &mut millpond::postgres::Transaction<'_>| {
                    tx.query_one("SELECT sum(sum) FROM accounts", &[]).await?;
                    tx.execute("INSERT INTO accounts VALUES (11, 1)", &[])
                        .await?;
                    Ok::<_, RunError>(())
                };
                pool.transaction_with(plan.clone(), other).await?;
            }
            Ok::<i64, RunError>(row.get(0))
        })
        .await
        .unwrap();
    assert_eq!(sum, 201, "the second attempt sees what the other did");
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert_eq!(*told.lock().unwrap(), [(1, Class::Conflict)]);
    assert_eq!(count(&db, "accounts"), "4");
}

/// The commit itself is refused there, and leaves neither an open transaction nor a warning behind.
#[tokio::test]
async fn a_conflict_that_comes_out_at_the_commit_is_tried_again_too() {
    let server = Server::private().unwrap();
    let db = server.database().unwrap();
    db.query("CREATE TABLE t (n int)").unwrap();
    db.query("CREATE TABLE u (n int)").unwrap();
    let pool = pool(db.config(), 2);
    let attempts = AtomicU32::new(0);
    let plan = TransactionPlan::new().isolation_level(SERIALIZABLE);
    let refused = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&refused);
    let retry = Retry::new().tell(move |retrying| log.lock().unwrap().push(retrying.class));
    pool.transaction_with(plan.clone().retry(retry), async |tx| {
        let first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        tx.query_one("SELECT count(*) FROM t", &[]).await?;
        tx.execute("INSERT INTO u VALUES (1)", &[]).await?;
        if first {
            let other = async |tx: &mut millpond::postgres::Transaction<'_>| {
                tx.query_one("SELECT count(*) FROM u", &[]).await?;
                tx.execute("INSERT INTO t VALUES (1)", &[]).await?;
                Ok::<_, RunError>(())
            };
            pool.transaction_with(plan.clone(), other).await?;
        }
        // All statements of the attempt that fails were answered.
        Ok::<_, RunError>(())
    })
    .await
    .unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert_eq!(*refused.lock().unwrap(), [Class::Conflict]);
    assert_eq!((count(&db, "t"), count(&db, "u")), ("1".into(), "1".into()));
    for _ in 0..2 {
        assert!(is_outside(&pool.get().await.unwrap()).await);
    }
    let log = server.log_tail().unwrap();
    assert!(log.contains("could not serialize access"), "{log}");
    assert!(!log.contains("no transaction in progress"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_of_a_deadlock_get_through() {
    let db = accounts();
    let pool = pool(db.config(), 2);
    let both_hold_one = Arc::new(Barrier::new(2));
    let attempts = Arc::new(AtomicU32::new(0));
    let sides = [(1, 2), (2, 1)].map(|(one, other)| {
        let (pool, meet, attempts) = (pool.clone(), both_hold_one.clone(), attempts.clone());
        tokio::spawn(async move {
            let own = AtomicU32::new(0);
            let lock = "UPDATE accounts SET sum = sum + 1 WHERE id = $1";
            pool.transaction(async |tx| {
                attempts.fetch_add(1, Ordering::Relaxed);
                tx.execute(lock, &[&one]).await?;
                if own.fetch_add(1, Ordering::Relaxed) == 0 {
                    meet.wait().await;
                }
                tx.execute(lock, &[&other]).await?;
                Ok::<_, RunError>(())
            })
            .await
        })
    });
    for side in sides {
        side.await.unwrap().unwrap();
    }
    assert_eq!(attempts.load(Ordering::Relaxed), 3, "one of them lost once");
    let sums = db.query("SELECT string_agg(sum::text, ',') FROM accounts");
    assert_eq!(sums.unwrap().as_deref(), Some("102,102"));
}

const CONFLICT: &str = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$";

#[tokio::test]
async fn attempts_are_bounded_and_the_last_error_is_told() {
    let db = database();
    let pool = pool(db.config(), 1);
    let attempts = AtomicU32::new(0);
    let retry = Retry::new()
        .attempts(3)
        .pauses(Duration::from_millis(1), Duration::from_millis(2));
    let plan = TransactionPlan::new().retry(retry);
    let error = pool
        .transaction_with(plan, async |tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            tx.batch_execute(CONFLICT).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        })
        .await
        .unwrap_err();
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
    let error = error.downcast::<millpond::postgres::tokio_postgres::Error>();
    assert_eq!(error.unwrap().code().unwrap().code(), "40001");
}
