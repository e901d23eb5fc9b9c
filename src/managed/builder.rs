use super::hooks::{Hook, HookResult, Hooks};
use super::options::Options;
use super::{Manager, Metrics, Object, Pool, PoolConfig, QueueMode, Timeouts};
use crate::Runtime;
use crate::observe::CloseReason;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Why a pool could not be built.
#[derive(Copy, Clone, Debug)]
pub enum BuildError {
    /// A time-out was set, and no [`Runtime`] whose timer could keep it.
    NoRuntimeSpecified,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "time-outs need a runtime: name one with PoolBuilder::runtime, or leave the time-outs away",
        )
    }
}

impl std::error::Error for BuildError {}

/// Builds a [`Pool`]; from [`Pool::builder`].
///
/// # Examples
///
/// ```
/// # use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(16).build()?;
/// assert_eq!(pool.status().max_size, 16);
/// # Ok::<(), millpond::managed::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct PoolBuilder<M: Manager, W: From<Object<M>> = Object<M>> {
    pub(crate) manager: M,
    pub(crate) config: PoolConfig,
    pub(crate) runtime: Option<Runtime>,
    pub(crate) hooks: Hooks<M>,
    pub(crate) options: Options,
    _wrapper: PhantomData<fn() -> W>,
}

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    pub(crate) fn new(manager: M) -> Self {
        Self {
            options: Options::by_default(manager.defaults()),
            manager,
            config: PoolConfig::default(),
            runtime: None,
            hooks: Hooks::default(),
            _wrapper: PhantomData,
        }
    }

    /// Builds the pool. Nothing is connected yet; [`build_ready`](Self::build_ready) does that too.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoRuntimeSpecified`]: a time-out is set, and no [`runtime`](Self::runtime). As in
    /// deadpool, that includes a `wait` of zero here, though [`Pool::timeout_get`] takes one without.
    ///
    /// # Panics
    ///
    /// If the [reserve](Self::reserve) leaves nothing to those without priority.
    pub fn build(self) -> Result<Pool<M, W>, BuildError> {
        let timeouts = &self.config.timeouts;
        let any = timeouts
            .wait
            .or(timeouts.create)
            .or(timeouts.recycle)
            .is_some();
        // A pause after a failed connect ends by a timer; without one, those in line would never try again.
        let any = any || self.options.caution.completed().backoff.is_some();
        if any && self.runtime.is_none() {
            return Err(BuildError::NoRuntimeSpecified);
        }
        self.check_reserve();
        Ok(Pool::from_builder(self))
    }

    /// Sets the whole configuration.
    pub fn config(mut self, value: PoolConfig) -> Self {
        self.config = value;
        self
    }

    /// Sets [`PoolConfig::max_size`].
    pub fn max_size(mut self, value: usize) -> Self {
        self.config.max_size = value;
        self
    }

    /// Sets [`PoolConfig::timeouts`].
    pub fn timeouts(mut self, value: Timeouts) -> Self {
        self.config.timeouts = value;
        self
    }

    /// Sets [`Timeouts::wait`].
    pub fn wait_timeout(mut self, value: Option<Duration>) -> Self {
        self.config.timeouts.wait = value;
        self
    }

    /// Sets [`Timeouts::create`].
    pub fn create_timeout(mut self, value: Option<Duration>) -> Self {
        self.config.timeouts.create = value;
        self
    }

    /// Sets [`Timeouts::recycle`].
    pub fn recycle_timeout(mut self, value: Option<Duration>) -> Self {
        self.config.timeouts.recycle = value;
        self
    }

    /// Sets [`PoolConfig::queue_mode`].
    pub fn queue_mode(mut self, value: QueueMode) -> Self {
        self.config.queue_mode = value;
        self
    }

    /// Adds a hook that sees each new object right after it was made.
    pub fn post_create(mut self, hook: impl Into<Hook<M>>) -> Self {
        self.hooks.post_create.push(hook.into());
        self
    }

    /// Adds a hook that sees each used object right before it is checked.
    pub fn pre_recycle(mut self, hook: impl Into<Hook<M>>) -> Self {
        self.hooks.pre_recycle.push(hook.into());
        self
    }

    /// Adds a hook that sees each used object right after it was checked.
    pub fn post_recycle(mut self, hook: impl Into<Hook<M>>) -> Self {
        self.hooks.post_recycle.push(hook.into());
        self
    }

    /// Adds a hook that sees each object as it comes back, in the drop of its [`Object`]: it must neither wait nor
    /// block. With an error the object is destroyed, as one that is [broken](Manager::has_broken).
    pub fn on_return(
        mut self,
        hook: impl Fn(&mut M::Type, &Metrics) -> HookResult<M::Error> + Sync + Send + 'static,
    ) -> Self {
        self.hooks.on_return.push(Box::new(hook));
        self
    }

    /// Adds a hook that sees each object that leaves the pool, with the reason, right before
    /// [`Manager::detach`]: once for each, in whatever way it goes. One that never became an object of the pool,
    /// since a `post_create` hook turned it down, is not told of.
    pub fn on_close(
        mut self,
        hook: impl Fn(&mut M::Type, &Metrics, CloseReason) + Sync + Send + 'static,
    ) -> Self {
        self.hooks.on_close.push(Box::new(hook));
        self
    }

    /// Names the runtime whose timer keeps the time-outs.
    ///
    /// With `Runtime::Tokio1`, a connect whose getter was served or gave up also goes on in a task of
    /// its own, for the next getter; without it, such a connect is dropped, as in deadpool. That task is
    /// bounded by a timer, so the runtime must have its time driver (`enable_time`), as it must for
    /// time-outs.
    pub fn runtime(mut self, value: Runtime) -> Self {
        self.runtime = Some(value);
        self
    }
}

impl<M, W> fmt::Debug for PoolBuilder<M, W>
where
    M: fmt::Debug + Manager,
    W: From<Object<M>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder")
            .field("manager", &self.manager)
            .field("config", &self.config)
            .field("runtime", &self.runtime)
            .field("hooks", &self.hooks)
            .field("options", &self.options)
            .finish()
    }
}
