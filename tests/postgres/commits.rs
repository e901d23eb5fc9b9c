//! The end of a `Pool::transaction`: committed, refused, turned into a rollback, or not known.

use crate::ground::{backend_pid, database, eventually, pool, silent};
use crate::transact::{accounts, count, end_from_outside, is_outside};
use millpond::postgres::tokio_postgres::{Config as PgConfig, config::Host};
use millpond::postgres::{Class, Pool, Retry, RunError, RunFailure, TransactionPlan};
use millpond_testdb::Database;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

#[tokio::test]
async fn a_commit_that_became_a_rollback_is_an_error() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    let swallow = async |tx: &mut millpond::postgres::Transaction<'_>| {
        tx.execute("INSERT INTO accounts VALUES (3, 1)", &[])
            .await?;
        // Who thinks that this leaves the transaction as it was is wrong.
        let _ = tx.execute("INSERT INTO accounts VALUES (1, 1)", &[]).await;
        Ok::<_, RunError>(())
    };
    let error = pool.transaction(swallow).await.unwrap_err();
    assert_eq!(error.failure(), RunFailure::RolledBack);
    assert_eq!(error.code().unwrap().code(), "25P02");
    assert!(error.is_permanent());
    assert!(error.to_string().contains("rolled back instead"), "{error}");
    assert!(is_outside(&pool.get().await.unwrap()).await);

    let lenient = TransactionPlan::new().strict(false);
    pool.transaction_with(lenient, swallow).await.unwrap();
    assert_eq!(count(&db, "accounts"), "2", "rolled back all the same");
    assert!(is_outside(&pool.get().await.unwrap()).await);
}

#[tokio::test]
async fn a_commit_that_the_server_refuses_says_so_and_why() {
    let db = database();
    db.query("CREATE TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        .unwrap();
    let pool = pool(db.config(), 1);
    let error = pool
        .transaction(async |tx| {
            tx.execute("INSERT INTO t VALUES (1), (1)", &[]).await?;
            Ok::<_, RunError>(())
        })
        .await
        .unwrap_err();
    assert_eq!(error.failure(), RunFailure::Commit);
    assert_eq!(error.code().unwrap().code(), "23505");
    assert!(
        error
            .to_string()
            .contains(pool.manager().target_text().as_str())
    );
    assert!(is_outside(&pool.get().await.unwrap()).await);
    assert_eq!(count(&db, "t"), "0");
}

trait TargetText {
    fn target_text(&self) -> String;
}

impl TargetText for millpond::postgres::Manager {
    fn target_text(&self) -> String {
        millpond::managed::Manager::target(self).into_owned()
    }
}

/// A connection that breaks takes with it what was done in the transaction, so it may be done again.
#[tokio::test]
async fn a_connection_that_breaks_before_the_commit_is_made_up_for() {
    let db = accounts();
    let pool = pool(db.config(), 1);
    for at_commit in [false, true] {
        let attempts = AtomicU32::new(0);
        pool.transaction(async |tx| {
            tx.execute("UPDATE accounts SET sum = sum + 1", &[]).await?;
            if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
                end_from_outside(&db, backend_pid(tx.client()).await);
                if at_commit {
                    eventually("it is known to be closed", || tx.client().is_closed()).await;
                }
            }
            if !at_commit {
                tx.query_one("SELECT 1", &[]).await?;
            }
            Ok::<_, RunError>(())
        })
        .await
        .unwrap();
        assert_eq!(
            attempts.load(Ordering::Relaxed),
            2,
            "at commit: {at_commit}"
        );
    }
    let sums = db.query("SELECT string_agg(sum::text, ',') FROM accounts");
    assert_eq!(sums.unwrap().as_deref(), Some("102,102"));
}

/// What the way to the server does when a client sends this, so many times.
#[derive(Clone)]
struct Trap {
    at: &'static [u8],
    /// It breaks; else nothing comes back any more.
    breaks: bool,
    times: Arc<AtomicU32>,
}

impl Trap {
    fn at(at: &'static [u8], breaks: bool, times: u32) -> Self {
        let times = Arc::new(AtomicU32::new(times));
        Self { at, breaks, times }
    }

    fn snaps(&self, sent: &[u8]) -> bool {
        let left = |times: u32| times.checked_sub(1);
        sent.windows(self.at.len()).any(|part| part == self.at)
            && (self
                .times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left))
            .is_ok()
    }
}

