use super::cached::{Cached, On};
use super::cancel::Way;
use super::connect::Link;
use super::driver::{Driver, Ending};
use super::orphans::Lender;
use super::roles::Reading;
use super::seat::{Objection, Seat};
use super::statements::{BOUND, statement};
use super::watch::Watch;
use super::{CancelToken, StatementCache, Transaction, TransactionBuilder};
use crate::engine::sync::Arc;
use crate::managed::Bell;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::time::Duration;
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
    /// What it is connected to, for messages.
    target: Option<Arc<str>>,
    /// Of the server's role, as far as it tells it.
    reading: Reading,
    /// Where it leads, if that could be somewhere else.
    seat: Option<Seat>,
    origin: Arc<Origin>,
    /// Where in the code it was taken, if it came back untidy.
    taken_at: Option<&'static Location<'static>>,
    /// The statements that were prepared on this connection, to be used again.
    pub statement_cache: Arc<StatementCache>,
}

/// What a client and its transactions know of their connection.
#[derive(Debug)]
pub(super) struct Origin {
    watch: Option<Arc<Watch>>,
    way: Way,
    /// How long an answer may take that is on its way.
    grace: Duration,
    /// Whether a commit that became a rollback is an error.
    strict: bool,
}

impl Origin {
    pub(super) fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    pub(super) fn cancel_token(&self, client: &PgClient) -> CancelToken {
        CancelToken::new(client.cancel_token(), self.way.clone())
    }
}

impl ClientWrapper {
    /// Wraps a client whose connection is driven by `conn_task`, as by that of a [`Connect`](super::Connect).
    ///
    /// Where it is called outside of a Tokio runtime, nobody aborts a task that does not end when the
    /// client is dropped.
    #[must_use]
    pub fn new(client: PgClient, conn_task: JoinHandle<()>) -> Self {
        Self::linked(Link::foreign(client, conn_task), None, false)
    }

    pub(super) fn linked(link: Link, seat: Option<Seat>, strict: bool) -> Self {
        let Link {
            client,
            driver,
            watch,
            way,
            reading,
            grace,
            ears: _,
        } = link;
        let origin = Origin {
            watch,
            way,
            grace,
            strict,
        };
        Self {
            client: Lender::new(client),
            driver,
            target: None,
            reading,
            seat,
            origin: Arc::new(origin),
            taken_at: None,
            statement_cache: Arc::new(StatementCache::new(BOUND)),
        }
    }

    pub(super) fn connected_to(mut self, target: &Arc<str>) -> Self {
        self.target = Some(Arc::clone(target));
        self
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

    /// An error of a statement on this connection, with how the connection [ended](Self::ending) where the error
    /// itself does not tell: of a connection that was dead before, tokio-postgres says "connection closed" and no
    /// more.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: millpond::postgres::Client) -> Result<(), millpond::postgres::Error> {
    /// let rows = client.query("SELECT 1", &[]).await;
    /// rows.map_err(|error| client.explain(error))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn explain(&self, error: PgError) -> super::Error {
        super::Error::statement(self.target.as_ref(), error, self.ending())
    }

    /// Whether the connection has ended, or its server has said that it will, as far as is known here.
    pub(super) fn has_ended(&self) -> bool {
        self.client.is_closed()
            || self.driver.ending().is_some()
            || self.watch().is_some_and(|watch| watch.sight().is_over())
    }

    /// Whether the state of the session is read from the wire, at no cost; else its server has to be asked. So it
    /// is with somebody else's [`Connect`](super::Connect), and on a Unix socket with `sslmode=require`.
    pub fn is_watched(&self) -> bool {
        self.watch().is_some()
    }

    /// Whom to call when the connection ends by itself.
    pub(super) fn call(&self, bell: Bell) {
        self.driver.call(bell);
    }

    pub(super) fn was_taken_at(&mut self, place: &'static Location<'static>) {
        self.taken_at = Some(place);
    }

    pub(super) fn taken_at(&self) -> Option<&'static Location<'static>> {
        self.taken_at
    }

    /// How long an answer may take that is on its way.
    pub(super) fn grace(&self) -> Duration {
        self.origin.grace
    }

    pub(super) fn watch(&self) -> Option<&Watch> {
        self.origin.watch()
    }

    /// How many messages went to the server on it so far; `None`, where it is not watched.
    pub(super) fn sent(&self) -> Option<u32> {
        self.watch().map(Watch::sent)
    }

    /// The right to cancel what this connection is doing, to be kept beside it:
    /// [`tokio_postgres::Client::cancel_token`].
    pub fn cancel_token(&self) -> CancelToken {
        self.origin.cancel_token(&self.client)
    }

    /// Says goodbye to the server, and waits until it has closed its side, at most for a second.
    pub(super) async fn close(self) {
        let Self { client, driver, .. } = self;
        drop(client);
        driver.end().await;
    }

    /// Whether the server is a standby, as it told with its last answer: after a promotion, the next one says so.
    /// `None` where it does not tell: before PostgreSQL 14, behind some PgBouncers, and on a connection that was made
    /// in [a way of one's own](super::Connect).
    pub fn is_standby(&self) -> Option<bool> {
        self.reading.role().map(|role| role.standby)
    }

    /// What speaks against handing it out, though it works.
    pub(super) fn objection(&self) -> Option<Objection> {
        let refused = || self.watch().is_some_and(Watch::has_refused);
        self.seat.as_ref()?.objection(refused)
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
        Ok(Transaction::new(begun, &self.statement_cache, &self.origin))
    }

    /// Describes a transaction with another isolation level, access mode or deferrability.
    pub fn build_transaction(&mut self) -> TransactionBuilder<'_> {
        TransactionBuilder::new(
            self.client.alone().build_transaction(),
            &self.statement_cache,
            &self.origin,
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
