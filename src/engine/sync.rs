//! The primitives that the engine stands on: std and crossbeam; or, under
//! `cfg(millpond_loom)` and `cfg(millpond_shuttle)`, stand-ins that loom and shuttle can explore.
//!
//! Nothing else in the crate names an atomic, a lock or a lock-free queue, so that what they check is
//! what ships. The stand-ins for crossbeam's types order nothing by themselves: an engine that leaned on
//! an ordering which it does not state would fail its models.

#[cfg(not(any(millpond_loom, millpond_shuttle)))]
mod real {
    pub use crossbeam_queue::ArrayQueue;
    pub use crossbeam_utils::CachePadded;
    pub use crossbeam_utils::atomic::AtomicCell;
    use std::sync::PoisonError;
    pub use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    pub use std::sync::{MutexGuard, OnceLock};

    /// std's lock. A panic poisons nothing: no code of a user's runs under it, and whoever leaves it has put in order
    /// what it guards.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// A free lock around `value`.
        pub const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        /// Waits for the lock.
        #[inline]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// A reference that is stored and loaded at once.
    #[derive(Debug)]
    pub struct AtomicRef<T: 'static>(AtomicCell<Option<&'static T>>);

    impl<T> AtomicRef<T> {
        /// No reference yet.
        pub fn new() -> Self {
            Self(AtomicCell::new(None))
        }

        /// Stores with Release: crossbeam promises it of its cell.
        #[inline]
        pub fn store(&self, value: &'static T) {
            self.0.store(Some(value));
        }

        /// Loads with Acquire: crossbeam promises it of its cell.
        pub fn load(&self) -> Option<&'static T> {
            self.0.load()
        }
    }

    /// Waits a moment for another thread that is in the middle of a step.
    #[derive(Debug, Default)]
    pub struct Backoff(crossbeam_utils::Backoff);

    impl Backoff {
        /// Spins at first, then gives the processor away: the other thread may need it.
        pub fn pause(&self) {
            self.0.snooze();
        }
    }
}

#[cfg(any(millpond_loom, millpond_shuttle))]
mod stand_in;

#[cfg(not(any(millpond_loom, millpond_shuttle)))]
pub use real::*;
#[cfg(any(millpond_loom, millpond_shuttle))]
pub use stand_in::*;

pub use std::sync::Arc;
