//! Checking an object before it is handed out.

use super::core::Core;
use super::hooks::apply;
use super::slot::Slot;
use super::time::{over, poll_bounded};
use super::{Manager, Timeouts};
use crate::engine::Debt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;

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
    #[inline]
    pub(crate) async fn check(&self, slot: &mut Slot<M>, timeouts: &Timeouts) -> bool {
        let hooks = &self.hooks;
        if !hooks.pre_recycle.is_empty() && apply(&hooks.pre_recycle, slot).await.is_err() {
            return false;
        }
        // Polled in place, and through one reference: to build a future and then move it would cost this
        // path more than one of its atomic operations.
        let checked = {
            let mut check = pin!(self.manager.recycle(&mut slot.object, &slot.metrics));
            let mut timer = pin!(None);
            let make = || over(self.runtime, timeouts.recycle);
            let mut poll =
                |context: &mut Context<'_>| poll_bounded(check.as_mut(), &mut timer, make, context);
            let poll = &mut poll;
            poll_fn(|context| poll(context)).await
        };
        if !matches!(checked, Some(Ok(()))) {
            return false;
        }
        if !hooks.post_recycle.is_empty() && apply(&hooks.post_recycle, slot).await.is_err() {
            return false;
        }
        slot.metrics.recycle_count += 1;
        true
    }
}
