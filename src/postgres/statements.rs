//! Prepared statements that are kept to be used again.
//!
//! Preparing the same statement from several tasks at once costs one round trip: the first does it, the
//! others wait for its result, and if it fails or is dropped, the next of them tries. A cache keeps the
//! statements that were used last; one that falls out is closed on the server when its last user drops it.

use crate::engine::sync::{Arc, Mutex};
use std::collections::HashMap;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Weak;
use tokio::sync::OnceCell;
use tokio_postgres::types::Type;
use tokio_postgres::{Client as PgClient, Error as PgError, Statement};

/// The prepared statements of one connection: the 256 that were used last.
///
/// They must not be used with another connection.
pub struct StatementCache {
    kept: Mutex<Kept<Statement>>,
}

impl StatementCache {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::new(Kept::new(BOUND)),
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
    /// If the future is dropped, nothing is kept, and another caller for the same statement goes on.
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
        let (cell, surplus) = self.kept.lock().cell(query, types);
        drop(surplus);
        if let Some(statement) = cell.get() {
            return Ok(statement.clone());
        }
        let preparing = Preparing {
            cache: self,
            query,
            types,
            cell,
        };
        let statement = preparing
            .cell
            .get_or_try_init(|| client.prepare_typed(query, types));
        statement.await.cloned()
    }
}

impl fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementCache")
            .field("size", &self.size())
            .finish()
    }
}

/// A statement that is being prepared. Dropped without a result, it leaves nothing behind, unless another
/// caller is on it too.
struct Preparing<'a> {
    cache: &'a StatementCache,
    query: &'a str,
    types: &'a [Type],
    cell: Arc<Cell<Statement>>,
}

impl Drop for Preparing<'_> {
    fn drop(&mut self) {
        if !self.cell.initialized() {
            let mut kept = self.cache.kept.lock();
            let abandoned = kept.forget_if_abandoned(self.query, self.types, &self.cell);
            drop(kept);
            drop(abandoned);
        }
    }
}

/// Nobody's code runs under its lock.
impl UnwindSafe for StatementCache {}

/// Nobody's code runs under its lock.
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

/// Where a statement will be, or is.
type Cell<V> = OnceCell<V>;

/// What was used last, by the text of the query and the types of its parameters.
///
/// Finding allocates nothing. Forgetting the one that was used longest ago looks at all, which is little
/// beside the round trip that made it necessary.
struct Kept<V> {
    queries: HashMap<Box<str>, Vec<Variant<V>>>,
    count: usize,
    bound: usize,
    /// Counts uses, to know which was longest ago.
    uses: u64,
}

/// A query with certain types of parameters.
struct Variant<V> {
    types: Box<[Type]>,
    cell: Arc<Cell<V>>,
    used: u64,
}

impl<V> Kept<V> {
    fn new(bound: usize) -> Self {
        Self {
            queries: HashMap::new(),
            count: 0,
            bound,
            uses: 0,
        }
    }

    fn size(&self) -> usize {
        let variants = self.queries.values().flatten();
        variants
            .filter(|variant| variant.cell.initialized())
            .count()
    }

    /// The cell of a query, a new one if need be; and what had to make room for it.
    fn cell(&mut self, query: &str, types: &[Type]) -> (Arc<Cell<V>>, Option<Arc<Cell<V>>>) {
        self.uses += 1;
        if let Some(variant) = self.find(query, types) {
            return (Arc::clone(&variant.cell), None);
        }
        let surplus = self.make_room();
        let cell = Arc::new(Cell::new());
        let variant = Variant {
            types: types.into(),
            cell: Arc::clone(&cell),
            used: self.uses,
        };
        self.queries.entry(query.into()).or_default().push(variant);
        self.count += 1;
        (cell, surplus)
    }

    fn find(&mut self, query: &str, types: &[Type]) -> Option<&Variant<V>> {
        let variants = self.queries.get_mut(query)?;
        let variant = variants
            .iter_mut()
            .find(|variant| *variant.types == *types)?;
        variant.used = self.uses;
        Some(variant)
    }

