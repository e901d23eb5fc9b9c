//! What is written down about one slot: who holds its object, since when and from which line of code.
//!
//! While an object is out, one party owns its slot, so it is the only writer here and needs no
//! read-modify-write; whoever reads sees one whole check-out or none.
//!
//! ```text
//! take out:  holder = …; taken = now [Release]        back:  taken = IN
//! read:      taken [Acquire]; holder; taken again: the same? then they belong together
//! ```

use super::sync::{Arc, AtomicRef, AtomicU64, Mutex, Ordering};
use super::tally::{Samples, Tally};
use std::panic::Location;

/// The record of one slot, shared by its owner and by those who look.
#[derive(Debug)]
pub struct Record {
    id: usize,
    taken: AtomicU64,
    caller: AtomicRef<Location<'static>>,
    task: AtomicU64,
    label: Mutex<Option<Arc<str>>>,
    /// What the slot counts for itself.
    pub books: Books,
}

/// What a slot counts for itself: a pool's figures are the sums over its slots, and what slots that are gone
/// left behind. Written by the slot's owner alone.
#[derive(Debug)]
pub struct Books {
    /// Gets that found its object idle.
    pub at_once: Tally,
    /// Those of them, and of the ones below, that were given it without a check.
    pub unchecked: Tally,
    /// How long its object was in use, all together.
    pub use_ns: Tally,
    /// How long each use was.
    pub uses: Samples,
    /// Gets that were served its object after they had waited.
    pub after_waiting: Tally,
    /// The get that made its object, if it was the one that got it.
    pub made: Tally,
    /// How long those who waited had waited, all together.
    pub wait_ns: Tally,
    /// How long each of them had.
    pub waits: Samples,
}

/// A check-out as it was read.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The object's number.
    pub id: usize,
    /// When it was taken, as the clock's raw reading.
    pub taken: u64,
    /// Who took it.
    pub caller: &'static Location<'static>,
    /// The task that took it; 0 where that is not known.
    pub task: u64,
    /// What the taker called itself.
    pub label: Option<Arc<str>>,
}

/// `taken` while the object is not out: no clock reads this.
const IN: u64 = u64::MAX;

impl Record {
    /// The record of the object with this number; it is not out.
    pub fn new(id: usize) -> Self {
        Self {
            id,
            taken: AtomicU64::new(IN),
            caller: AtomicRef::new(),
            task: AtomicU64::new(0),
            label: Mutex::new(None),
            books: Books::new(),
        }
    }

    /// The object's number.
    pub fn id(&self) -> usize {
        self.id
    }

    /// The object is taken at `now`. Only by the slot's owner.
    #[inline]
    pub fn take_out(&self, now: u64, caller: &'static Location<'static>) {
        // Stored with Release, loaded with Acquire: who reads this caller finds, when it looks at the time
        // again, at least that the object had come back before.
        self.caller.store(caller);
        // ORDERING(record out): Release pairs with `record read`: who reads this time finds its caller.
        self.taken.store(now, Ordering::Release);
    }

    /// The object comes back. Only by the slot's owner.
    #[inline]
    pub fn put_in(&self) {
        // ORDERING(record in): Relaxed; the next caller is stored with Release after it, so who reads that
        // caller finds this too when it looks at the time again.
        self.taken.store(IN, Ordering::Relaxed);
    }

    /// Writes down or wipes out what the taker calls itself. Only by the slot's owner, before it is taken
    /// out; for those who use labels at all.
    #[cold]
    pub fn set_label(&self, label: Option<Arc<str>>) {
        *self.label.lock() = label;
    }

    /// Writes down which task takes the object. Only by the slot's owner, before it is taken out; for those
    /// who want to know.
    #[inline]
    pub fn set_task(&self, task: u64) {
        // ORDERING(task written): Release pairs with `task read`: who reads this task finds, when it looks
        // at the time again, at least that the object had come back before.
        self.task.store(task, Ordering::Release);
    }

    /// When it was taken. Only by the slot's owner, while it is out.
    #[inline]
    pub fn taken(&self) -> u64 {
        // ORDERING(record read by its owner): Relaxed; only the owner writes it.
        self.taken.load(Ordering::Relaxed)
    }

    /// Who took it last. Only by the slot's owner.
    pub fn last_caller(&self) -> Option<&'static Location<'static>> {
        self.caller.load()
    }

    /// Who holds it now.
    pub fn holding(&self) -> Option<Holding> {
        // ORDERING(record read): Acquire pairs with `record out`.
        let taken = self.taken.load(Ordering::Acquire);
        let holding = Holding {
            id: self.id,
            taken,
            caller: self.caller.load()?,
            // ORDERING(task read): Acquire pairs with `task written`.
            task: self.task.load(Ordering::Acquire),
            label: self.label.lock().clone(),
        };
        // ORDERING(record again): Relaxed; the cell's own load is ordered before it.
        let same = self.taken.load(Ordering::Relaxed) == taken;
        (same && taken != IN).then_some(holding)
    }
}

impl Books {
    fn new() -> Self {
        Self {
            at_once: Tally::new(),
            unchecked: Tally::new(),
            use_ns: Tally::new(),
            uses: Samples::new(),
            after_waiting: Tally::new(),
            made: Tally::new(),
            wait_ns: Tally::new(),
            waits: Samples::new(),
        }
    }
}
