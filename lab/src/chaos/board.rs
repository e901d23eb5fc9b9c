//! What a crowd's callers do and meet, for who looks on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Where each caller says what it does.
#[derive(Debug)]
pub(crate) struct Board(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Since when each does what; `None`: it rests.
    doing: Vec<Option<(&'static str, Instant)>>,
    /// Callers are looked at that begin from then on.
    from: Instant,
    /// When the first of them was served.
    first_served: Option<Instant>,
    /// When the last of all met trouble.
    last_trouble: Option<Instant>,
    served: u64,
    troubles: u64,
    longest_get: Duration,
    latest: Duration,
}

impl Board {
    pub(super) fn new(callers: usize) -> Self {
        Self(Mutex::new(State {
            doing: vec![None; callers],
            from: Instant::now(),
            first_served: None,
            last_trouble: None,
            served: 0,
            troubles: 0,
            longest_get: Duration::ZERO,
            latest: Duration::ZERO,
        }))
    }

    pub(super) fn does(&self, number: usize, what: &'static str) {
        self.state().doing[number] = Some((what, Instant::now()));
    }

    pub(super) fn rests(&self, number: usize) {
        self.state().doing[number] = None;
    }

    /// A get ended after so long, so much past its bound.
    pub(super) fn got(&self, took: Duration, late: Duration) {
        let mut state = self.state();
        state.longest_get = state.longest_get.max(took);
        state.latest = state.latest.max(late);
    }

    pub(super) fn served(&self, begun: Instant) {
        let mut state = self.state();
        state.served += 1;
        if begun >= state.from {
            state.first_served.get_or_insert_with(Instant::now);
        }
    }

    /// One that began then was refused, or got no answer.
    pub(super) fn trouble(&self, _begun: Instant) {
        let mut state = self.state();
        state.troubles += 1;
        state.last_trouble = Some(Instant::now());
    }

    /// Looks at those that begin from now on.
    pub(crate) fn look_from_now(&self) {
        let mut state = self.state();
        state.from = Instant::now();
        state.first_served = None;
    }

    /// When the first was served of those that are looked at.
    pub(crate) fn first_served(&self) -> Option<Instant> {
        self.state().first_served
    }

    /// When the last that was refused, or got no answer, learned that.
    pub(crate) fn last_trouble(&self) -> Option<Instant> {
        self.state().last_trouble
    }

    /// How many were served, and how many were not that should have been.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.served, state.troubles)
    }

    /// The longest get, and the longest time by which one was later than a timer of its length.
    pub(crate) fn longest(&self) -> (Duration, Duration) {
        let state = self.state();
        (state.longest_get, state.latest)
    }

    /// Whether nobody is in the middle of something that it began before `then`.
    pub(crate) fn all_since(&self, then: Instant) -> bool {
        let state = self.state();
        state
            .doing
            .iter()
            .flatten()
            .all(|(_, since)| *since >= then)
    }

    pub(super) fn all_rest(&self) -> bool {
        self.state().doing.iter().all(Option::is_none)
    }

    /// Who has not come to an end, in words.
    pub(super) fn stuck(&self) -> String {
        let state = self.state();
        let mut kinds: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
        for (what, since) in state.doing.iter().flatten() {
            let kind = kinds.entry(what).or_default();
            *kind = (kind.0 + 1, kind.1.max(since.elapsed()));
        }
        let tell = |(what, (count, longest)): (&&str, &(usize, Duration))| {
            format!("{count} {what}, one for {longest:.1?}")
        };
        let kinds: Vec<_> = kinds.iter().map(tell).collect();
        format!("callers did not come to an end: {}", kinds.join("; "))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
