//! Prepared statements that are kept to be used again.
//!
//! Preparing the same statement from several tasks at once costs one round trip: the first does it, the
//! others wait for its result, and if it fails, the next of them tries. A cache keeps the statements that
//! were used last (`kept.rs`); one that falls out is closed on the server when its last user drops it. A
//! prepare whose caller is gone goes on (`orphans.rs`), or is cleaned up after (`lost.rs`), so that nothing
//! stays at the server that is unknown here.

use super::kept::{Cell, Kept};
use super::lost::{self, Lost, Unnamed};
use super::orphans::{Lender, Prepared};
use super::pgbouncer;
use super::stale::sooner_if_in_failed_transaction;
use crate::engine::sync::{Arc, Mutex, OnceLock};
use std::collections::HashMap;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Weak;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client as PgClient, Error as PgError, Statement};

/// The prepared statements of one connection: those that were used last, 256 unless
/// [`Manager::statement_cache_size`](super::Manager::statement_cache_size) says otherwise.
///
/// They must not be used with another connection.
pub struct StatementCache {
    kept: Mutex<Kept<Statement>>,
    /// What the server may have and nobody here can name. On most connections nothing is ever lost, and asking
    /// costs no lock.
    lost: OnceLock<Mutex<Lost>>,
    /// Behind a PgBouncer that does not know the names of statements there are none, and nothing is kept.
    named: bool,
    /// Set once tokio-postgres' own statements are gone at the server: it prepares no others then.
    spent: OnceLock<()>,
}

