//! A night in five seconds: many tasks that leave their connections in every state there is, and a server that must
//! show nothing of it. `MILLPOND_NIGHT_SECONDS=60` makes it a minute.

use crate::ground::{database, eventually};
use millpond::Runtime;
use millpond::managed::Timeouts;
use millpond::postgres::tokio_postgres::{NoTls, SimpleQueryMessage};
use millpond::postgres::{Client, Manager, Pool, Reset};
use millpond_testdb::Database;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;

const SLOTS: usize = 8;
const TASKS: u64 = 200;
const NAME: &str = "night";

/// Throws that a seed repeats.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn seconds() -> u64 {
    match std::env::var("MILLPOND_NIGHT_SECONDS") {
        Ok(seconds) => seconds
            .parse()
            .unwrap_or_else(|_| panic!("MILLPOND_NIGHT_SECONDS is a number, not {seconds:?}")),
        Err(_) => 5,
    }
}

fn night_pool(db: &Database) -> Pool {
    let mut config = db.config();
    config.application_name(NAME);
    let manager = Manager::new(config, NoTls).reset(Reset::Targeted);
    let builder = Pool::builder(manager)
        .max_size(SLOTS)
        .runtime(Runtime::Tokio1);
    builder
        .wait_timeout(Some(Duration::from_secs(30)))
        .build()
        .unwrap()
}

async fn value(client: &Client, sql: &str) -> String {
    let answer = client.simple_query(sql).await.unwrap();
    let value = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    value.unwrap().to_owned()
}

/// What every borrower must find: a session outside of a transaction, as it began.
async fn finds_it_clean(client: &Client) {
    let clean = "SELECT now() = statement_timestamp() AND current_setting('statement_timeout') = '0' \
        AND NOT EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')";
    assert_eq!(value(client, clean).await, "t");
}

/// One visit, and what it leaves behind.
async fn visit(pool: &Pool, what: u64, patience: Duration) {
    if what == 0 {
        // Gives up on the way.
        let _ = timeout(patience, pool.get()).await;
        return;
    }
    let mut client = pool.get().await.unwrap();
    finds_it_clean(&client).await;
    match what {
        1 => {
            let statement = client.prepare_cached("SELECT 1 + $1::int").await.unwrap();
            let row = client.query_one(&statement, &[&2]).await.unwrap();
            assert_eq!(row.get::<_, i32>(0), 3);
        }
        2 => client
            .batch_execute("BEGIN; INSERT INTO work VALUES (1)")
            .await
            .unwrap(),
        3 => {
            let _ = timeout(patience, client.batch_execute("SELECT pg_sleep(30)")).await;
        }
        4 => {
            client
                .batch_execute("BEGIN; INSERT INTO work VALUES (1)")
                .await
                .unwrap();
            // A panic that prints nothing.
            resume_unwind(Box::new("planted"));
        }
        5 => {
            let session = "SELECT pg_advisory_lock_shared(7); SET statement_timeout = 7000; LISTEN night; \
                CREATE TEMP TABLE left_over ()";
            client.batch_execute(session).await.unwrap();
        }
        6 => {
            let sql = format!("SELECT {}", patience.subsec_micros());
            let _ = timeout(Duration::ZERO, client.prepare_cached(&sql)).await;
        }
        7 => {
            let transaction = client.transaction().await.unwrap();
            let failed = transaction.batch_execute("SELECT 1 / 0").await;
            assert!(failed.is_err());
        }
        _ => {
            let transaction = client.transaction().await.unwrap();
            transaction
                .batch_execute("INSERT INTO kept VALUES (1)")
                .await
                .unwrap();
            transaction.commit().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_night_of_cancels_panics_and_raw_begins_nothing_of_it_is_left() {
    let db = database();
    db.query("CREATE TABLE work (n int)").unwrap();
    db.query("CREATE TABLE kept (n int)").unwrap();
    let pool = night_pool(&db);
    let kept = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs(seconds());
    let tasks: Vec<_> = (1..=TASKS)
        .map(|seed| {
            let (pool, kept) = (pool.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                while Instant::now() < end {
                    let (what, patience) =
                        (dice.throw(9), Duration::from_micros(dice.throw(3_000)));
                    let pool = pool.clone();
                    let visited = tokio::spawn(async move { visit(&pool, what, patience).await });
                    match visited.await {
                        Ok(()) => {
                            kept.fetch_add(u64::from(what == 8), Ordering::Relaxed);
                        }
                        Err(error) => {
                            let panic = error.into_panic();
                            let planted = panic.downcast_ref::<&str>() == Some(&"planted");
                            assert!(planted, "seed {seed}, visit {what}");
                        }
                    }
                }
            })
        })
        .collect();
    let mut most = 0;
    while tasks.iter().any(|task| !task.is_finished()) {
        most = most.max(db.count_connections(NAME).unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!((1..=SLOTS).contains(&most), "the server saw {most}");
    eventually("all are back", || {
        let now = pool.snapshot();
        now.idle == now.size && db.count_connections(NAME).unwrap() == now.size
    })
    .await;
    the_pool_is_at_rest(&pool);
    the_server_agrees(&db, &kept);
    nothing_is_left_in_any_session(&pool).await;
    pool.close();
    pool.closed().await;
    assert_eq!(db.count_connections(NAME).unwrap(), 0);
}

fn the_pool_is_at_rest(pool: &Pool) {
    let (now, stats) = (pool.snapshot(), pool.stats());
    assert_eq!(
        (now.in_use, now.waiting, now.connecting),
        (0, 0, 0),
        "{now}"
    );
    assert!(pool.checkouts().is_empty());
    assert_eq!(stats.gets.started, stats.gets.ended());
    assert_eq!(stats.created - stats.closed.total(), now.size as u64);
    assert_eq!(
        (stats.gets.failed, stats.gets.timed_out.total()),
        (0, 0),
        "{stats:?}"
    );
    let returns = pool.manager().returns();
    assert!(
        returns.in_transaction > 0 && returns.cancelled > 0,
        "{returns:?}"
    );
}

fn the_server_agrees(db: &Database, kept: &AtomicU64) {
    let ask = |sql: &str| db.query(sql).unwrap().unwrap();
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'night' AND state <> 'idle'";
    assert_eq!(ask(busy), "0");
    let locks = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name = 'night'";
    assert_eq!(ask(locks), "0");
    assert_eq!(
        ask("SELECT count(*) FROM work"),
        "0",
        "nobody committed that"
    );
    let counted = kept.load(Ordering::Relaxed).to_string();
    assert_eq!(ask("SELECT count(*) FROM kept"), counted);
}

async fn nothing_is_left_in_any_session(pool: &Pool) {
    let no_wait = Timeouts {
        wait: Some(Duration::ZERO),
        ..Timeouts::default()
    };
    let mut all = Vec::new();
    for _ in 0..SLOTS {
        let client = pool.timeout_get(&no_wait).await.unwrap();
        finds_it_clean(&client).await;
        let prepared = value(&client, "SELECT count(*) FROM pg_prepared_statements").await;
        assert!(
            prepared.parse::<usize>().unwrap() <= client.statement_cache.size(),
            "{prepared} at the server, {} in the cache",
            client.statement_cache.size()
        );
        assert_eq!(
            value(&client, "SELECT count(*) FROM pg_listening_channels()").await,
            "0"
        );
        all.push(client);
    }
    let beyond = pool.timeout_get(&no_wait).await;
    assert!(beyond.is_err(), "CAP");
}
