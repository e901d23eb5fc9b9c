//! After an outage: how many connect at once, when the next may try, and whether it is worth asking at all. A
//! plain machine of states with a clock that others read; `keeper.rs` turns it.
//!
//! ```text
//! calm       a connect fails → back off: nobody connects until a moment that chance spreads; n in a row → open
//! back off   the moment is there → one may try.    it goes well → 2, 4, 8 … up to the limit; it fails → longer
//! open       as back off; and who comes meanwhile, with nothing of the pool out, is told so at once
//! ```
//!
//! Nobody in line is sent away: who waits is served by what comes back, and the first of them is the one who
//! tries. How many may connect is the engine's cap, so all of this is a number that is set.

use crate::engine::state::MAX_CONNECTING;
use std::time::Duration;

/// How a pool goes about connects that fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caution {
    /// The most connects at once, in calm weather.
    pub(crate) max_connecting: usize,
    /// The pause after the first failure, and the longest; `None`: no pause.
    pub(crate) backoff: Option<(Duration, Duration)>,
    /// How many failures in a row open the breaker; `None`: never.
    pub(crate) breaker: Option<u32>,
}

impl Default for Caution {
    /// None at all, as in deadpool.
    fn default() -> Self {
        Self {
            max_connecting: MAX_CONNECTING,
            backoff: None,
            breaker: None,
        }
    }
}

impl Caution {
    /// A breaker needs pauses to be open in.
    pub(crate) fn completed(mut self) -> Self {
        if self.breaker.is_some() {
            self.backoff.get_or_insert(BACKOFF);
        }
        self
    }
}

/// The longest is short enough that a pool is whole again within a second of the server being back.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// How it went lately.
#[derive(Debug)]
pub(crate) struct Storm {
    caution: Caution,
    /// How many may connect at once now.
    ramp: usize,
    failures: u32,
    /// Nobody connects until then.
    until: Option<Duration>,
    /// The cap that was told last.
    told: usize,
}

impl Storm {
    pub(crate) fn new(caution: Caution) -> Self {
        Self {
            ramp: caution.max_connecting,
            told: caution.max_connecting,
            caution,
            failures: 0,
            until: None,
        }
    }

    /// A connect went well.
    pub(crate) fn made(&mut self) {
        self.failures = 0;
        self.until = None;
        self.ramp = self
            .ramp
            .max(1)
            .saturating_mul(2)
            .min(self.caution.max_connecting);
    }

    /// A connect failed at `now`; `dice` (0 to 1) spreads the pause.
    pub(crate) fn failed(&mut self, now: Duration, dice: f64) {
        let Some((first, longest)) = self.caution.backoff else {
            return;
        };
        // Several that were under way together fail together: that is one failure.
        if self.until.is_some_and(|until| until > now) && self.failures > 0 {
            return;
        }
        let doubled = first.saturating_mul(1 << self.failures.min(20));
        let pause = doubled.min(longest);
        self.failures = self.failures.saturating_add(1);
        // Between half of it and all of it, so that many pools do not try together.
        self.until = Some(now.saturating_add(pause.mul_f64(0.5 + 0.5 * dice.clamp(0.0, 1.0))));
        self.ramp = 1;
    }

    /// How many may connect at once at `now`.
    pub(crate) fn cap(&self, now: Duration) -> usize {
        match self.until {
            Some(until) if until > now => 0,
            _ => self.ramp,
        }
    }

    /// The cap at `now`, if it is another than was told last.
    pub(crate) fn changed_cap(&mut self, now: Duration) -> Option<usize> {
        let cap = self.cap(now);
        let before = std::mem::replace(&mut self.told, cap);
        (cap != before).then_some(cap)
    }

    /// The cap that was told last, if it is another than `told`, which took effect just now.
    pub(crate) fn overtaken(&self, told: usize) -> Option<usize> {
        (self.told != told).then_some(self.told)
    }

