//! Somebody who brings an object, polled by hand.

use crate::{Object, Pool, Signal};
use millpond::engine::{Add, Place};
use std::sync::Arc;

/// One who adds. It must end in the pool, with a closed pool, or by [`leave`](Self::leave).
#[derive(Debug)]
pub struct Adder {
    pool: Pool,
    signal: Arc<Signal>,
    object: Option<Object>,
    place: Option<Place<Object>>,
}

impl Adder {
    /// One who has not asked yet.
    pub fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            signal: Signal::new(),
            object: Some(pool.bring()),
            place: None,
        }
    }

    /// Adds, or stands in line, or asks what it has been told. `Some`: whether its object is in the pool, or
    /// the pool is closed.
    pub fn poll(&mut self) -> Option<bool> {
        let object = self.object.take().expect("in hand until it is in the pool");
        let waker = self.signal.waker();
        match self.pool.engine().poll_add(&mut self.place, object, &waker) {
            Add::In => Some(true),
            Add::Closed(_) => Some(false),
            Add::Full(object) => {
                self.object = Some(object);
                None
            }
        }
    }

    /// Asks with another waker from now on.
    pub fn poll_anew(&mut self) -> Option<bool> {
        self.signal = Signal::new();
        self.poll()
    }

    /// Adds, however long it takes; `false`: the pool is closed.
    pub fn add(mut self) -> bool {
        let end = self.poll();
        self.follow(end)
    }

    /// The same, from what it was told last.
    pub fn follow(mut self, mut end: Option<bool>) -> bool {
        loop {
            if let Some(end) = end {
                return end;
            }
            self.signal.wait();
            end = self.poll();
        }
    }

    /// Leaves, and takes its object along.
    pub fn leave(mut self) {
        let place = self.place.take().expect("it stands in line");
        self.pool.engine().stop_adding(&place);
    }
}
