//! Load on a service over HTTP: requests by a schedule that waits for no answer, and how they fared.
//!
//! ```text
//! schedule.rs   when which request is due, drawn beforehand
//! available.rs  is it there at all, and if not, what is
//! fire.rs       sends each when it is due, and times it from that moment, whether or not it went out late: a service that
//!               stalls is not asked less for it, and nobody who would have suffered from it is left out
//! beat.rs       how late the machine itself was meanwhile
//! ```

mod available;
mod beat;
mod fire;
mod schedule;

pub use available::{client, until_ready};
pub use beat::Beat;
pub use fire::{Answer, Fate, Shot, fire};
pub use schedule::steady;

use std::time::Duration;

/// That share of times is at most so long; of none at all, zero.
pub fn quantile(times: impl IntoIterator<Item = Duration>, share: f64) -> Duration {
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_unstable();
    let rank = (times.len() as f64 * share).ceil() as usize;
    let place = rank.clamp(1, times.len().max(1)) - 1;
    times.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let times = || (1..=200).map(Duration::from_millis);
        assert_eq!(quantile(times(), 0.5), Duration::from_millis(100));
        assert_eq!(quantile(times(), 0.99), Duration::from_millis(198));
        assert_eq!(quantile(times(), 1.0), Duration::from_millis(200));
        assert_eq!(quantile([], 0.99), Duration::ZERO);
    }
}
