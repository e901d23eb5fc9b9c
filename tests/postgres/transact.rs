//! `Pool::transaction`: begun, done, committed; rolled back in any other case; again where that helps.

use crate::ground::{database, eventually, pool};
use millpond::postgres::tokio_postgres::{IsolationLevel, SimpleQueryMessage};
use millpond::postgres::{Client, Retry, RunError, RunFailure, TransactionPlan};
use millpond_testdb::{Database, Server};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

pub(crate) fn accounts() -> Database {
    accounts_on(Server::shared().unwrap_or_else(|e| panic!("{e}")))
}

fn accounts_on(server: &Server) -> Database {
    let db = server.database().unwrap();
    db.query("CREATE TABLE accounts (id int PRIMARY KEY, sum int NOT NULL)")
        .unwrap();
    db.query("INSERT INTO accounts VALUES (1, 100), (2, 100)")
        .unwrap();
    db
}

/// Whether what is done on it now commits by itself. Asked as one message: an extended query is several.
pub(crate) async fn is_outside(client: &Client) -> bool {
    let asked = client.simple_query("SELECT now() = statement_timestamp()");
    let answer = asked.await.unwrap();
    let is_true = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t"));
    answer.iter().any(is_true)
}

pub(crate) fn count(db: &Database, table: &str) -> String {
    let rows = db.query(&format!("SELECT count(*) FROM {table}"));
    rows.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_done_is_committed_and_its_value_returned() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    let sum = pool
        .transaction(async |tx| {
            tx.execute("UPDATE accounts SET sum = sum - 1 WHERE id = 1", &[])
                .await?;
            let row = tx.query_one("SELECT sum FROM accounts WHERE id = 1", &[]);
            Ok::<i32, RunError>(row.await?.get(0))
        })
        .await
        .unwrap();
    assert_eq!(sum, 99);
    let seen = db.query("SELECT sum FROM accounts WHERE id = 1").unwrap();
    assert_eq!(seen.as_deref(), Some("99"));
    assert!(is_outside(&pool.get().await.unwrap()).await);
}

#[tokio::test]
async fn what_would_fail_again_is_given_at_once() {
    let db = database();
    let pool = pool(db.config(), 1);
    let attempts = AtomicU32::new(0);
    let error = pool
        .transaction(async |tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            tx.query("SELECT * FROM nothing_of_that_name", &[]).await?;
            Ok::<_, RunError>(())
        })
        .await
        .unwrap_err();
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    assert_eq!(error.code().unwrap().code(), "42P01");
    assert!(error.is_permanent());
    assert!(is_outside(&pool.get().await.unwrap()).await);
}

/// An error of the closure's own, that has nothing to do with PostgreSQL.
#[tokio::test]
async fn who_says_no_rolls_back() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    let refused: Result<(), _> = pool
        .transaction(async |tx| {
            tx.execute("DELETE FROM accounts", &[]).await?;
            Err(std::io::Error::other("no").into())
        })
        .await
        .map_err(|error: Box<dyn std::error::Error + Send + Sync>| error.to_string());
    assert_eq!(refused, Err("no".to_owned()));
    assert_eq!(count(&db, "accounts"), "2");
}

#[tokio::test]
async fn a_panic_rolls_back() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.transaction(async |tx| {
                tx.execute("DELETE FROM accounts", &[]).await?;
                assert!(tx.client().is_closed(), "the closure panics");
                Ok::<_, RunError>(())
            })
            .await
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    let client = pool.get().await.unwrap();
    assert!(is_outside(&client).await);
    assert_eq!(count(&db, "accounts"), "2");
    assert_eq!(pool.snapshot().size, 1);
}

#[tokio::test]
async fn a_cancel_rolls_back() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    let deleted = Arc::new(Notify::new());
    let task = tokio::spawn({
        let (pool, deleted) = (pool.clone(), deleted.clone());
        async move {
            pool.transaction(async |tx| {
                tx.execute("DELETE FROM accounts", &[]).await?;
                deleted.notify_one();
                std::future::pending::<()>().await;
                Ok::<_, RunError>(())
            })
            .await
        }
    });
    deleted.notified().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let client = pool.get().await.unwrap();
    assert!(is_outside(&client).await);
    client
        .execute("INSERT INTO accounts VALUES (3, 1)", &[])
        .await
        .unwrap();
    assert_eq!(count(&db, "accounts"), "3");
}

/// Whatever happens at whatever moment: what another session sees is all or nothing.
#[tokio::test]
async fn cancelled_at_any_moment_it_is_done_or_not_at_all() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    for round in 0..60 {
        let work = pool.transaction(async |tx| {
            for id in [1, 2] {
                tx.execute("UPDATE accounts SET sum = sum + 1 WHERE id = $1", &[&id])
                    .await?;
            }
            Ok::<_, RunError>(())
        });
        let _ = tokio::time::timeout(Duration::from_micros(round * 50), work).await;
        let client = pool.get().await.unwrap();
        assert!(is_outside(&client).await, "round {round}");
        let row = client.query_one("SELECT min(sum) = max(sum) FROM accounts", &[]);
        assert!(row.await.unwrap().get::<_, bool>(0), "round {round}");
    }
}

