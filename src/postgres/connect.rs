//! Opening a connection: ours, host by host within one bound; or somebody else's way.

use super::BoxFuture;
use super::driver::{Driver, Ending};
use super::ears::{Ears, hearing};
use super::error::{Attempt, Failure};
use super::hosts::{self, Candidate};
use std::time::{Duration, Instant};
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
        let pg_config = pg_config.clone();
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
    /// For what its server says without being asked, where the connection is ours to drive.
    pub(super) ears: Option<Ears>,
}

/// How a manager gets its connections.
pub(super) trait Open: Sync + Send {
    /// Connects within `bound`, which covers everything: names, TCP, TLS, authentication, the role.
    fn open<'a>(
        &'a self,
        pg_config: &'a PgConfig,
        runtime: &'a Handle,
        bound: Duration,
    ) -> BoxFuture<'a, Result<Link, Vec<Attempt>>>;
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
    ) -> BoxFuture<'a, Result<Link, Vec<Attempt>>> {
        Box::pin(async move {
            let began = Instant::now();
            let candidates = hosts::candidates(pg_config);
            let mut left = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
            let mut attempts = Vec::new();
            for candidate in candidates {
                let share = bound.saturating_sub(began.elapsed()) / left;
                left -= 1;
                match self.open_one(candidate, runtime, share).await {
                    Ok(link) => return Ok(link),
                    Err(attempt) => attempts.push(attempt),
                }
            }
            Err(attempts)
        })
    }
}

impl<T> ConfigConnectImpl<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    /// Connects to one host within its share of the bound.
    ///
    /// A name may stand for several addresses, of which the first may be a black hole: unless the user
    /// bounds an address himself, each gets half of the share at most.
    async fn open_one(
        &self,
        candidate: Candidate,
        runtime: &Handle,
        share: Duration,
    ) -> Result<Link, Attempt> {
        let Candidate {
            at,
            mut config,
            has_addresses,
        } = candidate;
        if has_addresses && config.get_connect_timeout().is_none() {
            config.connect_timeout(share / 2);
        }
        let failure = match timeout(share, config.connect(self.tls.clone())).await {
            Ok(Ok((client, connection))) => {
                let ears = Ears::default();
                let connection = hearing(connection, ears.clone());
                let driver = Driver::start(runtime, async move {
                    match connection.await {
                        Ok(()) => Ending::Orderly,
                        Err(error) => Ending::Failed(error),
                    }
                });
                return Ok(Link {
                    client,
                    driver,
                    ears: Some(ears),
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
    ) -> BoxFuture<'a, Result<Link, Vec<Attempt>>> {
        Box::pin(async move {
            let failure = match timeout(bound, self.0.connect(pg_config)).await {
                Ok(Ok((client, task))) => {
                    let driver = Driver::adopt(task);
                    return Ok(Link {
                        client,
                        driver,
                        ears: None,
                    });
                }
                Ok(Err(error)) => Failure::Refused(error),
                Err(_) => Failure::TimedOut(bound),
            };
            let at = hosts::target(pg_config);
            Err(vec![Attempt { at, failure }])
        })
    }
}
