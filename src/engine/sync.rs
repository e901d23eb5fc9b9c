//! The primitives that the engine stands on: std, parking_lot and crossbeam; or, under
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
    pub use parking_lot::{Mutex, MutexGuard};
    pub use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

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

pub use std::sync::{Arc, OnceLock};
