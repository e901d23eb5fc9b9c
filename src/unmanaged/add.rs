//! The way of an object into the pool: at once, or from the line of those who add.

use super::PoolError;
use super::core::{Core, Slot};
use crate::engine::{Add, Place};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

impl<T> Core<T> {
    /// Puts `object` in, if there is room that nobody waits for.
    pub(crate) fn put_in(self: &Arc<Self>, object: T) -> Result<(), (T, PoolError)> {
        match self.engine.add(Slot::new(object, self)) {
            Add::In => Ok(()),
            Add::Full(slot) => Err((slot.object, PoolError::Timeout)),
            Add::Closed(slot) => Err((slot.object, PoolError::Closed)),
        }
    }

    /// Puts `object` in as soon as there is room.
    pub(crate) async fn bring_in(self: &Arc<Self>, object: T) -> Result<(), (T, PoolError)> {
        let slot = match self.engine.add(Slot::new(object, self)) {
            Add::In => return Ok(()),
            Add::Full(slot) => slot,
            Add::Closed(slot) => return Err((slot.object, PoolError::Closed)),
        };
        let mut adder = Adder {
            core: self,
            slot: Some(slot),
            place: None,
        };
        poll_fn(|context| adder.advance(context)).await
    }
}

/// Somebody with an object, in the line of those who add. Dropped at any point, it leaves nothing behind:
/// see `Drop`.
struct Adder<'a, T> {
    core: &'a Core<T>,
    /// In its own hand until there is room.
    slot: Option<Box<Slot<T>>>,
    place: Option<Place<Box<Slot<T>>>>,
}

impl<T> Adder<'_, T> {
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Result<(), (T, PoolError)>> {
        let slot = self.slot.take().expect("in hand until it is in the pool");
        let engine = &self.core.engine;
        match engine.poll_add(&mut self.place, slot, context.waker()) {
            Add::In => Poll::Ready(Ok(())),
            Add::Full(slot) => {
                self.slot = Some(slot);
                Poll::Pending
            }
            Add::Closed(slot) => Poll::Ready(Err((slot.object, PoolError::Closed))),
        }
    }
}

/// Cancelled: it leaves the line, the room that it was given goes to the next, and then its object is
/// dropped.
impl<T> Drop for Adder<'_, T> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.core.engine.stop_adding(&place);
        }
    }
}
