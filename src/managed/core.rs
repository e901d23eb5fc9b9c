//! What the handles of a pool, its slots and its background connects share.

use super::aside::{Home, Leaving};
use super::flow::Flow;
use super::gate::{Gate, Ticket};
use super::hooks::Hooks;
use super::keeper::Keeper;
use super::lifecycle::storm;
use super::pool::Handle;
use super::slot::Slot;
use super::storm::Storm;
use super::upkeep::Upkeep;
use super::watch::LastFailure;
use super::{Manager, Object, PoolBuilder, PoolConfig, QueueMode};
use crate::Runtime;
use crate::engine::budget::{Account, Allowance};
use crate::engine::idle::Order;
use crate::engine::state::MAX_SIZE;
use crate::engine::sync::{AtomicU64, AtomicUsize, CachePadded, Mutex, Ordering};
use crate::engine::wake::{first_panic, resume};
use crate::engine::{Debt, Engine, GiveBack, Gone};
use crate::observe::clock::Clock;
use crate::observe::counters::Counters;
use crate::observe::leaks::Leaks;
use crate::observe::registry::Registry;
use crate::observe::vigil::Vigil;
use crate::observe::{CloseReason, Listener, Snapshot};
use crate::tether::give_home;
use std::any::Any;
use std::panic::resume_unwind;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

/// What an object leaves that is gone: a debt, its place in the budget, and its holder's ticket, where it had those.
type Owing = (Debt, Option<Allowance>, Ticket);

pub(crate) struct Core<M: Manager> {
    pub(crate) engine: Engine<Box<Slot<M>>>,
    /// Where slots are kept for a priority.
    pub(crate) gate: Option<Arc<Gate>>,
    pub(crate) manager: M,
    pub(crate) hooks: Hooks<M>,
    /// Whether no hook runs around the manager's own check.
    pub(crate) bare_recycle: bool,
    pub(crate) config: PoolConfig,
    pub(crate) runtime: Option<Runtime>,
    pub(crate) clock: Clock,
    /// When the pool was built, as a raw reading.
    pub(crate) built: u64,
    pub(crate) registry: Registry,
    /// Written by all who wait: on lines of their own, since everybody reads what lies beside them.
    pub(crate) counters: CachePadded<Counters>,
    pub(crate) leaks: Leaks,
    pub(crate) vigil: Vigil,
    pub(crate) listener: Option<Arc<dyn Listener>>,
    pub(crate) name: Option<String>,
    pub(crate) last_failure: LastFailure,
    pub(crate) keeper: Keeper,
    pub(crate) home: Home,
    /// How many objects are being made fit for the next.
    pub(crate) tidying: AtomicUsize,
    pub(crate) upkeep: Upkeep,
    /// Whether the time has to be looked at before an object is given out, and when it comes back.
    pub(crate) looks_at_times: bool,
    pub(crate) looks_at_returns: bool,
    pub(crate) storm: Option<Mutex<Storm>>,
    pub(crate) sheds: bool,
    pub(crate) flow: Mutex<Flow>,
    /// How long it takes on average until the next object comes back; 0 where that is not known.
    pub(crate) flow_ns: AtomicU64,
    pub(crate) generation: AtomicUsize,
    /// What it has with the budget that it shares with other pools.
    pub(crate) account: Option<std::sync::Arc<Account>>,
    /// The pool's handles, for [`Object::pool`](super::Object::pool).
    pub(crate) handle: Weak<Handle<M>>,
    asked: AtomicUsize,
    ids: AtomicUsize,
    retains: AtomicUsize,
}

