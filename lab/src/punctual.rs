//! Whether a get keeps its bound, told apart from a machine that is late.

use crate::subject::{Lease, Refusal, Subject};
use std::future::poll_fn;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// How a get ended, and when.
#[derive(Debug)]
pub struct Got {
    /// What came of it.
    pub ended: Result<Box<dyn Lease>, Refusal>,
    /// How long it took.
    pub took: Duration,
    /// How much longer it took than a timer of the same length (and two milliseconds more) that ran beside it in
    /// the same task: on a machine that is late, both are.
    pub late: Duration,
}

/// Takes a connection within the bound, as [`Subject::get`] does, and looks at how it keeps it.
pub async fn get(pool: &dyn Subject, within: Duration, caller: &'static Location<'static>) -> Got {
    let asked = Instant::now();
    let mut get = pin!(pool.get(within, caller));
    let mut beside: Option<Pin<Box<Sleep>>> = None;
    let mut over = None;
    let ended = poll_fn(|context| {
        if let Some(beside) = &mut beside {
            if over.is_none() && beside.as_mut().poll(context).is_ready() {
                over = Some(Instant::now());
            }
        }
        let ended = get.as_mut().poll(context);
        if ended.is_pending() && beside.is_none() {
            // After the pool's own, which begins when it has to wait; a moment longer, so that of two timers that end
            // together this one is not told first.
            let mut timer = Box::pin(sleep(within + GRAIN));
            let _ = timer.as_mut().poll(context);
            beside = Some(timer);
        }
        ended
    })
    .await;
    let now = Instant::now();
    Got {
        ended,
        took: now - asked,
        late: over.map_or(Duration::ZERO, |over| now - over),
    }
}

/// tokio's timers are as fine as a millisecond.
const GRAIN: Duration = Duration::from_millis(2);

impl std::fmt::Debug for dyn Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a connection")
    }
}
