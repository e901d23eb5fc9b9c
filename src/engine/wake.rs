//! Wakers on their way out of the lock, and panics on their way out of the pool.
//!
//! Waking a waker, and dropping one, is code of a user's. If it panics, the panic hook has reported it,
//! and that is all: the one who runs into it holds somebody else's waker by chance, and has an object or
//! a reservation in hand that an unwinding would lose.

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
    #[inline]
    pub fn add(&mut self, waker: Option<Waker>) {
        match (waker, &self.first) {
            (None, _) => {}
            (waker, None) => self.first = waker,
            (Some(waker), Some(_)) => self.rest.push(waker),
        }
    }

    /// Wakes everybody, in order, whatever any of them does.
    #[inline]
    pub fn wake(self) {
        if let Some(first) = self.first {
            contain(|| first.wake());
        }
        for waker in self.rest {
            contain(|| waker.wake());
        }
    }
}

/// Drops what may have somebody's waker in it.
pub fn drop_contained<T>(value: T) {
    contain(|| drop(value));
}

/// Runs `step`; a panic ends here.
pub fn contain(step: impl FnOnce()) {
    // What was panicked with is user code as well when it is dropped, so it is not.
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(std::mem::forget);
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