/// How to connect over such a way. What it is sent it passes on in any case.
fn over_a_way(db: &Database, trap: Trap) -> PgConfig {
    let direct = db.config();
    let Some(Host::Tcp(host)) = direct.get_hosts().first().cloned() else {
        panic!("the test server is not reached by TCP");
    };
    let to = (host, direct.get_ports()[0]);
    let (listener, port) = silent();
    thread::spawn(move || {
        // Ends with the process: nobody knows how many will come.
        for client in listener.incoming() {
            let (client, to, trap) = (client.unwrap(), to.clone(), trap.clone());
            thread::spawn(move || serve(client, to, &trap));
        }
    });
    let mut config = PgConfig::new();
    config.host("127.0.0.1").port(port).dbname(db.name());
    config.user(direct.get_user().unwrap());
    config.password(direct.get_password().unwrap_or_default());
    config
}

fn serve(mut client: TcpStream, to: (String, u16), trap: &Trap) {
    let mut server = TcpStream::connect(to).unwrap();
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let silenced = Arc::new(AtomicBool::new(false));
    let seen = silenced.clone();
    thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = answers.read(&mut bytes) {
            if !seen.load(Ordering::SeqCst) && back.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        let snapped = trap.snaps(&bytes[..count]);
        silenced.fetch_or(snapped, Ordering::SeqCst);
        if server.write_all(&bytes[..count]).is_err() {
            break;
        }
        if snapped && trap.breaks {
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

/// Nothing of the closure's was sent: it has not even been called.
#[tokio::test]
async fn a_connection_that_breaks_at_the_begin_is_made_up_for() {
    let db = accounts();
    let pool = pool(over_a_way(&db, Trap::at(b"START TRANSACTION", true, 2)), 1);
    let attempts = AtomicU32::new(0);
    insert_over(&pool, TransactionPlan::new(), &attempts)
        .await
        .unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    assert_eq!(count(&db, "accounts"), "3");

    let trap = Trap::at(b"START TRANSACTION", true, u32::MAX);
    let pool = crate::ground::pool(over_a_way(&db, trap), 1);
    let retry = Retry::new().attempts(2);
    let error = insert_over(&pool, TransactionPlan::new().retry(retry), &attempts)
        .await
        .unwrap_err();
    assert_eq!((error.failure(), error.attempts()), (RunFailure::Begin, 2));
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
}

async fn insert_over(
    pool: &Pool,
    plan: TransactionPlan,
    attempts: &AtomicU32,
) -> Result<(), RunError> {
    pool.transaction_with(plan, async |tx| {
        attempts.fetch_add(1, Ordering::Relaxed);
        tx.execute(
            "INSERT INTO accounts VALUES (3, 1) ON CONFLICT DO NOTHING",
            &[],
        )
        .await?;
        Ok::<_, RunError>(())
    })
    .await
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_unknown_and_not_done_again() {
    let db = accounts();
    let pool = pool(over_a_way(&db, Trap::at(b"COMMIT\0", true, u32::MAX)), 1);
    let attempts = AtomicU32::new(0);
    let error = insert_over(&pool, TransactionPlan::new(), &attempts)
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    assert_eq!(error.class(), Class::Lost);
    assert!(
        error
            .to_string()
            .contains("COMMIT was sent, and no answer came"),
        "{error}"
    );
    eventually("it was committed", || count(&db, "accounts") == "3").await;

    // Who says that twice does no harm is believed.
    let retry = Retry::new().attempts(3).idempotent(true);
    let error = insert_over(&pool, TransactionPlan::new().retry(retry), &attempts)
        .await
        .unwrap_err();
    assert!(
        error.is_outcome_unknown() && error.attempts() == 3,
        "{error}"
    );
    assert_eq!(attempts.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_deadline_that_passes_while_it_commits_leaves_the_outcome_unknown() {
    let db = accounts();
    let pool = pool(over_a_way(&db, Trap::at(b"COMMIT\0", false, 1)), 1);
    let attempts = AtomicU32::new(0);
    let retry = Retry::new().deadline(Duration::from_millis(500));
    let error = insert_over(&pool, TransactionPlan::new().retry(retry), &attempts)
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    eventually("it was committed", || count(&db, "accounts") == "3").await;
}
