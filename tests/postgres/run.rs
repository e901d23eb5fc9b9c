//! `Pool::run`: again where it is known that nothing was done, or where the user says that it does no harm.

use crate::ground::{
    Own, SECRET, backend_pid, builder, closed_port, database, eventually, local, pool,
};
use crate::transact::end_from_outside;
use millpond::postgres::{
    Class, Classify, Ending, Manager, ManagerConfig, Pool, Retry, RunError, RunFailure,
};
use millpond_testdb::{Database, Server};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Nothing in this process gets a chance to notice that the connection was ended, before `run` takes it.
#[tokio::test]
async fn a_connection_that_was_ended_while_idle_costs_nothing() {
    let db = database();
    let pool = pool(db.config(), 3);
    let held = [
        pool.get().await.unwrap(),
        pool.get().await.unwrap(),
        pool.get().await.unwrap(),
    ];
    let mut pids = Vec::new();
    for client in &held {
        pids.push(backend_pid(client).await);
    }
    drop(held);
    for pid in &pids {
        end_from_outside(&db, *pid);
    }
    let attempts = AtomicU32::new(0);
    let pid = pool
        .run_with(Retry::never(), async |client| {
            attempts.fetch_add(1, Ordering::Relaxed);
            Ok::<_, RunError>(backend_pid(client).await)
        })
        .await
        .unwrap();
    assert!(!pids.contains(&pid));
    assert_eq!(
        attempts.load(Ordering::Relaxed),
        1,
        "nothing was tried on the dead"
    );
}

/// The session ends while the closure waits for something else, before it says anything to the server: that much the
/// wire tells.
#[tokio::test]
async fn a_connection_that_ends_before_anything_was_sent_is_made_up_for() {
    let db = database();
    db.query("CREATE TABLE t (n int)").unwrap();
    let unwatched = Manager::from_connect(db.config(), Own, ManagerConfig::default());
    let unwatched = Pool::builder(unwatched).max_size(1).build().unwrap();
    for (pool, watched) in [(pool(db.config(), 1), true), (unwatched, false)] {
        let pid = backend_pid(&pool.get().await.unwrap()).await;
        let attempts = AtomicU32::new(0);
        let done = pool
            .run(async |client| {
                if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
                    end_from_outside(&db, pid);
                    eventually("it is noticed", || client.is_closed()).await;
                }
                client.batch_execute("INSERT INTO t VALUES (1)").await?;
                Ok::<_, RunError>(())
            })
            .await;
        assert_eq!(done.is_ok(), watched, "{done:?}");
        assert_eq!(attempts.load(Ordering::Relaxed), 1 + u32::from(watched));
    }
    let rows = db.query("SELECT count(*) FROM t").unwrap();
    assert_eq!(rows.as_deref(), Some("1"));
}

