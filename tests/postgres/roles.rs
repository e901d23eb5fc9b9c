//! Several servers of different roles, and what becomes of a pool when a role changes.

use crate::ground::{as_of_old, eventually};
use millpond::managed::Manager as _;
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{
    Client, Config, LoadBalanceHosts, Manager, Pool, PoolConfig, PoolError, Runtime,
    TargetSessionAttrs,
};
use millpond_testdb::{Server, Stop};
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// A primary, and a standby of it.
fn pair() -> (Server, Server) {
    let primary = Server::private().unwrap();
    let standby = primary.standby().unwrap();
    (primary, standby)
}

fn ports<const COUNT: usize>(servers: [&Server; COUNT]) -> [u16; COUNT] {
    servers.map(|server| server.port().unwrap())
}

fn config(servers: &[&Server], attrs: TargetSessionAttrs) -> Config {
    Config {
        hosts: Some(vec!["127.0.0.1".to_owned(); servers.len()]),
        ports: Some(
            servers
                .iter()
                .map(|server| server.port().unwrap())
                .collect(),
        ),
        user: Some("postgres".to_owned()),
        dbname: Some("postgres".to_owned()),
        application_name: Some("roles".to_owned()),
        target_session_attrs: Some(attrs),
        pool: Some(PoolConfig::new(8)),
        ..Config::new()
    }
}

fn pool(servers: &[&Server], attrs: TargetSessionAttrs) -> Pool {
    config(servers, attrs)
        .create_pool(Some(Runtime::Tokio1), NoTls)
        .unwrap()
}

/// A pool whose hosts go before one another, the first of which is tried again so soon.
fn failing_back(servers: &[&Server], attrs: TargetSessionAttrs, pause: Duration) -> Pool {
    let config = config(servers, attrs).get_pg_config().unwrap();
    let manager = Manager::new(config, NoTls)
        .target_session_attrs(attrs)
        .fail_back(pause);
    Pool::builder(manager)
        .max_size(8)
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap()
}

async fn port_of(client: &Client) -> u16 {
    let row = client
        .query_one("SELECT current_setting('port')", &[])
        .await;
    row.unwrap().get::<_, String>(0).parse().unwrap()
}

/// To which port a get leads.
async fn reached(pool: &Pool) -> Result<u16, PoolError> {
    Ok(port_of(&pool.get().await?).await)
}

/// So many connections, which then lie idle.
async fn fill(pool: &Pool, count: usize) {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(pool.get().await.unwrap());
    }
}

/// How many connections of these pools the server has.
fn connections(server: &Server) -> usize {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'roles'";
    server.query(count).unwrap().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_of_the_six_lands_where_it_must() {
    use TargetSessionAttrs::*;
    let (primary, standby) = pair();
    let [to_primary, to_standby] = ports([&primary, &standby]);
    for (attrs, standby_first, primary_first) in [
        (Any, to_standby, to_primary),
        (ReadWrite, to_primary, to_primary),
        (ReadOnly, to_standby, to_standby),
        (Primary, to_primary, to_primary),
        (Standby, to_standby, to_standby),
        (PreferStandby, to_standby, to_standby),
    ] {
        for (hosts, expected) in [
            ([&standby, &primary], standby_first),
            ([&primary, &standby], primary_first),
        ] {
            let pool = pool(&hosts, attrs);
            let client = pool.get().await.unwrap();
            assert_eq!(port_of(&client).await, expected, "{attrs}");
            assert_eq!(client.is_standby(), Some(expected == to_standby), "{attrs}");
        }
    }
    // By a URL, which tokio-postgres alone would refuse.
    let in_a_url = Config {
        url: Some(format!(
            "postgres://postgres@127.0.0.1:{to_primary},127.0.0.1:{to_standby}/postgres\
             ?target_session_attrs=prefer-standby&pool_max_size=3"
        )),
        ..Config::new()
    };
    let pool = in_a_url.create_pool(Some(Runtime::Tokio1), NoTls).unwrap();
    assert_eq!(reached(&pool).await.unwrap(), to_standby);
}

/// A server that does not report its role is asked, when a connection is made and while it lies idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_old_are_asked() {
    use TargetSessionAttrs::*;
    let (primary, standby) = pair();
    let [to_primary, to_standby] = ports([&primary, &standby]);
    let old = |port| as_of_old(("127.0.0.1".to_owned(), port), None);
    let ports = [to_primary, to_standby].map(old).to_vec();
    let pool = |attrs| {
        let config = Config {
            ports: Some(ports.clone()),
            ..config(&[&primary, &standby], attrs)
        };
        config.create_pool(Some(Runtime::Tokio1), NoTls).unwrap()
    };
    for (attrs, expected) in [
        (Any, to_primary),
        (ReadWrite, to_primary),
        (ReadOnly, to_standby),
        (Primary, to_primary),
        (Standby, to_standby),
        (PreferStandby, to_standby),
    ] {
        let pool = pool(attrs);
        let client = pool.get().await.unwrap();
        assert_eq!(port_of(&client).await, expected, "{attrs}");
        assert_eq!(client.is_standby(), None, "it was not reported");
    }
    let (by_recovery, by_writing) = (pool(Standby), pool(ReadOnly));
    fill(&by_recovery, 2).await;
    fill(&by_writing, 2).await;
    standby.promote().unwrap();
    eventually("those that lay idle are gone", || {
        by_recovery.snapshot().size + by_writing.snapshot().size == 0
    })
    .await;
}

