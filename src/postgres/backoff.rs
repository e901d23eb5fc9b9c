//! Pauses between tries: each may be twice as long as the one before, and chance decides how long it is.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The pause after the first failure at most, and the longest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Backoff {
    /// The pause after so many failures: anything from nothing to its most, so that those who failed together do
    /// not meet again.
    pub(super) fn pause(self, failures: u32) -> Duration {
        self.most(failures).mul_f64(chance())
    }

    fn most(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// A number between 0 and 1, by the keys of std's hash maps: fair enough to spread what would meet.
fn chance() -> f64 {
    let dice = RandomState::new().hash_one(0_u8) >> 11;
    dice as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_most_doubles_up_to_the_longest() {
        let backoff = Backoff {
            first: 5 * MS,
            longest: 30 * MS,
        };
        let most = [1, 2, 3, 4, 5, 100, u32::MAX].map(|failures| backoff.most(failures));
        assert_eq!(most, [5, 10, 20, 30, 30, 30, 30].map(|ms| ms * MS));
        let unbounded = Backoff {
            first: Duration::MAX,
            longest: Duration::MAX,
        };
        assert_eq!(unbounded.most(9), Duration::MAX);
    }

    #[test]
    fn chance_spreads_a_pause_over_all_of_it() {
        let backoff = Backoff {
            first: 100 * MS,
            longest: 100 * MS,
        };
        let pauses: Vec<_> = (0..500).map(|_| backoff.pause(1)).collect();
        assert!(pauses.iter().all(|pause| *pause <= 100 * MS));
        assert!(pauses.iter().any(|pause| *pause < 25 * MS));
        assert!(pauses.iter().any(|pause| *pause > 75 * MS));
    }
}
