//! Many tasks share few connections on a real PostgreSQL, for three seconds.
//!
//! ```text
//! cargo run --release --example quickstart --features postgres
//! ```
//!
//! The server is `TEST_DATABASE_URL` or `DATABASE_URL` if one of them is set; else a private one, started
//! from this machine's PostgreSQL (fetched first, if there is none) and removed at the end. Exits with 1 if
//! the pool's counts and the server's own disagree.

use indicatif::{ProgressBar, ProgressStyle};
use millpond::Runtime;
use millpond::managed::Snapshot;
use millpond::postgres::{Manager, Pool, tokio_postgres::NoTls};
use millpond_testdb::{Database, Server};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval, sleep};

const CONNECTIONS: usize = 8;
const TASKS: u64 = 200;
const RUN: Duration = Duration::from_secs(3);
/// By this name the server tells our connections from others.
const NAME: &str = "millpond-quickstart";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("The pool's counts and the server's disagree.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("quickstart: {error}");
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
    println!("PostgreSQL {}, {}.", server.version(), whose(&server));

    let mut config = database.config();
    config.application_name(NAME);
    let pool: Pool = Pool::builder(Manager::new(config, NoTls))
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .build_ready()
        .await?;
    println!(
        "{TASKS} tasks share {CONNECTIONS} connections for {} s:",
        RUN.as_secs()
    );

    let database = Arc::new(database);
    let work = work(&pool).await;
    let (most, mut waits) = watch(&pool, &database, work).await?;
    let rest = at_rest(&pool).await;
    let at_server = count(&database).await?;
    print_figures(&mut waits, most);
    println!("  pool at rest       {rest}");
    println!("  server at rest     {at_server} connections of ours");
    let agree = at_server == rest.size && rest.idle == rest.size && rest.waiting == 0;

    pool.close();
    pool.closed().await;
    let gone = gone(&database).await?;
    println!("  after close        {gone} connections of ours at the server");
    spawn_blocking(move || drop((database, server))).await?;
    Ok(agree && gone == 0 && most <= CONNECTIONS)
}

/// What the pool looks like when the last connections that came back are idle at the server too: until then they
/// count as in use.
async fn at_rest(pool: &Pool) -> Snapshot {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let now = pool.snapshot();
        if now.in_use == 0 || Instant::now() > deadline {
            return now;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn whose(server: &Server) -> &'static str {
    if server.is_private() {
        "started for this run"
    } else {
        "from the environment"
    }
}

/// The tasks: each takes a connection, asks a question, checks the answer, and gives the connection back.
async fn work(pool: &Pool) -> JoinSet<Result<Vec<Duration>, Failure>> {
    let end = Instant::now() + RUN;
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while Instant::now() < end {
                let asked = Instant::now();
                let client = pool.get().await?;
                waits.push(asked.elapsed());
                let question = client
                    .prepare_cached("SELECT sum(n)::int8 FROM generate_series(1, $1::int8) n")
                    .await?;
                let upto = i64::try_from(number % 50 + 1)?;
                let answer: i64 = client.query_one(&question, &[&upto]).await?.get(0);
                if answer != upto * (upto + 1) / 2 {
                    return Err(format!("the server says the sum to {upto} is {answer}").into());
                }
            }
            Ok(waits)
        });
    }
    tasks
}

/// Shows the pool while the tasks run. Says the most connections that the server saw, and all waits.
async fn watch(
    pool: &Pool,
    database: &Arc<Database>,
    mut tasks: JoinSet<Result<Vec<Duration>, Failure>>,
) -> Result<(usize, Vec<Duration>), Failure> {
    let bar = ProgressBar::new(RUN.as_millis() as u64);
    bar.set_style(ProgressStyle::with_template("  [{bar:40}] {msg}")?.progress_chars("=> "));
    let started = Instant::now();
    let (mut most, mut waits) = (0, Vec::new());
    let mut tick = interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(done) => waits.extend(done??),
                None => break,
            },
            _ = tick.tick() => {
                bar.set_position(started.elapsed().as_millis() as u64);
                bar.set_message(pool.snapshot().to_string());
                most = most.max(count(database).await?);
            }
        }
    }
    bar.finish_and_clear();
    Ok((most, waits))
}

fn print_figures(waits: &mut [Duration], most: usize) {
    waits.sort_unstable();
    let at = |share: f64| {
        waits
            .get(((waits.len() - 1) as f64 * share) as usize)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "  queries            {} ({:.0} per second)",
        waits.len(),
        waits.len() as f64 / RUN.as_secs_f64()
    );
    println!(
        "  wait p50/p99/max   {:.2?} / {:.2?} / {:.2?}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("  most at the server {most} connections of ours");
}

/// The server's own count of our connections.
async fn count(database: &Arc<Database>) -> Result<usize, Failure> {
    let database = Arc::clone(database);
    let counted = spawn_blocking(move || {
        database
            .count_connections(NAME)
            .map_err(|error| error.to_string())
    });
    Ok(counted.await??)
}

/// The server needs a moment to see that a connection was closed.
async fn gone(database: &Arc<Database>) -> Result<usize, Failure> {
    for _ in 0..50 {
        if count(database).await? == 0 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    count(database).await
}
