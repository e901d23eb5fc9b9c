use super::attempt::Attempt;
use super::bell::Bell;
use super::core::Core;
use super::get::{Failure, Obtained};
use super::slot::Slot;
use super::{Manager, Object, PoolBuilder, PoolError, RetainResult, Timeouts};
use crate::Status;
use crate::observe::{Checkout, Snapshot};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// A pool of objects that a [`Manager`] makes and checks.
///
/// A handle: clones are the same pool. When the last one is dropped, the pool is closed. Objects that
/// are out then are destroyed when they come back.
pub struct Pool<M: Manager, W: From<Object<M>> = Object<M>> {
    pub(crate) core: Arc<Core<M>>,
    handle: Arc<Handle<M>>,
    _wrapper: PhantomData<fn() -> W>,
}

/// What all handles of one pool share: dropped with the last of them, it closes the pool. Slots and
/// background connects hold the core alone, so they never keep a pool open.
pub(crate) struct Handle<M: Manager> {
    core: Arc<Core<M>>,
}

impl<M: Manager> Drop for Handle<M> {
    fn drop(&mut self) {
        self.core.tell_left_behind();
        self.core.close();
    }
}

impl<M: Manager, W: From<Object<M>>> Pool<M, W> {
    /// A builder, the only way to a pool.
    pub fn builder(manager: M) -> PoolBuilder<M, W> {
        PoolBuilder::new(manager)
    }

    pub(crate) fn from_builder(builder: PoolBuilder<M, W>) -> Self {
        let pool = Self::from_handle(Arc::new_cyclic(|handle| Handle {
            core: Arc::new(Core::new(builder, Weak::clone(handle))),
        }));
        pool.core.join_budget();
        pool.core.keep_watch();
        pool.core.manager.hang(Bell::of(&pool.core));
        pool
    }

    pub(crate) fn from_handle(handle: Arc<Handle<M>>) -> Self {
        Self {
            core: Arc::clone(&handle.core),
            handle,
            _wrapper: PhantomData,
        }
    }

