//! What millpond has no error of tokio-postgres for still says what happened. PARITY.md has the table.

use deadpool_postgres::tokio_postgres::{self, NoTls};
use deadpool_postgres::{Config, ConfigError, Manager, Pool, PoolError};
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The `io::Error` behind an error of tokio-postgres.
fn source(error: &tokio_postgres::Error) -> &io::Error {
    let source = error.source().expect("it has a source");
    source.downcast_ref().expect("which is of std")
}

/// deadpool-postgres' signatures: `?` and `From` of a program of old.
async fn one(pool: &Pool) -> Result<i32, Box<dyn Error>> {
    struct Mine(PoolError);
    impl From<PoolError> for Mine {
        fn from(error: PoolError) -> Self {
            Self(error)
        }
    }
    async fn ask(pool: &Pool) -> Result<i32, Mine> {
        let client = pool.get().await?;
        let row = client.query_one("SELECT 1", &[]).await;
        Ok(row.map_err(PoolError::Backend)?.get(0))
    }
    ask(pool).await.map_err(|Mine(error)| error.into())
}

#[tokio::test]
async fn a_silent_server_is_a_time_out_with_its_name() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let config = format!("host=127.0.0.1 port={port} user=alice dbname=shop");
    let ours = millpond::postgres::Manager::new(config.parse().unwrap(), NoTls)
        .connect_bound(Duration::from_millis(50));
    let pool = Pool::builder(Manager::from(ours)).build().unwrap();

    let error = pool.get().await.unwrap_err();
    let PoolError::Backend(error) = error else {
        panic!("{error:?}");
    };
    let source = source(&error);
    assert_eq!(source.kind(), io::ErrorKind::TimedOut);
    let told = source.to_string();
    assert!(
        told.contains(&format!("127.0.0.1:{port}/shop as alice")),
        "{told}"
    );
    assert!(one(&pool).await.is_err());
}

#[tokio::test]
async fn a_closed_port_is_the_error_of_tokio_postgres() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let config = format!("host=127.0.0.1 port={port} user=alice dbname=shop");
    let manager = Manager::new(config.parse().unwrap(), NoTls);
    let pool = Pool::builder(manager).build().unwrap();
    match pool.get().await {
        Err(PoolError::Backend(error)) => {
            assert_eq!(error.code(), None);
            assert_eq!(source(&error).kind(), io::ErrorKind::ConnectionRefused);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_runtime_it_says_so() {
    let manager = Manager::new(
        "host=127.0.0.1 user=alice dbname=shop".parse().unwrap(),
        NoTls,
    );
    let pool = Pool::builder(manager).build().unwrap();
    let got = pin!(pool.get()).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(PoolError::Backend(error))) = got else {
        panic!("{got:?}");
    };
    let told = source(&error).to_string();
    assert!(told.contains("needs a Tokio runtime"), "{told}");
}

#[test]
fn pool_parameters_of_a_url_set_the_pool() {
    let mut config = Config::new();
    config.url = Some("postgres://alice@host/shop?pool_max_size=3".to_owned());
    let pool = config.create_pool(None, NoTls).unwrap();
    assert_eq!(pool.status().max_size, 3);
    config.url = Some("postgres://alice@host/shop?pool_max_size=3&pool_min_idle=4".to_owned());
    match config.create_pool(None, NoTls) {
        Err(error) => {
            let shown = format!("{error:?}");
            assert!(shown.contains("pool_min_idle"), "{shown}");
            assert!(shown.contains("never so many can lie idle"), "{shown}");
        }
        Ok(_) => panic!("more spare ones than there may be"),
    }
}

#[test]
fn a_wrong_url_is_the_error_of_tokio_postgres_where_it_has_one() {
    let mut config = Config::new();
    config.url = Some("postgres://alice@host:port/shop".to_owned());
    let theirs = "postgres://alice@host:port/shop"
        .parse::<tokio_postgres::Config>()
        .unwrap_err();
    match config.get_pg_config() {
        Err(ConfigError::InvalidUrl(error)) => assert_eq!(error.to_string(), theirs.to_string()),
        other => panic!("{other:?}"),
    }
    config.url = Some("postgres://alice:open@sesame@host/shop".to_owned());
    match config.create_pool(None, NoTls) {
        Err(error) => {
            let shown = format!("{error:?}");
            assert!(
                shown.contains("%40") && !shown.contains("sesame"),
                "{shown}"
            );
        }
        Ok(_) => panic!("a piece of the password is in its host"),
    }
    assert!(!format!("{config:?}").contains("sesame"));
}
