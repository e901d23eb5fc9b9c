//! Bad input: a clear error, at once or within the bound, and nothing lost.

use crate::ground::{
    Connecting, READY, SECRET, black_hole, builder, closed_port, database, local, pool,
    proxied_as_of_old, silent,
};
use millpond::managed::Manager as _;
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls, config};
use millpond::postgres::{
    Config, Connect, Error, Manager, ManagerConfig, Pool, PoolConfig, PoolError, Runtime, Timeouts,
};
use millpond_testdb::Server;
use std::error::Error as _;
use std::fmt::Debug;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

async fn refused(pool: &Pool) -> Error {
    match pool.get().await {
        Err(PoolError::Backend(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("connected"),
    }
}

/// The error of a pool with this configuration, as it is printed; nothing of the pool is lost by it.
async fn why_not(config: PgConfig) -> Error {
    let pool = pool(config, 2);
    let error = refused(&pool).await;
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.size, snapshot.waiting), (0, 0), "{snapshot:?}");
    assert_one_line_without_secret(&error);
    error
}

fn assert_one_line_without_secret(error: &(impl std::error::Error + 'static)) {
    assert_no_secret(error);
    let mut told: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = told {
        assert!(!error.to_string().contains(SECRET), "{error}");
        told = error.source();
    }
    assert!(!error.to_string().contains('\n'), "{error}");
}

fn assert_no_secret(what: &impl Debug) {
    assert!(!format!("{what:?}").contains(SECRET), "{what:?}");
    assert!(!format!("{what:#?}").contains(SECRET), "{what:#?}");
}

#[tokio::test]
async fn a_wrong_password_is_that_error_at_once() {
    let server = Server::builder().password_auth("right").start().unwrap();
    let port = server.port().unwrap();
    let pool = pool(local(port), 2);
    let began = Instant::now();
    let error = refused(&pool).await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(error.code().map(|code| code.code()), Some("28P01"));
    assert!(!error.is_transient() && !error.is_timeout());
    assert_eq!(
        error.to_string(),
        format!(
            "connecting to postgres 127.0.0.1:{port}/postgres as postgres failed: \
            FATAL: password authentication failed for user \"postgres\" (SQLSTATE 28P01)"
        )
    );
    assert!(
        error
            .source()
            .unwrap()
            .is::<millpond::postgres::tokio_postgres::Error>()
    );

    assert_one_line_without_secret(&error);
    assert_one_line_without_secret(&PoolError::Backend(error));
    assert_no_secret(&pool);
    assert_no_secret(pool.manager());
    assert!(!pool.manager().target().contains(SECRET));
    assert_one_line_without_secret(&builder(local(port), 1).build_ready().await.unwrap_err());
    assert!(!server.log_tail().unwrap().contains(SECRET));
}

#[tokio::test]
async fn the_right_password_gets_in_and_is_not_shown() {
    let server = Server::builder().password_auth(SECRET).start().unwrap();
    let pool = pool(local(server.port().unwrap()), 1);
    let client = pool.get().await.unwrap();
    client.simple_query("SELECT 1").await.unwrap();
    assert_no_secret(&client);
    assert_no_secret(&pool);
}

#[tokio::test]
async fn a_missing_password_says_so() {
    let server = Server::builder().password_auth("right").start().unwrap();
    let mut config = PgConfig::new();
    config.host("127.0.0.1").port(server.port().unwrap());
    config.user("postgres").dbname("postgres");
    let error = why_not(config).await.to_string();
    assert!(
        error.ends_with("invalid configuration: password missing"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_database_or_role_is_named() {
    let db = database();
    let mut config = db.config();
    config.dbname("no_such_database");
    let error = why_not(config).await;
    assert_eq!(error.code().map(|code| code.code()), Some("3D000"));
    assert!(error.to_string().contains("no_such_database"), "{error}");
    assert!(!error.is_transient());

    let mut config = db.config();
    config.user("no_such_role");
    let error = why_not(config).await;
    let code = error.code().map(|code| code.code());
    assert!(matches!(code, Some("28000" | "28P01")), "{error}");
}

#[tokio::test]
async fn nobody_there() {
    let port = closed_port();
    let error = why_not(local(port)).await;
    assert_eq!(
        error.to_string(),
        format!(
            "connecting to postgres 127.0.0.1:{port}/postgres as postgres failed: \
            error connecting to server: Connection refused (os error 111)"
        )
    );
    assert!(error.is_transient() && error.code().is_none());

    let error = why_not("host=/no/such/directory dbname=d user=u".parse().unwrap()).await;
    assert!(
        error.to_string().contains("/no/such/directory:5432/d as u"),
        "{error}"
    );
    assert!(error.is_transient(), "{error}");

    let error = why_not("host=no-such-host.invalid dbname=d user=u".parse().unwrap()).await;
    assert!(
        error
            .to_string()
            .contains("no-such-host.invalid:5432/d as u"),
        "{error}"
    );

    let error = why_not("dbname=d user=u".parse().unwrap()).await;
    assert!(
        error
            .to_string()
            .contains("both host and hostaddr are missing"),
        "{error}"
    );
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_an_error_within_the_bound() {
    let (_listener, port) = silent();
    let bound = Duration::from_millis(200);
    for mode in [config::SslMode::Disable, config::SslMode::Prefer] {
        let mut config = local(port);
        config.ssl_mode(mode);
        let manager = Manager::new(config, NoTls).connect_bound(bound);
        let pool = Pool::builder(manager).max_size(1).build().unwrap();
        let began = Instant::now();
        let error = refused(&pool).await;
        let took = began.elapsed();
        assert!(took >= bound && took < bound * 5, "took {took:?}");
        assert!(error.is_timeout() && error.is_transient());
        assert!(
            error.to_string().ends_with("timed out after 0.2 s"),
            "{error}"
        );
        assert_one_line_without_secret(&error);
        assert_eq!(pool.snapshot().size, 0);
    }
}

#[tokio::test]
async fn the_bound_covers_the_question_for_the_role() {
    let db = database();
    let mut config = proxied_as_of_old(&db, Some(READY));
    config.target_session_attrs(config::TargetSessionAttrs::ReadWrite);
    let manager = Manager::new(config, NoTls).connect_bound(Duration::from_millis(500));
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let error = refused(&pool).await;
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn the_addresses_of_a_name_share_the_bound_and_no_more() {
    let (_full, port) = black_hole();
    let mut config = PgConfig::new();
    config.host("localhost").port(port).user("u").dbname("d");
    let bound = Duration::from_millis(500);
    let manager = Manager::new(config, NoTls).connect_bound(bound);
    let began = Instant::now();
    let error = manager.create().await.unwrap_err();
    assert!(began.elapsed() >= bound / 2 && began.elapsed() < bound * 5);
    let told = error.to_string();
    assert!(told.contains("timed out after 0."), "{told}");
    assert!(error.is_transient() && error.is_timeout());
}

/// A way to connect that never comes to an end.
struct Never;

impl Connect for Never {
    fn connect(&self, _: &PgConfig) -> Connecting<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn the_bound_covers_a_way_to_connect_of_ones_own() {
    let manager = Manager::from_connect(local(1), Never, ManagerConfig::default());
    let manager = manager.connect_bound(Duration::from_millis(100));
    let error = manager.create().await.unwrap_err();
    assert!(
        error.to_string().ends_with("timed out after 0.1 s"),
        "{error}"
    );
}

#[tokio::test]
async fn a_full_server_is_one_callers_error() {
    let server = Server::builder()
        .setting("max_connections", "8")
        .setting("superuser_reserved_connections", "3")
        .start()
        .unwrap();
    server.query("CREATE ROLE alice LOGIN").unwrap();
    let mut config = server.config("postgres");
    config.user("alice");
    let pool = pool(config, 20);
    let mut held = Vec::new();
    let began = Instant::now();
    let error = loop {
        match pool.get().await {
            Ok(client) => held.push(client),
            // The server may still be ending the connection that made the role.
            Err(PoolError::Backend(_)) if held.len() < 5 && began.elapsed().as_secs() < 10 => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(PoolError::Backend(error)) => break error,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(
        error.code().map(|code| code.code()),
        Some("53300"),
        "{error}"
    );
    assert!(error.is_transient());
    assert_eq!(held.len(), 5, "8 less 3");
    assert_eq!(pool.snapshot().size, held.len());
    for client in &held {
        client.simple_query("SELECT 1").await.unwrap();
    }
    drop(held.pop());
    pool.get()
        .await
        .unwrap()
        .simple_query("SELECT 1")
        .await
        .unwrap();
}

#[tokio::test]
async fn tls_that_is_demanded_and_not_offered() {
    let db = database();
    let mut config = db.config();
    config.ssl_mode(config::SslMode::Require);
    if Server::shared().unwrap().is_private() {
        let error = why_not(config).await.to_string();
        let tls = "error performing TLS handshake: server does not support TLS";
        assert!(error.ends_with(tls), "{error}");
    }
}

#[test]
fn without_a_tokio_runtime_there_is_an_error_and_no_panic() {
    let pool = Pool::builder(Manager::new(local(closed_port()), NoTls));
    let pool: Pool = pool.max_size(1).build().unwrap();
    let get = pin!(pool.get());
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Err(PoolError::Backend(error))) = get.poll(&mut context) else {
        panic!("no error at once");
    };
    assert!(
        error.to_string().contains("needs a Tokio runtime"),
        "{error}"
    );
    assert_eq!(pool.snapshot().size, 0);
}

#[test]
fn time_outs_without_a_runtime() {
    let mut config = Config::new();
    config.url = Some(format!("postgres://alice:{SECRET}@localhost/shop"));
    config.pool = Some(PoolConfig {
        timeouts: Timeouts::wait_millis(100),
        ..PoolConfig::new(2)
    });
    let error = config.create_pool(None, NoTls).unwrap_err();
    assert!(error.to_string().contains("need a runtime"), "{error}");
    assert_no_secret(&error);
    config.create_pool(Some(Runtime::Tokio1), NoTls).unwrap();

    config.url = Some(format!("alice:{SECRET}@localhost?x=y"));
    let error = config.create_pool(None, NoTls).unwrap_err();
    assert!(error.to_string().contains("url cannot be read"), "{error}");
    assert_one_line_without_secret(&error);
}
