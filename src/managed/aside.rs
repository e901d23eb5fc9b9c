//! What is done for an object when nobody holds it: made fit for the next user after a return, and closed when
//! closing takes time. Its slot stays taken meanwhile, so the pool never has more than it may.
//!
//! ```text
//! Object::drop → Manager::needs_tidying → Untidy → tidy  ok → given back, as by a return
//!                                                        else → closed
//! any end      → Manager::closes_slowly → Leaving → close    → its room is free
//! ```
//!
//! Both are values whose `Drop` takes the short way: a job that is dropped, panics or meets its bound closes its
//! object there and then.

use super::Manager;
use super::core::Core;
use super::gate::Ticket;
use super::slot::Slot;
use crate::engine::Debt;
use crate::engine::sync::Ordering;
use crate::engine::wake::{contain, first_panic, resume};
use crate::observe::CloseReason;
use crate::time::bounded;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Something to be done in the background.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long [`Manager::tidy`] may take: a query that is still running must be cancelled and its answer read, which
/// is a few round trips at any server that serves. pgx gives it 15 s, Npgsql 2 s.
const TIDY_BOUND: Duration = Duration::from_secs(5);
/// How long [`Manager::close`] may take: a goodbye is half a round trip, and its answer another half.
const CLOSE_BOUND: Duration = Duration::from_secs(2);

impl<M: Manager> Core<M> {
    /// Has an object that came back made fit for the next in the background, if there is to be a next.
    #[cold]
    pub(crate) fn tidy_or_retire(mut slot: Box<Slot<M>>) {
        let core = Arc::clone(&slot.core);
        if let Some(reason) = Self::unwanted(&mut slot) {
            return Self::retire(slot, reason);
        }
        let job = Untidy::new(slot).tidy(Arc::clone(&core));
        core.aside(Box::pin(job));
    }

    /// Says goodbye to an object that has left, and frees its room after it.
    #[cold]
    pub(super) fn close_aside(leaving: Leaving<M>) {
        let core = Arc::clone(&leaving.core);
        core.aside(Box::pin(leaving.close()));
    }

    /// Whether an object is being made fit for the next just now.
    pub(crate) fn is_tidying(&self) -> bool {
        // ORDERING(tidying read): Relaxed; see `tidying more`.
        self.tidying.load(Ordering::Relaxed) > 0
    }

    /// Does a job where there is a place for it: in a task of its own on Tokio, else in the pool's task. Where
    /// there is none it is dropped.
    fn aside(&self, job: Job) {
        let Some(job) = self.home.spawn(self.runtime, job) else {
            return;
        };
        if let Some(job) = self.keeper.give(job) {
            contain(|| drop(job));
        }
    }
}

/// An object that is not fit for the next user yet.
struct Untidy<M: Manager> {
    slot: Option<Box<Slot<M>>>,
    core: Arc<Core<M>>,
}

impl<M: Manager> Untidy<M> {
    fn new(slot: Box<Slot<M>>) -> Self {
        let core = Arc::clone(&slot.core);
        // ORDERING(tidying more): Relaxed; a hint for who is about to make another one.
        core.tidying.fetch_add(1, Ordering::Relaxed);
        Self {
            slot: Some(slot),
            core,
        }
    }

    async fn tidy(mut self, core: Arc<Core<M>>) {
        let slot = self.slot.as_mut().expect("here until it is tidy");
        if let Some(taken_at) = slot.record.last_caller() {
            core.manager.untidy_from(&mut slot.object, taken_at);
        }
        let tidy = core.manager.tidy(&mut slot.object);
        let tidied = bounded(core.runtime, Some(TIDY_BOUND), tidy).await;
        if !matches!(tidied, Some(Ok(()))) {
            return;
        }
        core.counters.tidied.add_one();
        let mut slot = self.slot.take().expect("here until it is tidy");
        slot.is_proved();
        Core::keep_or_retire(slot);
    }
}

impl<M: Manager> Drop for Untidy<M> {
    fn drop(&mut self) {
        // ORDERING(tidying fewer): Relaxed; see `tidying more`.
        self.core.tidying.fetch_sub(1, Ordering::Relaxed);
        if let Some(slot) = self.slot.take() {
            Core::retire(slot, CloseReason::Untidy);
        }
    }
}

/// An object that has left the pool, but for its room: dropped, it is destroyed, and its room is freed.
pub(super) struct Leaving<M: Manager> {
    slot: Option<Box<Slot<M>>>,
    debt: Option<Debt>,
    core: Arc<Core<M>>,
    /// Its last holder's, if that needed one. Dropped last: whoever takes it finds the room.
    _ticket: Ticket,
}

impl<M: Manager> Leaving<M> {
    pub(super) fn new(mut slot: Box<Slot<M>>, debt: Debt) -> Self {
        Self {
            core: Arc::clone(&slot.core),
            _ticket: slot.ticket.take(),
            slot: Some(slot),
            debt: Some(debt),
        }
    }

    async fn close(mut self) {
        let slot = self.slot.take().expect("closed once");
        let core = Arc::clone(&self.core);
        let closing = core.manager.close(slot.object);
        bounded(core.runtime, Some(CLOSE_BOUND), closing).await;
    }
}

impl<M: Manager> Drop for Leaving<M> {
    fn drop(&mut self) {
        let panic = first_panic(None, || drop(self.slot.take()));
        let debt = self.debt.take();
        let pay = || {
            debt.into_iter()
                .for_each(|debt| self.core.engine.bury(debt));
        };
        resume(first_panic(panic, pay));
    }
}

/// Where the pool's objects were made, for jobs that begin outside of a runtime: an object may be dropped anywhere.
#[derive(Debug)]
pub(crate) struct Home {
    #[cfg(feature = "rt_tokio_1")]
    tokio: crate::engine::sync::OnceLock<tokio::runtime::Handle>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "rt_tokio_1")]
            tokio: crate::engine::sync::OnceLock::new(),
        }
    }
}

#[cfg(feature = "rt_tokio_1")]
mod tokio_home {
    use super::{Home, Job};
    use crate::Runtime;
    use tokio::runtime::Handle;

    impl Home {
        /// Remembers the runtime in which it is called.
        pub(crate) fn remember(&self) {
            if self.tokio.get().is_none() {
                let _ = Handle::try_current().map(|here| self.tokio.set(here));
            }
        }

        /// Spawns a job here, or where objects are made; gives it back where neither is within Tokio. A runtime
        /// that is gone drops it.
        pub(super) fn spawn(&self, runtime: Option<Runtime>, job: Job) -> Option<Job> {
            // A pool that was told no runtime may still be used within Tokio.
            if !matches!(runtime, None | Some(Runtime::Tokio1)) {
                return Some(job);
            }
            let here = Handle::try_current().ok();
            let Some(runtime) = here.as_ref().or_else(|| self.tokio.get()) else {
                return Some(job);
            };
            drop(runtime.spawn(job));
            None
        }
    }
}

#[cfg(not(feature = "rt_tokio_1"))]
impl Home {
    pub(crate) fn remember(&self) {}

    fn spawn(&self, _: Option<crate::Runtime>, job: Job) -> Option<Job> {
        Some(job)
    }
}