/// Some are cancelled, some panic, some say no, and all get in each other's way: money is neither made nor lost, and
/// nothing stays open at the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_transfers_keeps_the_sum() {
    // They meet in deadlocks all the time, each of which lasts as long as this.
    let server = Server::builder().setting("deadlock_timeout", "10ms");
    let server = server.start().unwrap();
    let db = accounts_on(&server);
    let pool = pool(db.config(), 4);
    let transfers = (0..16).map(|task: u64| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut done = 0;
            for round in 0..30_u64 {
                let dice = (task * 31 + round * 17) % 10;
                let (from, to) = if dice % 2 == 0 { (1, 2) } else { (2, 1) };
                let pool = pool.clone();
                let one = tokio::spawn(async move {
                    pool.transaction(async |tx| {
                        let add = "UPDATE accounts SET sum = sum + $2 WHERE id = $1";
                        tx.execute(add, &[&from, &-1]).await?;
                        assert!(dice != 3, "some panic");
                        tx.execute(add, &[&to, &1]).await?;
                        match dice {
                            5 => Err(std::io::Error::other("some say no").into()),
                            _ => Ok::<_, Box<dyn std::error::Error + Send + Sync>>(()),
                        }
                    })
                    .await
                    .is_ok()
                });
                let abort = one.abort_handle();
                if dice == 7 {
                    tokio::time::sleep(Duration::from_micros(round * 100)).await;
                    abort.abort();
                }
                done += u32::from(one.await.unwrap_or(false));
            }
            done
        })
    });
    let mut done = 0;
    for task in transfers.collect::<Vec<_>>() {
        done += task.await.unwrap();
    }
    assert!(done > 16 * 10, "{done} of them were done");
    let open = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    eventually("nothing is open", || {
        db.query(open).unwrap().as_deref() == Some("0")
    })
    .await;
    let sum = db.query("SELECT sum(sum) FROM accounts").unwrap();
    assert_eq!(sum.as_deref(), Some("200"));
    assert_eq!(pool.snapshot().in_use, 0);
}

#[tokio::test]
async fn the_deadline_bounds_everything_and_rolls_back() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    let retry = Retry::new().deadline(Duration::from_millis(200));
    let plan = TransactionPlan::new().retry(retry);
    let error = pool
        .transaction_with(plan.clone(), async |tx| {
            tx.execute("DELETE FROM accounts", &[]).await?;
            std::future::pending::<()>().await;
            Ok::<_, RunError>(())
        })
        .await
        .unwrap_err();
    assert_eq!(error.failure(), RunFailure::Deadline);
    assert!(is_outside(&pool.get().await.unwrap()).await);
    assert_eq!(count(&db, "accounts"), "2");

    // In line for a connection, it says who has it.
    let held = pool.get().await.unwrap();
    let error = pool
        .transaction_with(plan, async |_| Ok::<_, RunError>(()))
        .await
        .unwrap_err();
    assert_eq!(error.failure(), RunFailure::NoConnection);
    assert!(error.to_string().contains("transact.rs:"), "{error}");
    assert!(error.acquire_error().is_some() && error.is_transient());
    drop(held);
}

#[tokio::test]
async fn who_runs_one_is_named_by_its_own_file_and_line() {
    let db = database();
    let pool = pool(db.config(), 1);
    let holder = pool
        .transaction(async |_| {
            let holder = pool.checkouts().remove(0);
            Ok::<_, RunError>(holder.to_string())
        })
        .await
        .unwrap();
    assert!(holder.contains("transact.rs"), "{holder}");
}

/// Ends a session, and waits until the server has nothing of it any more. Blocks, so that nothing else happens
/// in this process meanwhile.
pub(crate) fn end_from_outside(db: &Database, pid: i32) {
    db.query(&format!("SELECT pg_terminate_backend({pid})"))
        .unwrap();
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    while db.query(&left).unwrap().as_deref() != Some("0") {}
}

#[tokio::test]
async fn an_isolation_level_and_an_access_mode_are_the_transactions() {
    let db = database();
    let pool = pool(db.config(), 1);
    let plan = TransactionPlan::new()
        .isolation_level(IsolationLevel::Serializable)
        .read_only(true)
        .deferrable(true);
    let shown = pool
        .transaction_with(plan, async |tx| {
            let mut shown = Vec::new();
            for what in ["isolation", "read_only", "deferrable"] {
                let row = tx
                    .query_one(&format!("SHOW transaction_{what}"), &[])
                    .await?;
                shown.push(row.get::<_, String>(0));
            }
            Ok::<_, RunError>(shown)
        })
        .await
        .unwrap();
    assert_eq!(shown, ["serializable", "on", "on"]);
}
