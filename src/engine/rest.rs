//! Whether somebody who is woken for whatever is asked of him rests, and what he had seen when he lay down.
//!
//! ```text
//! ask       queue it; ring            wake up    awake
//! look      one word                            see what was queued
//!                                     lie down   what was seen; rung, if somebody rang meanwhile
//! ```
//!
//! Who asks and then looks finds one of three: that he is awake; that somebody has rung since he woke up; or that he rests
//! and has seen what was asked. If the ring comes before he wakes up, it is answered: he sees what was queued before it.
//! If it comes after, lying down keeps it. It is no matter which of several rings wakes him, nor whether he is asleep yet.

use super::sync::{AtomicU32, Mutex, Ordering};
use std::task::{Poll, Waker};

/// The word, and who waits for it.
#[derive(Debug)]
pub struct Rest {
    word: AtomicU32,
    /// Who waits for him to lie down.
    waiter: Mutex<Option<Waker>>,
}

/// The word at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look(u32);

impl Look {
    /// He rests, and this is what he had seen.
    pub const fn resting(seen: u32) -> Self {
        Self(seen)
    }

    /// Whether he has seen all that was asked.
    pub fn rests(self) -> bool {
        self.0 & (AWAKE | RUNG) == 0
    }

    /// What he had seen when he last lay down.
    pub fn seen(self) -> u32 {
        self.0 & SEEN
    }
}

impl Rest {
    /// Of one who has never been awake: he is to be woken, whatever is asked.
    pub fn new() -> Self {
        Self {
            word: AtomicU32::new(RUNG),
            waiter: Mutex::new(None),
        }
    }

    /// The word now.
    #[inline]
    pub fn look(&self) -> Look {
        // ORDERING(rest read): Acquire pairs with `rest taken`: who finds that he rests finds all that he did before.
        Look(self.word.load(Ordering::Acquire) & !WAITED)
    }

    /// Something was asked: queued before.
    pub fn ring(&self) {
        // ORDERING(rest rung): Release pairs with `rest ended`: what was queued before a ring that is answered is seen.
        self.word.fetch_or(RUNG, Ordering::Release);
    }

    /// He wakes up, and answers all rings so far.
    pub fn wake_up(&self) {
        // In this order: he must not seem to rest in between.
        // ORDERING(rest begun): Relaxed; on one word with all others.
        self.word.fetch_or(AWAKE, Ordering::Relaxed);
        // ORDERING(rest ended): Acquire pairs with `rest rung`.
        self.word.fetch_and(!RUNG, Ordering::Acquire);
    }

    /// He lies down, having `seen` this, and whoever waits for that is woken.
    pub fn lie_down(&self, seen: u32) {
        let mut now = AWAKE;
        loop {
            // ORDERING(rest taken): Release pairs with `rest read` and `rest waited`. Acquire pairs with `rest waited`:
            // the waker is there. Relaxed on failure: nothing is decided on it but what is tried next.
            let (taken, again) = (Ordering::AcqRel, Ordering::Relaxed);
            let next = (seen & SEEN) | (now & RUNG);
            match self.word.compare_exchange_weak(now, next, taken, again) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        if now & WAITED != 0 {
            let waiter = self.waiter.lock().take();
            waiter.into_iter().for_each(Waker::wake);
        }
    }

    /// Waits until the word is `so`, looked at whenever he lies down. One may wait at a time.
    pub fn poll(&self, waker: &Waker, so: impl Fn(Look) -> bool) -> Poll<Look> {
        let now = self.look();
        if so(now) {
            return Poll::Ready(now);
        }
        let old = self.waiter.lock().replace(waker.clone());
        drop(old);
        // ORDERING(rest waited): Release pairs with `rest taken`: of this and that, on one word, one comes first. If this
        // does, the waker is found; if that does, what was seen is found here, by Acquire.
        let now = Look(self.word.fetch_or(WAITED, Ordering::AcqRel) & !WAITED);
        match so(now) {
            true => Poll::Ready(now),
            false => Poll::Pending,
        }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self::new()
    }
}

/// Somebody waits for him to lie down.
const WAITED: u32 = 1 << 31;
/// He is awake.
const AWAKE: u32 = 1 << 30;
/// Somebody has rung since he woke up.
const RUNG: u32 = 1 << 29;
/// What was seen.
const SEEN: u32 = RUNG - 1;