impl<M: Manager> Core<M> {
    pub(crate) fn new<W: From<Object<M>>>(
        builder: PoolBuilder<M, W>,
        handle: Weak<Handle<M>>,
    ) -> Self {
        let PoolBuilder {
            mut manager,
            config,
            runtime,
            hooks,
            options,
            ..
        } = builder;
        let order = match config.queue_mode {
            QueueMode::Fifo => Order::Fifo,
            QueueMode::Lifo => Order::Lifo,
        };
        if let Some(name) = &options.name {
            manager.named(name);
        }
        let clock = options.clock.unwrap_or_else(Clock::new);
        let caution = options.caution.completed();
        let engine = Engine::new(config.max_size, caution.max_connecting, order);
        let gate = (options.reserve > 0).then(|| Gate::new(config.max_size, options.reserve));
        if let Some(most) = options.max_waiters {
            engine.set_most(most);
            gate.iter().for_each(|gate| gate.tickets().set_most(most));
        }
        Self {
            engine,
            gate: gate.map(Arc::new),
            looks_at_times: options.upkeep.looks_at_times(),
            looks_at_returns: options.upkeep.looks_at_returns() || options.budget.is_some(),
            upkeep: options.upkeep,
            storm: storm(caution),
            sheds: options.shed_overload,
            flow: Mutex::new(Flow::default()),
            flow_ns: AtomicU64::new(0),
            generation: AtomicUsize::new(0),
            account: options.budget.map(|budget| budget.open()),
            manager,
            bare_recycle: hooks.pre_recycle.is_empty() && hooks.post_recycle.is_empty(),
            hooks,
            config,
            runtime,
            built: clock.now(),
            clock,
            registry: Registry::new(),
            counters: CachePadded::new(Counters::new()),
            leaks: Leaks::new(options.leak_threshold),
            vigil: Vigil::new(options.thresholds),
            listener: options.listener,
            name: options.name,
            last_failure: LastFailure::new(),
            keeper: Keeper::new(),
            home: Home::new(),
            tidying: AtomicUsize::new(0),
            handle,
            asked: AtomicUsize::new(config.max_size),
            ids: AtomicUsize::new(0),
            retains: AtomicUsize::new(0),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::from(self.engine.state());
        match &self.gate {
            None => snapshot,
            Some(gate) => snapshot.with_held_back(gate.before()),
        }
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
        let surplus = self.engine.resize(max);
        if let Some(gate) = &self.gate {
            gate.follow(&self.engine);
        }
        self.retire_all(surplus, CloseReason::Surplus);
    }

    pub(crate) fn close(&self) {
        if let Some(gate) = &self.gate {
            gate.close();
        }
        self.retire_all(self.engine.close(), CloseReason::PoolClosed);
        self.keeper.nudge();
    }

    /// Nobody may join the line from now on, nor stand at the gate.
    pub(crate) fn refuse(&self) {
        if let Some(gate) = &self.gate {
            gate.refuse();
        }
        self.engine.refuse();
    }

    /// Ready when nobody is in line any more, nor at the gate; joining must be [refused](Self::refuse) before.
    pub(crate) fn poll_line_end(&self, gone: &mut Gone, waker: &Waker) -> Poll<()> {
        match &self.gate {
            None => self.engine.poll_line_end(gone, waker),
            Some(gate) => gate.poll_line_end(&self.engine, gone, waker),
        }
    }

    /// Gives a slot back after a get, a check or a connect; retires it if the pool has no place for it.
    #[inline]
    pub(crate) fn give_back(slot: Box<Slot<M>>) {
        if slot.allowance.is_some() {
            return Self::give_back_in_budget(slot);
        }
        Self::give_home(slot);
    }

    #[inline]
    pub(crate) fn give_home(slot: Box<Slot<M>>) {
        match give_home(slot) {
            GiveBack::Kept => {}
            GiveBack::Retire(slot, debt) => Self::retire_unwanted(slot, debt),
        }
    }

    /// Gives back what came back fit for another, unless it is too old, used up or one too many.
    #[inline]
    pub(crate) fn keep_or_retire(mut slot: Box<Slot<M>>) {
        if let Some(reason) = Self::unwanted(&mut slot) {
            return Self::retire(slot, reason);
        }
        // Dropped last: whoever takes the ticket finds the object.
        let _ticket = slot.ticket.take();
        Self::give_back(slot);
    }

    /// The end of a connect that nobody owns.
    pub(crate) fn made(&self, slot: Box<Slot<M>>) {
        match self.engine.made(slot) {
            GiveBack::Kept => self.came_home(),
            GiveBack::Retire(slot, debt) => Self::retire_unwanted(slot, debt),
        }
    }

    /// Destroys an object for which the pool has no place any more.
    #[cold]
    pub(crate) fn retire_unwanted(slot: Box<Slot<M>>, debt: Debt) {
        let reason = if slot.core.snapshot().closed {
            CloseReason::PoolClosed
        } else {
            CloseReason::Surplus
        };
        Self::retire_doomed(slot, debt, reason);
    }

    /// Destroys an object that is counted; its room goes to the next in line. A panic of the object's (or
    /// of `detach`) goes on after the books are right.
    pub(crate) fn retire(slot: Box<Slot<M>>, reason: CloseReason) {
        let debt = slot.core.engine.doom();
        Self::retire_doomed(slot, debt, reason);
    }

    #[cold]
    fn retire_doomed(slot: Box<Slot<M>>, debt: Debt, reason: CloseReason) {
        resume(Self::part(slot, debt, reason));
    }

    fn retire_all(&self, surplus: Vec<(Box<Slot<M>>, Debt)>, reason: CloseReason) {
        let mut panic = None;
        for (slot, debt) in surplus {
            panic = panic.or(Self::part(slot, debt, reason));
        }
        resume(panic);
    }

    /// An object leaves and is closed, at once or in the background; then its room goes to the next in line. Says
    /// what panicked, if anything did.
    pub(super) fn part(
        slot: Box<Slot<M>>,
        debt: Debt,
        reason: CloseReason,
    ) -> Option<Box<dyn Any + Send>> {
        let core = slot.core.clone();
        let (panic, owing) = Self::part_owing(slot, debt, reason);
        first_panic(panic, || {
            if let Some((debt, allowance, ticket)) = owing {
                drop(allowance);
                core.engine.bury(debt);
                // Dropped last: whoever takes the ticket finds the room.
                drop(ticket);
            }
        })
    }

    /// An object leaves and is closed; what is owed for it, and its place in the budget, are the caller's then, unless
    /// closing it takes time, and pays at its end.
    pub(super) fn part_owing(
        mut slot: Box<Slot<M>>,
        debt: Debt,
        reason: CloseReason,
    ) -> (Option<Box<dyn Any + Send>>, Option<Owing>) {
        let core = slot.core.clone();
        let mut panic = core.detach(&mut slot, Some(reason));
        let mut slowly = false;
        panic = first_panic(panic, || {
            slowly = core.manager.closes_slowly(&mut slot.object, reason);
        });
        if slowly {
            let leaving = Leaving::new(slot, debt);
            return (first_panic(panic, || Self::close_aside(leaving)), None);
        }
        let owing = (debt, slot.allowance.take(), slot.ticket.take());
        (first_panic(panic, || drop(slot)), Some(owing))
    }

    /// Detaches and destroys an object that was never counted as one of the pool's, and forgets its slot; a
    /// `reason` is counted where it was made. Says what panicked, if anything did.
    pub(crate) fn destroy(
        mut slot: Box<Slot<M>>,
        reason: Option<CloseReason>,
    ) -> Option<Box<dyn Any + Send>> {
        let core = slot.core.clone();
        let panic = core.detach(&mut slot, reason);
        first_panic(panic, || drop(slot))
    }

    /// An object leaves the pool: its slot is forgotten, and its manager told. Says what panicked.
    fn detach(
        &self,
        slot: &mut Slot<M>,
        reason: Option<CloseReason>,
    ) -> Option<Box<dyn Any + Send>> {
        self.registry.remove(slot.key, self.counters.times());
        if let Some(reason) = reason {
            self.counters.count_closed(reason);
            self.tell(|listener| listener.closed(reason));
        }
        let panic = reason.and_then(|reason| {
            let (object, metrics) = (&mut slot.object, &slot.metrics);
            self.hooks.tell_close(object, metrics, reason)
        });
        first_panic(panic, || self.manager.detach(&mut slot.object))
    }

    /// Takes an object out of the pool alive.
    pub(crate) fn take(mut slot: Box<Slot<M>>) -> M::Type {
        let core = slot.core.clone();
        let _ticket = slot.ticket.take();
        let debt = core.engine.doom();
        let panic = core.detach(&mut slot, Some(CloseReason::Taken));
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
