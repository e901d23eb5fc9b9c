//! What the handles of a pool, its slots and its background connects share.

use super::hooks::Hooks;
use super::pool::Handle;
use super::slot::Slot;
use super::{Manager, PoolConfig, QueueMode};
use crate::Runtime;
use crate::engine::idle::Order;
use crate::engine::state::{MAX_CONNECTING, MAX_SIZE};
use crate::engine::sync::{AtomicUsize, Ordering};
use crate::engine::wake::{first_panic, resume};
use crate::engine::{Debt, Engine, GiveBack};
use crate::observe::Snapshot;
use crate::observe::clock::Clock;
use crate::observe::registry::Registry;
use crate::tether::give_home;
use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Weak;

pub(crate) struct Core<M: Manager> {
    pub(crate) engine: Engine<Box<Slot<M>>>,
    pub(crate) manager: M,
    pub(crate) hooks: Hooks<M>,
    /// Whether no hook runs around the manager's own check.
    pub(crate) bare_recycle: bool,
    pub(crate) config: PoolConfig,
    pub(crate) runtime: Option<Runtime>,
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    /// The pool's handles, for [`Object::pool`](super::Object::pool).
    pub(crate) handle: Weak<Handle<M>>,
    asked: AtomicUsize,
    ids: AtomicUsize,
    retains: AtomicUsize,
}

impl<M: Manager> Core<M> {
    pub(crate) fn new(
        manager: M,
        hooks: Hooks<M>,
        config: PoolConfig,
        runtime: Option<Runtime>,
        handle: Weak<Handle<M>>,
    ) -> Self {
        let order = match config.queue_mode {
            QueueMode::Fifo => Order::Fifo,
            QueueMode::Lifo => Order::Lifo,
        };
        Self {
            engine: Engine::new(config.max_size, MAX_CONNECTING, order),
            manager,
            bare_recycle: hooks.pre_recycle.is_empty() && hooks.post_recycle.is_empty(),
            hooks,
            config,
            runtime,
            clock: Clock::new(),
            registry: Registry::new(),
            handle,
            asked: AtomicUsize::new(config.max_size),
            ids: AtomicUsize::new(0),
            retains: AtomicUsize::new(0),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.engine.state().into()
    }

    /// The maximum as it was asked for, which may be more than a pool can hold.
    pub(crate) fn asked(&self, snapshot: &Snapshot) -> usize {
        if snapshot.max_size < MAX_SIZE {
            return snapshot.max_size;
        }
        // ORDERING(asked read): Relaxed; a number for reports, beside the word, only beyond what it holds.
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn next_id(&self) -> usize {
        // ORDERING(object number): Relaxed; only its being unique and rising matters.
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for a run of `retain`; never 0, which marks a slot that none has looked at.
    pub(crate) fn next_retain(&self) -> u64 {
        // ORDERING(retain number): Relaxed; only its being unique matters.
        self.retains.fetch_add(1, Ordering::Relaxed) as u64 + 1
    }

    pub(crate) fn resize(&self, max: usize) {
        // ORDERING(asked written): Relaxed; see `asked read`.
        self.asked.store(max, Ordering::Relaxed);
        self.retire_all(self.engine.resize(max));
    }

    pub(crate) fn close(&self) {
        self.retire_all(self.engine.close());
    }

    /// Gives a slot back after a get, a check or a connect; retires it if the pool has no place for it.
    #[inline]
    pub(crate) fn give_back(slot: Box<Slot<M>>) {
        match give_home(slot) {
            GiveBack::Kept => {}
            GiveBack::Retire(slot, debt) => Self::retire_doomed(slot, debt),
        }
    }

    /// The end of a connect that nobody owns.
    pub(crate) fn made(&self, slot: Box<Slot<M>>) {
        if let GiveBack::Retire(slot, debt) = self.engine.made(slot) {
            Self::retire_doomed(slot, debt);
        }
    }

    /// Destroys an object that is counted; its room goes to the next in line. A panic of the object's (or
    /// of `detach`) goes on after the books are right.
    pub(crate) fn retire(slot: Box<Slot<M>>) {
        let debt = slot.core.engine.doom();
        Self::retire_doomed(slot, debt);
    }

    #[cold]
    pub(crate) fn retire_doomed(slot: Box<Slot<M>>, debt: Debt) {
        let core = slot.core.clone();
        let panic = Self::destroy(slot);
        resume(first_panic(panic, || core.engine.bury(debt)));
    }

    fn retire_all(&self, surplus: Vec<(Box<Slot<M>>, Debt)>) {
        let mut panic = None;
        for (slot, debt) in surplus {
            panic = panic.or(Self::destroy(slot));
            panic = first_panic(panic, || self.engine.bury(debt));
        }
        resume(panic);
    }

    /// Detaches and destroys an object, and forgets its slot. Says what panicked, if anything did.
    pub(crate) fn destroy(mut slot: Box<Slot<M>>) -> Option<Box<dyn Any + Send>> {
        let core = slot.core.clone();
        let panic = core.detach(&mut slot);
        first_panic(panic, || drop(slot))
    }

    /// An object leaves the pool: its slot is forgotten, and its manager told. Says what panicked.
    fn detach(&self, slot: &mut Slot<M>) -> Option<Box<dyn Any + Send>> {
        self.registry.remove(slot.record.id());
        first_panic(None, || self.manager.detach(&mut slot.object))
    }

    /// Takes an object out of the pool alive.
    pub(crate) fn take(mut slot: Box<Slot<M>>) -> M::Type {
        let core = slot.core.clone();
        let debt = core.engine.doom();
        let panic = core.detach(&mut slot);
        let panic = first_panic(panic, || core.engine.bury(debt));
        match panic {
            Some(panic) if !std::thread::panicking() => {
                // Nobody gets the object now, so it goes with its slot, whatever that does.
                let _ = first_panic(None, || drop(slot));
                resume_unwind(panic)
            }
            _ => slot.object,
        }
    }
}
