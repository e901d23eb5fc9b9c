//! Bounds in time that cost nothing until something really waits.

use crate::Runtime;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// A bound, and the runtime whose timer keeps it.
#[derive(Clone, Copy)]
pub(crate) struct Timer(Option<(Runtime, Duration)>);

impl Timer {
    /// No duration, no bound. A duration without a runtime has been refused before.
    #[inline]
    pub(crate) fn new(runtime: Option<Runtime>, bound: Option<Duration>) -> Self {
        Self(runtime.zip(bound))
    }

    /// A future that is ready when the bound, counted from its first poll, is over.
    pub(crate) async fn over(self) {
        match self.0 {
            Some((runtime, bound)) => {
                deadpool_runtime::timeout(runtime, bound, pending::<()>()).await;
            }
            None => pending().await,
        }
    }
}

/// What `future` comes to, or `None` when the timer is over first. The timer is armed only when the
/// future has to wait; what is ready at once is never too late.
#[inline]
pub(crate) async fn bounded<F: Future>(timer: Timer, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut over = pin!(timer.over());
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        over.as_mut().poll(context).map(|()| None)
    })
    .await
}
