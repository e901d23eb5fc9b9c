//! Gates, at which calls wait until a test lets them go on.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// A gate: closed at first; whoever comes waits until it is opened. A handle: all clones are one gate.
///
/// ```
/// use millpond_testkit::{Gate, Polled};
///
/// let gate = Gate::new();
/// let mut passing = Polled::of(gate.pass()).waits();
/// gate.open();
/// passing.woken_ready();
/// Polled::of(gate.pass()).ready();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<Passage>>);

#[derive(Debug, Default)]
struct Passage {
    open: bool,
    wakers: Vec<Waker>,
}

impl Gate {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody through, now and from now on.
    pub fn open(&self) {
        let wakers = {
            let mut passage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            passage.open = true;
            std::mem::take(&mut passage.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns when it is open.
    pub async fn pass(&self) {
        poll_fn(|context| {
            let mut passage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if passage.open {
                return Poll::Ready(());
            }
            passage.wakers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
