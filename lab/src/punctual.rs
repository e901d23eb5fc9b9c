//! Whether a get keeps its bound, told apart from a machine that is late.

use crate::subject::{Lease, Refusal, Subject};
use std::future::poll_fn;
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How a get ended, and when.
#[derive(Debug)]
pub struct Got {
    /// What came of it.
    pub ended: Result<Box<dyn Lease>, Refusal>,
    /// How long it took.
    pub took: Duration,
    /// How much longer it took than a timer of the same length that ran beside it in the same task: on a machine that
    /// is late, both are.
    pub late: Duration,
}

/// Takes a connection within the bound, as [`Subject::get`] does, and looks at how it keeps it.
pub async fn get(pool: &dyn Subject, within: Duration, caller: &'static Location<'static>) -> Got {
    let asked = Instant::now();
    let mut get = pin!(pool.get(within, caller));
    let mut beside = pin!(sleep(within));
    let mut over = None;
    let ended = poll_fn(|context| {
        if over.is_none() && beside.as_mut().poll(context).is_ready() {
            over = Some(Instant::now());
        }
        match get.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    let now = Instant::now();
    Got {
        ended,
        took: now - asked,
        late: over.map_or(Duration::ZERO, |over| now - over),
    }
}

impl std::fmt::Debug for dyn Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a connection")
    }
}
