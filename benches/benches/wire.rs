//! What it costs that a connection is watched: a million rows, and one, beside a connection of the same kind that is not;
//! as the best of many rounds in which both take turns; the run fails if a bound is passed. And how many that come back
//! idle are not idle at once, because the task that drives them was not done yet.

use millpond::Runtime;
use millpond::postgres::tokio_postgres::{Client, NoTls, Statement};
use millpond::postgres::{ConfigConnectImpl, Manager, ManagerConfig, Object, Pool};
use millpond_testdb::Server;
use std::time::{Duration, Instant};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(compare());
}

async fn compare() {
    let server = Server::shared().unwrap_or_else(|error| panic!("{error}"));
    let db = server.database().expect("a database");
    let plain = ConfigConnectImpl { tls: NoTls };
    let plain = Manager::from_connect(db.config(), plain, ManagerConfig::default());
    let (watched, plain) = (pool(Manager::new(db.config(), NoTls)), pool(plain));
    {
        let clients = [&taken(&watched).await, &taken(&plain).await];
        assert!(clients[0].is_watched() && !clients[1].is_watched());
        let million = "SELECT n, n::text FROM generate_series(1, 1000000) n";
        best_of("a million rows", 15, clients, million, 1.02).await;
        best_of("one row", 20_000, clients, "SELECT 1", 1.05).await;
    }
    background(&watched).await;
}

fn pool(manager: Manager) -> Pool {
    let pool = Pool::builder(manager).max_size(1).runtime(Runtime::Tokio1);
    pool.build().expect("a pool")
}

async fn taken(pool: &Pool) -> Object {
    pool.get().await.expect("a connection")
}

/// The best round of each; the first may be slower by `bound` at most.
async fn best_of(name: &str, rounds: usize, clients: [&Object; 2], sql: &str, bound: f64) {
    let mut best = [Duration::MAX; 2];
    let mut statements = Vec::new();
    for client in clients {
        statements.push(client.prepare(sql).await.expect("a statement"));
    }
    for _ in 0..rounds {
        for (at, client) in clients.into_iter().enumerate() {
            let began = Instant::now();
            assert!(read(client, &statements[at]).await > 0);
            best[at] = best[at].min(began.elapsed());
        }
    }
    let ratio = best[0].as_secs_f64() / best[1].as_secs_f64();
    println!("{name}: watched over plain {ratio:.4} ({best:?})");
    assert!(ratio <= bound, "{name}: {ratio}");
}

async fn read(client: &Client, statement: &Statement) -> usize {
    client.query(statement, &[]).await.expect("rows").len()
}

async fn background(pool: &Pool) {
    const TIMES: u32 = 20_000;
    let before = pool.stats().tidied;
    let began = Instant::now();
    for _ in 0..TIMES {
        let client = taken(pool).await;
        let statement = client
            .prepare_cached("SELECT 1")
            .await
            .expect("a statement");
        assert_eq!(read(&client, &statement).await, 1);
    }
    let each = began.elapsed() / TIMES;
    let tidied = pool.stats().tidied - before;
    println!("get, query, return: {each:?} each; {tidied} of {TIMES} through the background");
}