/// Runs a statement that is ended while it runs, the first time.
async fn ended_at_first(db: &Database, pool: &Pool, retry: Retry) -> (Result<(), RunError>, u32) {
    let attempts = AtomicU32::new(0);
    let done = pool
        .run_with(retry, async |client| {
            if attempts.fetch_add(1, Ordering::Relaxed) > 0 {
                client.execute("SELECT 1", &[]).await?;
                return Ok::<_, RunError>(());
            }
            let pid = backend_pid(client).await;
            let running = client.batch_execute("SELECT pg_sleep(60)");
            let ended = async {
                let state = format!(
                    "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%sleep%'"
                );
                loop {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    if db.query(&state).unwrap().as_deref() == Some("1") {
                        break end_from_outside(db, pid);
                    }
                }
            };
            let (failed, ()) = tokio::join!(running, ended);
            failed?;
            Ok(())
        })
        .await;
    (done, attempts.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_connection_that_was_ended_while_a_statement_ran_is_the_callers_to_judge() {
    let db = database();
    let pool = pool(db.config(), 1);
    let (done, attempts) = ended_at_first(&db, &pool, Retry::new()).await;
    let error = done.unwrap_err();
    assert_eq!(attempts, 1);
    assert_eq!(error.failure(), RunFailure::Statement);
    assert_eq!(
        (error.class(), error.ends_connection()),
        (Class::Lost, true)
    );

    let (done, attempts) = ended_at_first(&db, &pool, Retry::new().idempotent(true)).await;
    done.unwrap();
    assert_eq!(attempts, 2);
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_a_lock_only_where_it_is_said() {
    let db = database();
    let pool = pool(db.config(), 1);
    for (code, retry, expected) in [
        ("40001", Retry::new().attempts(4), 4),
        ("40P01", Retry::new().attempts(2), 2),
        ("55P03", Retry::new(), 1),
        ("55P03", Retry::new().busy(true).attempts(3), 3),
        ("57014", Retry::new().busy(true).idempotent(true), 1),
        ("23505", Retry::new().busy(true).idempotent(true), 1),
    ] {
        let told = Arc::new(AtomicU32::new(0));
        let log = Arc::clone(&told);
        let retry = retry
            .pauses(Duration::from_micros(1), Duration::from_micros(1))
            .tell(move |retrying| log.store(retrying.failed, Ordering::Relaxed));
        let attempts = AtomicU32::new(0);
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$");
        let error = pool
            .run_with(retry, async |client| {
                attempts.fetch_add(1, Ordering::Relaxed);
                client.batch_execute(&raise).await?;
                Ok::<_, RunError>(())
            })
            .await
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), code);
        assert_eq!(attempts.load(Ordering::Relaxed), expected, "{code}");
        assert_eq!(told.load(Ordering::Relaxed), expected - 1, "{code}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_where_it_is_said() {
    let pool = pool(local(closed_port()), 1);
    for (connects, expected) in [(false, 1), (true, 3)] {
        let retry = Retry::new()
            .attempts(3)
            .pauses(Duration::from_millis(1), Duration::from_millis(1))
            .connects(connects);
        let error = pool
            .run_with(retry, async |_| Ok::<_, RunError>(()))
            .await
            .unwrap_err();
        assert_eq!(error.failure(), RunFailure::NoConnection);
        assert_eq!(error.attempts(), expected);
        assert!(error.is_transient());
        assert!(error.to_string().contains("Connection refused"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_database_is_not_tried_again() {
    let db = database();
    let mut config = db.config();
    config.dbname("no_such_database");
    let pool = pool(config, 1);
    let error = pool
        .run_with(Retry::new().connects(true), async |_| Ok::<_, RunError>(()))
        .await
        .unwrap_err();
    assert_eq!(error.attempts(), 1);
    assert_eq!(error.code().unwrap().code(), "3D000");
    assert!(error.is_permanent());
}

#[tokio::test]
async fn no_password_is_told() {
    let server = Server::builder().password_auth("right").start().unwrap();
    let pool = pool(local(server.port().unwrap()), 1);
    let run = pool.run(async |_| Ok::<_, RunError>(())).await;
    let transaction = pool.transaction(async |_| Ok::<_, RunError>(())).await;
    for error in [run, transaction].map(Result::unwrap_err) {
        assert_eq!(error.code().unwrap().code(), "28P01");
        let told = format!("{error} {error:?} {error:#?}");
        assert!(
            told.contains("127.0.0.1") && !told.contains(SECRET),
            "{told}"
        );
    }
    let listen = pool.listen(["c"]).await.unwrap_err();
    let told = format!("{listen} {listen:?}");
    assert!(told.contains("28P01") && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn without_a_runtime_the_deadline_is_kept_too() {
    let db = database();
    let manager =
        millpond::postgres::Manager::new(db.config(), millpond::postgres::tokio_postgres::NoTls);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let held = pool.get().await.unwrap();
    let retry = Retry::new().deadline(Duration::from_millis(50));
    let error = pool
        .run_with(retry, async |_| Ok::<_, RunError>(()))
        .await
        .unwrap_err();
    assert_eq!(error.failure(), RunFailure::Deadline);
    drop(held);
}

/// What closures may capture, and where they may run: each of these once did not compile somewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closures_may_borrow_and_run_in_tasks() {
    let db = database();
    let pool = builder(db.config(), 2).build().unwrap();
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let (name, numbers) = (String::from("local"), vec![1, 2]);
            let borrowed = pool.run(async |client| {
                let row = client.query_one("SELECT $1 || 's'", &[&name]).await?;
                Ok::<String, RunError>(row.get(0))
            });
            assert_eq!(borrowed.await.unwrap(), "locals");
            let moved = pool.transaction(async move |tx| {
                let inner = tx.transaction().await?;
                for number in &numbers {
                    inner.query_one("SELECT $1::int4", &[number]).await?;
                }
                inner.commit().await?;
                Ok::<_, RunError>(numbers.len())
            });
            moved.await.unwrap()
        }
    });
    assert_eq!(task.await.unwrap(), 2);
    assert_eq!(
        tokio::spawn(sum(pool.clone(), 20)).await.unwrap().unwrap(),
        22
    );
    let boxed: std::pin::Pin<Box<dyn Future<Output = Result<i32, Ours>> + Send>> =
        Box::pin(sum(pool, 1));
    assert_eq!(boxed.await.unwrap(), 3);
}

async fn sum(pool: Pool, to: i32) -> Result<i32, Ours> {
    add(&pool, &to).await
}

async fn add(
    pool: &Pool,
    to: &(impl millpond::postgres::tokio_postgres::types::ToSql + Sync),
) -> Result<i32, Ours> {
    pool.transaction(async |tx| Ok(tx.query_one("SELECT 2 + $1", &[to]).await?.try_get(0)?))
        .await
}

/// An error of a service's own.
#[derive(Debug)]
enum Ours {
    Statement(millpond::postgres::tokio_postgres::Error),
    Run(RunError),
}

impl std::fmt::Display for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a service failed")
    }
}

impl std::error::Error for Ours {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Statement(error) => Some(error),
            Self::Run(error) => Some(error),
        }
    }
}

impl From<millpond::postgres::tokio_postgres::Error> for Ours {
    fn from(error: millpond::postgres::tokio_postgres::Error) -> Self {
        Self::Statement(error)
    }
}

impl From<RunError> for Ours {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

#[tokio::test]
async fn a_conflict_is_found_behind_an_error_of_ones_own() {
    let db = database();
    let pool = pool(db.config(), 1);
    let attempts = AtomicU32::new(0);
    let raise = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$";
    let done: Result<(), Ours> = pool
        .transaction(async |tx| {
            if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
                tx.batch_execute(raise).await?;
            }
            Ok(())
        })
        .await;
    done.unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
}

/// Each code of the table, as the server really says it.
#[tokio::test]
async fn what_the_server_says_is_classified_by_its_code() {
    let db = database();
    let pool = pool(db.config(), 1);
    for (code, class, ends) in [
        ("40001", Class::Conflict, false),
        ("40P01", Class::Conflict, false),
        ("55P03", Class::Busy, false),
        ("53200", Class::Unavailable, false),
        ("57P03", Class::Unavailable, true),
        ("08006", Class::Lost, true),
        ("57P01", Class::Lost, true),
        ("57014", Class::Cancelled, false),
        ("25P03", Class::Cancelled, true),
        ("08P01", Class::Permanent, true),
        ("28P01", Class::Permanent, false),
        ("23505", Class::Permanent, false),
    ] {
        let client = pool.get().await.unwrap();
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$");
        let error = client.batch_execute(&raise).await.unwrap_err();
        assert_eq!(
            (error.class(), error.ends_connection()),
            (class, ends),
            "{code}"
        );
        let error = client.explain(error);
        assert_eq!(
            (error.class(), error.ends_connection()),
            (class, ends),
            "{code}"
        );
    }
}

#[tokio::test]
async fn what_has_no_code_is_classified_too() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    let wrong = client
        .query("SELECT $1::int4", &[&"text"])
        .await
        .unwrap_err();
    assert_eq!(
        (wrong.class(), wrong.ends_connection()),
        (Class::Permanent, false)
    );
    let rows = client
        .query_one("SELECT 1 WHERE false", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (rows.class(), rows.ends_connection()),
        (Class::Permanent, false)
    );

    end_from_outside(&db, backend_pid(&client).await);
    // The server's last words are those of a statement that was under way; this one was not.
    while !client.is_closed() {
        tokio::task::yield_now().await;
    }
    let closed = client.query("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(
        (closed.class(), closed.ends_connection()),
        (Class::Lost, true)
    );
    assert!(closed.is_transient() && closed.code().is_none());
    let told = client.explain(closed).to_string();
    assert!(told.contains("57P01") && told.contains(db.name()), "{told}");
}

/// tokio-postgres has no name for what happened, and its connection is useless afterwards.
#[tokio::test]
async fn an_answer_that_nobody_expected_is_a_lost_connection() {
    let db = database();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    let sink = client
        .copy_in::<_, std::io::Cursor<Vec<u8>>>("COPY nothing_of_that_name FROM STDIN")
        .await;
    let refused = sink.err().unwrap();
    assert_eq!(
        (refused.class(), refused.ends_connection()),
        (Class::Permanent, false)
    );
    while client.ending().is_none() {
        tokio::task::yield_now().await;
    }
    let Some(Ending::Failed(unexpected)) = client.ending() else {
        panic!("another end: {:?}", client.ending());
    };
    assert!(unexpected.code().is_none() && !unexpected.is_closed());
    assert_eq!(
        (unexpected.class(), unexpected.ends_connection()),
        (Class::Lost, true)
    );
}
