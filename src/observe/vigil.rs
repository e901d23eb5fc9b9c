//! Who judges a pool's health, and who waits for it to change.

use super::judge::{Judge, Sight};
use super::{Health, Level, Thresholds};
use crate::engine::sync::{Arc, Mutex};
use crate::engine::wake::{WakeList, drop_contained};
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The judge of one pool, the last verdict, and who waits for the next.
#[derive(Debug)]
pub(crate) struct Vigil {
    judge: Mutex<Judge>,
    board: Arc<Board>,
}

#[derive(Debug)]
struct Board(Mutex<Notice>);

#[derive(Debug)]
struct Notice {
    health: Health,
    /// Rises with each change of the level.
    changes: u64,
    gone: bool,
    next: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Vigil {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        let health = Health {
            level: Level::Healthy,
            findings: Vec::new(),
        };
        Self {
            judge: Mutex::new(Judge::new(thresholds)),
            board: Arc::new(Board(Mutex::new(Notice {
                health,
                changes: 0,
                gone: false,
                next: 0,
                wakers: Vec::new(),
            }))),
        }
    }

    /// The verdict now. The second is true if the level is another than before: whoever waits for that has
    /// been woken.
    pub(crate) fn judge(&self, now: Duration, sight: &Sight) -> (Health, bool) {
        let mut wakes = WakeList::default();
        // The verdict is put up before another is made, so that they stand in their order.
        let mut judge = self.judge.lock();
        let health = judge.step(now, sight);
        let mut notice = self.board.0.lock();
        let changed = notice.health.level != health.level;
        notice.health = health.clone();
        if changed {
            notice.changes += 1;
            notice.take_wakers(&mut wakes);
        }
        drop(notice);
        drop(judge);
        wakes.wake();
        (health, changed)
    }

    pub(crate) fn watch(&self) -> HealthWatch {
        let mut notice = self.board.0.lock();
        let number = notice.next;
        notice.next += 1;
        HealthWatch {
            seen: notice.changes,
            number,
            board: Arc::clone(&self.board),
        }
    }

    /// Whether anybody holds a [`HealthWatch`].
    pub(crate) fn is_watched(&self) -> bool {
        Arc::strong_count(&self.board) > 1
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        let mut wakes = WakeList::default();
        let mut notice = self.board.0.lock();
        notice.gone = true;
        notice.take_wakers(&mut wakes);
        drop(notice);
        wakes.wake();
    }
}

impl Notice {
    fn take_wakers(&mut self, wakes: &mut WakeList) {
        self.wakers
            .drain(..)
            .for_each(|(_, waker)| wakes.add(Some(waker)));
    }

    fn remove(&mut self, number: u64) -> Option<Waker> {
        let at = self.wakers.iter().position(|(of, _)| *of == number)?;
        Some(self.wakers.swap_remove(at).1)
    }
}

/// Waits for a pool's health to change; from [`Pool::watch_health`](crate::managed::Pool::watch_health). It
/// does not keep the pool open.
pub struct HealthWatch {
    seen: u64,
    number: u64,
    board: Arc<Board>,
}

impl HealthWatch {
    /// The last verdict.
    #[must_use]
    pub fn latest(&self) -> Health {
        self.board.0.lock().health.clone()
    }

    /// Waits until the level is another than when this was last ready (or when the watch was begun), and
    /// says what it is now; `None` when nothing is left of the pool. Changes that come faster than they are
    /// asked for are told as one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn changed(&mut self) -> Option<Health> {
        poll_fn(|context| self.poll_changed(context)).await
    }

    fn poll_changed(&mut self, context: &mut Context<'_>) -> Poll<Option<Health>> {
        let fresh = context.waker().clone();
        let mut notice = self.board.0.lock();
        if notice.changes != self.seen {
            self.seen = notice.changes;
            return Poll::Ready(Some(notice.health.clone()));
        }
        if notice.gone {
            return Poll::Ready(None);
        }
        let old = notice.remove(self.number);
        notice.wakers.push((self.number, fresh));
        drop(notice);
        drop_contained(old);
        Poll::Pending
    }
}

impl Drop for HealthWatch {
    fn drop(&mut self) {
        let old = self.board.0.lock().remove(self.number);
        drop_contained(old);
    }
}

impl fmt::Debug for HealthWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthWatch")
            .field("latest", &self.latest())
            .finish_non_exhaustive()
    }
}
