//! Whether gets end when their bound passes: none earlier, none later.
//!
//! A machine that has much else to do wakes everybody late. So a timer of the same length begins just after each get, in
//! the same task: a get is late by the time that it ends after that timer rang.

use crate::data::{Better, Outcome};
use crate::record::Recorder;
use crate::subject::{Lease, Refusal, Subject};
use std::panic::Location;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// No get times out later than so long after its bound.
pub(super) const LATE: Duration = Duration::from_millis(50);

/// What the conditions say of it.
pub(super) const MEASURE: &str = "late is what ends after a timer of the same length that begins just after it in the same task, so that a slow machine is told from a slow pool";

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

/// Gets a connection, with a timer beside it. Its first poll polls the get, and nothing else.
pub(super) async fn get_timed(
    pool: &dyn Subject,
    bound: Duration,
    caller: &'static Location<'static>,
) -> Ended {
    let asked = Instant::now();
    let mut get = pool.get(bound, caller);
    let (got, timer) = match poll_once(&mut get).await {
        Some(got) => (got, None),
        None => beside(get, asked, bound).await,
    };
    Ended {
        got,
        after: asked.elapsed(),
        bound,
        timer,
    }
}

/// The rest of a get, and how long after its bound the timer rang, if it did. It begins after the get, so that it never
/// rings first by its own haste.
async fn beside<F: Future + Unpin>(
    mut get: F,
    asked: Instant,
    bound: Duration,
) -> (F::Output, Option<Duration>) {
    let mut timer = pin!(sleep(bound));
    tokio::select! {
        biased;
        got = &mut get => (got, None),
        () = &mut timer => {
            let rang = asked.elapsed();
            (get.await, Some(rang.saturating_sub(bound)))
        }
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
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        recorder.figure(
            "latest time-out after the timer beside it",
            ms(late),
            "ms",
            Better::Lower,
        );
        recorder.figure("latest timer", ms(self.timers), "ms", Better::Neither);
    }

    /// The latest after its bound, by whoever's fault, in milliseconds.
    pub(super) fn late_ms(&self) -> f64 {
        self.late_at_all.as_secs_f64() * 1e3
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
