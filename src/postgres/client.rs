use super::cached::{Cached, On};
use super::driver::{Driver, Ending};
use super::orphans::Lender;
use super::statements::{BOUND, statement};
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
    client: Lender,
    driver: Driver,
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
        Self::driven(client, Driver::adopt(conn_task))
    }

    pub(super) fn driven(client: PgClient, driver: Driver) -> Self {
        Self {
            client: Lender::new(client),
            driver,
            statement_cache: Arc::new(StatementCache::new(BOUND)),
        }
    }

    /// With this cache.
    pub(super) fn keeping(mut self, cache: StatementCache) -> Self {
        self.statement_cache = Arc::new(cache);
        self
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

    /// [`prepare`](PgClient::prepare), or the same statement as before from the
    /// [cache](Self::statement_cache).
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Client::prepare`]. Nothing is kept then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, what it began goes on in the background, and is kept for the next caller.
    pub async fn prepare_cached(&self, query: &str) -> Result<Statement, PgError> {
        self.prepare_typed_cached(query, &[]).await
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
        let cache = &self.statement_cache;
        statement(cache.seen_through(&self.client, query, types).await)
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
        let begun = self.client.alone().transaction().await?;
        Ok(Transaction::new(begun, &self.statement_cache))
    }

    /// Describes a transaction with another isolation level, access mode or deferrability.
    pub fn build_transaction(&mut self) -> TransactionBuilder<'_> {
        TransactionBuilder::new(
            self.client.alone().build_transaction(),
            &self.statement_cache,
        )
    }

    pub(super) async fn prepare_by_hand(
        &self,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        let cache = &self.statement_cache;
        cache.seen_through_by_hand(&self.client, query, types).await
    }

    /// Closes what dropped prepares left at the server; says whether nothing is left of it. Those that are still under
    /// way are dropped first.
    pub(super) async fn close_lost(&mut self) -> Result<bool, PgError> {
        let client = self.client.alone();
        self.statement_cache.close_lost(client).await
    }

    /// The client as tokio-postgres made it.
    pub(super) fn bare(&self) -> &PgClient {
        &self.client
    }

    pub(super) async fn cached<'a>(
        &'a self,
        query: &'a str,
        types: &'a [Type],
    ) -> Result<Cached<'a>, PgError> {
        Cached::begin(
            On::Session(&self.client),
            &self.statement_cache,
            query,
            types,
        )
        .await
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
        self.client.alone()
    }
}
