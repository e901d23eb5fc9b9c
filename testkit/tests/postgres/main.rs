//! The proxy between a pool and a real PostgreSQL.

use millpond::Runtime;
use millpond::managed::{PoolError, TimeoutType};
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use millpond_testkit::Draw;
use millpond_testkit::oracles::{assert_at_rest_in_time, assert_cap_in_time};
use millpond_testkit::postgres::{Database, Server, address_of, assert_server_agrees, through};
use millpond_testkit::proxy::{Fault, Plan, Proxy};
use std::time::{Duration, Instant};

const NAME: &str = "it's the kit";
const SIZE: usize = 4;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A database, the proxy before it, and a pool that goes through the proxy and checks what it hands out.
fn ground() -> (Database, Proxy, Pool) {
    let server = Server::shared().unwrap_or_else(|e| panic!("{e}"));
    let db = server.database().unwrap();
    let proxy = Proxy::start(address_of(&db.config())).unwrap();
    let mut config = through(&proxy, &db.config());
    config.application_name(NAME);
    let recycling_method = RecyclingMethod::Verified;
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
    let pool = Pool::builder(manager)
        .max_size(SIZE)
        .create_timeout(Some(ms(1_000)))
        .recycle_timeout(Some(ms(250)))
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    (db, proxy, pool)
}

async fn fill(pool: &Pool) -> Vec<Object> {
    let mut held = Vec::new();
    for _ in 0..SIZE {
        held.push(pool.get().await.unwrap());
    }
    held
}

/// All is over: nothing is lost, and the server says the same.
async fn all_well(db: &Database, pool: &Pool) {
    assert_at_rest_in_time(pool).await;
    assert_cap_in_time(pool, SIZE).await;
    assert_at_rest_in_time(pool).await;
    assert_server_agrees(pool, &db.config(), NAME).await;
}

#[tokio::test]
async fn a_pool_through_a_good_proxy_is_a_good_pool() {
    let (db, proxy, pool) = ground();
    let held = fill(&pool).await;
    assert_eq!(proxy.connections(), SIZE as u64);
    assert_server_agrees(&pool, &db.config(), NAME).await;
    drop(held);
    all_well(&db, &pool).await;
    pool.close();
    assert_server_agrees(&pool, &db.config(), NAME).await;
}

#[tokio::test]
async fn connections_that_are_reset_are_replaced() {
    let (db, proxy, pool) = ground();
    let held = fill(&pool).await;
    proxy.reset_all();
    for client in &held {
        client.simple_query("SELECT 1").await.unwrap_err();
    }
    drop(held);
    all_well(&db, &pool).await;
    drop(fill(&pool).await);
    proxy.reset_all();
    pool.get()
        .await
        .unwrap()
        .simple_query("SELECT 1")
        .await
        .unwrap();
    all_well(&db, &pool).await;
}

#[tokio::test]
async fn connections_that_are_half_open_are_found_by_their_check() {
    let (db, proxy, pool) = ground();
    drop(fill(&pool).await);
    proxy.set(Fault::half_open());
    let begun = Instant::now();
    pool.get()
        .await
        .unwrap()
        .simple_query("SELECT 1")
        .await
        .unwrap();
    assert!(begun.elapsed() >= ms(250), "nobody had to be waited for");
    assert!(pool.stats().closed.check_failed > 0);
    all_well(&db, &pool).await;
}

#[tokio::test]
async fn who_is_refused_and_who_vanishes_is_told_in_time() {
    let (db, proxy, pool) = ground();
    proxy.set(Fault::refuse());
    let refused = pool.get().await.unwrap_err();
    assert!(matches!(refused, PoolError::Backend(_)), "{refused}");
    proxy.set(Fault::black_hole());
    let vanished = pool.get().await.unwrap_err();
    let in_create = matches!(vanished, PoolError::Timeout(TimeoutType::Create));
    assert!(in_create, "{vanished}");
    proxy.set(Fault::slow_handshake(ms(200)));
    let begun = Instant::now();
    drop(pool.get().await.unwrap());
    assert!(begun.elapsed() >= ms(200));
    proxy.heal();
    all_well(&db, &pool).await;
}

#[tokio::test]
async fn whatever_is_drawn_nothing_is_lost() {
    let (db, proxy, pool) = ground();
    let seed = 20_261_126;
    let plan = Plan::drawn(seed, ms(5_000));
    println!("{plan}");
    let end = Instant::now() + plan.length() + ms(200);
    proxy.play(plan);
    let worker = |number| {
        let (pool, mut draw) = (pool.clone(), Draw::branch(seed, number));
        async move {
            while Instant::now() < end {
                let used = async {
                    let client = pool.get().await.ok()?;
                    client.simple_query("SELECT pg_sleep(0.002)").await.ok()
                };
                // Some give up, wherever they are.
                let patience = draw.between(ms(1), ms(400));
                let _ = tokio::time::timeout(patience, used).await;
                tokio::time::sleep(draw.between(ms(0), ms(5))).await;
            }
        }
    };
    let workers: Vec<_> = (0..8).map(|number| tokio::spawn(worker(number))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(proxy.faults(), []);
    all_well(&db, &pool).await;
    assert!(
        proxy.counts().accepted > SIZE as u64,
        "{:?}",
        proxy.counts()
    );
}
