//! Whether gets end when their bound passes: none earlier, none later.
//!
//! A machine that has much else to do wakes everybody late. So a timer of the same length runs beside each get, in the
//! same task: a get is late by the time that it ends after that timer rang.

use crate::data::{Better, Outcome};
use crate::record::Recorder;
use crate::subject::{Lease, Refusal, Subject};
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// No get times out later than so long after its bound.
pub(super) const LATE: Duration = Duration::from_millis(50);

/// What the conditions say of it.
pub(super) const MEASURE: &str = "late is what ends after a timer of the same length that ran beside it, so that a slow machine is told from a slow pool";

/// How a get ended.
pub(super) struct Ended {
    pub(super) got: Result<Box<dyn Lease>, Refusal>,
    /// After how long.
    pub(super) after: Duration,
    pub(super) bound: Duration,
    /// How long after its bound the timer beside it rang, if it did.
    timer: Option<Duration>,
}

impl Ended {
    /// Writes it down as one of `group`: one that got a connection as served, whatever it does with it.
    pub(super) fn note(&self, recorder: &Recorder, group: &str) -> Outcome {
        let outcome = match &self.got {
            Ok(_) => Outcome::Served,
            Err(Refusal::TimedOut) => Outcome::TimedOut,
            Err(Refusal::Shed(_)) => Outcome::Shed,
            Err(Refusal::Closed | Refusal::Failed(_)) => Outcome::Failed,
        };
        match outcome {
            Outcome::Served => recorder.request(group, outcome, self.after, self.after),
            _ => recorder.refusal(group, outcome, self.after),
        }
        outcome
    }
}

/// Gets a connection, with a timer beside it. Its first poll polls the get first.
pub(super) async fn get_timed(
    pool: &dyn Subject,
    bound: Duration,
    caller: &'static Location<'static>,
) -> Ended {
    let asked = Instant::now();
    let mut get = pool.get(bound, caller);
    let mut timer = pin!(sleep_until(asked + bound));
    let (got, timer) = tokio::select! {
        biased;
        got = &mut get => (got, None),
        () = &mut timer => {
            let rang = asked.elapsed();
            (get.await, Some(rang.saturating_sub(bound)))
        }
    };
    Ended {
        got,
        after: asked.elapsed(),
        bound,
        timer,
    }
}

/// What is known of all that timed out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Punctuality {
    early: usize,
    /// The latest, by its own fault.
    late: Duration,
    /// The latest, by whoever's fault.
    late_at_all: Duration,
    timers: Duration,
}

impl Punctuality {
    /// One more that timed out.
    pub(super) fn add(&mut self, ended: &Ended) {
        let late = ended.after.saturating_sub(ended.bound);
        let timer = ended.timer.unwrap_or(late);
        self.early += usize::from(ended.after < ended.bound);
        self.late = self.late.max(late.saturating_sub(timer));
        self.late_at_all = self.late_at_all.max(late);
        self.timers = self.timers.max(timer);
    }

    /// Writes the verdict down.
    pub(super) fn check(&self, recorder: &Recorder) {
        let Self { early, late, .. } = *self;
        recorder.check("nobody times out early", "0", early.to_string(), early == 0);
        recorder.check(
            "nobody times out late",
            format!("{LATE:?} after the bound"),
            format!(
                "{late:.1?} after the timer beside it, {:.1?} after the bound",
                self.late_at_all
            ),
            late <= LATE,
        );
        let timers = self.timers.as_secs_f64() * 1e3;
        recorder.figure("latest timer beside them", timers, "ms", Better::Neither);
    }

    /// The latest, in milliseconds after the timer beside it.
    pub(super) fn late_ms(&self) -> f64 {
        self.late.as_secs_f64() * 1e3
    }
}

/// Polls it once: what it came to, if it is done.
pub(super) async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        done = &mut future => Some(done),
        () = std::future::ready(()) => None,
    }
}
