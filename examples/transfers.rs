//! Transactions that get in each other's way, and a listener that hears of what they did.
//!
//! ```text
//! cargo run --example transfers --features postgres
//! ```
//!
//! Eight tasks move money between four accounts, in serializable transactions: whoever loses a conflict is tried
//! again. Each transfer that was committed sends a notification; they are counted while it goes on. Exits with 1 if
//! money was made or lost, or if a notification is missing.
//!
//! The server is `TEST_DATABASE_URL` or `DATABASE_URL` if one of them is set; else a private one, removed at the end.

use millpond::Runtime;
use millpond::postgres::tokio_postgres::{IsolationLevel, NoTls};
use millpond::postgres::{Event, Manager, Pool, Retry, RunError, SessionSettings, TransactionPlan};
use millpond_testdb::Server;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::task::{JoinSet, spawn_blocking};

const TASKS: i32 = 8;
const TRANSFERS: i32 = 25;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("transfers: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Failure> {
    let (server, database) = spawn_blocking(|| {
        let server = Server::find().map_err(|error| error.to_string())?;
        let database = server.database().map_err(|error| error.to_string())?;
        Ok::<_, String>((server, database))
    })
    .await??;
    let manager = Manager::new(database.config(), NoTls)
        .service("transfers")
        .session(SessionSettings::recommended());
    let pool: Pool = Pool::builder(manager)
        .name("accounts")
        .max_size(4)
        .runtime(Runtime::Tokio1)
        .build_ready()
        .await?;
    let create = "CREATE TABLE accounts AS SELECT id, 100 AS sum FROM generate_series(1, 4) id";
    pool.get().await?.batch_execute(create).await?;

    let mut listener = pool.listen(["transfers"]).await?;
    let again = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(work(pool.clone(), task, Arc::clone(&again)));
    }
    let expected = TASKS * TRANSFERS;
    let mut heard = 0;
    while heard < expected {
        match listener.recv().await {
            Some(Event::Notification(_)) => heard += 1,
            Some(other) => println!("  {other:?}"),
            None => break,
        }
    }
    for done in tasks.join_all().await {
        done?;
    }
    let client = pool.get().await?;
    let total = client
        .query_one("SELECT sum(sum) FROM accounts", &[])
        .await?;
    let total: i64 = total.get(0);
    println!(
        "{expected} transfers, {heard} of them heard of, {} conflicts tried again; {total} of 400 are there.",
        again.load(Ordering::Relaxed)
    );
    drop((client, listener));
    pool.close();
    pool.closed().await;
    spawn_blocking(move || drop((database, server))).await?;
    Ok(heard == expected && total == 400)
}

async fn work(pool: Pool, task: i32, again: Arc<AtomicU32>) -> Result<(), RunError> {
    let retry = Retry::new()
        .attempts(100)
        .deadline(Duration::from_secs(30))
        .tell(move |_| {
            again.fetch_add(1, Ordering::Relaxed);
        });
    let plan = TransactionPlan::new()
        .isolation_level(IsolationLevel::Serializable)
        .retry(retry);
    for transfer in 0..TRANSFERS {
        let (from, to) = (1 + (task + transfer) % 4, 1 + (task + 2 * transfer + 1) % 4);
        pool.transaction_with(plan.clone(), async |tx| {
            let add = tx
                .prepare_cached("UPDATE accounts SET sum = sum + $2 WHERE id = $1")
                .await?;
            tx.execute(&add, &[&from, &-1]).await?;
            tx.execute(&add, &[&to, &1]).await?;
            tx.execute(
                "SELECT pg_notify('transfers', $1)",
                &[&format!("{task}:{transfer}")],
            )
            .await?;
            Ok::<_, RunError>(())
        })
        .await?;
    }
    Ok(())
}