    fn make_room(&mut self) -> Option<Arc<Cell<V>>> {
        if self.count < self.bound {
            return None;
        }
        let all = self
            .queries
            .iter()
            .flat_map(|(query, variants)| variants.iter().map(move |variant| (query, variant)));
        let (query, oldest) = all.min_by_key(|(_, variant)| variant.used)?;
        let (query, types) = (query.clone(), oldest.types.clone());
        self.remove(&query, &types)
    }

    fn remove(&mut self, query: &str, types: &[Type]) -> Option<Arc<Cell<V>>> {
        let variants = self.queries.get_mut(query)?;
        let place = variants
            .iter()
            .position(|variant| *variant.types == *types)?;
        let removed = variants.swap_remove(place);
        if variants.is_empty() {
            self.queries.remove(query);
        }
        self.count -= 1;
        Some(removed.cell)
    }

    /// Forgets a cell that stayed empty, if only its holder and this map still know it.
    fn forget_if_abandoned(
        &mut self,
        query: &str,
        types: &[Type],
        cell: &Arc<Cell<V>>,
    ) -> Option<Arc<Cell<V>>> {
        let known = self.queries.get(query)?.iter();
        let ours = known.into_iter().any(|variant| {
            Arc::ptr_eq(&variant.cell, cell)
                && !cell.initialized()
                && Arc::strong_count(cell) == HOLDER_AND_MAP
        });
        ours.then(|| self.remove(query, types)).flatten()
    }

    fn clear(&mut self) -> HashMap<Box<str>, Vec<Variant<V>>> {
        self.count = 0;
        std::mem::take(&mut self.queries)
    }
}

const HOLDER_AND_MAP: usize = 2;

/// As many as pgjdbc keeps. A trivial statement costs the server 8 kB, so that this is 2 MB a connection.
const BOUND: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn put(kept: &mut Kept<u32>, query: &str, types: &[Type]) -> Option<Arc<Cell<u32>>> {
        let (cell, surplus) = kept.cell(query, types);
        cell.set(1).unwrap();
        surplus
    }

    #[test]
    fn types_are_part_of_what_is_looked_for() {
        let mut kept = Kept::new(8);
        put(&mut kept, "q", &[Type::INT4]);
        put(&mut kept, "q", &[Type::TEXT]);
        assert_eq!((kept.size(), kept.count), (2, 2));
        assert!(kept.cell("q", &[Type::INT4]).0.initialized());
        assert!(kept.remove("q", &[Type::INT4]).is_some());
        assert!(kept.remove("q", &[Type::INT4]).is_none());
        assert_eq!((kept.size(), kept.count), (1, 1));
    }

    #[test]
    fn the_one_that_was_used_longest_ago_makes_room() {
        let mut kept = Kept::new(2);
        put(&mut kept, "a", &[]);
        put(&mut kept, "b", &[]);
        assert!(kept.cell("a", &[]).0.initialized());
        assert!(put(&mut kept, "c", &[]).is_some());
        assert_eq!(kept.count, 2);
        assert!(kept.cell("a", &[]).0.initialized());
        assert!(!kept.queries.contains_key("b"));
    }

    #[test]
    fn an_empty_cell_is_forgotten_by_its_last_holder() {
        let mut kept = Kept::<u32>::new(2);
        let (one, _) = kept.cell("a", &[]);
        let (two, _) = kept.cell("a", &[]);
        assert!(kept.forget_if_abandoned("a", &[], &one).is_none());
        drop(one);
        assert!(kept.forget_if_abandoned("a", &[], &two).is_some());
        assert_eq!(kept.count, 0);
    }

    #[test]
    fn a_cleared_map_counts_anew() {
        let mut kept = Kept::new(2);
        put(&mut kept, "a", &[]);
        drop(kept.clear());
        assert_eq!((kept.size(), kept.count), (0, 0));
    }
}
