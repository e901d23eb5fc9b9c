use super::connect::{ConfigConnectImpl, Connect, Foreign, Link, Open};
use super::statements::BOUND;
use super::{
    ClientWrapper, Error, ManagerConfig, PgBouncer, StatementCache, StatementCaches, hosts,
};
use crate::engine::sync::Arc;
use crate::managed::{self, Metrics, RecycleError};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config as PgConfig, SimpleQueryMessage, Socket};

/// Makes PostgreSQL connections, and says whether one that lay idle may be handed out again.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{Manager, Pool, tokio_postgres::NoTls};
/// use std::time::Duration;
///
/// let manager = Manager::new("host=localhost user=alice dbname=shop".parse()?, NoTls)
///     .connect_bound(Duration::from_secs(3));
/// let pool = Pool::builder(manager).max_size(16).build()?;
/// assert_eq!(pool.status().max_size, 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Manager {
    config: ManagerConfig,
    pg_config: PgConfig,
    open: Box<dyn Open>,
    connect_bound: Duration,
    statement_cache_size: usize,
    bouncer: Option<PgBouncer>,
    target: Arc<str>,
    /// The statement caches of all connections of this pool.
    pub statement_caches: StatementCaches,
}

impl Manager {
    /// Connects as `pg_config` says, with `tls` where the server offers it or `sslmode` demands it; a
    /// connection is checked by [`RecyclingMethod::Fast`](super::RecyclingMethod::Fast).
    pub fn new<T>(pg_config: PgConfig, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self::from_config(pg_config, tls, ManagerConfig::default())
    }

    /// [`new`](Self::new), with a choice of how a connection is checked.
    pub fn from_config<T>(pg_config: PgConfig, tls: T, config: ManagerConfig) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self::opening(pg_config, Box::new(ConfigConnectImpl { tls }), config)
    }

    /// Connects in a way of your own. Several hosts, TLS and the role of the server are its business then;
    /// the bound on connecting as a whole stays.
    pub fn from_connect(
        pg_config: PgConfig,
        connect: impl Connect + 'static,
        config: ManagerConfig,
    ) -> Self {
        Self::opening(pg_config, Box::new(Foreign(connect)), config)
    }

    fn opening(pg_config: PgConfig, open: Box<dyn Open>, config: ManagerConfig) -> Self {
        Self {
            config,
            connect_bound: default_bound(&pg_config),
            statement_cache_size: BOUND,
            bouncer: None,
            target: hosts::target(&pg_config).into(),
            pg_config,
            open,
            statement_caches: StatementCaches::default(),
        }
    }

    /// Bounds connecting as a whole: resolving names, TCP, TLS, authentication, and asking for the role
    /// that `target_session_attrs` demands. Each of several hosts gets its share of what is left.
    ///
    /// Default: 10 s, long for any server that serves and short for whoever waits; and, since somebody
    /// wants it so, as long as `connect_timeout` on top for each host. `Duration::MAX` is no bound.
    #[must_use]
    pub fn connect_bound(mut self, bound: Duration) -> Self {
        self.connect_bound = bound;
        self
    }

    /// How many prepared statements a connection keeps: those that were used last. One that makes room is
    /// closed at the server. With 0 none is kept, and `prepare_cached` prepares each time.
    ///
    /// Default: 256, as in pgjdbc. A trivial one costs the server 8 kB.
    #[must_use]
    pub fn statement_cache_size(mut self, statements: usize) -> Self {
        self.statement_cache_size = statements;
        self
    }

    /// Sets it up for connections that lead to a PgBouncer: what would fail there now and then is refused at
    /// once, here or when it is used ([`PgBouncer`] tells what), and a connection is checked by an empty query.
    ///
    /// # Errors
    ///
    /// What this manager is told beside it cannot be had behind a PgBouncer of that mode: `options`, or a
    /// session's reset. The error tells the way out.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::postgres::{Manager, PgBouncer, tokio_postgres::NoTls};
    ///
    /// let behind: fn(&str) -> _ = |config| {
    ///     Manager::new(config.parse().unwrap(), NoTls).pgbouncer(PgBouncer::Transaction)
    /// };
    /// assert!(behind("host=bouncer port=6432 user=alice dbname=shop").is_ok());
    /// let refused = behind("host=bouncer options='-c statement_timeout=5s'").unwrap_err();
    /// assert!(refused.to_string().contains("ALTER ROLE"), "{refused}");
    /// ```
    pub fn pgbouncer(mut self, mode: PgBouncer) -> Result<Self, Error> {
        mode.fits(&self.pg_config, &self.config)
            .map_err(|reason| Error::refused(&self.target, reason))?;
        self.bouncer = Some(mode);
        Ok(self)
    }

    fn statement_cache(&self) -> StatementCache {
        match self.bouncer {
            Some(mode) if !mode.knows_names() => StatementCache::without_names(),
            _ => StatementCache::new(self.statement_cache_size),
        }
    }

    fn closed(&self, client: &ClientWrapper) -> Option<RecycleError<Error>> {
        if !client.has_ended() {
            return None;
        }
        Some(RecycleError::Message(match client.ending() {
            Some(ending) => Cow::Owned(ending.to_string()),
            None => Cow::Borrowed("the connection is closed"),
        }))
    }

    fn failed(&self, cause: tokio_postgres::Error) -> RecycleError<Error> {
        RecycleError::Backend(Error::check(&self.target, cause))
    }
}

