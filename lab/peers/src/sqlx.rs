//! sqlx's own pool with its own driver. By default a round trip at each check-out.

use crate::peer::{Peer, at_most, bounded, count, counted};
use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec, Work};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode, Postgres};
use sqlx::{AssertSqlSafe, Error, Executor};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

#[derive(Clone)]
pub(crate) struct Sqlx(PgPool);

struct Held(PoolConnection<Postgres>);

impl Peer for Sqlx {
    const NAME: &'static str = "sqlx";
    const PACKAGES: &'static [&'static str] = &["sqlx"];
    const KEEPS: bool = true;
    const BUILT: &'static str = "`PgPoolOptions`, `max_connections`, `min_connections`; its `acquire_timeout` is \
                                 one for the whole pool (30 s), so Tokio's `timeout` bounds each get, which then \
                                 is dropped. Connects under way are among its connections, uncounted; nobody who \
                                 waits is counted, it has no health.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new()
            .max_connections(count(spec.max_size)?)
            .min_connections(count(spec.kept)?)
            .acquire_timeout(at_most(spec))
            .connect_with(options(&config)?)
            .await?;
        Ok(Self(pool))
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        let get = async {
            self.0.acquire().await.map_err(|error| match error {
                Error::PoolTimedOut => Refusal::TimedOut,
                Error::PoolClosed => Refusal::Closed,
                error => Refusal::Failed(error.into()),
            })
        };
        Ok(Box::new(Held(bounded(within, get).await?)))
    }

    fn look(&self) -> Look {
        let max = self.0.options().get_max_connections();
        counted(max, self.0.size(), self.0.num_idle())
    }

    async fn close(self) {
        self.0.close().await;
    }
}

#[async_trait]
impl Lease for Held {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        let asked = sqlx::raw_sql(AssertSqlSafe(work.statement().into_owned()));
        work.judge((&mut *self.0).execute(asked).await)
    }
}

/// The same connection, as its own driver is told of it.
fn options(config: &Config) -> Result<PgConnectOptions, Failure> {
    let mut options = PgConnectOptions::new_without_pgpass().ssl_mode(PgSslMode::Disable);
    match config.get_hosts() {
        [Host::Tcp(host)] => options = options.host(host),
        #[cfg(unix)]
        [Host::Unix(folder)] => options = options.socket(folder),
        hosts => return Err(format!("sqlx connects to one host, not to {}", hosts.len()).into()),
    }
    if let [port] = config.get_ports() {
        options = options.port(*port);
    }
    if let Some(user) = config.get_user() {
        options = options.username(user);
    }
    if let Some(password) = config.get_password() {
        options = options.password(std::str::from_utf8(password)?);
    }
    if let Some(database) = config.get_dbname() {
        options = options.database(database);
    }
    if let Some(name) = config.get_application_name() {
        options = options.application_name(name);
    }
    Ok(options)
}
