//! Checking an object before it is handed out.

use super::core::Core;
use super::hooks::apply;
use super::slot::Slot;
use super::{Manager, Timeouts};
use crate::engine::Debt;
use crate::observe::CloseReason;
use crate::time::bounded;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

/// A slot whose object is not known to be good: dropped (by a cancelled check, a panic, a failure), the
/// object is retired.
pub(crate) struct Doubtful<M: Manager>(Option<Box<Slot<M>>>);

impl<M: Manager> Doubtful<M> {
    #[inline]
    pub(crate) fn new(slot: Box<Slot<M>>) -> Self {
        Self(Some(slot))
    }

    #[inline]
    pub(crate) fn slot(&mut self) -> &mut Slot<M> {
        self.0
            .as_mut()
            .expect("here until it is trusted or destroyed")
    }

    /// The object is known to be good without a check.
    pub(crate) fn pass_unchecked(mut self) -> Box<Slot<M>> {
        self.slot().record.books.unchecked.add(1);
        self.trust()
    }

    /// The object passed its check.
    #[inline]
    pub(crate) fn pass(mut self) -> Box<Slot<M>> {
        self.slot().metrics.recycle_count += 1;
        self.trust()
    }

    /// The object is good.
    #[inline]
    pub(crate) fn trust(mut self) -> Box<Slot<M>> {
        self.0
            .take()
            .expect("here until it is trusted or destroyed")
    }

    /// The object was turned down: it is destroyed now, and what is owed for it goes with its getter, who stands
    /// first in line for another.
    #[cold]
    pub(crate) fn destroy(mut self) -> Owed<M> {
        self.slot().core.counters.check_failures.add_one();
        self.discard(CloseReason::CheckFailed)
    }

    /// The object is worn: as [`destroy`](Self::destroy), but no check has failed.
    #[cold]
    pub(crate) fn discard(mut self, reason: CloseReason) -> Owed<M> {
        let slot = self
            .0
            .take()
            .expect("here until it is trusted or destroyed");
        let core = Arc::clone(&slot.core);
        let (panic, debt) = Core::part_owing(slot, core.engine.doom(), reason);
        let owed = Owed { debt, core };
        crate::engine::wake::resume(panic);
        owed
    }
}

impl<M: Manager> Drop for Doubtful<M> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.core.counters.check_failures.add_one();
            Core::retire(slot, CloseReason::CheckFailed);
        }
    }
}

/// A debt that is paid in any case; none, where the dead object is still being closed, which pays for itself.
pub(crate) struct Owed<M: Manager> {
    debt: Option<Debt>,
    core: Arc<Core<M>>,
}

impl<M: Manager> Owed<M> {
    /// The caller pays, by standing in line with it.
    pub(crate) fn take(&mut self) -> Option<Debt> {
        self.debt.take()
    }
}

impl<M: Manager> Drop for Owed<M> {
    fn drop(&mut self) {
        if let Some(debt) = self.debt.take() {
            self.core.engine.bury(debt);
        }
    }
}

impl<M: Manager> Core<M> {
    /// Checks an idle or handed-over object: hooks, the manager, hooks. Says whether it is good.
    ///
    /// # Cancel safety
    ///
    /// Dropped in the middle, nobody knows what state the object is in: its slot is a [`Doubtful`] one.
    pub(crate) async fn check(&self, slot: &mut Slot<M>, timeouts: &Timeouts) -> bool {
        if apply(&self.hooks.pre_recycle, slot).await.is_err() {
            return false;
        }
        let checked = {
            let check = self.manager.recycle(&mut slot.object, &slot.metrics);
            let check = pin!(bounded(self.runtime, timeouts.recycle, check));
            Timed::new(self, check).await
        };
        if !matches!(checked, Some(Ok(()))) {
            return false;
        }
        apply(&self.hooks.post_recycle, slot).await.is_ok()
    }
}

/// Drives a check, and writes down how long it took if it had to wait for anything. The clock is not read for
/// one that is ready at once. A plain future, since an `async fn` would make that of every get larger.
pub(crate) struct Timed<'a, M: Manager, F> {
    core: &'a Core<M>,
    check: Pin<&'a mut F>,
    since: Option<u64>,
}

impl<'a, M: Manager, F: Future> Timed<'a, M, F> {
    #[inline]
    pub(crate) fn new(core: &'a Core<M>, check: Pin<&'a mut F>) -> Self {
        Self {
            core,
            check,
            since: None,
        }
    }
}

impl<M: Manager, F: Future> Future for Timed<'_, M, F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let polled = self.check.as_mut().poll(context);
        match (&polled, self.since) {
            (Poll::Pending, None) => self.since = Some(self.core.clock.now()),
            (Poll::Ready(_), Some(since)) => self.core.checked_since(since),
            _ => {}
        }
        polled
    }
}
