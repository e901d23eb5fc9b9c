//! The clock of the fast path: `quanta`, which reads the processor's counter where it can be trusted.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Raw readings, cheap to take; differences between two of them.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    clock: quanta::Clock,
    by_hand: bool,
}

impl Clock {
    /// The first one in a process calibrates itself, which may take a few milliseconds.
    pub(crate) fn new() -> Self {
        Self {
            clock: quanta::Clock::new(),
            by_hand: false,
        }
    }

    /// Whether it stands still until somebody turns it.
    pub(crate) fn is_by_hand(&self) -> bool {
        self.by_hand
    }

    /// The time now, as a raw reading.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.clock.raw()
    }

    /// The time from one raw reading to another; zero if they stand the wrong way round.
    pub(crate) fn between(&self, start: u64, end: u64) -> Duration {
        Duration::from_nanos(self.nanos_between(start, end))
    }

    /// The same, in nanoseconds.
    #[inline]
    pub(crate) fn nanos_between(&self, start: u64, end: u64) -> u64 {
        self.clock.delta_as_nanos(start, end)
    }
}

/// A clock that is turned by hand, for tests of what a pool does over time. What a pool leaves to chance otherwise, such as
/// the pauses after failures, follows from it too: the same readings, the same pauses.
///
/// # Examples
///
/// ```
/// # use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// use millpond::observe::HandClock;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let clock = HandClock::new();
/// let lifetime = Some(Duration::from_secs(60));
/// let builder = Pool::<Numbers>::builder(Numbers).clock(&clock).max_lifetime(lifetime);
/// let pool = builder.build().unwrap();
/// drop(pool.get().await.unwrap());
/// clock.advance(Duration::from_secs(60));
/// drop(pool.get().await.unwrap());
/// assert_eq!(pool.stats().closed.lifetime, 1);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HandClock {
    clock: quanta::Clock,
    hand: Arc<quanta::Mock>,
}

impl HandClock {
    /// It stands still.
    #[must_use]
    pub fn new() -> Self {
        let (clock, hand) = quanta::Clock::mock();
        // Nothing was ever read at zero.
        hand.increment(1_u64);
        Self { clock, hand }
    }

    /// Turns it on by `time`.
    pub fn advance(&self, time: Duration) {
        self.hand.increment(time);
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock {
            clock: self.clock.clone(),
            by_hand: true,
        }
    }
}

impl Default for HandClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a raw reading stands on std's clock. The two drift apart by some millionths, so an anchor is
/// renewed once it is a second old: that keeps them within microseconds, for the price of one reading of
/// std's clock a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    instant: Instant,
    raw: u64,
}

impl Anchor {
    /// `instant` and `raw` were read together.
    pub(crate) fn new(instant: Instant, raw: u64) -> Self {
        Self { instant, raw }
    }

    /// The raw reading `now`, just taken, on std's clock.
    #[inline]
    pub(crate) fn instant(&mut self, clock: &Clock, now: u64) -> Instant {
        match u32::try_from(clock.nanos_between(self.raw, now)) {
            // Less than a second: no division is needed.
            Ok(nanos) if nanos < RENEW_NS => self.instant + Duration::new(0, nanos),
            _ => self.renewed(now),
        }
    }

    #[cold]
    fn renewed(&mut self, now: u64) -> Instant {
        *self = Self::new(Instant::now(), now);
        self.instant
    }
}

const RENEW_NS: u32 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_reading_lands_beside_stds_clock() {
        let clock = Clock::new();
        let mut anchor = Anchor::new(Instant::now(), clock.now());
        std::thread::sleep(Duration::from_millis(20));
        let before = Instant::now();
        let read = anchor.instant(&clock, clock.now());
        let after = Instant::now();
        let slack = Duration::from_millis(5);
        assert!(read + slack >= before && read <= after + slack);
    }

    #[test]
    fn readings_the_wrong_way_round_are_no_time_at_all() {
        let clock = Clock::new();
        let now = clock.now();
        assert_eq!(clock.between(now, now), Duration::ZERO);
        assert_eq!(clock.between(now + 1_000, now), Duration::ZERO);
    }
}
