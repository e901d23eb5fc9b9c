//! Several hosts, and what is demanded of them.

use crate::ground::{closed_port, database, local, silent};
use millpond::managed::Manager as _;
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::{
    ChannelBinding, Config, LoadBalanceHosts, Manager, Pool, PoolConfig, PoolError, Runtime,
    TargetSessionAttrs,
};
use millpond_testdb::Server;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A configuration in deadpool-postgres' type that leads to these ports of 127.0.0.1.
fn config(ports: &[u16]) -> Config {
    Config {
        hosts: Some(vec!["127.0.0.1".to_owned(); ports.len()]),
        ports: Some(ports.to_vec()),
        user: Some("postgres".to_owned()),
        dbname: Some("postgres".to_owned()),
        pool: Some(PoolConfig::new(32)),
        ..Config::new()
    }
}

fn pool(config: &Config) -> Pool {
    config.create_pool(Some(Runtime::Tokio1), NoTls).unwrap()
}

async fn port_of(pool: &Pool) -> Result<String, PoolError> {
    let client = pool.get().await?;
    let row = client
        .query_one("SELECT current_setting('port')", &[])
        .await;
    Ok(row.unwrap().get(0))
}

fn read_only() -> Server {
    Server::builder()
        .setting("default_transaction_read_only", "on")
        .start()
        .unwrap()
}

#[tokio::test]
async fn a_server_of_the_wrong_role_is_refused_and_the_next_one_taken() {
    let (reads, writes) = (read_only(), Server::private().unwrap());
    let (to_read, to_write) = (reads.port().unwrap(), writes.port().unwrap());

    let mut config = config(&[to_read, to_write]);
    assert_eq!(port_of(&pool(&config)).await.unwrap(), to_read.to_string());
    config.target_session_attrs = Some(TargetSessionAttrs::ReadWrite);
    assert_eq!(port_of(&pool(&config)).await.unwrap(), to_write.to_string());
    config.target_session_attrs = Some(TargetSessionAttrs::ReadOnly);
    assert_eq!(port_of(&pool(&config)).await.unwrap(), to_read.to_string());

    let mut alone = self::config(&[to_read]);
    alone.target_session_attrs = Some(TargetSessionAttrs::ReadWrite);
    let Err(PoolError::Backend(error)) = port_of(&pool(&alone)).await else {
        panic!("a server that only reads was taken");
    };
    let why = "the server is read-only, and target_session_attrs=read-write";
    assert!(error.to_string().ends_with(why), "{error}");
    assert!(error.is_transient(), "as during a failover");
}

#[tokio::test]
async fn channel_binding_takes_effect() {
    let server = Server::builder().password_auth("p").start().unwrap();
    let mut config = config(&[server.port().unwrap()]);
    config.password = Some("p".to_owned());
    port_of(&pool(&config)).await.unwrap();
    config.channel_binding = Some(ChannelBinding::Require);
    let Err(PoolError::Backend(error)) = port_of(&pool(&config)).await else {
        panic!("connected without TLS");
    };
    let why = "authentication error: server did not use channel binding";
    assert!(error.to_string().ends_with(why), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn load_balance_hosts_takes_effect() {
    let (one, two) = (Server::private().unwrap(), Server::private().unwrap());
    let mut config = config(&[one.port().unwrap(), two.port().unwrap()]);
    for (order, reached) in [
        (LoadBalanceHosts::Disable, 1),
        (LoadBalanceHosts::Random, 2),
    ] {
        config.load_balance_hosts = Some(order);
        let pool = pool(&config);
        let mut held = Vec::new();
        let mut ports = BTreeSet::new();
        for _ in 0..32 {
            let client = pool.get().await.unwrap();
            let row = client
                .query_one("SELECT current_setting('port')", &[])
                .await;
            ports.insert(row.unwrap().get::<_, String>(0));
            held.push(client);
        }
        assert_eq!(ports.len(), reached, "{order:?}");
    }
}

#[tokio::test]
async fn a_silent_or_dead_host_does_not_keep_the_next_from_its_turn() {
    let db = database();
    let config = db.config();
    let (_listener, silent) = silent();
    let text = format!(
        "host=127.0.0.1,127.0.0.1,127.0.0.1 port={},{silent},{} user={} password={} dbname={}",
        closed_port(),
        config.get_ports()[0],
        config.get_user().unwrap(),
        config
            .get_password()
            .map_or("none", |password| std::str::from_utf8(password).unwrap()),
        db.name(),
    );
    let manager = Manager::new(text.parse().unwrap(), NoTls);
    let manager = manager.connect_bound(Duration::from_millis(1000));
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let began = Instant::now();
    let client = pool.get().await.unwrap();
    client.simple_query("SELECT 1").await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(1000));
}

#[tokio::test]
async fn when_all_fail_each_says_why() {
    let (_listener, silent) = silent();
    let closed = closed_port();
    let mut config = local(closed);
    config.host("127.0.0.1").port(silent);
    let manager = Manager::new(config, NoTls).connect_bound(Duration::from_millis(400));
    let error = manager.create().await.unwrap_err();
    let told = error.to_string();
    assert_eq!(
        manager.target(),
        format!("postgres 127.0.0.1:{closed},127.0.0.1:{silent}/postgres as postgres")
    );
    let refused = format!("127.0.0.1:{closed}: error connecting to server: Connection refused");
    assert!(told.contains(&refused), "{told}");
    assert!(
        told.contains(&format!("127.0.0.1:{silent} timed out after 0.")),
        "{told}"
    );
    assert!(error.is_timeout() && error.is_transient());
    assert!(error.into_cause().is_some());
}