    /// When the cap changes by itself.
    pub(crate) fn next(&self, now: Duration) -> Option<Duration> {
        self.until
            .filter(|until| *until > now)
            .map(|until| until - now)
    }

    /// Whether the breaker is open.
    pub(crate) fn is_open(&self) -> bool {
        let most = self.caution.breaker;
        most.is_some_and(|most| self.failures >= most)
    }

    /// The breaker is open: how long until somebody tries again.
    pub(crate) fn retry_after(&self, now: Duration) -> Option<Duration> {
        self.is_open().then(|| self.next(now).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn storm(max_connecting: usize) -> Storm {
        Storm::new(Caution {
            max_connecting,
            backoff: Some((50 * MS, 400 * MS)),
            breaker: Some(3),
        })
    }

    #[test]
    fn without_a_backoff_nothing_ever_changes() {
        let mut storm = Storm::new(Caution {
            max_connecting: 7,
            backoff: None,
            breaker: None,
        });
        for _ in 0..100 {
            storm.failed(MS, 1.0);
        }
        assert_eq!(
            (storm.cap(MS), storm.is_open(), storm.next(MS)),
            (7, false, None)
        );
        storm.made();
        assert_eq!(storm.cap(MS), 7);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_one_tries_after_each() {
        let mut storm = storm(8);
        let mut now = Duration::ZERO;
        for pause in [50, 100, 200, 400, 400, 400] {
            storm.failed(now, 1.0);
            assert_eq!((storm.cap(now), storm.next(now)), (0, Some(pause * MS)));
            now += pause * MS;
            assert_eq!((storm.cap(now), storm.next(now)), (1, None));
        }
    }

    #[test]
    fn chance_takes_off_half_of_a_pause_at_most() {
        let mut storm = storm(8);
        storm.failed(Duration::ZERO, 0.0);
        assert_eq!(storm.next(Duration::ZERO), Some(25 * MS));
    }

    #[test]
    fn those_that_fail_together_are_one_failure() {
        let mut storm = storm(8);
        for _ in 0..8 {
            storm.failed(MS, 1.0);
        }
        assert_eq!(storm.next(MS), Some(50 * MS));
        assert!(!storm.is_open());
    }

    #[test]
    fn when_it_goes_well_again_the_cap_doubles_back_to_the_limit() {
        let mut storm = storm(7);
        storm.failed(Duration::ZERO, 1.0);
        let caps = [1, 2, 4, 7, 7].map(|expected| {
            let cap = storm.cap(50 * MS);
            storm.made();
            (cap, expected)
        });
        assert!(
            caps.iter().all(|(cap, expected)| cap == expected),
            "{caps:?}"
        );
    }

    #[test]
    fn the_breaker_opens_at_its_count_and_closes_with_the_first_that_goes_well() {
        let mut storm = storm(8);
        let mut now = Duration::ZERO;
        for nth in 1..=4 {
            storm.failed(now, 1.0);
            assert_eq!(storm.is_open(), nth >= 3, "{nth}");
            assert_eq!(storm.retry_after(now).is_some(), nth >= 3);
            now += 400 * MS;
        }
        // The moment is there and nobody has tried yet: it is still not known to be well.
        assert_eq!(storm.retry_after(now), Some(Duration::ZERO));
        storm.made();
        assert_eq!((storm.is_open(), storm.retry_after(now)), (false, None));
    }

    #[test]
    fn a_cap_that_takes_effect_late_is_told_of_the_later_one() {
        let mut storm = storm(2);
        storm.failed(Duration::ZERO, 1.0);
        let slow = storm.changed_cap(Duration::ZERO);
        storm.made();
        let quick = storm.changed_cap(Duration::ZERO);
        assert_eq!((slow, quick), (Some(0), Some(2)));
        assert_eq!(storm.overtaken(2), None, "the quick one is done");
        assert_eq!(
            storm.overtaken(0),
            Some(2),
            "and the slow one must repeat it"
        );
    }
}
