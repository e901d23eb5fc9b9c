//! The tests of a service, as `docs/testing.md` shows them: that page quotes this file, and is held to it below.

use millpond::Runtime;
use millpond::managed::{Acquire, Manager, Object, Pool, Reason};
use millpond::postgres::{self, ManagerConfig, RecyclingMethod, tokio_postgres::NoTls};
use millpond_testkit::oracles::{assert_all_well, assert_cap_in_time};
use millpond_testkit::postgres::{Server, address_of, assert_server_agrees, through};
use millpond_testkit::proxy::{Fault, Proxy};
use millpond_testkit::{Clock, Step, World};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// How long a request may wait for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the service answers where it cannot serve.
#[derive(Debug, PartialEq)]
enum Refusal {
    /// 503, with `Retry-After`: too many at once.
    Busy,
    /// 502: the database is at fault.
    Broken,
}

/// A connection for one request, or the answer to it.
async fn connection<M: Manager>(pool: &Pool<M>) -> Result<Object<M>, Refusal> {
    let acquired = pool.acquire(&Acquire::new().deadline(PATIENCE)).await;
    acquired.map_err(|error| match error.into_reason() {
        Reason::Backend(_) => Refusal::Broken,
        _ => Refusal::Busy,
    })
}

/// `GET /orders`: how many are open.
async fn open_orders(pool: &postgres::Pool) -> Result<i64, Refusal> {
    let client = connection(pool).await?;
    let asked = client.query_one("SELECT count(*) FROM generate_series(1, 7)", &[]);
    match tokio::time::timeout(SECOND, asked).await {
        Ok(Ok(row)) => Ok(row.get(0)),
        _ => Err(Refusal::Broken),
    }
}

#[test]
fn a_request_that_cannot_be_served_in_time_is_told_so() {
    let (clock, world) = (Clock::new(), World::default());
    world.limit(1);
    let builder = Pool::builder(world).max_size(1).runtime(Runtime::Tokio1);
    let pool = builder.build().unwrap();

    let served = clock.polled(connection(&pool)).ready().unwrap();
    let mut request = clock.polled(connection(&pool)).waits();
    clock.advance(PATIENCE - SECOND);
    request.pending();
    clock.advance(SECOND);
    assert_eq!(request.woken_ready().err(), Some(Refusal::Busy));

    drop(served);
    assert_all_well(&pool, 1);
}

#[test]
fn a_connect_that_fails_or_hangs_takes_nothing_with_it() {
    let (clock, world) = (Clock::new(), World::default());
    world.limit(2);
    let builder = Pool::builder(world.clone()).max_size(2);
    let pool = builder.runtime(Runtime::Tokio1).build().unwrap();

    world.create.then(Step::Err);
    let request = clock.polled(connection(&pool)).ready();
    assert_eq!(request.err(), Some(Refusal::Broken));

    world.create.then(Step::Never);
    let mut request = clock.polled(connection(&pool)).waits();
    clock.advance(PATIENCE);
    assert_eq!(request.woken_ready().err(), Some(Refusal::Busy));

    // The half-made connection is given up in the background, 10 s after it was begun.
    clock.advance(10 * SECOND);
    assert_all_well(&pool, 2);
}

#[tokio::test]
async fn a_database_that_falls_silent_delays_a_request_and_fails_none() {
    let db = Server::shared().unwrap().database().unwrap();
    let proxy = Proxy::start(address_of(&db.config())).unwrap();
    let mut config = through(&proxy, &db.config());
    config.application_name("orders");
    let checked = ManagerConfig {
        recycling_method: RecyclingMethod::Verified,
    };
    let pool = postgres::Pool::builder(postgres::Manager::from_config(config, NoTls, checked))
        .max_size(3)
        .recycle_timeout(Some(SECOND / 4))
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    assert_eq!(open_orders(&pool).await, Ok(7));

    // The idle connection is dead, and nobody says so: its check runs out, and another is made.
    proxy.set(Fault::half_open());
    let begun = Instant::now();
    assert_eq!(open_orders(&pool).await, Ok(7));
    assert!(begun.elapsed() >= SECOND / 4);

    // The database is gone: the answer comes at once. It is back: all is well.
    proxy.set(Fault::refuse().on_all());
    assert_eq!(open_orders(&pool).await, Err(Refusal::Broken));
    proxy.heal();
    assert_eq!(open_orders(&pool).await, Ok(7));

    assert_cap_in_time(&pool, 3).await;
    assert_server_agrees(&pool, &db.config(), "orders").await;
}

/// What the page quotes is what was compiled and run.
#[test]
fn the_page_quotes_this_file() {
    let page = include_str!("../../docs/testing.md");
    let quoted: Vec<_> = page
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(quoted.len() >= 4, "the page has lost its examples");
    for code in quoted {
        assert!(
            include_str!("service.rs").contains(code),
            "docs/testing.md quotes what is not in this file:\n{code}"
        );
    }
}
