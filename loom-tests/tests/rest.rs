//! Whether somebody rests: beside those who ask something of him, and those who wait for it.
#![cfg(millpond_loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use millpond::engine::rest::{Look, Rest};
use millpond_loom_tests::{ALL, FOUR, Signal, THREE, explore, race};
use std::task::Poll;

/// One who is asked, and a queue that orders nothing by itself.
struct Asked {
    rest: Rest,
    queued: AtomicU32,
    /// What was done so far: written by the driver alone, for whoever finds that he rests.
    done: AtomicU32,
}

impl Asked {
    fn new() -> Arc<Self> {
        let asked = Arc::new(Self {
            rest: Rest::new(),
            queued: AtomicU32::new(0),
            done: AtomicU32::new(0),
        });
        asked.drive();
        asked
    }

    fn ask(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.rest.ring();
    }

    /// One time awake.
    fn drive(&self) {
        self.rest.wake_up();
        let seen = self.queued.load(Ordering::Relaxed);
        self.done.store(seen, Ordering::Relaxed);
        self.rest.lie_down(seen);
    }

    /// Forbids that he rests with fewer seen than were asked, or without what he did being there.
    fn has_seen(&self, look: Look, asked: u32) {
        if look.rests() {
            assert!(look.seen() >= asked, "he rests, and one is not seen");
            let done = self.done.load(Ordering::Relaxed);
            assert!(done >= look.seen(), "he rests, and one is not done");
        }
    }
}

/// Forbids that he seems to rest beside something that was asked, for who asked it.
#[test]
fn rest_ask_look() {
    explore("rest_ask_look", ALL, || {
        let asked = Asked::new();
        race::<_, ()>(&asked)
            .and(|asked: &Arc<Asked>| asked.drive())
            .and(|asked: &Arc<Asked>| {
                asked.ask();
                asked.has_seen(asked.rest.look(), 1);
            })
            .run();
        // Whoever rang has woken him: now he is driven once more.
        asked.drive();
        assert_eq!(asked.rest.look(), Look::resting(1));
    });
}

/// The same where two ask at once, one of whom looks.
#[test]
fn rest_ask_ask_look() {
    explore("rest_ask_ask_look", THREE, || {
        let asked = Asked::new();
        race::<_, ()>(&asked)
            .and(|asked: &Arc<Asked>| {
                asked.drive();
                asked.drive();
            })
            .and(|asked: &Arc<Asked>| {
                asked.ask();
                asked.has_seen(asked.rest.look(), 1);
            })
            .and(|asked: &Arc<Asked>| asked.ask())
            .run();
        asked.drive();
        assert_eq!(asked.rest.look(), Look::resting(2));
    });
}

/// Forbids that who waits until he rests sleeps on when he lies down.
#[test]
fn rest_wait() {
    explore("rest_wait", ALL, || {
        let asked = Asked::new();
        asked.ask();
        race::<_, ()>(&asked)
            .and(|asked: &Arc<Asked>| asked.drive())
            .and(|asked: &Arc<Asked>| {
                let signal = Signal::new();
                let look = loop {
                    match asked.rest.poll(&signal.waker(), Look::rests) {
                        Poll::Ready(look) => break look,
                        Poll::Pending => signal.wait(),
                    }
                };
                asked.has_seen(look, 1);
            })
            .run();
    });
}

/// The same where he lies down twice, the first time too early.
#[test]
fn rest_wait_twice() {
    explore("rest_wait_twice", FOUR, || {
        let asked = Asked::new();
        race::<_, ()>(&asked)
            .and(|asked: &Arc<Asked>| {
                asked.drive();
                asked.ask();
                asked.drive();
            })
            .and(|asked: &Arc<Asked>| {
                let signal = Signal::new();
                let has_seen = |look: Look| look.rests() && look.seen() == 1;
                while asked.rest.poll(&signal.waker(), has_seen).is_pending() {
                    signal.wait();
                }
                asked.has_seen(asked.rest.look(), 1);
            })
            .run();
    });
}
