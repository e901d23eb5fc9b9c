//! Checking an object before it is handed out.

use super::core::Core;
use super::hooks::apply;
use super::slot::Slot;
use super::{Manager, Timeouts};
use crate::engine::Debt;
use crate::time::bounded;
use std::sync::Arc;

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

    /// The object is dead: it is destroyed now, and what is owed for it goes with its getter, who stands
    /// first in line for another.
    #[cold]
    pub(crate) fn destroy(mut self) -> Owed<M> {
        let slot = self
            .0
            .take()
            .expect("here until it is trusted or destroyed");
        let core = Arc::clone(&slot.core);
        let owed = Owed {
            debt: Some(core.engine.doom()),
            core,
        };
        crate::engine::wake::resume(Core::destroy(slot));
        owed
    }
}

impl<M: Manager> Drop for Doubtful<M> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            Core::retire(slot);
        }
    }
}

/// A debt that is paid in any case.
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
        let check = self.manager.recycle(&mut slot.object, &slot.metrics);
        if !matches!(
            bounded(self.runtime, timeouts.recycle, check).await,
            Some(Ok(()))
        ) {
            return false;
        }
        apply(&self.hooks.post_recycle, slot).await.is_ok()
    }
}
