//! Credentials that change under a running pool.

use crate::ground::{SECRET, backend_pid, eventually};
use millpond::managed::Manager as _;
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{CredentialError, Credentials, Error, Manager, Pool, PoolError, Runtime};
use millpond_testdb::Server;
use std::error::Error as _;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A configuration without a password.
fn config(server: &Server) -> PgConfig {
    let mut config = PgConfig::new();
    config.host("127.0.0.1").port(server.port().unwrap());
    config.user("postgres").dbname("postgres");
    config.application_name("credentials");
    config
}

/// A vault: what it holds is given to each connect.
#[derive(Clone)]
struct Vault(Arc<Mutex<&'static str>>);

impl Vault {
    fn holding(password: &'static str) -> Self {
        Self(Arc::new(Mutex::new(password)))
    }

    fn put(&self, password: &'static str) {
        *self.0.lock().unwrap() = password;
    }

    fn manager(&self, config: PgConfig) -> Manager {
        let vault = self.clone();
        Manager::new(config, NoTls).credentials(move || {
            let password = *vault.0.lock().unwrap();
            async move { Ok::<_, io::Error>(Credentials::password(password)) }
        })
    }
}

async fn refused(manager: &Manager) -> Error {
    match manager.create().await {
        Err(error) => error,
        Ok(_) => panic!("connected"),
    }
}

#[tokio::test]
async fn a_password_is_rotated_under_a_running_pool() {
    let server = Server::builder().password_auth("old").start().unwrap();
    let vault = Vault::holding("old");
    let pool = Pool::builder(vault.manager(config(&server)))
        .max_size(4)
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    let (out, idle) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    let old = [backend_pid(&out).await, backend_pid(&idle).await];
    drop(idle);

    server.query("ALTER ROLE postgres PASSWORD 'new'").unwrap();
    // What is there lives on; a new one needs the new password.
    let idle = pool.get().await.unwrap();
    let Err(PoolError::Backend(error)) = pool.get().await else {
        panic!("the old password still works");
    };
    assert_eq!(error.code().map(|code| code.code()), Some("28P01"));
    drop(idle);

    vault.put("new");
    pool.refresh();
    let fresh = pool.get().await.unwrap();
    assert!(!old.contains(&backend_pid(&fresh).await));
    out.simple_query("SELECT 1").await.unwrap();
    drop(out);
    assert_eq!(pool.stats().closed.refreshed, 2);
    let there = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'credentials'";
    eventually("the old ones are gone", || {
        server.query(there).unwrap().as_deref() == Some("1")
    })
    .await;
}

#[tokio::test]
async fn another_user_may_be_given_too() {
    let server = Server::builder().password_auth("p").start().unwrap();
    server
        .query("CREATE ROLE alice LOGIN PASSWORD 'q'")
        .unwrap();
    let manager = Manager::new(config(&server), NoTls)
        .credentials(async || Ok::<_, io::Error>(Credentials::password("q").user("alice")));
    let client = manager.create().await.unwrap();
    let row = client
        .query_one("SELECT current_user::text", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "alice");
}

#[tokio::test]
async fn a_provider_that_fails_says_why() {
    let target = "postgres 127.0.0.1:5432/d as u";
    let local = || {
        "host=127.0.0.1 dbname=d user=u"
            .parse::<PgConfig>()
            .unwrap()
    };
    let failing = |cause: fn() -> CredentialError| {
        Manager::new(local(), NoTls).credentials(move || async move { Err(cause()) })
    };
    for (cause, why, is_transient) in [
        (
            (|| "the vault\nis sealed".into()) as fn() -> CredentialError,
            "the vault; is sealed",
            true,
        ),
        (
            || io::Error::from(io::ErrorKind::ConnectionRefused).into(),
            "connection refused",
            true,
        ),
        (
            || io::Error::from(io::ErrorKind::NotFound).into(),
            "entity not found",
            false,
        ),
        (
            || CredentialError::permanent("no such lease"),
            "no such lease",
            false,
        ),
    ] {
        let error = refused(&failing(cause)).await;
        let expected = format!("connecting to {target} failed: no credentials: {why}");
        assert_eq!(error.to_string(), expected);
        assert_eq!(
            (error.is_transient(), error.is_timeout()),
            (is_transient, false),
            "{why}"
        );
        assert!(error.source().is_some() && error.code().is_none());
    }
}

#[tokio::test]
async fn a_provider_that_stays_silent_is_bounded() {
    let silent = || async {
        pending::<()>().await;
        Ok::<_, io::Error>(Credentials::default())
    };
    let manager = Manager::new("host=127.0.0.1 user=u".parse().unwrap(), NoTls)
        .credentials(silent)
        .connect_bound(Duration::from_millis(50));
    let began = Instant::now();
    let error = refused(&manager).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let why = "failed: asking for credentials timed out after 0.050 s";
    assert!(error.to_string().ends_with(why), "{error}");
    assert!(error.is_timeout() && error.is_transient());
}

#[tokio::test]
async fn what_a_provider_gives_is_not_shown() {
    let server = Server::builder().password_auth("right").start().unwrap();
    let manager = Vault::holding(SECRET).manager(config(&server));
    let error = refused(&manager).await;
    assert_eq!(error.code().map(|code| code.code()), Some("28P01"));
    let given = Credentials::password(SECRET);
    for shown in [
        format!("{error} {error:?} {error:#?}"),
        format!("{manager:?} {manager:#?}"),
        format!("{given:?} {given:#?}"),
    ] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
