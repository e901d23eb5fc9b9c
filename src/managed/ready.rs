//! Pools that are known to work: connected and tried before anybody gets them.

use super::check::Doubtful;
use super::connect::{UNOWNED_BOUND, Unowned};
use super::core::Core;
use super::keeper::Making;
use super::slot::Slot;
use super::{
    BuildError, HookError, Manager, Object, Pool, PoolBuilder, PoolError, RecycleError, TimeoutType,
};
use crate::engine::Claim;
use crate::observe::{Checkout, Snapshot};
use crate::time::{bounded, over};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    /// Builds the pool, makes one object and [proves](Manager::probe) that it works; as many as
    /// [`min_idle`](Self::min_idle), where that is more.
    ///
    /// # Errors
    ///
    /// One [`ReadyError`], which names the step, the target and the cause. Then there is no pool.
    pub async fn build_ready(self) -> Result<Pool<M, W>, ReadyError<M::Error>> {
        let target = self.manager.target().into_owned();
        let count = self.options.upkeep.min_idle.max(1);
        let pool = self.build().map_err(|cause| ReadyError {
            target,
            step: ReadyStep::Build(cause),
        })?;
        // Should it fail, this is the only handle: dropping it closes the pool.
        pool.warm_up(count).await?;
        Ok(pool)
    }
}

impl<M: Manager, W: From<Object<M>>> Pool<M, W> {
    /// Makes objects until the pool has `count` of them or no room (its own, or in its
    /// [budget](PoolBuilder::budget)), one after the other, and
    /// [proves](Manager::probe) that each new one works; if none had to be made, an idle one. Each lies
    /// idle as soon as it is proved.
    ///
    /// Each step is bounded by the pool's own time-out for it; without one, and with a runtime, by 10 s.
    ///
    /// # Errors
    ///
    /// At the first failure one [`ReadyError`], which names the step, the target and the cause. The pool
    /// goes on as it is.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what is being made is dropped, what was made stays.
    pub async fn warm_up(&self, count: usize) -> Result<(), ReadyError<M::Error>> {
        let core = &self.core;
        let mut proved = false;
        while core.snapshot().size < count {
            // After a failure somewhere else nobody connects for a moment.
            while let Some(pause) = core.next_connect() {
                over(core.runtime, Some(pause)).await;
                core.let_connect();
            }
            let bound = core.config.timeouts.create.unwrap_or(UNOWNED_BOUND);
            let Some(mut unowned) = core.reserve_to_warm(bound).await? else {
                break;
            };
            // Where spare ones are kept, it is one of them, and not to be made once more.
            let _counted = Making::new(Arc::clone(core));
            let slot = unowned
                .make(bound)
                .await
                .map_err(|error| core.not_ready(error.into()))?;
            core.prove(slot).await?;
            unowned.put_in();
            proved = true;
        }
        if !proved {
            if let Claim::Object(slot) = core.engine.claim() {
                let mut doubtful = Doubtful::new(slot);
                core.prove(doubtful.slot()).await?;
                Core::give_back(doubtful.trust());
            }
        }
        if core.snapshot().closed {
            return Err(core.not_ready(ReadyStep::Closed));
        }
        Ok(())
    }

    /// Closes this pool completely, waits until nothing of it is left, and then builds another and makes
    /// sure that it works. At no time do both have connections, and nobody sees the new one half made:
    /// handles of the old one say `Closed`, and the new one is returned when it is ready.
    ///
    /// # Errors
    ///
    /// A [`ReadyError`]; [`ReadyStep::StillOut`] if objects of the old pool do not come back within
    /// `patience` (without a runtime it waits for ever). The old pool is closed in any case.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, the old pool is closed and there may be no new one.
    pub async fn reinitialize(
        &self,
        builder: PoolBuilder<M, W>,
        patience: Duration,
    ) -> Result<Self, ReadyError<M::Error>> {
        self.close();
        let runtime = self.core.runtime;
        if bounded(runtime, Some(patience), self.closed())
            .await
            .is_none()
        {
            return Err(self.core.not_ready(ReadyStep::StillOut {
                snapshot: self.snapshot(),
                holders: self.checkouts(),
            }));
        }
        builder.build_ready().await
    }
}

