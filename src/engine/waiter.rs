//! A getter's end of the line: the cell into which an object is handed. Who waits to put an object in has
//! one too, and only hears in it.
//!
//! ```text
//! hand over:  (line locked) cell.object = object; cell.phase = Object [Release]; wake after the lock
//! poll:       cell.phase [Acquire]: Object → take it, without the lock
//!                                   Waiting, and the same waker → pending, without the lock
//!                                   else look again under the lock
//! ```

use super::sync::{Arc, AtomicCell, AtomicU8, AtomicU32, Ordering};
use std::fmt;
use std::task::Waker;

/// What a waiter has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing yet; its waker stands in the line.
    Waiting = 0,
    /// An object lies in its cell.
    Object = 1,
    /// It may make an object, or put its own in.
    Reservation = 2,
    /// It was woken for something that is gone again: no waker stands in the line.
    Nudged = 3,
    /// The pool was closed.
    Closed = 4,
    /// It would not wait for another's object, and what it stood in line for is gone.
    Dismissed = 5,
}

/// The cell of one waiter: shared between its getter and the line.
pub struct Waiter<T> {
    phase: AtomicU8,
    number: AtomicU32,
    object: AtomicCell<Option<T>>,
}

/// A getter's place in the line. Must end in [`leave`](super::Engine::leave), or with an object, an error
/// or the news that the pool was closed.
#[derive(Debug)]
pub struct Place<T> {
    pub(super) waiter: Arc<Waiter<T>>,
    /// The waker that stands in the line, as far as the getter knows.
    pub(super) known: Known,
}

/// Which waker stands in the line: enough to tell whether another one wakes the same, and not one more to clone and to
/// drop for each wait.
///
/// It is asked only while the cell says Waiting. Until then the line's own waker has not been taken out, so what it
/// points to is still its own, and no other waker can point there: two that look alike are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    data: usize,
    vtable: usize,
}

const NOWHERE: u32 = u32::MAX;

impl Known {
    /// Of the very waker that goes into the line: a clone may point elsewhere than what it was cloned from.
    #[inline]
    pub fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: std::ptr::from_ref(waker.vtable()).addr(),
        }
    }

    /// Whether the waker that stands in the line wakes what `waker` does.
    #[inline]
    pub fn will_wake(self, waker: &Waker) -> bool {
        self == Self::of(waker)
    }
}

impl<T> Waiter<T> {
    /// A cell that has been told nothing and stands nowhere.
    pub fn new() -> Self {
        Self {
            phase: AtomicU8::new(Phase::Waiting as u8),
            number: AtomicU32::new(NOWHERE),
            object: AtomicCell::new(None),
        }
    }

    /// What the cell says.
    #[inline]
    pub fn phase(&self) -> Phase {
        // ORDERING(cell read): Acquire pairs with `cell told`: after Object, the object is in the cell and
        // everything that its last user did to it has happened.
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Waiting,
            1 => Phase::Object,
            2 => Phase::Reservation,
            3 => Phase::Nudged,
            4 => Phase::Closed,
            _ => Phase::Dismissed,
        }
    }

    /// Says `phase` (with the line locked).
    #[inline]
    pub fn tell(&self, phase: Phase) {
        // ORDERING(cell told): Release pairs with `cell read`. Relaxed, a getter could take an object
        // whose last user's writes it does not see.
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Hands `object` over (with the line locked).
    #[inline]
    pub fn hand_over(&self, object: T) {
        let before = self.object.swap(Some(object));
        assert!(before.is_none(), "one waiter was served twice");
        self.tell(Phase::Object);
    }

    /// Takes the object that was handed over.
    #[inline]
    pub fn take(&self) -> T {
        self.object
            .take()
            .expect("the phase said that an object is here")
    }

    /// Where in the line it stands (with the line locked).
    pub fn number(&self) -> Option<u32> {
        // ORDERING(place read): Relaxed; the line's lock orders it.
        let number = self.number.load(Ordering::Relaxed);
        (number != NOWHERE).then_some(number)
    }

    /// It stands at `number` from now on (with the line locked).
    pub fn stand_at(&self, number: u32) {
        // ORDERING(place written): Relaxed; the line's lock orders it.
        self.number.store(number, Ordering::Relaxed);
    }

    /// It is in line no more (with the line locked).
    pub fn stand_nowhere(&self) {
        self.stand_at(NOWHERE);
    }
}

impl<T> fmt::Debug for Waiter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}
