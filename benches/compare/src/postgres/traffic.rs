//! Tasks that get a connection, have the server do something, and give it back.

use super::site::ACCOUNTS;
use super::{CONNECTIONS, Clients};
use crate::measure::Outcome;
use crate::work::Effort;
use millpond_benches::statistics::per_mille;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What the server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Select,
    Update,
}

pub(super) async fn run<C: Clients>(
    pool: C,
    kind: Kind,
    tasks: usize,
    effort: Effort,
) -> Result<Outcome, String> {
    let pool = Arc::new(pool);
    all_open(&*pool).await?;
    empty_history(&*pool).await?;
    let stages = Arc::new(Stages::default());
    let mut all = JoinSet::new();
    for seed in 0..tasks {
        all.spawn(one_task(
            Arc::clone(&pool),
            kind,
            seed as u64,
            Arc::clone(&stages),
        ));
    }
    sleep(effort.lasting(Duration::from_millis(100))).await;
    stages.measuring.store(true, Relaxed);
    let start = Instant::now();
    sleep(effort.lasting(Duration::from_millis(800))).await;
    stages.over.store(true, Relaxed);
    let time = start.elapsed();
    let mut sum = Done::default();
    while let Some(ended) = all.join_next().await {
        sum.add(ended.map_err(|error| error.to_string())??);
    }
    let faults = audit(&*pool, kind, sum.ended).await?;
    Ok(Outcome::of(sum.figures(time), faults))
}

#[derive(Debug, Default)]
struct Stages {
    measuring: AtomicBool,
    over: AtomicBool,
}

/// What tasks did.
#[derive(Debug, Default)]
struct Done {
    ended: u64,
    /// How long each took as a whole, in nanoseconds, while it was measured.
    whole: Vec<u64>,
    /// How long each get took of it.
    gets: Vec<u64>,
}

impl Done {
    fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.whole.extend(other.whole);
        self.gets.extend(other.gets);
    }

    /// The time for each, p50, p99 and p99.9 of the whole, and how much of it went into getting a connection: where
    /// there are as many connections as tasks, that is the pool's own share, with its check if it asks the server.
    fn figures(mut self, time: Duration) -> [f64; 5] {
        self.whole.sort_unstable();
        let at = |mille| per_mille(&self.whole, mille).map_or(f64::NAN, |ns| ns as f64 / 1e6);
        let sum = |times: &[u64]| times.iter().sum::<u64>() as f64;
        [
            time.as_secs_f64() * 1e6 / self.whole.len() as f64,
            at(500),
            at(990),
            at(999),
            sum(&self.gets) / sum(&self.whole) * 100.0,
        ]
    }
}

async fn one_task<C: Clients>(
    pool: Arc<C>,
    kind: Kind,
    seed: u64,
    stages: Arc<Stages>,
) -> Result<Done, String> {
    let mut done = Done::default();
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while !stages.over.load(Relaxed) {
        let start = Instant::now();
        let mut held = pool.get().await?;
        let got = start.elapsed();
        match kind {
            Kind::Select => one_row::<C>(&mut held, "SELECT 1".to_owned()).await?,
            Kind::Update => simple_update::<C>(&mut held, &mut random).await?,
        }
        drop(held);
        done.ended += 1;
        if stages.measuring.load(Relaxed) {
            done.whole.push(start.elapsed().as_nanos() as u64);
            done.gets.push(got.as_nanos() as u64);
        }
    }
    Ok(done)
}

async fn one_row<C: Clients>(held: &mut C::Held<'_>, sql: String) -> Result<(), String> {
    match C::query(held, sql).await? {
        1 => Ok(()),
        rows => Err(format!("{rows} rows instead of one")),
    }
}

/// As pgbench does it: each statement by itself.
async fn simple_update<C: Clients>(held: &mut C::Held<'_>, random: &mut u64) -> Result<(), String> {
    // Marsaglia's xorshift: which account does not matter, only that it is seldom the same.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let (aid, delta) = (*random % ACCOUNTS + 1, *random % 100);
    C::query(held, "BEGIN".to_owned()).await?;
    let update =
        format!("UPDATE pgbench_accounts SET abalance = abalance + {delta} WHERE aid = {aid}");
    C::query(held, update).await?;
    let select = format!("SELECT abalance FROM pgbench_accounts WHERE aid = {aid}");
    one_row::<C>(held, select).await?;
    let insert = format!(
        "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) \
         VALUES (1, 1, {aid}, {delta}, CURRENT_TIMESTAMP)"
    );
    C::query(held, insert).await?;
    C::query(held, "END".to_owned()).await?;
    Ok(())
}

/// All connections at once, so that all are there.
pub(super) async fn all_open<C: Clients>(pool: &C) -> Result<(), String> {
    let mut all = Vec::new();
    while all.len() < CONNECTIONS {
        all.push(pool.get().await?);
    }
    Ok(())
}

async fn empty_history<C: Clients>(pool: &C) -> Result<(), String> {
    let mut held = pool.get().await?;
    C::query(&mut held, "TRUNCATE pgbench_history".to_owned()).await?;
    Ok(())
}

/// Every connection can be had and no more, and the server has done as much as it was asked for.
async fn audit<C: Clients>(pool: &C, kind: Kind, ended: u64) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    if kind == Kind::Update {
        let mut held = pool.get().await?;
        // A row for each is simple, and right for every driver.
        let rows = C::query(&mut held, "SELECT 1 FROM pgbench_history".to_owned()).await?;
        if rows as u64 != ended {
            faults.push(format!("{rows} transactions on the server, {ended} here"));
        }
    }
    let mut all = Vec::new();
    while all.len() < CONNECTIONS {
        match timeout(Duration::from_secs(5), pool.get()).await {
            Ok(held) => all.push(held?),
            Err(_) => {
                let lost = CONNECTIONS - all.len();
                faults.push(format!("{lost} of {CONNECTIONS} connections lost"));
                return Ok(faults);
            }
        }
    }
    let one_more = timeout(Duration::from_millis(20), pool.get()).await;
    if one_more.is_ok_and(|got| got.is_ok()) {
        faults.push(format!("more than {CONNECTIONS} connections to be had"));
    }
    Ok(faults)
}