impl<M: Manager> Core<M> {
    /// Room to make an object, if there is any. For its first one a pool waits in its budget, as a getter would.
    async fn reserve_to_warm(
        self: &Arc<Self>,
        bound: Duration,
    ) -> Result<Option<Unowned<M>>, ReadyError<M::Error>> {
        let now = self.snapshot();
        if self.account.is_none() || now.size > 0 || now.closed {
            return Ok(Unowned::reserve(self));
        }
        match bounded(self.runtime, Some(bound), self.draw()).await {
            Some(allowance) => Ok(Unowned::reserve_on(self, allowance)),
            None => Err(self.not_ready(ReadyStep::TimedOut(TimeoutType::Wait))),
        }
    }

    async fn prove(&self, slot: &mut Slot<M>) -> Result<(), ReadyError<M::Error>> {
        let bound = self.config.timeouts.recycle.unwrap_or(UNOWNED_BOUND);
        let probe = self.manager.probe(&mut slot.object);
        match bounded(self.runtime, Some(bound), probe).await {
            Some(Ok(())) => {
                self.counters.other_checks.add_one();
                Ok(())
            }
            Some(Err(error)) => Err(self.not_ready(ReadyStep::Check(error))),
            None => Err(self.not_ready(ReadyStep::TimedOut(TimeoutType::Recycle))),
        }
    }

    fn not_ready(&self, step: ReadyStep<M::Error>) -> ReadyError<M::Error> {
        ReadyError {
            target: self.manager.target().into_owned(),
            step,
        }
    }
}

/// Why a pool is not ready: at which step, on the way to what, and the cause.
#[derive(Debug)]
pub struct ReadyError<E> {
    target: String,
    step: ReadyStep<E>,
}

/// The step at which a pool turned out not to be ready.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadyStep<E> {
    /// Building the pool: the configuration is wrong.
    Build(BuildError),
    /// Connecting.
    Connect(E),
    /// A `post_create` hook.
    Hook(HookError<E>),
    /// The check of a new object.
    Check(RecycleError<E>),
    /// A step took longer than its bound.
    TimedOut(TimeoutType),
    /// The pool was closed meanwhile.
    Closed,
    /// Objects of the old pool did not come back in time.
    StillOut {
        /// What the old pool looked like.
        snapshot: Snapshot,
        /// Who holds its objects, longest first.
        holders: Vec<Checkout>,
    },
}

impl<E> From<PoolError<E>> for ReadyStep<E> {
    fn from(error: PoolError<E>) -> Self {
        match error {
            PoolError::Timeout(phase) => Self::TimedOut(phase),
            PoolError::Backend(error) => Self::Connect(error),
            PoolError::Closed => Self::Closed,
            PoolError::NoRuntimeSpecified => Self::Build(BuildError::NoRuntimeSpecified),
            PoolError::PostCreateHook(error) => Self::Hook(error),
        }
    }
}

impl<E> ReadyError<E> {
    /// What the pool was on the way to, as the [manager](Manager::target) calls it.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Where it ended, and why.
    pub fn step(&self) -> &ReadyStep<E> {
        &self.step
    }

    /// Where it ended, and why, for keeps.
    pub fn into_step(self) -> ReadyStep<E> {
        self.step
    }
}

impl<E: fmt::Display> fmt::Display for ReadyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match &self.step {
            ReadyStep::Build(error) => write!(f, "building a pool of {target} failed: {error}"),
            ReadyStep::Connect(error) => {
                let cause = error.to_string();
                // A manager's own errors may name the target already.
                if cause.contains(target) {
                    return f.write_str(&cause);
                }
                write!(f, "connecting to {target} failed: {cause}")
            }
            ReadyStep::Hook(error) => {
                write!(
                    f,
                    "connected to {target}, but a post_create hook turned it down: {error}"
                )
            }
            ReadyStep::Check(error) => write!(f, "connected to {target}, but {error}"),
            ReadyStep::TimedOut(phase) => write!(f, "timed out on the way to {target}, {phase}"),
            ReadyStep::Closed => write!(f, "the pool of {target} was closed meanwhile"),
            ReadyStep::StillOut { snapshot, holders } => {
                write!(
                    f,
                    "the old pool of {target} is closed, but not all came back ({snapshot}"
                )?;
                holders
                    .iter()
                    .take(3)
                    .try_for_each(|holder| write!(f, "; {holder}"))?;
                f.write_str(")")
            }
        }
    }
}

impl<E: Error + 'static> Error for ReadyError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.step {
            ReadyStep::Build(error) => Some(error),
            ReadyStep::Connect(error) => Some(error),
            ReadyStep::Hook(error) => Some(error),
            ReadyStep::Check(error) => Some(error),
            ReadyStep::TimedOut(_) | ReadyStep::Closed | ReadyStep::StillOut { .. } => None,
        }
    }
}