    /// Takes an object: an idle one, or one that comes back, or a new one, whichever is there first.
    ///
    /// Getters are served in the order in which they came. An object that was used before is
    /// [checked](Manager::recycle) first, and if it is dead its getter goes on with another.
    ///
    /// # Errors
    ///
    /// See [`PoolError`]. An error of [`Manager::create`] is this caller's alone, and comes at once.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any await, it leaves the line, and what it had goes to the next. An object that was
    /// being checked is destroyed. A future that is kept but not polled any more keeps its place, and what
    /// it was handed.
    ///
    /// # Progress
    ///
    /// With an object idle: one compare-and-swap and one pop, no lock, no allocation, no timer, no
    /// reference count, and whatever [`Manager::recycle`] and the hooks do. Else it takes the line's lock, and
    /// allocates its place in line if none is left that was used before.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<W, PoolError<M::Error>>> {
        let caller = Location::caller();
        async move {
            let timeouts = &self.core.config.timeouts;
            let mut attempt = Attempt::begin(&self.core);
            let obtained = self.core.obtain(timeouts, &mut attempt).await;
            Self::wrap_or_tell(attempt.end(obtained, caller, None))
        }
    }

    /// [`get`](Self::get) with other bounds than the pool's own.
    ///
    /// # Errors
    ///
    /// See [`PoolError`]. With a bound that needs a timer and no runtime:
    /// [`PoolError::NoRuntimeSpecified`], before anything is touched.
    #[track_caller]
    pub fn timeout_get(
        &self,
        timeouts: &Timeouts,
    ) -> impl Future<Output = Result<W, PoolError<M::Error>>> {
        let caller = Location::caller();
        async move {
            let mut attempt = Attempt::begin(&self.core);
            let obtained = self.core.obtain_within(timeouts, &mut attempt).await;
            Self::wrap_or_tell(attempt.end(obtained, caller, None))
        }
    }

    #[inline]
    fn wrap_or_tell(obtained: Obtained<M>) -> Result<W, PoolError<M::Error>> {
        let slot = obtained.map_err(Failure::into_pool_error)?;
        Ok(Self::wrap(slot))
    }

    #[inline]
    pub(crate) fn wrap(slot: Box<Slot<M>>) -> W {
        Object::new(slot).into()
    }

    /// Changes the maximum.
    ///
    /// Growing lets those in line connect at once. Shrinking destroys surplus idle objects before this
    /// returns, the oldest first in [`QueueMode::Fifo`](super::QueueMode), and surplus ones in use when
    /// they come back. Does nothing to a closed pool.
    pub fn resize(&self, max_size: usize) {
        self.core.resize(max_size);
    }

    /// Keeps only the idle objects for which `predicate` says so.
    ///
    /// The pool goes on meanwhile: the predicate runs without any lock, and may use the pool itself, panic
    /// or take its time. In [`QueueMode::Fifo`](super::QueueMode) one object at a time is out for it; in
    /// [`QueueMode::Lifo`](super::QueueMode) all that are idle. Objects in use are not looked at.
    pub fn retain(
        &self,
        predicate: impl FnMut(&M::Type, super::Metrics) -> bool,
    ) -> RetainResult<M::Type> {
        super::retain::retain(&self.core, predicate)
    }

    /// The pool's own bounds.
    pub fn timeouts(&self) -> Timeouts {
        self.core.config.timeouts
    }

    /// Closes the pool: everybody in line and everybody who comes gets [`PoolError::Closed`], idle objects
    /// are destroyed before this returns, and those in use when they come back. A closed pool stays
    /// closed. [`closed`](Self::closed) waits for the end.
    pub fn close(&self) {
        self.core.close();
    }

    /// Whether the pool was closed.
    pub fn is_closed(&self) -> bool {
        self.core.snapshot().closed
    }

    /// Waits until the pool is closed and nothing of it is left: every object destroyed or taken, every
    /// connect ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn closed(&self) {
        self.core
            .until(|core, gone, waker| core.engine.poll_gone(gone, waker))
            .await;
    }

    /// deadpool's view of the counts, exact at one instant: objects that are still being made are not
    /// counted in `size`. See [`snapshot`](Self::snapshot) for all of it.
    #[must_use]
    pub fn status(&self) -> Status {
        let snapshot = self.core.snapshot();
        Status {
            max_size: self.core.asked(&snapshot),
            size: snapshot.size - snapshot.connecting,
            available: snapshot.idle,
            waiting: snapshot.waiting,
        }
    }

    /// All counts at one instant: one atomic load.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot()
    }

    /// Who holds an object now, longest first. Reads; takes no lock that a get or a return with an idle
    /// object would need.
    #[must_use]
    pub fn checkouts(&self) -> Vec<Checkout> {
        self.core.registry.checkouts(&self.core.clock)
    }

    /// The manager.
    #[must_use]
    pub fn manager(&self) -> &M {
        &self.core.manager
    }

    /// A handle that does not keep the pool open.
    pub fn weak(&self) -> WeakPool<M> {
        WeakPool {
            handle: Arc::downgrade(&self.handle),
            _wrapper: PhantomData,
        }
    }
}

impl<M: Manager, W: From<Object<M>>> Clone for Pool<M, W> {
    fn clone(&self) -> Self {
        Self::from_handle(Arc::clone(&self.handle))
    }
}

impl<M: Manager, W: From<Object<M>>> fmt::Debug for Pool<M, W>
where
    M: fmt::Debug,
    M::Type: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("manager", &self.core.manager)
            .field("snapshot", &self.core.snapshot())
            .field("config", &self.core.config)
            .field("runtime", &self.core.runtime)
            .field("hooks", &self.core.hooks)
            .finish()
    }
}

/// A handle that does not keep its pool open.
pub struct WeakPool<M: Manager, W: From<Object<M>> = Object<M>> {
    handle: Weak<Handle<M>>,
    _wrapper: PhantomData<fn() -> W>,
}

impl<M: Manager, W: From<Object<M>>> WeakPool<M, W> {
    /// The pool, unless its last handle is gone.
    pub fn upgrade(&self) -> Option<Pool<M, W>> {
        self.handle.upgrade().map(Pool::from_handle)
    }
}

impl<M: Manager, W: From<Object<M>>> fmt::Debug for WeakPool<M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakPool").finish_non_exhaustive()
    }
}
