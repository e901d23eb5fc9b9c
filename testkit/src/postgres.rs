//! A real PostgreSQL of a test's own, and what its own list of connections says of a pool.
//!
//! The server is that of `millpond-testdb`, all of which is here: [`Server::shared`] finds, starts or fetches one, and
//! [`Server::database`] gives each test a database that goes with it. A server for faults of its own (a restart, a
//! setting, a frozen process) is started by [`Server::builder`].
//!
//! ```
//! use millpond::Runtime;
//! use millpond::postgres::{Manager, Pool, tokio_postgres::NoTls};
//! use millpond_testkit::postgres::{Server, address_of, assert_server_agrees, through};
//! use millpond_testkit::proxy::Proxy;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let db = Server::shared()?.database()?;
//! let proxy = Proxy::start(address_of(&db.config()))?;
//! let mut config = through(&proxy, &db.config());
//! config.application_name("the-service");
//! let pool = Pool::builder(Manager::new(config, NoTls))
//!     .runtime(Runtime::Tokio1)
//!     .build()?;
//!
//! let client = pool.get().await?;
//! proxy.reset_all();
//! assert!(client.simple_query("SELECT 1").await.is_err());
//! drop(client);
//! assert_server_agrees(&pool, &db.config(), "the-service").await;
//! # Ok(())
//! # }
//! ```

mod agreement;

pub use agreement::assert_server_agrees;
pub use millpond_testdb::{
    Builder, Database, Error, PgBouncer, PgBouncerBuilder, Programs, Result, Server, Source, Stop,
};

use crate::proxy::{Proxy, Upstream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Where the first server of a configuration is: what a [`Proxy`] is to stand before.
///
/// # Panics
///
/// It names no host.
#[track_caller]
pub fn address_of(config: &Config) -> Upstream {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    if let Some(address) = config.get_hostaddrs().first() {
        return Upstream::Address((*address, port).into());
    }
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => Upstream::Host(host.clone(), port),
        #[cfg(unix)]
        Some(Host::Unix(dir)) => Upstream::Socket(dir.join(format!(".s.PGSQL.{port}"))),
        None => panic!("a configuration without a host: {config:?}"),
    }
}

/// The same database by the same user, through a proxy: who, what and how are as in `config`, where is the proxy.
///
/// Taken over are the user, the password, the database, the options, the application's name, the time-out of a connect,
/// and what session is wanted. A certificate would be that of another host than the one connected to, so TLS is off.
pub fn through(proxy: &Proxy, config: &Config) -> Config {
    let mut there = Config::new();
    there.host("127.0.0.1").port(proxy.port());
    if let Some(user) = config.get_user() {
        there.user(user);
    }
    if let Some(password) = config.get_password() {
        there.password(password);
    }
    if let Some(name) = config.get_dbname() {
        there.dbname(name);
    }
    if let Some(options) = config.get_options() {
        there.options(options);
    }
    if let Some(name) = config.get_application_name() {
        there.application_name(name);
    }
    if let Some(timeout) = config.get_connect_timeout() {
        there.connect_timeout(*timeout);
    }
    there.target_session_attrs(config.get_target_session_attrs());
    there.ssl_mode(tokio_postgres::config::SslMode::Disable);
    there
}
