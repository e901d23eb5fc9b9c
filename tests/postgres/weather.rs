//! What the tests of outages stand on: a careful pool, callers with deadlines, and one who looks on.

use millpond::Runtime;
use millpond::managed::{Acquire, AcquireError, Reason};
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{Error, Manager, ManagerConfig, Pool, PoolBuilder, RecyclingMethod};
use millpond_testdb::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

pub(crate) const MS: Duration = Duration::from_millis(1);
/// How many lie ready in a pool that is whole.
pub(crate) const SPARE: usize = 4;
pub(crate) const CONNECTING: usize = 2;
pub(crate) const DEADLINE: Duration = Duration::from_millis(500);
/// How the server knows the connections of these pools.
pub(crate) const NAME: &str = "outages";

/// A pool with everything against outages.
pub(crate) fn careful(config: PgConfig, max_size: usize) -> PoolBuilder {
    careful_within(config, max_size, 2_000 * MS)
}

/// The same, whose connects take so long at most.
pub(crate) fn careful_within(
    mut config: PgConfig,
    max_size: usize,
    bound: Duration,
) -> PoolBuilder {
    config.application_name(NAME);
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Verified,
    };
    let manager = Manager::from_config(config, NoTls, recycling).connect_bound(bound);
    Pool::builder(manager)
        .max_size(max_size)
        .runtime(Runtime::Tokio1)
        .recycle_timeout(Some(200 * MS))
        .min_idle(SPARE)
        .keepalive(Some(200 * MS))
        .suspicion(true)
        .max_connecting(CONNECTING)
        .connect_backoff(50 * MS, 500 * MS)
        .breaker(3)
}

/// A pool that is whole for the first time.
pub(crate) async fn whole_pool(server: &Server, builder: PoolBuilder) -> Pool {
    let pool = builder.build().unwrap();
    whole_again(server, &pool, &BTreeSet::new()).await;
    pool
}

/// Waits until the pool is whole and none of its connections is an `old` one: its spare ones lie ready, and the
/// server counts as many as the pool does. Says how long that took, in which nobody asked the pool for anything.
pub(crate) async fn whole_again(server: &Server, pool: &Pool, old: &BTreeSet<i32>) -> Duration {
    let began = Instant::now();
    let asked = pool.stats().gets.started;
    loop {
        let (alive, now) = (pids(server), pool.snapshot());
        let all = now.idle == now.size && now.size == alive.len();
        if now.idle >= SPARE && all && alive.is_disjoint(old) {
            break;
        }
        let took = began.elapsed();
        assert!(took < 10_000 * MS, "never whole: {now}, alive: {alive:?}");
        tokio::time::sleep(5 * MS).await;
    }
    let took = began.elapsed();
    assert_eq!(pool.stats().gets.started, asked, "without a caller's help");
    println!("whole again after {took:?}");
    took
}

/// One second is promised; the machine that tests this may be slow.
pub(crate) fn soon(took: Duration) {
    assert!(took < 3_000 * MS, "whole only after {took:?}");
}

/// The backends of these pools, as the server sees them.
pub(crate) fn pids(server: &Server) -> BTreeSet<i32> {
    let question = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{NAME}'");
    let rows = server.query_rows(&question).unwrap();
    let pids = rows.into_iter().flatten().flatten();
    pids.map(|pid| pid.parse().unwrap()).collect()
}

/// Has the server end all connections of these pools, and says which they were.
pub(crate) fn terminate_all(server: &Server) -> BTreeSet<i32> {
    let question = format!(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{NAME}'"
    );
    let rows = server.query_rows(&question).unwrap();
    let pids = rows.into_iter().filter_map(|row| row.into_iter().next()?);
    pids.map(|pid| pid.parse().unwrap()).collect()
}

/// What the server's log has said from one moment on.
pub(crate) struct Log<'a> {
    server: &'a Server,
    since: usize,
    began: Instant,
}

impl<'a> Log<'a> {
    pub(crate) fn from_here(server: &'a Server) -> Self {
        let mut log = Self {
            server,
            since: 0,
            began: Instant::now(),
        };
        log.since = log.text().len();
        log
    }

