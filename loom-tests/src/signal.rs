//! A waker that loom sees.

use loom::sync::Notify;
use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Wakes one getter. A wake-up that is lost leaves its thread asleep, and loom reports the deadlock; once
/// per signal loom also tries a poll that nobody asked for.
pub struct Signal(Notify);

impl Signal {
    /// A signal that nobody has given yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Notify::new()))
    }

    /// A waker that gives this signal.
    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Sleeps until it is given.
    pub fn wait(&self) {
        self.0.wait();
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}
