//! What the handles of a pool and its slots share.

use super::PoolConfig;
use crate::engine::idle::Order;
use crate::engine::wake::{first_panic, resume};
use crate::engine::{Debt, Engine, GiveBack};
use crate::observe::Snapshot;
use crate::tether::{Tied, give_home};
use std::any::Any;
use std::sync::Arc;

pub(crate) struct Core<T> {
    pub(crate) engine: Engine<Box<Slot<T>>>,
    pub(crate) config: PoolConfig,
}

/// What moves between the idle store, the line and the users: boxed once, when its object is put in.
pub(crate) struct Slot<T> {
    pub(crate) object: T,
    /// The slot's own count on the pool, dropped when it goes: neither a get nor a return touches it.
    core: Arc<Core<T>>,
}

impl<T> Slot<T> {
    /// A slot around an object that is not in the pool yet.
    pub(crate) fn new(object: T, core: &Arc<Core<T>>) -> Box<Self> {
        let core = Arc::clone(core);
        Box::new(Self { object, core })
    }
}

impl<T> Tied for Box<Slot<T>> {
    type Core = Core<T>;

    #[inline]
    fn core(&self) -> &Arc<Core<T>> {
        &self.core
    }

    #[inline]
    fn engine(core: &Core<T>) -> &Engine<Self> {
        &core.engine
    }
}

impl<T> Core<T> {
    /// An empty pool. Nothing is ever made here, so the cap on what is made at once is 0. The object that
    /// came last is given out first, as in deadpool.
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            engine: Engine::new(config.max_size, 0, Order::Lifo),
            config,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.engine.state().into()
    }

    /// Gives a slot back after a get; destroys its object if the pool was closed.
    #[inline]
    pub(crate) fn give_back(slot: Box<Slot<T>>) {
        match give_home(slot) {
            GiveBack::Kept => {}
            GiveBack::Retire(slot, debt) => Self::retire(slot, debt),
        }
    }

    /// Closes the pool and destroys what is idle.
    pub(crate) fn close(&self) {
        let mut panic = None;
        for (slot, debt) in self.engine.close() {
            panic = self.destroy(panic, slot, debt);
        }
        resume(panic);
    }

    #[cold]
    fn retire(slot: Box<Slot<T>>, debt: Debt) {
        let core = Arc::clone(&slot.core);
        resume(core.destroy(None, slot, debt));
    }

    /// Destroys an object, then takes it out of the books, whatever its `Drop` does. Says what panicked
    /// first.
    fn destroy(
        &self,
        panic: Option<Box<dyn Any + Send>>,
        slot: Box<Slot<T>>,
        debt: Debt,
    ) -> Option<Box<dyn Any + Send>> {
        let panic = first_panic(panic, || drop(slot));
        first_panic(panic, || self.engine.bury(debt))
    }

    /// Takes an object out of the pool alive; its room goes to the first who waits to add.
    pub(crate) fn take(slot: Slot<T>) -> T {
        let Slot { object, core } = slot;
        let debt = core.engine.doom();
        core.engine.bury(debt);
        object
    }
}
