//! Opening a connection: ours, host by host within one bound; or somebody else's way.

use super::cancel::Way;
use super::driver::Driver;
use super::entry::{self, Made};
use super::error::{Attempt, Failure};
use super::hosts::{self, Candidate};
use super::roles::{Reading, Verdict};
use super::search::{Found, Search};
use super::watch::{Sight, Watch};
use super::{BoxFuture, CancelToken, verified};
use crate::engine::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client as PgClient, Config as PgConfig, Error as PgError, NoTls, Socket};

/// A way of your own to connect: deadpool-postgres' trait. For
/// [`Manager::from_connect`](super::Manager::from_connect).
///
/// The task must end when the client is dropped, as one does that awaits its
/// [`Connection`](tokio_postgres::Connection). It is aborted 1 s later if it has not.
pub trait Connect: Sync + Send {
    /// Connects, and spawns the task that drives the connection.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any await.
    fn connect(
        &self,
        pg_config: &PgConfig,
    ) -> BoxFuture<'_, Result<(PgClient, JoinHandle<()>), PgError>>;
}

/// Connects as [`tokio_postgres::Config::connect`] does: what [`Manager::new`](super::Manager::new) uses.
#[derive(Clone, Debug)]
pub struct ConfigConnectImpl<T> {
    /// Makes a TLS session of a connection.
    pub tls: T,
}

impl<T> Connect for ConfigConnectImpl<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(
        &self,
        pg_config: &PgConfig,
    ) -> BoxFuture<'_, Result<(PgClient, JoinHandle<()>), PgError>> {
        let mut pg_config = pg_config.clone();
        verified::insist(&self.tls, &mut pg_config);
        Box::pin(async move {
            let (client, connection) = pg_config.connect(self.tls.clone()).await?;
            // What it ended with is not ours to tell: this task has no place for it.
            let task = tokio::spawn(async move { drop(connection.await) });
            Ok((client, task))
        })
    }
}

/// A client, and its hold on the task that drives its connection.
pub(super) struct Link {
    pub(super) client: PgClient,
    pub(super) driver: Driver,
    /// Of the server's role, as its driver hears of it.
    pub(super) reading: Reading,
    /// What is known of the connection without asking its server, where that is possible.
    pub(super) watch: Option<Arc<Watch>>,
    pub(super) way: Way,
    /// How long an answer may take that is on its way.
    pub(super) grace: Duration,
}

impl Link {
    /// Of a connection that somebody else's task drives.
    pub(super) fn foreign(client: PgClient, task: JoinHandle<()>) -> Self {
        Self {
            client,
            driver: Driver::adopt(task),
            reading: Reading::default(),
            watch: None,
            way: Way::Theirs,
            grace: LONGEST_GRACE,
        }
    }
}

/// How a manager gets its connections.
pub(super) trait Open: Sync + Send {
    /// Connects to one of the hosts at `places` within `bound`, which covers everything: names, TCP, TLS,
    /// authentication, the role.
    fn open<'a>(
        &'a self,
        pg_config: &'a PgConfig,
        runtime: &'a Handle,
        bound: Duration,
        search: &'a Search,
        places: &'a [usize],
    ) -> BoxFuture<'a, Result<Found, Vec<Attempt>>>;

    /// Whether hosts and roles are our business: else what the other end is is not looked at.
    fn looks_at_roles(&self) -> bool;

    /// Cancels what a connection of this manager is doing.
    fn cancel<'a>(&'a self, token: &'a CancelToken) -> BoxFuture<'a, Result<(), PgError>>;
}

impl<T> Open for ConfigConnectImpl<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn open<'a>(
        &'a self,
        pg_config: &'a PgConfig,
        runtime: &'a Handle,
        bound: Duration,
        search: &'a Search,
        places: &'a [usize],
    ) -> BoxFuture<'a, Result<Found, Vec<Attempt>>> {
        Box::pin(async move {
            let open_one = |candidate, share| -> BoxFuture<'a, Result<Link, Attempt>> {
                Box::pin(self.open_one(candidate, runtime, share))
            };
            search.find(pg_config, places, bound, &open_one).await
        })
    }

    fn looks_at_roles(&self) -> bool {
        true
    }

    fn cancel<'a>(&'a self, token: &'a CancelToken) -> BoxFuture<'a, Result<(), PgError>> {
        Box::pin(token.cancel_query(self.tls.clone()))
    }
}

impl<T> ConfigConnectImpl<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    /// Connects to one server within its share of the bound.
    async fn open_one(
        &self,
        candidate: Candidate,
        runtime: &Handle,
        share: Duration,
    ) -> Result<Link, Attempt> {
        let Candidate { at, mut config } = candidate;
        verified::insist(&self.tls, &mut config);
        let opening = open_line(&config, self.tls.clone(), runtime);
        let failure = match timeout(share, opening).await {
            Ok(Ok(link)) => return Ok(link),
            Ok(Err(error)) => Failure::Refused(error),
            Err(_) => Failure::TimedOut(share),
        };
        Err(Attempt { at, failure })
    }
}

/// Connects, and has the connection driven. A connect takes two round trips at least, so that one that is shorter
/// than it is certainly over within that time.
async fn open_line<T>(config: &PgConfig, tls: T, runtime: &Handle) -> Result<Link, PgError>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let began = Instant::now();
    let Made {
        client,
        connection,
        watch,
        way,
        reading,
    } = entry::connect(config, tls).await?;
    let grace = began.elapsed().clamp(SHORTEST_GRACE, LONGEST_GRACE);
    let driver = Driver::start(runtime, connection);
    if let Some(watch) = &watch {
        // Nothing is asked of it yet: it only has to be driven for the first time.
        watch.until(Sight::is_settled).await;
    }
    Ok(Link {
        client,
        driver,
        reading,
        watch,
        way,
        grace,
    })
}

/// Somebody else's way to connect, looked after by us.
pub(super) struct Foreign<C>(pub(super) C);

impl<C: Connect> Open for Foreign<C> {
    fn open<'a>(
        &'a self,
        pg_config: &'a PgConfig,
        _: &'a Handle,
        bound: Duration,
        _: &'a Search,
        _: &'a [usize],
    ) -> BoxFuture<'a, Result<Found, Vec<Attempt>>> {
        Box::pin(async move {
            let failure = match timeout(bound, self.0.connect(pg_config)).await {
                Ok(Ok((client, task))) => {
                    return Ok(Found {
                        link: Link::foreign(client, task),
                        place: 0,
                        verdict: Verdict::Wanted,
                    });
                }
                Ok(Err(error)) => Failure::Refused(error),
                Err(_) => Failure::TimedOut(bound),
            };
            let at = hosts::target(pg_config);
            Err(vec![Attempt { at, failure }])
        })
    }

    fn looks_at_roles(&self) -> bool {
        false
    }

    /// In the clear, as no connector is known: a cancel request has no secret but its key, and a server that wants TLS
    /// of its sessions does not want it here.
    fn cancel<'a>(&'a self, token: &'a CancelToken) -> BoxFuture<'a, Result<(), PgError>> {
        Box::pin(token.cancel_query(NoTls))
    }
}

/// An error comes before the answer that ends its query, a few packets apart at most.
const SHORTEST_GRACE: Duration = Duration::from_millis(5);
/// As far away as any server is.
const LONGEST_GRACE: Duration = Duration::from_millis(100);
