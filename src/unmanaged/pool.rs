use super::core::Core;
use super::{Object, PoolConfig, PoolError};
use crate::Status;
use crate::engine::state::MAX_SIZE;
use crate::observe::Snapshot;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A pool of objects that you put in.
///
/// A handle: clones are the same pool. When the last one is dropped, the pool is closed. Objects that
/// are out then are destroyed when they come back.
///
/// The object that came last is given out first. Getters are served in the order in which they came, and so
/// are those who wait to add.
///
/// # Examples
///
/// ```
/// use millpond::unmanaged::Pool;
///
/// let pool = Pool::new(2);
/// pool.try_add(1).unwrap();
/// let one = pool.try_get().unwrap();
/// assert_eq!((pool.status().size, pool.status().available), (1, 0));
/// drop(one);
/// assert_eq!(pool.status().available, 1);
/// ```
pub struct Pool<T> {
    pub(super) core: Arc<Core<T>>,
    handle: Arc<Handle<T>>,
}

/// What all handles of one pool share: dropped with the last of them, it closes the pool. Slots hold the
/// core alone, so they never keep a pool open.
struct Handle<T> {
    core: Arc<Core<T>>,
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.core.close();
    }
}

impl<T> Pool<T> {
    /// An empty pool of at most `max_size` objects, without a bound on waiting.
    #[must_use]
    pub fn new(max_size: usize) -> Self {
        Self::from_config(&PoolConfig::new(max_size))
    }

    /// An empty pool.
    #[must_use]
    pub fn from_config(config: &PoolConfig) -> Self {
        let core = Arc::new(Core::new(*config));
        let handle = Arc::new(Handle {
            core: Arc::clone(&core),
        });
        Self { core, handle }
    }

    /// Takes an object: an idle one, or one that comes back or is added, whichever is there first. Waits for
    /// it no longer than [`PoolConfig::timeout`].
    ///
    /// # Errors
    ///
    /// See [`PoolError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped at any await, it leaves the line, and an object that it was handed goes to the next. A future
    /// that is kept but not polled any more keeps its place, and what it was handed.
    ///
    /// # Progress
    ///
    /// With an object idle: one compare-and-swap and one pop, no lock, no allocation, no timer, no reference
    /// count. Else it allocates its place in line, and takes the line's lock.
    pub async fn get(&self) -> Result<Object<T>, PoolError> {
        self.core.obtain(self.core.config.timeout).await
    }

    /// Takes an idle object, and does not wait.
    ///
    /// # Errors
    ///
    /// [`PoolError::Timeout`] if none is idle, [`PoolError::Closed`] if the pool is closed.
    pub fn try_get(&self) -> Result<Object<T>, PoolError> {
        self.core.claim()
    }

    /// [`get`](Self::get) with another bound than the pool's own; `None`: without any.
    ///
    /// # Errors
    ///
    /// See [`PoolError`]. With a bound that needs a timer and no runtime:
    /// [`PoolError::NoRuntimeSpecified`], before anything is touched.
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Self::get).
    pub async fn timeout_get(&self, duration: Option<Duration>) -> Result<Object<T>, PoolError> {
        self.core.obtain(duration).await
    }

    /// Puts `object` in. If the pool is full, waits until an object has left it for good. With getters in
    /// line, the object goes straight to the first of them.
    ///
    /// # Errors
    ///
    /// With [`PoolError::Closed`] the object comes back, also if the pool is closed while it waits.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, its object is dropped with it and was never in the pool; the room that it
    /// may have been given goes to the next who waits to add. A future that is kept but not polled any more
    /// keeps its place, and that room.
    ///
    /// # Progress
    ///
    /// Allocates the object's place in the pool, and takes the line's lock.
    pub async fn add(&self, object: T) -> Result<(), (T, PoolError)> {
        self.core.bring_in(object).await
    }

    /// Puts `object` in, if there is room that nobody waits for.
    ///
    /// # Errors
    ///
    /// The object comes back, with [`PoolError::Timeout`] if there is no room, with [`PoolError::Closed`] if
    /// the pool is closed.
    pub fn try_add(&self, object: T) -> Result<(), (T, PoolError)> {
        self.core.put_in(object)
    }

    /// Takes an object out of the pool for good: [`get`](Self::get), then [`Object::take`].
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Self::get).
    pub async fn remove(&self) -> Result<T, PoolError> {
        self.get().await.map(Object::take)
    }

    /// Takes an idle object out of the pool for good, and does not wait.
    ///
    /// # Errors
    ///
    /// As [`try_get`](Self::try_get).
    pub fn try_remove(&self) -> Result<T, PoolError> {
        self.try_get().map(Object::take)
    }

    /// [`remove`](Self::remove) with another bound than the pool's own; `None`: without any.
    ///
    /// # Errors
    ///
    /// As [`timeout_get`](Self::timeout_get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Self::get).
    pub async fn timeout_remove(&self, timeout: Option<Duration>) -> Result<T, PoolError> {
        self.timeout_get(timeout).await.map(Object::take)
    }

    /// Closes the pool: idle objects are destroyed before this returns, those that are out when they come
    /// back. Whoever waits, for an object or for room, hears [`PoolError::Closed`].
    pub fn close(&self) {
        self.core.close();
    }

    /// Whether the pool was closed.
    pub fn is_closed(&self) -> bool {
        self.snapshot().closed
    }

    /// All counts at one instant: one atomic load. The room of an object that is about to be added, by
    /// somebody who waited for it, stands in [`Snapshot::connecting`].
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot()
    }

    /// deadpool's view of the counts, from one [`snapshot`](Self::snapshot).
    #[must_use]
    pub fn status(&self) -> Status {
        let now = self.snapshot();
        Status {
            max_size: self.core.config.max_size,
            size: now.size - now.connecting,
            available: now.idle,
            waiting: now.waiting,
        }
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            handle: Arc::clone(&self.handle),
        }
    }
}

/// A panic leaves the pool whole, wherever it comes from.
impl<T> UnwindSafe for Pool<T> {}

/// A panic leaves the pool whole, wherever it comes from.
impl<T> RefUnwindSafe for Pool<T> {}

impl<T> Default for Pool<T> {
    /// An empty pool with the [default](PoolConfig::default) configuration.
    fn default() -> Self {
        Self::from_config(&PoolConfig::default())
    }
}

impl<T, I> From<I> for Pool<T>
where
    I: IntoIterator<Item = T>,
    <I as IntoIterator>::IntoIter: ExactSizeIterator,
{
    /// A pool of these objects, all of them idle, and with no room for more.
    ///
    /// # Panics
    ///
    /// If there are more than 65,535.
    fn from(iter: I) -> Self {
        let objects: Vec<_> = iter.into_iter().collect();
        let count = objects.len();
        assert!(
            count <= MAX_SIZE,
            "a pool of {count} objects: it holds {MAX_SIZE} at most"
        );
        let pool = Self::new(count);
        for object in objects {
            let added = pool.try_add(object);
            assert!(added.is_ok(), "there is room for each of them");
        }
        pool
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("config", &self.core.config)
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
