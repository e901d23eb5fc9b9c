use super::connect::Link;
use super::driver::{Driver, Ending};
use super::roles::Reading;
use super::seat::{Objection, Seat};
use super::{StatementCache, Transaction, TransactionBuilder};
use crate::engine::sync::Arc;
use std::ops::{Deref, DerefMut};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client as PgClient, Error as PgError, Statement};

/// A connection to PostgreSQL: a [`tokio_postgres::Client`] with a statement cache, whose connection is
/// looked after.
///
/// Dropped, it says goodbye to the server; see [`Ending`].
#[derive(Debug)]
pub struct ClientWrapper {
    // Dropped first: then the time that `driver` gives the connection to end begins.
    client: PgClient,
    driver: Driver,
    /// Of the server's role, as far as it tells it.
    reading: Reading,
    /// Where it leads, if that could be somewhere else.
    seat: Option<Seat>,
    /// The statements that were prepared on this connection, to be used again.
    pub statement_cache: Arc<StatementCache>,
}

impl ClientWrapper {
    /// Wraps a client whose connection is driven by `conn_task`, as by that of a [`Connect`](super::Connect).
    ///
    /// Where it is called outside of a Tokio runtime, nobody aborts a task that does not end when the
    /// client is dropped.
    #[must_use]
    pub fn new(client: PgClient, conn_task: JoinHandle<()>) -> Self {
        let link = Link {
            client,
            driver: Driver::adopt(conn_task),
            reading: Reading::default(),
        };
        Self::linked(link, None)
    }

    pub(super) fn linked(link: Link, seat: Option<Seat>) -> Self {
        let Link {
            client,
            driver,
            reading,
        } = link;
        Self {
            client,
            driver,
            reading,
            seat,
            statement_cache: Arc::new(StatementCache::new()),
        }
    }

    /// How the connection ended, once it has: the reason that a query on a dead connection does not tell.
    ///
    /// Known a moment after [`is_closed`](PgClient::is_closed) says so. If the server ended the
    /// connection while a request was under way, what it said went to that request; this tells only that
    /// the connection ended.
    pub fn ending(&self) -> Option<&Ending> {
        self.driver.ending()
    }

    /// Whether the connection has ended, as far as is known here.
    pub(super) fn has_ended(&self) -> bool {
        self.client.is_closed() || self.driver.ending().is_some()
    }

    /// Whether the server is a standby, as it told with its last answer: after a promotion, the next one says so.
    /// `None` where it does not tell: before PostgreSQL 14, behind some PgBouncers, and on a connection that was made
    /// in [a way of one's own](super::Connect).
    pub fn is_standby(&self) -> Option<bool> {
        self.reading.role().map(|role| role.standby)
    }

    /// What speaks against handing it out, though it works.
    pub(super) fn objection(&self) -> Option<Objection> {
        self.seat.as_ref()?.objection()
    }

    pub(super) fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    /// [`prepare`](PgClient::prepare), or the same statement as before from the
    /// [cache](Self::statement_cache).
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Client::prepare`]. Nothing is kept then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is kept, and another caller for the same statement goes on.
    pub async fn prepare_cached(&self, query: &str) -> Result<Statement, PgError> {
        self.statement_cache.prepare(&self.client, query).await
    }

    /// [`prepare_typed`](PgClient::prepare_typed), or the same statement as before from the
    /// [cache](Self::statement_cache).
    ///
    /// # Errors
    ///
    /// As [`prepare_cached`](Self::prepare_cached).
    ///
    /// # Cancel safety
    ///
    /// As [`prepare_cached`](Self::prepare_cached).
    pub async fn prepare_typed_cached(
        &self,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        self.statement_cache
            .prepare_typed(&self.client, query, types)
            .await
    }

    /// Begins a transaction. Dropped, it is rolled back.
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Client::transaction`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the transaction is rolled back.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, PgError> {
        let begun = self.client.transaction().await?;
        Ok(Transaction::new(begun, &self.statement_cache))
    }

    /// Describes a transaction with another isolation level, access mode or deferrability.
    pub fn build_transaction(&mut self) -> TransactionBuilder<'_> {
        TransactionBuilder::new(self.client.build_transaction(), &self.statement_cache)
    }
}

impl Deref for ClientWrapper {
    type Target = PgClient;

    fn deref(&self) -> &PgClient {
        &self.client
    }
}

impl DerefMut for ClientWrapper {
    fn deref_mut(&mut self) -> &mut PgClient {
        &mut self.client
    }
}