/// `Config::connect_timeout` is on each TCP connect alone, so what it allows comes on top.
fn default_bound(config: &PgConfig) -> Duration {
    let hosts = u32::try_from(hosts::count(config)).unwrap_or(u32::MAX);
    let asked = config.get_connect_timeout().copied().unwrap_or_default();
    CONNECT_BOUND.saturating_add(asked.saturating_mul(hosts))
}

impl managed::Manager for Manager {
    type Type = ClientWrapper;
    type Error = Error;

    async fn create(&self) -> Result<ClientWrapper, Error> {
        let runtime = Handle::try_current().map_err(|_| Error::no_runtime(&self.target))?;
        let opening = self
            .open
            .open(&self.pg_config, &runtime, self.connect_bound);
        let Link { client, driver } = opening
            .await
            .map_err(|attempts| Error::connect(&self.target, attempts))?;
        let client = ClientWrapper::driven(client, driver).keeping(self.statement_cache());
        self.statement_caches.attach(&client.statement_cache);
        Ok(client)
    }

    async fn recycle(
        &self,
        client: &mut ClientWrapper,
        _: &Metrics,
    ) -> managed::RecycleResult<Error> {
        if let Some(closed) = self.closed(client) {
            return Err(closed);
        }
        let method = &self.config.recycling_method;
        let Some(sql) = method.query() else {
            return Ok(());
        };
        client
            .simple_query(sql)
            .await
            .map_err(|cause| self.failed(cause))?;
        if method.forgets_statements() {
            client.statement_cache.clear();
        }
        Ok(())
    }

    fn detach(&self, client: &mut ClientWrapper) {
        self.statement_caches.detach(&client.statement_cache);
    }

    fn has_broken(&self, client: &mut ClientWrapper) -> bool {
        client.has_ended() || client.statement_cache.is_spent()
    }

    fn needs_tidying(&self, client: &mut ClientWrapper) -> bool {
        client.statement_cache.has_lost_any()
    }

    /// Closes what dropped prepares left at the server: one round trip, and one more if they left anything.
    async fn tidy(&self, client: &mut ClientWrapper) -> managed::RecycleResult<Error> {
        let closed = client.close_lost().await;
        match closed.map_err(|cause| self.failed(cause))? {
            true => Ok(()),
            false => Err(RecycleError::Message(Cow::Borrowed(
                "statements that a dropped prepare left at the server cannot be told from those in use",
            ))),
        }
    }

    async fn probe(&self, client: &mut ClientWrapper) -> managed::RecycleResult<Error> {
        if let Some(closed) = self.closed(client) {
            return Err(closed);
        }
        if self.bouncer.is_some() {
            // PgBouncer's own check. It passes this on to a server; more than an answer cannot be asked of it.
            let answer = client.simple_query("").await;
            return answer.map(drop).map_err(|cause| self.failed(cause));
        }
        let answer = client
            .simple_query("SELECT 1")
            .await
            .map_err(|cause| self.failed(cause))?;
        let is_one = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.try_get(0).is_ok_and(|value| value == Some("1")),
            _ => false,
        };
        match answer.iter().any(is_one) {
            true => Ok(()),
            false => Err(RecycleError::Backend(Error::probe_answer(&self.target))),
        }
    }

    fn defaults(&self) -> managed::Defaults {
        managed::Defaults::server()
    }

    fn describe(&self, error: &Error) -> Option<String> {
        Some(error.to_string())
    }

    fn target(&self) -> Cow<'static, str> {
        Cow::Owned(self.target.to_string())
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("target", &self.target)
            .field("config", &self.config)
            .field("connect_bound", &self.connect_bound)
            .field("pgbouncer", &self.bouncer)
            .field("statement_caches", &self.statement_caches)
            .finish_non_exhaustive()
    }
}

/// Long for any server that serves: SCRAM over TLS takes milliseconds. As long as the pool gives a connect
/// that nobody waits for any more.
const CONNECT_BOUND: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connect_timeout_allows_comes_on_top() {
        for (text, seconds) in [
            ("host=a", 10),
            ("host=a,b", 10),
            ("host=a connect_timeout=30", 40),
            ("host=a,b connect_timeout=3", 16),
        ] {
            let config = text.parse().unwrap();
            assert_eq!(
                default_bound(&config),
                Duration::from_secs(seconds),
                "{text}"
            );
        }
        let mut config: PgConfig = "host=a,b".parse().unwrap();
        config.connect_timeout(Duration::MAX);
        assert_eq!(default_bound(&config), Duration::MAX);
    }
}
