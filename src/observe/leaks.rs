//! Holds that last too long: each is told once, and told again if it comes back after all.

use super::Checkout;
use super::clock::Clock;
use super::registry::Registry;
use crate::engine::slot::Holding;
use crate::engine::sync::Mutex;
use std::collections::HashSet;
use std::time::Duration;

/// The leak watch of one pool.
#[derive(Debug)]
pub(crate) struct Leaks {
    /// `None`: nobody asked for it.
    threshold: Option<Duration>,
    threshold_ns: u64,
    /// Holds that were told and are still out, by object and by when it was taken.
    told: Mutex<HashSet<(usize, u64)>>,
}

impl Leaks {
    pub(crate) fn new(threshold: Option<Duration>) -> Self {
        let nanos = threshold.map(|bound| u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX));
        Self {
            threshold,
            threshold_ns: nanos.unwrap_or(u64::MAX),
            told: Mutex::new(HashSet::new()),
        }
    }

    pub(crate) fn threshold(&self) -> Option<Duration> {
        self.threshold
    }

    /// Whether a hold of this length is one to tell of.
    #[inline]
    pub(crate) fn is_one(&self, held_ns: u64) -> bool {
        held_ns >= self.threshold_ns
    }

    /// Those that are out for too long and were not told yet.
    ///
    /// A hold that ends at the same time is told by one of the two, its owner or this: the owner writes
    /// down that the object is in before it looks here, so either it finds the hold told, or this does not
    /// find it out.
    pub(crate) fn find(&self, registry: &Registry, clock: &Clock) -> Vec<Checkout> {
        let mut told = self.told.lock();
        let out = self.held_too_long(registry, clock);
        told.retain(|hold| out.iter().any(|holder| hold_of(holder) == *hold));
        out.into_iter()
            .filter(|holder| told.insert(hold_of(holder)))
            .collect()
    }

    /// A hold of this length has ended. Says whether it had been told before.
    #[cold]
    pub(crate) fn came_back(&self, holding: &Holding) -> bool {
        self.told.lock().remove(&(holding.id, holding.taken))
    }

    /// How many are out for too long now.
    pub(crate) fn count(&self, registry: &Registry, clock: &Clock) -> usize {
        match self.threshold {
            Some(_) => self.held_too_long(registry, clock).len(),
            None => 0,
        }
    }

    fn held_too_long(&self, registry: &Registry, clock: &Clock) -> Vec<Checkout> {
        let Some(threshold) = self.threshold else {
            return Vec::new();
        };
        let mut out = registry.checkouts(clock);
        out.retain(|holder| holder.held >= threshold);
        out
    }
}

fn hold_of(holder: &Checkout) -> (usize, u64) {
    (holder.id, holder.taken)
}
