//! A slot: the object, its history, and its hold on the pool.

use super::core::Core;
use super::{Manager, Metrics};
use crate::engine::Engine;
use crate::engine::slot::Record;
use crate::observe::clock::Anchor;
use crate::tether::Tied;
use std::panic::Location;
use std::sync::Arc;

/// What moves between the idle store, the line and the users: boxed once, when its object is made.
pub(crate) struct Slot<M: Manager> {
    pub(crate) object: M::Type,
    pub(crate) metrics: Metrics,
    pub(crate) record: Arc<Record>,
    /// The slot's own count on the pool, taken when it was made and dropped when it goes: neither a get
    /// nor a return touches it.
    pub(crate) core: Arc<Core<M>>,
    anchor: Anchor,
    labelled: bool,
    /// The last `retain` that looked at it.
    pub(crate) looked_at: u64,
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
    /// A slot around a new object, which the pool's registry knows from now on.
    pub(crate) fn new(object: M::Type, core: Arc<Core<M>>) -> Box<Self> {
        let metrics = Metrics::default();
        let record = Arc::new(Record::new(core.next_id()));
        core.registry.add(Arc::clone(&record));
        Box::new(Self {
            object,
            metrics,
            record,
            anchor: Anchor::new(metrics.created, core.clock.now()),
            core,
            labelled: false,
            looked_at: 0,
        })
    }

    /// Writes down who takes the object. The slot's owner alone writes here.
    #[inline]
    pub(crate) fn check_out(
        &mut self,
        caller: &'static Location<'static>,
        label: Option<&Arc<str>>,
    ) {
        if self.labelled || label.is_some() {
            self.labelled = label.is_some();
            self.record.set_label(label.cloned());
        }
        self.record.take_out(self.core.clock.now(), caller);
    }

    /// Writes down that the object comes back. Before the slot is pushed: afterwards it may be another's.
    #[inline]
    pub(crate) fn check_in(&mut self) {
        self.record.put_in();
        let now = self.core.clock.now();
        self.metrics.recycled = Some(self.anchor.instant(&self.core.clock, now));
    }
}
