//! How fast connections come back, as the service itself sees it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The returns of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<VecDeque<Instant>>);

impl Pace {
    /// A connection came back.
    pub(super) fn returned(&self) {
        self.returned_at(Instant::now());
    }

    /// How many come back in a second. `None` if too few did lately to say so.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.per_second_at(Instant::now())
    }

    /// How long until so many have come back.
    pub(super) fn after(&self, returns: usize) -> Option<Duration> {
        let seconds = returns as f64 / self.per_second()?;
        Some(Duration::from_secs_f64(seconds))
    }

    fn returned_at(&self, now: Instant) {
        let mut returns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut returns, now);
        if returns.len() == MOST {
            returns.pop_front();
        }
        returns.push_back(now);
    }

    fn per_second_at(&self, now: Instant) -> Option<f64> {
        let mut returns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut returns, now);
        // The first only says when it begins. A quiet time before it is no part of it: the pace of a service that has
        // little to do is not how fast it could be.
        let span = now.duration_since(*returns.front()?);
        let count = returns.len() - 1;
        (count > 0 && span >= SHORTEST).then(|| count as f64 / span.as_secs_f64())
    }
}

fn forget(returns: &mut VecDeque<Instant>, now: Instant) {
    while returns.front().is_some_and(|at| *at + WINDOW < now) {
        returns.pop_front();
    }
}

/// How far back it looks.
const WINDOW: Duration = Duration::from_secs(5);
/// Connections that were taken together come back together: less than this says nothing.
const SHORTEST: Duration = Duration::from_millis(250);
/// No more are remembered, however fast they come.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let (pace, begun) = (Pace::default(), Instant::now());
        let at = |ms| begun + Duration::from_millis(ms);
        assert_eq!(pace.per_second_at(at(0)), None);
        for ms in (0..=2_000).step_by(100) {
            pace.returned_at(at(ms));
        }
        assert_eq!(pace.per_second_at(at(2_000)), Some(10.0));
        // Nothing more comes: it slows down, and is not known at last.
        assert_eq!(pace.per_second_at(at(4_000)), Some(5.0));
        assert_eq!(pace.per_second_at(at(8_000)), None);
    }

    #[test]
    fn those_that_come_back_together_say_nothing_yet() {
        let (pace, now) = (Pace::default(), Instant::now());
        for _ in 0..10 {
            pace.returned_at(now);
        }
        assert_eq!(pace.per_second_at(now + Duration::from_millis(1)), None);
        assert_eq!(
            pace.per_second_at(now + Duration::from_millis(500)),
            Some(18.0)
        );
    }

    #[test]
    fn it_remembers_no_more_than_it_must() {
        let (pace, begun) = (Pace::default(), Instant::now());
        for micros in 0..3 * MOST as u64 {
            pace.returned_at(begun + Duration::from_micros(100 * micros));
        }
        assert_eq!(pace.0.lock().unwrap().len(), MOST);
        let end = begun + Duration::from_micros(300 * MOST as u64);
        let pace = pace.per_second_at(end).unwrap();
        assert!((9_900.0..10_001.0).contains(&pace), "{pace}");
    }
}
