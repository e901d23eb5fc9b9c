//! Wakers on their way out of the lock.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakers to be called once the lock is free. Nothing is allocated for the first one.
#[derive(Debug, Default)]
#[must_use = "call `wake` after the lock"]
pub struct WakeList {
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl WakeList {
    /// Remembers `waker`, if there is one.
    pub fn add(&mut self, waker: Option<Waker>) {
        match (waker, &self.first) {
            (None, _) => {}
            (waker, None) => self.first = waker,
            (Some(waker), Some(_)) => self.rest.push(waker),
        }
    }

    /// Wakes everybody, in order. A panic in one of them does not lose the others' wake-ups; it goes on
    /// when all are awake, unless the thread is panicking already.
    pub fn wake(self) {
        let mut panic = None;
        for waker in self.first.into_iter().chain(self.rest) {
            panic = first_panic(panic, || waker.wake());
        }
        resume(panic);
    }
}

/// Runs `step`, and keeps the first panic of several.
pub fn first_panic(
    before: Option<Box<dyn Any + Send>>,
    step: impl FnOnce(),
) -> Option<Box<dyn Any + Send>> {
    let now = catch_unwind(AssertUnwindSafe(step)).err();
    before.or(now)
}

/// Lets a caught panic go on, unless another one is under way: two at once would abort.
pub fn resume(panic: Option<Box<dyn Any + Send>>) {
    match panic {
        Some(panic) if !std::thread::panicking() => resume_unwind(panic),
        _ => {}
    }
}