impl StatementCache {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            kept: Mutex::new(Kept::new(bound)),
            named: true,
            lost: OnceLock::new(),
            spent: OnceLock::new(),
        }
    }

    /// Of a connection whose statements must not have names.
    pub(super) fn without_names() -> Self {
        Self {
            named: false,
            ..Self::new(0)
        }
    }

    /// Whether statements may have names.
    pub(super) fn has_names(&self) -> bool {
        self.named
    }

    /// Refuses a call that makes a statement with a name, where that must not be.
    pub(super) async fn demand_names(&self, call: &str) -> Result<(), PgError> {
        match self.named {
            true => Ok(()),
            false => Err(pgbouncer::no_name(call).await),
        }
    }

    /// How many statements it keeps.
    pub fn size(&self) -> usize {
        self.kept.lock().size()
    }

    /// Forgets all statements of this connection. [`StatementCaches::clear`] does so for all.
    pub fn clear(&self) {
        let forgotten = self.kept.lock().clear();
        // Without the lock: a statement tells its connection that it is closed.
        drop(forgotten);
    }

    /// Forgets a statement of this connection, and returns it. [`StatementCaches::remove`] does so for all.
    pub fn remove(&self, query: &str, types: &[Type]) -> Option<Statement> {
        let cell = self.kept.lock().remove(query, types)?;
        cell.get().cloned()
    }

    /// [`tokio_postgres::Client::prepare`] on the client of this cache, or the same statement as before.
    ///
    /// # Errors
    ///
    /// See there. Nothing is kept then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is kept, and another caller for the same statement goes on. What
    /// the server has prepared by then is closed when the connection comes back to its pool.
    pub async fn prepare(&self, client: &PgClient, query: &str) -> Result<Statement, PgError> {
        self.prepare_typed(client, query, &[]).await
    }

    /// [`tokio_postgres::Client::prepare_typed`] on the client of this cache, or the same statement as
    /// before.
    ///
    /// # Errors
    ///
    /// See there. Nothing is kept then.
    ///
    /// # Cancel safety
    ///
    /// As [`prepare`](Self::prepare).
    pub async fn prepare_typed(
        &self,
        client: &PgClient,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        statement(self.prepared(client, query, types).await)
    }

    /// The cell of a statement, filled, by a client that is borrowed: see [`prepare`](Self::prepare).
    pub(super) async fn prepared(
        &self,
        client: &PgClient,
        query: &str,
        types: &[Type],
    ) -> Prepared {
        self.demand_names("prepare_cached").await?;
        let cell = self.cell(query, types);
        match cell.initialized() {
            true => Ok(cell),
            false => self.fill(client, query, types, cell, || {}).await,
        }
    }

    /// The cell of a statement, filled, by a client that can be lent: it goes on when its caller is gone.
    pub(super) async fn seen_through(
        self: &Arc<Self>,
        client: &Lender,
        query: &str,
        types: &[Type],
    ) -> Prepared {
        self.demand_names("prepare_cached").await?;
        let cell = self.cell(query, types);
        match cell.initialized() {
            true => Ok(cell),
            false => self.see_through(client, query, types, cell).await,
        }
    }

    /// A statement that is not kept, by a client that is borrowed.
    pub(super) async fn prepared_by_hand(
        &self,
        client: &PgClient,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        let nobody_elses = Arc::default();
        statement(self.fill(client, query, types, nobody_elses, || {}).await)
    }

    /// A statement that is not kept, by a client that can be lent: it is closed when its caller is gone.
    pub(super) async fn seen_through_by_hand(
        self: &Arc<Self>,
        client: &Lender,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        let nobody_elses = Arc::default();
        statement(self.see_through(client, query, types, nobody_elses).await)
    }

    async fn see_through(
        self: &Arc<Self>,
        client: &Lender,
        query: &str,
        types: &[Type],
        cell: Arc<Cell<Statement>>,
    ) -> Prepared {
        let cache = Arc::clone(self);
        let (query, types): (Box<str>, Box<[Type]>) = (query.into(), types.into());
        let prepared = client.see_through(|client, begun| {
            Box::pin(async move {
                let begins = || begun.mark();
                cache.fill(&client, &query, &types, cell, begins).await
            })
        });
        prepared.await
    }

    fn cell(&self, query: &str, types: &[Type]) -> Arc<Cell<Statement>> {
        let (cell, surplus) = self.kept.lock().cell(query, types);
        drop(surplus);
        cell
    }

    async fn fill(
        &self,
        client: &PgClient,
        query: &str,
        types: &[Type],
        cell: Arc<Cell<Statement>>,
        begins: impl Fn(),
    ) -> Prepared {
        let claim = Claim {
            cache: self,
            query,
            types,
            cell,
        };
        let filled = claim.cell.get_or_try_init(|| async {
            begins();
            self.send_until_named(client, query, types).await
        });
        filled.await?;
        Ok(Arc::clone(&claim.cell))
    }

    /// Sends it under one name after the other: names are this process' own, and those of another one may be
    /// at the server, behind a PgBouncer for example.
    async fn send_until_named(
        &self,
        client: &PgClient,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        let mut outcome = self.send(client, query, types).await;
        for _ in 1..NAMES {
            match outcome {
                Err(taken) if taken.code() == Some(&SqlState::DUPLICATE_PSTATEMENT) => {
                    let again = self.send(client, query, types).await;
                    outcome = again.map_err(|error| sooner_if_in_failed_transaction(taken, error));
                }
                settled => return settled,
            }
        }
        outcome
    }

    async fn send(
        &self,
        client: &PgClient,
        query: &str,
        types: &[Type],
    ) -> Result<Statement, PgError> {
        let unnamed = Unnamed::of(self, Some(query));
        let outcome = client.prepare_typed(query, types).await;
        unnamed.ended(&outcome);
        let code = outcome.as_ref().err().and_then(PgError::code);
        if code == Some(&SqlState::INVALID_SQL_STATEMENT_NAME) {
            let _spent_already = self.spent.set(());
        }
        outcome
    }

    /// Forgets this very statement, and not another one that took its place.
    pub(super) fn forget(&self, query: &str, types: &[Type], cell: &Arc<Cell<Statement>>) {
        let forgotten = self.kept.lock().forget(query, types, cell);
        drop(forgotten);
    }

    /// Whether the connection can prepare nothing any more that has types of other than PostgreSQL's own:
    /// tokio-postgres' statements that look them up were closed behind its back, and it does not notice.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.get().is_some()
    }

    /// Writes down that the server may have a statement that nobody here can name: of this text, or of one that is
    /// not known.
    pub(super) fn lose(&self, query: Option<&str>) {
        self.lost.get_or_init(Mutex::default).lock().add(query);
    }

    /// Whether there may be statements at the server that nobody here can name.
    pub(super) fn has_lost_any(&self) -> bool {
        self.lost.get().is_some_and(|lost| !lost.lock().is_empty())
    }

    /// Closes what was lost, on a connection that nobody uses; says whether nothing is left of it.
    ///
    /// What is kept stays. Dropped or failed, all of it is still to be done.
    pub(super) async fn close_lost(&self, client: &PgClient) -> Result<bool, PgError> {
        let Some(lost) = self.lost.get() else {
            return Ok(true);
        };
        let sought = lost.lock().clone();
        let closed = lost::close(client, &sought, &self.names()).await?;
        *lost.lock() = Lost::default();
        Ok(closed)
    }

    /// The names of what is kept. Should a statement not tell its own, nothing is kept any more.
    fn names(&self) -> Vec<String> {
        let cells = self.kept.lock().cells();
        let names = cells
            .iter()
            .filter_map(|cell| cell.get())
            .map(lost::name_of);
        let names: Option<Vec<_>> = names.collect();
        names.unwrap_or_else(|| {
            self.clear();
            Vec::new()
        })
    }
}

