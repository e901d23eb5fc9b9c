use super::application_name::{Names, is_named, is_named_by_options};
use super::connect::{ConfigConnectImpl, Connect, Foreign, Link, Open};
use super::keeping::Keeping;
use super::returns::Ledger;
use super::route::Route;
use super::scout::Scout;
use super::search::{Found, Search};
use super::seat::Seat;
use super::{
    ClientWrapper, CredentialProvider, Error, ManagerConfig, Reset, Returns, SessionSettings,
    StatementCaches, TargetSessionAttrs, hosts, keepalives, roles,
};
use crate::engine::sync::{Arc, OnceLock};
use crate::managed::{self, Bell, Metrics, RecycleError};
use crate::observe::CloseReason;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config as PgConfig, Socket};

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
    pub(super) config: ManagerConfig,
    pub(super) route: Route,
    scout: Scout,
    pub(super) keeping: Keeping,
    pub(super) returning: Returning,
    /// Rung when a connection ends by itself.
    bell: OnceLock<Bell>,
    /// What the server is to call the connections; `None`, where the user has said so himself.
    pub(super) names: Option<Names>,
    /// The statement caches of all connections of this pool.
    pub statement_caches: StatementCaches,
}

impl Manager {
    /// Connects as `pg_config` says, with `tls` where the server offers it or `sslmode` demands it; a
    /// connection is checked by [`RecyclingMethod::Fast`](super::RecyclingMethod::Fast).
    ///
    /// Where it says nothing of `keepalives_idle`, `keepalives_interval` or `keepalives_retries`, the kernel asks a
    /// silent server for a sign of life after 30 s, every 10 s, and gives the connection up after 3 that fail: within
    /// a minute, not after 2 hours. (Of `keepalives_idle=7200` nobody can tell that it was said.)
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
        let pg_config = keepalives::with_defaults(pg_config);
        Self::opening(pg_config, Arc::new(ConfigConnectImpl { tls }), config)
    }

    /// Connects in a way of your own. Several hosts, TLS and the role of the server are its business then;
    /// the bound on connecting as a whole stays.
    pub fn from_connect(
        pg_config: PgConfig,
        connect: impl Connect + 'static,
        config: ManagerConfig,
    ) -> Self {
        Self::opening(pg_config, Arc::new(Foreign(connect)), config)
    }

    fn opening(pg_config: PgConfig, open: Arc<dyn Open>, config: ManagerConfig) -> Self {
        let attrs = TargetSessionAttrs::of(&pg_config);
        let names = (!is_named(&pg_config)).then(Names::default);
        let route = Route {
            open,
            bound: default_bound(&pg_config),
            search: Arc::new(Search::new(&pg_config, attrs)),
            target: hosts::target(&pg_config).into(),
            config: pg_config,
            credentials: None,
        };
        Self {
            config,
            route,
            scout: Scout::new(FAIL_BACK),
            keeping: Keeping::new(),
            returning: Returning::new(),
            bell: OnceLock::new(),
            names,
            statement_caches: StatementCaches::default(),
        }
    }

    /// What the server must be; tokio-postgres' own configuration knows three of the six. Default: what that says.
    ///
    /// The role is known when a connection is made, without a question from PostgreSQL 14 on, and is followed: the
    /// server reports a change with its next answer. A connection whose server is no longer what was asked for is
    /// closed when it comes back, and is not handed out again if it lies idle. Since an idle one hears nothing, a
    /// pool that asks for a role proves those that lie idle every 500 ms by a question of one round trip
    /// ([`keepalive`](super::PoolBuilder::keepalive); with [`Runtime::Tokio1`](crate::Runtime)), and the first that
    /// tells of another role has all others asked at once.
    ///
    /// Where a server is to be written to (`read-write`, `primary`), a connection on which it has refused a write
    /// (SQLSTATE 25006) is not kept either, whatever it reports.
    ///
    /// A session that sets `default_transaction_read_only` itself is of another role too, for `read-write` and
    /// `read-only`.
    ///
    /// A connection that was made in [a way of one's own](Self::from_connect) is not looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::postgres::{Manager, TargetSessionAttrs, tokio_postgres::NoTls};
    ///
    /// let config = "host=one,two,three user=alice dbname=shop load_balance_hosts=random".parse()?;
    /// let reports = Manager::new(config, NoTls).target_session_attrs(TargetSessionAttrs::PreferStandby);
    /// # Ok::<(), millpond::postgres::tokio_postgres::Error>(())
    /// ```
    #[must_use]
    pub fn target_session_attrs(mut self, attrs: TargetSessionAttrs) -> Self {
        self.route.search = Arc::new(Search::new(&self.route.config, attrs));
        self
    }

    /// Asks for the user and the password at each connect: for passwords that are rotated, and for tokens that end.
    /// Connections that were made before live on; [`Pool::refresh`](super::Pool::refresh) renews them after a
    /// rotation, without a pause. The bound on connecting covers the asking too. A way to connect of one's own finds
    /// them in the configuration that it is given.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::postgres::{Credentials, Manager, tokio_postgres::NoTls};
    ///
    /// let manager = Manager::new("host=localhost user=alice dbname=shop".parse()?, NoTls)
    ///     .credentials(async || {
    ///         let password = std::fs::read_to_string("/run/secrets/shop")?;
    ///         Ok::<_, std::io::Error>(Credentials::password(password.trim_end()))
    ///     });
    /// # Ok::<(), millpond::postgres::tokio_postgres::Error>(())
    /// ```
    #[must_use]
    pub fn credentials(mut self, provider: impl CredentialProvider) -> Self {
        self.route.credentials = Some(Arc::new(provider));
        self
    }

    /// How soon a host that goes before others is used again after an outage.
    ///
    /// While connections lead to a host that is not the first choice (one that was named later, unless
    /// `load_balance_hosts` says that the order means nothing; or no standby, where one is preferred), the better
    /// ones are tried again after this pause, by one connect that no getter waits for and that is closed at once.
    /// When one of them serves, new connections lead there, and those to the other host are closed: at once where they
    /// lie idle, or when they come back. Default: 10 s. `Duration::MAX`: they are left where they are, and a
    /// host that was dead is tried by new connections, half a minute later at most.
    #[must_use]
    pub fn fail_back(mut self, pause: Duration) -> Self {
        self.scout = Scout::new(pause);
        self
    }

    /// Bounds connecting as a whole: resolving names, TCP, TLS, authentication, and asking for the role
    /// that `target_session_attrs` demands. Each of several hosts gets its share of what is left.
    ///
    /// Default: 10 s, long for any server that serves and short for whoever waits; and, since somebody
    /// wants it so, as long as `connect_timeout` on top for each host. `Duration::MAX` is no bound.
    #[must_use]
    pub fn connect_bound(mut self, bound: Duration) -> Self {
        self.route.bound = bound;
        self
    }

    /// Sets what each session begins with, on top of the configuration's `options`.
    #[must_use]
    pub fn session(mut self, settings: SessionSettings) -> Self {
        let config = &mut self.route.config;
        settings.apply_to(config);
        // One of them may be the name itself.
        self.names = self.names.filter(|_| !is_named_by_options(config));
        self
    }

    /// Connects, for a connection beside the pool's.
    pub(super) async fn link(&self) -> Result<Link, Error> {
        self.fits_listening()?;
        let found = self.route.go(&self.runtime()?).await?;
        Ok(found.link)
    }

    fn runtime(&self) -> Result<Handle, Error> {
        Handle::try_current().map_err(|_| Error::no_runtime(&self.route.target))
    }

    /// Undoes what a session leaves behind, when its connection comes back. Default: [`Reset::None`].
    #[must_use]
    pub fn reset(mut self, reset: Reset) -> Self {
        self.returning.reset = reset;
        self
    }

    /// Bounds putting a connection in order that came back in the middle of something: ending what runs, rolling
    /// back, [resetting](Self::reset). One that is not in order by then is closed. Default: 1 s. The pool's own bound
    /// is 5 s.
    #[must_use]
    pub fn tidy_bound(mut self, bound: Duration) -> Self {
        self.returning.bound = bound;
        self
    }

    /// Makes it an error of [`Transaction::commit`](super::Transaction::commit) when the server answers a `COMMIT`
    /// with a rollback, as it does where a statement of the transaction has failed. Default: it is none, as in
    /// tokio-postgres. On a connection that is not [watched](super::ClientWrapper::is_watched) it costs a commit one
    /// round trip.
    #[must_use]
    pub fn strict_commit(mut self, strict: bool) -> Self {
        self.returning.strict = strict;
        self
    }

    /// How connections came back, and what was done about it.
    pub fn returns(&self) -> Returns {
        self.returning.ledger.read()
    }

    /// Why a connection may not be handed out, as far as that is known without a question.
    fn unfit(&self, client: &ClientWrapper) -> Option<RecycleError<Error>> {
        let why = match client.has_ended() {
            true => match client.ending() {
                Some(ending) => Cow::Owned(ending.to_string()),
                None => Cow::Borrowed("the connection is closed"),
            },
            false => Cow::Owned(client.objection()?.to_string()),
        };
        Some(RecycleError::Message(why))
    }

    pub(super) fn failed(&self, cause: tokio_postgres::Error) -> RecycleError<Error> {
        RecycleError::Backend(Error::check(&self.route.target, cause))
    }

    /// Where a connection leads, for who might want it elsewhere.
    fn seat(&self, found: &Found) -> Option<Seat> {
        let search = &self.route.search;
        let follows = self.route.open.looks_at_roles() && !search.is_indifferent();
        follows.then(|| Seat::new(search, found.place, found.verdict, &found.link))
    }
}

