//! Bounds in time that cost nothing until something really waits.

use crate::Runtime;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What `future` comes to, or `None` when the bound is over first.
///
/// The timer is made, in a box, only when the future has to wait: what is ready at once costs nothing, and
/// is never too late. A bound without a runtime has been refused before.
pub(crate) async fn bounded<F: Future>(
    runtime: Option<Runtime>,
    bound: Option<Duration>,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = None;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if bound.is_none() => Poll::Pending,
        Poll::Pending => {
            let timer = timer.get_or_insert_with(|| Box::pin(over(runtime, bound)));
            timer.as_mut().poll(context).map(|()| None)
        }
    })
    .await
}

/// Ready when `bound`, counted from the first poll, is over; never, where there is none.
pub(crate) async fn over(runtime: Option<Runtime>, bound: Option<Duration>) {
    match runtime.zip(bound) {
        Some((runtime, bound)) => {
            deadpool_runtime::timeout(runtime, bound, pending::<()>()).await;
        }
        None => pending().await,
    }
}
