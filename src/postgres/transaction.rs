use super::cached::{Cached, On};
use super::client::Origin;
use super::refusing::saying;
use super::{CancelToken, StatementCache};
use crate::engine::sync::Arc;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use tokio_postgres::types::Type;
use tokio_postgres::{
    Client as PgClient, Error as PgError, IsolationLevel, Statement, Transaction as PgTransaction,
    TransactionBuilder as PgTransactionBuilder,
};

/// A transaction: a [`tokio_postgres::Transaction`] with its client's statement cache. Dropped, it is
/// rolled back.
pub struct Transaction<'a> {
    begun: PgTransaction<'a>,
    origin: Arc<Origin>,
    /// Within another transaction: a savepoint.
    nested: bool,
    /// The statement cache of the client.
    pub statement_cache: Arc<StatementCache>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        begun: PgTransaction<'a>,
        cache: &Arc<StatementCache>,
        origin: &Arc<Origin>,
    ) -> Self {
        Self {
            begun,
            origin: Arc::clone(origin),
            nested: false,
            statement_cache: Arc::clone(cache),
        }
    }

    pub(super) fn into_begun(self) -> PgTransaction<'a> {
        self.begun
    }

    /// As [`ClientWrapper::cancel_token`](super::ClientWrapper::cancel_token).
    pub fn cancel_token(&self) -> CancelToken {
        self.origin.cancel_token(self.begun.client())
    }

    /// As [`ClientWrapper::prepare_cached`](super::ClientWrapper::prepare_cached).
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Transaction::prepare`].
    pub async fn prepare_cached(&self, query: &str) -> Result<Statement, PgError> {
        self.statement_cache
            .prepare(self.begun.client(), query)
            .await
    }

    /// As [`ClientWrapper::prepare_typed_cached`](super::ClientWrapper::prepare_typed_cached).
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Transaction::prepare_typed`].
    pub async fn prepare_typed_cached(
        &self,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        self.statement_cache
            .prepare_typed(self.begun.client(), query, types)
            .await
    }

    pub(super) async fn prepare_by_hand(
        &self,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        let cache = &self.statement_cache;
        cache.prepared_by_hand(self.bare(), query, types).await
    }

    /// The client of the transaction, as tokio-postgres made it.
    pub(super) fn bare(&self) -> &PgClient {
        self.begun.client()
    }

    pub(super) async fn cached<'b>(
        &'b self,
        query: &'b str,
        types: &'b [Type],
    ) -> Result<Cached<'b>, PgError> {
        let on = On::Transaction(self.bare());
        Cached::begin(on, &self.statement_cache, query, types).await
    }

    /// Commits it.
    ///
    /// A transaction in which a statement failed is rolled back by PostgreSQL, and this still says `Ok`,
    /// as in tokio-postgres, unless [`Manager::strict_commit`](super::Manager::strict_commit) is on.
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Transaction::commit`]. With a strict commit also where the server has rolled back: an error
    /// without a SQLSTATE, or, on a connection that is not watched, 25P02.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nobody knows whether it was committed.
    pub async fn commit(self) -> Result<(), PgError> {
        let Self {
            begun,
            origin,
            nested,
            ..
        } = self;
        if nested || !origin.is_strict() {
            return begun.commit().await;
        }
        match origin.watch() {
            Some(watch) => {
                begun.commit().await?;
                // The answer has come, and no other query was sent since.
                match watch.has_rolled_back() {
                    true => Err(saying(io::Error::other(ROLLED_BACK))),
                    false => Ok(()),
                }
            }
            None => {
                // A transaction that has failed refuses this; dropped, it is rolled back.
                begun.batch_execute("SELECT 1").await?;
                begun.commit().await
            }
        }
    }

    /// Rolls it back, and waits until that is done.
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Transaction::rollback`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it is rolled back all the same.
    pub async fn rollback(self) -> Result<(), PgError> {
        self.begun.rollback().await
    }

    /// Begins a transaction within this one, by a savepoint.
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Transaction::transaction`].
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, PgError> {
        let begun = self.begun.transaction().await?;
        Ok(Transaction {
            nested: true,
            ..Transaction::new(begun, &self.statement_cache, &self.origin)
        })
    }

    /// Begins a transaction within this one, by a savepoint of this name.
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::Transaction::savepoint`].
    pub async fn savepoint<I>(&mut self, name: I) -> Result<Transaction<'_>, PgError>
    where
        I: Into<String>,
    {
        let begun = self.begun.savepoint(name).await?;
        Ok(Transaction {
            nested: true,
            ..Transaction::new(begun, &self.statement_cache, &self.origin)
        })
    }
}

impl<'a> Deref for Transaction<'a> {
    type Target = PgTransaction<'a>;

    fn deref(&self) -> &PgTransaction<'a> {
        &self.begun
    }
}

impl<'a> DerefMut for Transaction<'a> {
    fn deref_mut(&mut self) -> &mut PgTransaction<'a> {
        &mut self.begun
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("statement_cache", &self.statement_cache)
            .finish_non_exhaustive()
    }
}

/// Describes a transaction; from [`ClientWrapper::build_transaction`](super::ClientWrapper::build_transaction).
#[must_use = "nothing is begun before `start`"]
pub struct TransactionBuilder<'a> {
    plan: PgTransactionBuilder<'a>,
    origin: Arc<Origin>,
    statement_cache: Arc<StatementCache>,
}

impl<'a> TransactionBuilder<'a> {
    pub(super) fn new(
        plan: PgTransactionBuilder<'a>,
        cache: &Arc<StatementCache>,
        origin: &Arc<Origin>,
    ) -> Self {
        Self {
            plan,
            origin: Arc::clone(origin),
            statement_cache: Arc::clone(cache),
        }
    }

    /// Sets the isolation level. Default: the server's, usually read committed.
    pub fn isolation_level(mut self, isolation_level: IsolationLevel) -> Self {
        self.plan = self.plan.isolation_level(isolation_level);
        self
    }

    /// Sets whether it only reads. Default: the server's, usually not.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.plan = self.plan.read_only(read_only);
        self
    }

    /// Sets whether, serializable and read-only, it may wait at its start so as not to fail later.
    pub fn deferrable(mut self, deferrable: bool) -> Self {
        self.plan = self.plan.deferrable(deferrable);
        self
    }

    /// Begins the transaction. Dropped, it is rolled back.
    ///
    /// # Errors
    ///
    /// See [`tokio_postgres::TransactionBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the transaction is rolled back.
    pub async fn start(self) -> Result<Transaction<'a>, PgError> {
        let begun = self.plan.start().await?;
        Ok(Transaction {
            begun,
            origin: self.origin,
            nested: false,
            statement_cache: self.statement_cache,
        })
    }
}

impl<'a> Deref for TransactionBuilder<'a> {
    type Target = PgTransactionBuilder<'a>;

    fn deref(&self) -> &Self::Target {
        &self.plan
    }
}

impl DerefMut for TransactionBuilder<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.plan
    }
}

impl fmt::Debug for TransactionBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionBuilder")
            .field("statement_cache", &self.statement_cache)
            .finish_non_exhaustive()
    }
}

const ROLLED_BACK: &str =
    "the server rolled the transaction back instead: a statement of it had failed";
