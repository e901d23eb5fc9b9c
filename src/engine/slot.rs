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
use std::panic::Location;

/// The record of one slot, shared by its owner and by those who look.
#[derive(Debug)]
pub struct Record {
    id: usize,
    taken: AtomicU64,
    caller: AtomicRef<Location<'static>>,
    label: Mutex<Option<Arc<str>>>,
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
            label: Mutex::new(None),
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

    /// Who holds it now.
    pub fn holding(&self) -> Option<Holding> {
        // ORDERING(record read): Acquire pairs with `record out`.
        let taken = self.taken.load(Ordering::Acquire);
        let holding = Holding {
            id: self.id,
            taken,
            caller: self.caller.load()?,
            label: self.label.lock().clone(),
        };
        // ORDERING(record again): Relaxed; the cell's own load is ordered before it.
        let same = self.taken.load(Ordering::Relaxed) == taken;
        (same && taken != IN).then_some(holding)
    }
}
