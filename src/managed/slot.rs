//! A slot: the object, its history, and its hold on the pool.

use super::attempt::How;
use super::core::Core;
use super::gate::Ticket;
use super::upkeep::Facts;
use super::{Manager, Metrics};
use crate::engine::Engine;
use crate::engine::budget::Allowance;
use crate::engine::slot::Record;
use crate::observe::clock::Anchor;
use crate::observe::histogram::bucket;
use crate::observe::trace;
use crate::tether::Tied;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// What moves between the idle store, the line and the users: boxed once, when its object is made.
pub(crate) struct Slot<M: Manager> {
    pub(crate) object: M::Type,
    pub(crate) metrics: Metrics,
    pub(crate) record: Arc<Record>,
    /// Under which the registry knows it.
    pub(crate) key: usize,
    /// The slot's own count on the pool, taken when it was made and dropped when it goes: neither a get
    /// nor a return touches it.
    pub(crate) core: Arc<Core<M>>,
    /// Its place in the pool's budget, where that has one. After the object: the place is free when that is gone.
    pub(crate) allowance: Option<Allowance>,
    anchor: Anchor,
    labelled: bool,
    /// The ticket of who holds its object, if it needed one; also while that is tidied or closed after it.
    pub(crate) ticket: Ticket,
    /// The last `retain` or round of the keeper that looked at it.
    pub(crate) looked_at: u64,
    /// Of which generation it is.
    generation: usize,
    made: u64,
    lifetime: Option<Duration>,
    idle_since: u64,
    /// When it was last known to be good.
    pub(crate) proved: u64,
    uses: u64,
    /// Whether another one was made that will take its place.
    pub(crate) replaced: bool,
}

/// How an object came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The next may have it.
    Fit,
    /// Something is to be done before.
    Untidy,
    /// It is of no use any more.
    Broken,
}

impl<M: Manager> Tied for Box<Slot<M>> {
    type Core = Core<M>;

    #[inline]
    fn core(&self) -> &Arc<Core<M>> {
        &self.core
    }

    #[inline]
    fn engine(core: &Core<M>) -> &Engine<Self> {
        &core.engine
    }
}

impl<M: Manager> Slot<M> {
    /// A slot around a new object, which the pool's registry knows from now on. Its making was begun in this
    /// generation, on this allowance.
    pub(crate) fn new(
        object: M::Type,
        core: Arc<Core<M>>,
        generation: usize,
        allowance: Option<Allowance>,
    ) -> Box<Self> {
        let metrics = Metrics::default();
        let record = Arc::new(Record::new(core.next_id()));
        let key = core.registry.add(Arc::clone(&record));
        let now = core.clock.now();
        Box::new(Self {
            object,
            metrics,
            record,
            key,
            anchor: Anchor::new(metrics.created, now),
            lifetime: core.upkeep.lifetime(core.chance()),
            core,
            allowance,
            labelled: false,
            ticket: Ticket::default(),
            looked_at: 0,
            generation,
            made: now,
            idle_since: now,
            proved: now,
            uses: 0,
            replaced: false,
        })
    }

    /// Whether it is of the pool's present generation.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.generation == self.core.generation()
    }

    /// What is known of its object.
    pub(crate) fn facts(&self) -> Facts {
        let now = self.core.clock.now();
        let since = |then| self.core.clock.between(then, now);
        Facts {
            age: since(self.made),
            lifetime: self.lifetime,
            idle: since(self.idle_since),
            unproved: since(self.proved),
            uses: self.uses,
            current: self.is_current(),
            replaced: self.replaced,
        }
    }

    /// Writes down who takes the object, and how he came to it. The slot's owner alone writes here.
    #[inline]
    pub(crate) fn check_out(
        &mut self,
        caller: &'static Location<'static>,
        label: Option<&Arc<str>>,
        how: How,
    ) {
        if self.labelled || label.is_some() {
            self.labelled = label.is_some();
            self.record.set_label(label.cloned());
        }
        let now = self.core.clock.now();
        if self.core.leaks.threshold().is_some() {
            self.record.set_task(super::watch::task());
        }
        match how {
            How::AtOnce => self.record.books.at_once.add(1),
            How::Waiting { since } | How::Made { since } => {
                self.count_wait(how, since, now, caller);
            }
        }
        self.uses += 1;
        self.record.take_out(now, caller);
        if self.core.listener.is_some() {
            self.tell_acquired(how, now);
        }
    }

    #[cold]
    fn count_wait(&mut self, how: How, since: u64, now: u64, caller: &'static Location<'static>) {
        let books = &self.record.books;
        match how {
            How::Made { .. } => books.made.add(1),
            How::AtOnce | How::Waiting { .. } => books.after_waiting.add(1),
        }
        let waited = self.core.clock.nanos_between(since, now);
        books.wait_ns.add(waited);
        let hand_on = |drained: &_| self.core.counters.times().keep_waits(drained);
        books.waits.note(bucket(waited) as u16, hand_on);
        trace::waited(|| self.core.name(), waited, caller);
    }

    #[cold]
    fn tell_acquired(&self, how: How, now: u64) {
        let waited = match how {
            How::AtOnce => 0,
            How::Waiting { since } | How::Made { since } => {
                self.core.clock.nanos_between(since, now)
            }
        };
        let waited = Duration::from_nanos(waited);
        self.core.tell(|listener| listener.acquired(waited));
    }

    /// Writes down that the object comes back, or leaves the pool in a user's hand. Before the slot is
    /// pushed: afterwards it may be another's.
    #[inline]
    pub(crate) fn check_in(&mut self) {
        let now = self.core.clock.now();
        let held = self.core.clock.nanos_between(self.record.taken(), now);
        let books = &self.record.books;
        books.use_ns.add(held);
        let hand_on = |drained: &_| self.core.counters.times().keep_uses(drained);
        books.uses.note(bucket(held) as u16, hand_on);
        if self.core.leaks.is_one(held) {
            self.check_in_late(held);
        } else {
            self.record.put_in();
        }
        if self.core.listener.is_some() {
            self.tell_returned(held);
        }
        self.metrics.recycled = Some(self.anchor.instant(&self.core.clock, now));
        self.idle_since = now;
        self.proved = now;
    }

    /// What is to be done with an object that came back.
    #[inline]
    pub(crate) fn look_over(&mut self) -> State {
        let Self {
            core,
            object,
            metrics,
            ..
        } = self;
        if !core.hooks.pass_return(object, metrics) || core.manager.has_broken(object) {
            State::Broken
        } else if core.manager.needs_tidying(object) {
            State::Untidy
        } else {
            State::Fit
        }
    }

    /// It is known to be good, and about to lie idle, as of now.
    pub(crate) fn is_proved(&mut self) {
        self.proved = self.core.clock.now();
        self.idle_since = self.proved;
    }

    #[cold]
    fn tell_returned(&self, held: u64) {
        let held = Duration::from_nanos(held);
        self.core.tell(|listener| listener.returned(held));
    }

    #[cold]
    fn check_in_late(&self, held: u64) {
        let holding = self.record.holding();
        self.record.put_in();
        if let Some(holding) = holding {
            self.core.leak_ended(holding, Duration::from_nanos(held));
        }
    }
}