#[tokio::test]
async fn where_none_is_wanted_each_says_what_it_is() {
    let (primary, standby) = pair();
    for (server, attrs, why) in [
        (
            &primary,
            TargetSessionAttrs::Standby,
            "a primary, and target_session_attrs=standby",
        ),
        (
            &standby,
            TargetSessionAttrs::Primary,
            "a standby, and target_session_attrs=primary",
        ),
        (
            &standby,
            TargetSessionAttrs::ReadWrite,
            "a standby, and target_session_attrs=read-write",
        ),
    ] {
        let Err(PoolError::Backend(error)) = reached(&pool(&[server], attrs)).await else {
            panic!("a server of the wrong role was taken");
        };
        assert!(
            error.to_string().ends_with(&format!("the server is {why}")),
            "{error}"
        );
        assert!(error.is_transient(), "as during a failover");
    }
    // The second best is taken, and left again: no connection stays behind at the one that was refused.
    let preferring = pool(&[&primary], TargetSessionAttrs::PreferStandby);
    assert_eq!(reached(&preferring).await.unwrap(), primary.port().unwrap());
    eventually("the refused ones have said goodbye", || {
        (connections(&primary), connections(&standby)) == (1, 0)
    })
    .await;
}

/// Both those that lie idle, whom nobody asks for, and the one that is out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promotion_is_followed_within_a_second() {
    let (primary, standby) = pair();
    let readers = pool(&[&standby], TargetSessionAttrs::Standby);
    let moving = pool(&[&standby, &primary], TargetSessionAttrs::ReadOnly);
    fill(&readers, 4).await;
    let out = readers.get().await.unwrap();
    fill(&moving, 2).await;
    assert_eq!(connections(&standby), 6);

    standby.promote().unwrap();
    let promoted = Instant::now();
    eventually("those that lay idle are gone", || {
        readers.snapshot().size == 1 && moving.snapshot().size == 0
    })
    .await;
    assert!(
        promoted.elapsed() < Duration::from_secs(1),
        "{:?}",
        promoted.elapsed()
    );
    // The one that is out goes on, hears of it with its next answer, and is not kept.
    out.simple_query("SELECT 1").await.unwrap();
    eventually("it heard", || out.is_standby() == Some(false)).await;
    drop(out);
    assert_eq!(readers.stats().closed.broken, 1);
    assert!(
        reached(&readers).await.is_err(),
        "there is no standby any more"
    );
    assert!(reached(&moving).await.is_err(), "both write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_dies_the_standby_is_promoted_and_writes_go_on() {
    let (primary, standby) = pair();
    primary.query("CREATE TABLE t (x int)").unwrap();
    eventually("the table arrives", || {
        standby.query("SELECT x FROM t").is_ok()
    })
    .await;
    let pool = pool(&[&standby, &primary], TargetSessionAttrs::ReadWrite);
    fill(&pool, 4).await;
    let write = async || -> bool {
        let Ok(client) = pool.get().await else {
            return false;
        };
        client
            .execute("INSERT INTO t VALUES (1)", &[])
            .await
            .is_ok()
    };
    for _ in 0..10 {
        assert!(write().await);
    }

    primary.stop(Stop::Immediate).unwrap();
    assert!(!write().await, "nobody can write now");
    standby.promote().unwrap();
    let promoted = Instant::now();
    while !write().await {
        assert!(
            promoted.elapsed() < Duration::from_secs(1),
            "the pool does not follow"
        );
        tokio::time::sleep(5 * MS).await;
    }
    for _ in 0..10 {
        assert!(write().await, "from then on each one goes well");
    }
    assert_eq!(reached(&pool).await.unwrap(), standby.port().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_made_read_only_is_left() {
    let (one, two) = (Server::private().unwrap(), Server::private().unwrap());
    let pool = pool(&[&one, &two], TargetSessionAttrs::ReadWrite);
    fill(&pool, 3).await;
    one.set("default_transaction_read_only", "on").unwrap();
    eventually("they lie idle there no longer", || connections(&one) == 0).await;
    assert_eq!(reached(&pool).await.unwrap(), two.port().unwrap());
}

/// In use all the time, and of a server that reports nothing: the refusal itself is heard.
#[tokio::test]
async fn a_connection_on_which_a_write_was_refused_is_not_kept() {
    let server = Server::private().unwrap();
    server.query("CREATE TABLE t (x int)").unwrap();
    let old = as_of_old(("127.0.0.1".to_owned(), server.port().unwrap()), None);
    let pool = |attrs| {
        let config = Config {
            ports: Some(vec![old]),
            ..config(&[&server], attrs)
        };
        config.create_pool(Some(Runtime::Tokio1), NoTls).unwrap()
    };
    let (writers, whoever) = (
        pool(TargetSessionAttrs::ReadWrite),
        pool(TargetSessionAttrs::Any),
    );
    let (writer, anybody) = (writers.get().await.unwrap(), whoever.get().await.unwrap());
    server.set("default_transaction_read_only", "on").unwrap();
    for client in [&writer, &anybody] {
        // The server hears of its new setting between two commands.
        client.simple_query("SELECT 1").await.unwrap();
        let refused = client
            .simple_query("INSERT INTO t VALUES (1)")
            .await
            .unwrap_err();
        assert_eq!(refused.code().map(|code| code.code()), Some("25006"));
    }
    drop((writer, anybody));
    assert_eq!(writers.stats().closed.broken, 1);
    assert_eq!(whoever.stats().closed.total(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_host_is_used_again_when_it_is_back() {
    let (first, second) = (Server::private().unwrap(), Server::private().unwrap());
    let pool = failing_back(&[&first, &second], TargetSessionAttrs::Any, 100 * MS);
    fill(&pool, 2).await;
    assert_eq!((connections(&first), connections(&second)), (2, 0));
    first.stop(Stop::Fast).unwrap();
    assert_eq!(reached(&pool).await.unwrap(), second.port().unwrap());
    let out = pool.get().await.unwrap();

    first.start().unwrap();
    let began = Instant::now();
    while reached(&pool).await.unwrap() != first.port().unwrap() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it stays where it is"
        );
        tokio::time::sleep(5 * MS).await;
    }
    // The one that was out all the time is renewed when it comes back.
    assert_eq!(port_of(&out).await, second.port().unwrap());
    drop(out);
    eventually("the second host is left", || connections(&second) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_back_is_preferred_again() {
    let (primary, standby) = pair();
    let attrs = TargetSessionAttrs::PreferStandby;
    let pool = failing_back(&[&primary, &standby], attrs, 100 * MS);
    assert_eq!(reached(&pool).await.unwrap(), standby.port().unwrap());
    standby.stop(Stop::Fast).unwrap();
    assert_eq!(reached(&pool).await.unwrap(), primary.port().unwrap());
    standby.start().unwrap();
    let began = Instant::now();
    while reached(&pool).await.unwrap() != standby.port().unwrap() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it stays where it is"
        );
        tokio::time::sleep(5 * MS).await;
    }
}

#[tokio::test]
async fn without_fail_back_connections_stay_where_they_are() {
    let (first, second) = (Server::private().unwrap(), Server::private().unwrap());
    first.stop(Stop::Fast).unwrap();
    let pool = failing_back(&[&first, &second], TargetSessionAttrs::Any, Duration::MAX);
    let client = pool.get().await.unwrap();
    first.start().unwrap();
    drop(client);
    assert_eq!(reached(&pool).await.unwrap(), second.port().unwrap());
    assert_eq!(pool.stats().created, 1);
}

#[tokio::test]
async fn load_balancing_spreads_connects() {
    let (primary, standby) = pair();
    let config = Config {
        load_balance_hosts: Some(LoadBalanceHosts::Random),
        ..config(&[&primary, &standby], TargetSessionAttrs::Any)
    };
    let manager = Manager::new(config.get_pg_config().unwrap(), NoTls);
    let mut at_standby = 0;
    for _ in 0..100 {
        at_standby += usize::from(manager.create().await.unwrap().is_standby() == Some(true));
    }
    // Outside of this once in ten million runs.
    assert!((24..=76).contains(&at_standby), "{at_standby} of 100");
}

#[tokio::test]
async fn a_name_is_looked_up_and_all_its_addresses_are_tried() {
    // Where localhost has two addresses, nobody listens on one of them.
    let server = Server::private().unwrap();
    let mut config = PgConfig::new();
    config.host("localhost").port(server.port().unwrap());
    config.user("postgres").dbname("postgres");
    let manager = Manager::new(config, NoTls).target_session_attrs(TargetSessionAttrs::Primary);
    let client = manager.create().await.unwrap();
    assert_eq!(client.is_standby(), Some(false));
}
