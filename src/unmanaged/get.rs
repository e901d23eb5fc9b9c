//! The way of a get: claim, or stand in line.

use super::core::{Core, Slot};
use super::{Object, PoolError};
use crate::engine::{Claim, End, Enter, Leave, Place, Turn};
use crate::time::bounded;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

impl<T> Core<T> {
    /// Takes an idle object.
    #[inline]
    pub(crate) fn claim(&self) -> Result<Object<T>, PoolError> {
        match self.engine.claim() {
            Claim::Object(slot) => Ok(Object::new(slot)),
            Claim::Empty => Err(PoolError::Timeout),
            Claim::Closed => Err(PoolError::Closed),
        }
    }

    /// Takes an idle object, or waits for one within `bound`.
    pub(crate) async fn obtain(&self, bound: Option<Duration>) -> Result<Object<T>, PoolError> {
        let wait = bound != Some(Duration::ZERO);
        let runtime = self.config.runtime;
        if wait && bound.is_some() && runtime.is_none() {
            return Err(PoolError::NoRuntimeSpecified);
        }
        match self.claim() {
            Err(PoolError::Timeout) if wait => {}
            end => return end,
        }
        let mut getter = Getter {
            core: self,
            place: None,
        };
        let served = poll_fn(|context| getter.advance(context));
        let served = bounded(runtime, bound, served).await;
        served.unwrap_or(Err(PoolError::Timeout))
    }
}

/// A getter in line. Dropped at any point, it leaves nothing behind: see `Drop`.
struct Getter<'a, T> {
    core: &'a Core<T>,
    place: Option<Place<Box<Slot<T>>>>,
}

impl<T> Getter<'_, T> {
    /// Takes its place in line, or hears what the line has for it.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Result<Object<T>, PoolError>> {
        let engine = &self.core.engine;
        let Some(place) = &mut self.place else {
            let place = match engine.enter(End::Back, true, None, context.waker()) {
                Enter::Wait(place) => place,
                Enter::Object(slot) => return Poll::Ready(Ok(Object::new(slot))),
                Enter::Shed => return Poll::Ready(Err(PoolError::Timeout)),
                Enter::Closed => return Poll::Ready(Err(PoolError::Closed)),
                Enter::Connect(_) | Enter::WouldWait => unreachable!("{NOTHING_IS_MADE}"),
            };
            self.place = Some(place);
            return Poll::Pending;
        };
        let heard = match engine.poll(place, context.waker()) {
            Turn::Pending => return Poll::Pending,
            Turn::Object(slot) => Ok(Object::new(slot)),
            Turn::Closed => Err(PoolError::Closed),
            Turn::Connect | Turn::Dismissed => unreachable!("{NOTHING_IS_MADE}"),
        };
        self.place = None;
        Poll::Ready(heard)
    }
}

const NOTHING_IS_MADE: &str =
    "nothing is made in this pool, and who stands in line is willing to wait";

/// Cancelled or timed out: it leaves the line, and what it was handed goes to the next.
impl<T> Drop for Getter<'_, T> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            match self.core.engine.leave(&place) {
                Leave::Object(slot) => drop(Object::new(slot)),
                Leave::Gone => {}
            }
        }
    }
}
