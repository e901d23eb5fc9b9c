use crate::Runtime;
use crate::time::over;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A bound on something that may be waited for in several places: it begins with the first wait. Boxed, and only
/// where there is a bound, so that who waits without one has no timer to carry.
#[derive(Default)]
pub(crate) struct Alarm(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Alarm {
    /// Ready when `bound` is over, which begins with the first call that has one.
    pub(crate) fn poll(
        &mut self,
        runtime: Option<Runtime>,
        bound: Option<Duration>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if bound.is_none() {
            return Poll::Pending;
        }
        let timer = self.0.get_or_insert_with(|| Box::pin(over(runtime, bound)));
        timer.as_mut().poll(context)
    }
}
