//! Opening a connection: ours, host by host within one bound; or somebody else's way.

use super::BoxFuture;
use super::driver::{Driver, Ending};
use super::error::{Attempt, Failure};
use super::hosts::{self, Candidate};
use super::roles::{self, Reading, Verdict};
use super::search::{Found, Search};
use super::verified;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client as PgClient, Config as PgConfig, Error as PgError, Socket};

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
        let failure = match timeout(share, config.connect(self.tls.clone())).await {
            Ok(Ok((client, connection))) => {
                let (connection, reading) = roles::follow(connection);
                let driver = Driver::start(runtime, async move {
                    match connection.await {
                        Ok(()) => Ending::Orderly,
                        Err(error) => Ending::Failed(error),
                    }
                });
                return Ok(Link {
                    client,
                    driver,
                    reading,
                });
            }
            Ok(Err(error)) => Failure::Refused(error),
            Err(_) => Failure::TimedOut(share),
        };
        Err(Attempt { at, failure })
    }
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
                    let link = Link {
                        client,
                        driver: Driver::adopt(task),
                        reading: Reading::default(),
                    };
                    return Ok(Found {
                        link,
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
}