/// What is done with a connection that comes back.
pub(super) struct Returning {
    pub(super) reset: Reset,
    pub(super) bound: Duration,
    pub(super) strict: bool,
    pub(super) ledger: Ledger,
}

impl Returning {
    fn new() -> Self {
        Self {
            reset: Reset::None,
            bound: TIDY_BOUND,
            strict: false,
            ledger: Ledger::default(),
        }
    }

    #[inline]
    pub(super) fn resets(&self) -> bool {
        self.reset != Reset::None
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
        self.fits_pgbouncer()?;
        let runtime = self.runtime()?;
        let found = self.route.go(&runtime).await?;
        self.scout.send(&self.route, &runtime, self.bell.get());
        let seat = self.seat(&found);
        let client = ClientWrapper::linked(found.link, seat, self.returning.strict)
            .connected_to(&self.route.target)
            .keeping(self.statement_cache());
        self.statement_caches.attach(&client.statement_cache);
        if let Some(bell) = self.bell.get() {
            client.call(bell.clone());
        }
        Ok(client)
    }

    async fn recycle(
        &self,
        client: &mut ClientWrapper,
        _: &Metrics,
    ) -> managed::RecycleResult<Error> {
        if let Some(unfit) = self.unfit(client) {
            return Err(unfit);
        }
        // It was in order when it was kept; a statement that somebody drops now is closed on its connection.
        if !self.is_at_rest(client).await {
            self.put_in_order(client).await?;
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
        client.has_ended() || client.objection().is_some() || client.statement_cache.is_spent()
    }

    fn hang(&self, bell: Bell) {
        // Of two pools with the same manager, by a manager around it, the first one is told.
        let _ = self.bell.set(bell);
    }

    fn needs_tidying(&self, client: &mut ClientWrapper) -> bool {
        self.is_untidy(client)
    }

    fn untidy_from(&self, client: &mut ClientWrapper, taken_at: &'static Location<'static>) {
        client.was_taken_at(taken_at);
    }

    async fn tidy(&self, client: &mut ClientWrapper) -> managed::RecycleResult<Error> {
        self.put_in_order(client).await
    }

    fn closes_slowly(&self, client: &mut ClientWrapper, reason: CloseReason) -> bool {
        // Of one that failed its check no answer is to be expected.
        reason != CloseReason::CheckFailed && !client.has_ended()
    }

    async fn close(&self, client: ClientWrapper) {
        self.say_goodbye(client).await;
    }

    async fn probe(&self, client: &mut ClientWrapper) -> managed::RecycleResult<Error> {
        if let Some(unfit) = self.unfit(client) {
            return Err(unfit);
        }
        let attrs = self.route.search.attrs();
        if client.seat().is_none() || attrs == TargetSessionAttrs::Any {
            let answered = match self.keeping.bouncer {
                // A Sync: no query, so that none has to be parsed, and none stands in the server's log.
                None => client.check_connection().await,
                // PgBouncer's own check.
                Some(_) => client.batch_execute("").await,
            };
            answered.map_err(|cause| self.failed(cause))?;
            return self.unfit(client).map_or(Ok(()), Err);
        }
        let answer = client
            .simple_query(attrs.question())
            .await
            .map_err(|cause| self.failed(cause))?;
        if roles::value(&answer, 0) != Some("1") {
            return Err(RecycleError::Backend(Error::probe_answer(
                &self.route.target,
            )));
        }
        // What the answer says, which its driver will have heard only a moment later, or not at all.
        let mismatch = client
            .seat()
            .and_then(|seat| seat.mismatch(attrs.read(&answer)));
        match mismatch {
            Some(objection) => Err(RecycleError::message(objection.to_string())),
            None => self.unfit(client).map_or(Ok(()), Err),
        }
    }

    fn named(&mut self, name: &str) {
        self.rename(|names| names.set_pool(name));
    }

    fn defaults(&self) -> managed::Defaults {
        let defaults = managed::Defaults::server();
        let attrs = self.route.search.attrs();
        match attrs != TargetSessionAttrs::Any && self.route.open.looks_at_roles() {
            true => defaults.keepalive(ROLE_ASKED),
            false => defaults,
        }
    }

    fn describe(&self, error: &Error) -> Option<String> {
        Some(error.to_string())
    }

    fn target(&self) -> Cow<'static, str> {
        Cow::Owned(self.route.target.to_string())
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("target", &self.route.target)
            .field("config", &self.config)
            .field("connect_bound", &self.route.bound)
            .field("target_session_attrs", &self.route.search.attrs())
            .field("pgbouncer", &self.keeping.bouncer)
            .field("statement_caches", &self.statement_caches)
            .finish_non_exhaustive()
    }
}

/// Long for any server that serves: SCRAM over TLS takes milliseconds. As long as the pool gives a connect
/// that nobody waits for any more.
const CONNECT_BOUND: Duration = Duration::from_secs(10);

/// How often idle connections are asked for a role that matters: so often that a pool follows within a second.
const ROLE_ASKED: Duration = Duration::from_millis(500);

/// How long a host that goes before others is left alone after it was dead: PostgreSQL's JDBC driver's and Npgsql's.
const FAIL_BACK: Duration = Duration::from_secs(10);
/// A cancel is a connect and an answer; with a Sync and a rollback that is some five round trips.
const TIDY_BOUND: Duration = Duration::from_secs(1);

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
