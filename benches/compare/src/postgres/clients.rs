//! The pools over tokio-postgres.

use super::{CONNECTIONS, Checks, Clients};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

async fn query(client: &Client, sql: String) -> Result<usize, String> {
    let messages = client.simple_query(&sql).await.map_err(told)?;
    let is_row = |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    Ok(messages.iter().filter(is_row).count())
}

fn told(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn config(url: &str) -> Config {
    url.parse().expect("the server gave it")
}

/// millpond with its manager. It asks the server when a connection has been idle for long, or is suspected.
pub(super) struct Millpond(millpond::postgres::Pool);

impl Clients for Millpond {
    type Held<'a> = millpond::postgres::Client;

    async fn of(url: &str, _: Checks) -> Self {
        let manager = millpond::postgres::Manager::new(config(url), NoTls);
        let builder = millpond::postgres::Pool::builder(manager).max_size(CONNECTIONS);
        let built = builder.runtime(millpond::Runtime::Tokio1).build();
        Self(built.expect("there is a runtime"))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }

    async fn query(held: &mut Self::Held<'_>, sql: String) -> Result<usize, String> {
        query(held, sql).await
    }
}

/// deadpool-postgres. By default it looks whether the connection has ended, and asks nobody.
pub(super) struct Deadpool(deadpool_postgres::Pool);

impl Clients for Deadpool {
    type Held<'a> = deadpool_postgres::Client;

    async fn of(url: &str, _: Checks) -> Self {
        let manager = deadpool_postgres::Manager::new(config(url), NoTls);
        let builder = deadpool_postgres::Pool::builder(manager).max_size(CONNECTIONS);
        let built = builder.runtime(deadpool_postgres::Runtime::Tokio1).build();
        Self(built.expect("there is a runtime"))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }

    async fn query(held: &mut Self::Held<'_>, sql: String) -> Result<usize, String> {
        query(held, sql).await
    }
}

/// bb8-postgres. By default an empty query at each check-out.
pub(super) struct Bb8(bb8::Pool<bb8_postgres::PostgresConnectionManager<NoTls>>);

impl Clients for Bb8 {
    type Held<'a> = bb8::PooledConnection<'a, bb8_postgres::PostgresConnectionManager<NoTls>>;

    async fn of(url: &str, checks: Checks) -> Self {
        let manager = bb8_postgres::PostgresConnectionManager::new(config(url), NoTls);
        let mut builder = bb8::Pool::builder().max_size(CONNECTIONS as u32);
        if checks == Checks::No {
            builder = builder.test_on_check_out(false);
        }
        Self(builder.build(manager).await.expect("nothing is made yet"))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }

    async fn query(held: &mut Self::Held<'_>, sql: String) -> Result<usize, String> {
        query(held, sql).await
    }
}

/// mobc-postgres. By default an empty query at each check-out.
pub(super) struct Mobc(mobc::Pool<mobc_postgres::PgConnectionManager<NoTls>>);

impl Clients for Mobc {
    type Held<'a> = mobc::Connection<mobc_postgres::PgConnectionManager<NoTls>>;

    async fn of(url: &str, checks: Checks) -> Self {
        let manager = mobc_postgres::PgConnectionManager::new(config(url), NoTls);
        let many = CONNECTIONS as u64;
        let mut builder = mobc::Pool::builder().max_open(many).max_idle(many);
        if checks == Checks::No {
            builder = builder.test_on_check_out(false);
        }
        Self(builder.get_timeout(None).build(manager))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }

    async fn query(held: &mut Self::Held<'_>, sql: String) -> Result<usize, String> {
        query(held, sql).await
    }
}
