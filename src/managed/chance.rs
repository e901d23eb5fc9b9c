//! Chance: it spreads what would meet, such as the pauses of many pools after one failure.

use super::Manager;
use super::core::Core;
use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher, BuildHasherDefault};

impl<M: Manager> Core<M> {
    /// A number between 0 and 1. Where the clock is turned by hand it follows from the time and from what has been made
    /// by then, so that a test that runs again finds the same.
    pub(crate) fn chance(&self) -> f64 {
        if !self.clock.is_by_hand() {
            return chance();
        }
        let made = self.counters.created.read() + self.counters.create_failures.read();
        let same = BuildHasherDefault::<DefaultHasher>::default();
        share(same.hash_one((self.clock.now(), made)))
    }
}

/// A number between 0 and 1, by the keys of std's hash maps: fair enough to spread what would meet.
fn chance() -> f64 {
    share(RandomState::new().hash_one(0_u8))
}

fn share(dice: u64) -> f64 {
    (dice >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_lies_between_zero_and_one_and_is_not_always_the_same() {
        let thrown: Vec<_> = (0..100).map(|_| chance()).collect();
        assert!(thrown.iter().all(|dice| (0.0..1.0).contains(dice)));
        assert!(thrown.iter().any(|dice| *dice < 0.5) && thrown.iter().any(|dice| *dice >= 0.5));
    }
}
