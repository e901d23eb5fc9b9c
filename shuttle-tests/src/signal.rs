//! A waker that parks and unparks a thread of shuttle's.

use shuttle::thread::{self, Thread};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// Wakes the thread that made it. shuttle lets a parked thread wake up without a reason; this one looks
/// whether it was given, so a wake-up that is lost leaves the thread asleep, and shuttle reports the
/// deadlock.
pub(crate) struct Signal {
    given: AtomicBool,
    thread: Thread,
}

impl Signal {
    /// A signal for this thread that nobody has given yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            given: AtomicBool::new(false),
            thread: thread::current(),
        })
    }

    /// A waker that gives this signal.
    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Sleeps until it is given.
    pub(crate) fn wait(&self) {
        // std's atomic, which shuttle does not see. Relaxed: all its threads are one.
        while !self.given.swap(false, Ordering::Relaxed) {
            thread::park();
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.given.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}
