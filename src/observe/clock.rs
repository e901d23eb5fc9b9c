//! The clock of the fast path: `quanta`, which reads the processor's counter where it can be trusted.

use std::time::{Duration, Instant};

/// Raw readings, cheap to take; differences between two of them.
#[derive(Clone, Debug)]
pub(crate) struct Clock(quanta::Clock);

impl Clock {
    /// The first one in a process calibrates itself, which may take a few milliseconds.
    pub(crate) fn new() -> Self {
        Self(quanta::Clock::new())
    }

    /// The time now, as a raw reading.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.0.raw()
    }

    /// The time from one raw reading to another; zero if they stand the wrong way round.
    pub(crate) fn between(&self, start: u64, end: u64) -> Duration {
        Duration::from_nanos(self.nanos_between(start, end))
    }

    /// The same, in nanoseconds.
    #[inline]
    pub(crate) fn nanos_between(&self, start: u64, end: u64) -> u64 {
        self.0.delta_as_nanos(start, end)
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