/// The statement of a cell that is filled.
pub(super) fn statement(prepared: Prepared) -> Result<Statement, PgError> {
    let cell = prepared?;
    let filled = cell.get().cloned();
    Ok(filled.unwrap_or_else(|| unreachable!("a statement was prepared, and is not there")))
}

impl fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementCache")
            .field("size", &self.size())
            .finish()
    }
}

/// A caller's part in a statement that is being prepared. Dropped without a result, it leaves nothing
/// behind, unless another caller is on it too.
struct Claim<'a> {
    cache: &'a StatementCache,
    query: &'a str,
    types: &'a [Type],
    cell: Arc<Cell<Statement>>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.cell.initialized() {
            let mut kept = self.cache.kept.lock();
            let abandoned = kept.forget_if_abandoned(self.query, self.types, &self.cell);
            drop(kept);
            drop(abandoned);
        }
    }
}

/// Nobody's code runs under its locks.
impl UnwindSafe for StatementCache {}

/// Nobody's code runs under its locks.
impl RefUnwindSafe for StatementCache {}

/// The statement caches of all connections of a pool. A clone is a handle on the same ones.
#[derive(Clone, Default)]
pub struct StatementCaches {
    /// By address, which is nobody else's as long as the weak reference stands here.
    caches: Arc<Mutex<HashMap<usize, Weak<StatementCache>>>>,
}

impl StatementCaches {
    pub(super) fn attach(&self, cache: &Arc<StatementCache>) {
        let mut caches = self.caches.lock();
        caches.insert(address(cache), Arc::downgrade(cache));
    }

    pub(super) fn detach(&self, cache: &Arc<StatementCache>) {
        self.caches.lock().remove(&address(cache));
    }

    /// Forgets all statements of all connections, those in use included.
    pub fn clear(&self) {
        self.living().iter().for_each(|cache| cache.clear());
    }

    /// Forgets a statement on all connections, those in use included: after its table was altered, for
    /// example.
    pub fn remove(&self, query: &str, types: &[Type]) {
        for cache in self.living() {
            drop(cache.remove(query, types));
        }
    }

    fn living(&self) -> Vec<Arc<StatementCache>> {
        self.caches
            .lock()
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }
}

/// Nobody's code runs under its lock.
impl UnwindSafe for StatementCaches {}

/// Nobody's code runs under its lock.
impl RefUnwindSafe for StatementCaches {}

impl fmt::Debug for StatementCaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementCaches")
            .field("caches", &self.caches.lock().len())
            .finish()
    }
}

fn address(cache: &Arc<StatementCache>) -> usize {
    Arc::as_ptr(cache) as usize
}

/// As many as pgjdbc keeps. A trivial statement costs the server 8 kB, so that this is 2 MB a connection.
pub(super) const BOUND: usize = 256;

/// How many names a statement is sent under, if they are taken.
const NAMES: u32 = 8;