    fn text(&self) -> String {
        let bytes = std::fs::read(self.server.log_path().unwrap()).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.text()[self.since..].matches(what).count()
    }

    /// What a pool does that tries again after pauses of 25 ms and more at first, and of 250 ms and more later; each
    /// time with one connect.
    pub(crate) fn no_storm(&self, what: &str) {
        let (count, time) = (self.count(what), self.began.elapsed());
        let most = 6 + CONNECTING + (time.as_millis() / 250) as usize;
        println!("{count} times within {time:?}: {what}");
        assert!(count <= most, "{count} > {most} within {time:?}: {what}");
    }
}

/// Callers who want a connection for one question, each with a deadline, again and again.
pub(crate) struct Callers {
    deadline: Duration,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Tally>>,
    onlooker: JoinHandle<()>,
}

/// What callers met.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) served: usize,
    /// The question was not answered.
    pub(crate) broken: usize,
    /// Why they got none.
    pub(crate) refused: BTreeMap<&'static str, usize>,
    /// What those were told who were refused at once.
    pub(crate) told: BTreeSet<String>,
    pub(crate) retry_after: Duration,
    slowest: Duration,
}

impl Callers {
    pub(crate) fn start(pool: &Pool, count: usize) -> Self {
        Self::within(DEADLINE, pool, count)
    }

    /// Callers for fair weather: that one of them is refused does not depend on how fast the machine is.
    pub(crate) fn patient(pool: &Pool, count: usize) -> Self {
        Self::within(10_000 * MS, pool, count)
    }

    fn within(deadline: Duration, pool: &Pool, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let call = |_| tokio::spawn(call(pool.clone(), deadline, Arc::clone(&stop)));
        let tasks = (0..count).map(call);
        Self {
            deadline,
            tasks: tasks.collect(),
            onlooker: tokio::spawn(look_on(pool.clone(), Arc::clone(&stop))),
            stop,
        }
    }

    /// Lets them go on for a while, and ends them.
    pub(crate) async fn end_after(self, time: Duration) -> Tally {
        tokio::time::sleep(time).await;
        self.stop.store(true, Ordering::Relaxed);
        self.onlooker.await.unwrap();
        let mut all = Tally::default();
        for task in self.tasks {
            all.add(task.await.unwrap());
        }
        println!("{all:?}");
        let late = all.slowest.saturating_sub(self.deadline);
        assert!(late < 500 * MS, "{late:?} beyond its deadline");
        all
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.broken += other.broken;
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
        self.told.extend(other.told);
        self.retry_after = self.retry_after.max(other.retry_after);
        self.slowest = self.slowest.max(other.slowest);
    }

    fn count(&mut self, error: AcquireError<Error>) {
        let why = match error.into_reason() {
            Reason::Deadline(_) => "deadline",
            Reason::Backend(_) => "backend",
            Reason::Unavailable { why, retry_after } => {
                self.retry_after = self.retry_after.max(retry_after);
                self.told.extend(why);
                "unavailable"
            }
            other => panic!("another reason: {other:?}"),
        };
        *self.refused.entry(why).or_default() += 1;
    }

    pub(crate) fn refused(&self, why: &str) -> usize {
        self.refused.get(why).copied().unwrap_or_default()
    }
}

async fn call(pool: Pool, deadline: Duration, stop: Arc<AtomicBool>) -> Tally {
    let how = Acquire::new().deadline(deadline);
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let got = pool.acquire(&how).await;
        tally.slowest = tally.slowest.max(began.elapsed());
        match got {
            Ok(client) => {
                let asked = client.simple_query("SELECT 1");
                match tokio::time::timeout(deadline, asked).await {
                    Ok(Ok(_)) => tally.served += 1,
                    _ => tally.broken += 1,
                }
            }
            Err(error) => tally.count(error),
        }
        tokio::time::sleep(5 * MS).await;
    }
    tally
}

/// Looks at each moment whether the pool keeps its bounds.
async fn look_on(pool: Pool, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let now = pool.snapshot();
        assert!(now.connecting <= CONNECTING, "{now}");
        assert!(now.size <= now.max_size, "{now}");
        tokio::time::sleep(MS).await;
    }
}
