//! What the service's requests came to, counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How a request of `/query` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It got a connection, and its answer.
    Served,
    /// Turned away at once.
    Shed,
    /// It got none within its bound.
    TimedOut,
    /// The pool was closed.
    Closed,
    /// No connection could be made.
    Unavailable,
    /// It got one, and the database failed.
    Failed,
    /// Its client went away.
    GoneAway,
}

/// Totals since the start, and who waits. One is not told from another at the same instant: they are for people and
/// graphs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    ends: [AtomicU64; End::ALL.len()],
    waiting: AtomicUsize,
}

/// A request that has not ended. Dropped before it ends, its client went away.
#[derive(Debug)]
#[must_use]
pub(super) struct UnderWay<'a> {
    tally: &'a Tally,
    end: End,
}

/// A request that waits for a connection, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Waiting<'a>(&'a Tally);

impl Tally {
    pub(super) fn begin(&self) -> UnderWay<'_> {
        UnderWay {
            tally: self,
            end: End::GoneAway,
        }
    }

    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many ended how.
    pub(super) fn ends(&self) -> impl Iterator<Item = (End, u64)> {
        let count = |end: End| self.ends[end as usize].load(Ordering::Relaxed);
        End::ALL.into_iter().map(move |end| (end, count(end)))
    }
}

impl UnderWay<'_> {
    pub(super) fn ended(mut self, end: End) {
        self.end = end;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.tally.ends[self.end as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl End {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 7] = [
        Self::Served,
        Self::Shed,
        Self::TimedOut,
        Self::Closed,
        Self::Unavailable,
        Self::Failed,
        Self::GoneAway,
    ];

    /// In one word, as answers, metrics and the page have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Shed => "overloaded",
            Self::TimedOut => "timed_out",
            Self::Closed => "shutting_down",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::GoneAway => "gone_away",
        }
    }
}
