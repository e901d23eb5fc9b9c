//! What is known of a connection without asking its server, in one word that anybody may read.
//!
//! ```text
//! driver   begin: being polled     poll the connection: it sends what was queued, and reads
//!          end: settled, unless somebody rang meanwhile
//! ring     whoever queues a request wakes the driver, and by that rings, before it goes on
//! ```
//!
//! A request that was queued and then forgotten, as by a future that was polled once, is not on the wire yet. So what
//! the wire says counts only while the driver sleeps and nobody has rung since: then nothing is queued. Ringing is
//! what the driver's waker does: a client cannot queue anything without waking its connection.

use super::wire::{Standing, Tracker};
use crate::engine::sync::{Arc, AtomicU32, Mutex, Ordering};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

/// What is known of a connection.
pub(super) struct Watch {
    /// A [`Sight`].
    seen: AtomicU32,
    /// What the driver has seen in this poll so far. Written and read by the driver alone.
    draft: AtomicU32,
    /// Whether the last query ended with a rollback.
    rolled_back: AtomicU32,
    /// Who waits for the next end of a poll.
    waiter: Mutex<Option<Waker>>,
}

/// What is known of a connection at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight(u32);

impl Sight {
    /// The server is idle, outside of a transaction, and has nothing to do; nothing is queued or unread.
    pub(super) const IDLE: Self = Self(STANDS_IDLE);

    /// The driver has seen everything that was asked of it before.
    pub(super) fn is_settled(self) -> bool {
        self.0 & (POLLED | RUNG) == 0 || self.is_over()
    }

    /// The server has something to do, or what it said cannot be passed on.
    pub(super) fn is_busy(self) -> bool {
        self.0 & (BUSY | BLOCKED | UNREAD) != 0
    }

    /// The connection has ended, is about to, or nothing can be known of it any more.
    pub(super) fn is_over(self) -> bool {
        self.0 & (ENDED | LOST | DOOMED) != 0
    }

    /// Where the server stood when it was last ready.
    pub(super) fn standing(self) -> Standing {
        match self.0 & STANDS {
            STANDS_IDLE => Standing::Idle,
            STANDS_OPEN => Standing::Open,
            STANDS_FAILED => Standing::Failed,
            _ => Standing::Unknown,
        }
    }

    /// Nothing is under way: settled, and not busy.
    pub(super) fn is_quiet(self) -> bool {
        self.is_settled() && !self.is_busy()
    }
}

impl fmt::Debug for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.standing())?;
        let names = [
            (BUSY, "busy"),
            (BLOCKED, "blocked"),
            (UNREAD, "unread"),
            (LOST, "lost"),
            (DOOMED, "doomed"),
            (ENDED, "ended"),
            (POLLED, "polled"),
            (RUNG, "rung"),
        ];
        names
            .iter()
            .filter(|(bit, _)| self.0 & bit != 0)
            .try_for_each(|(_, name)| write!(f, ", {name}"))
    }
}

impl Watch {
    /// Of a connection that nobody drives yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            seen: AtomicU32::new(RUNG),
            draft: AtomicU32::new(0),
            rolled_back: AtomicU32::new(0),
            waiter: Mutex::new(None),
        })
    }

    /// What is known now. A request that this thread has queued, or that was queued before something which this
    /// thread has waited for, is seen, or has rung.
    #[inline]
    pub(super) fn sight(&self) -> Sight {
        // ORDERING(watch read): Acquire pairs with `watch settled`: who finds a connection idle finds what its driver
        // did before.
        Sight(self.seen.load(Ordering::Acquire) & !WAITED)
    }

    /// Whether the last query ended with a rollback. For who has just had its answer.
    pub(super) fn has_rolled_back(&self) -> bool {
        // ORDERING(rollback read): Relaxed; the answer came by a channel, which orders it.
        self.rolled_back.load(Ordering::Relaxed) != 0
    }

    /// Waits until what is known is `so`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe. One may wait at a time: the owner of the connection.
    pub(super) async fn until(&self, so: impl Fn(Sight) -> bool) -> Sight {
        poll_fn(|context| {
            let now = self.sight();
            if so(now) {
                return Poll::Ready(now);
            }
            let old = self.waiter.lock().replace(context.waker().clone());
            drop(old);
            // ORDERING(watch waited): AcqRel; of this and `watch settled`, on the same word, one comes first: either
            // the driver finds that it is waited for, or what it has settled is found here.
            let now = Sight(self.seen.fetch_or(WAITED, Ordering::AcqRel) & !WAITED);
            match so(now) {
                true => Poll::Ready(now),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// The tracker of the connection's stream has news.
    pub(super) fn note(&self, tracker: &Tracker, blocked: bool, unread: bool) {
        let standing = match tracker.standing() {
            Standing::Unknown => 0,
            Standing::Idle => STANDS_IDLE,
            Standing::Open => STANDS_OPEN,
            Standing::Failed => STANDS_FAILED,
        };
        let flags = [
            (tracker.is_busy(), BUSY),
            (tracker.is_lost(), LOST),
            (tracker.is_doomed(), DOOMED),
            (blocked, BLOCKED),
            (unread, UNREAD),
        ];
        let flags = flags.iter().filter(|(is, _)| *is);
        let draft = flags.fold(standing, |draft, (_, bit)| draft | bit);
        // ORDERING(watch draft): Relaxed; the driver's own.
        self.draft.store(draft, Ordering::Relaxed);
        let rolled_back = u32::from(tracker.has_rolled_back());
        // ORDERING(rollback written): Relaxed; see `rollback read`.
        self.rolled_back.store(rolled_back, Ordering::Relaxed);
    }

    /// A poll of the connection begins: what was queued until now it will find.
    fn begin(&self) {
        // ORDERING(watch begun): Acquire pairs with `watch rung`. Whether what was queued is found is up to the
        // queue's own orderings: it was queued before its owner rang.
        self.seen.fetch_or(POLLED, Ordering::Acquire);
        // ORDERING(watch answered): Relaxed; a ring that comes before is answered by this poll, one that comes after
        // stays.
        self.seen.fetch_and(!RUNG, Ordering::Relaxed);
    }

    /// A poll of the connection ends: it sleeps, unless somebody rang meanwhile.
    fn end(&self) {
        // ORDERING(watch draft read): Relaxed; the driver's own.
        let draft = self.draft.load(Ordering::Relaxed);
        self.settle(draft);
    }

    /// Nobody drives the connection any more.
    fn is_over(&self) {
        self.settle(ENDED);
    }

    fn settle(&self, draft: u32) {
        let mut now = POLLED;
        loop {
            // ORDERING(watch settled): Release pairs with `watch read`. Acquire pairs with `watch waited`. Relaxed on
            // failure: nothing is decided on it but what is tried next.
            let (settled, again) = (Ordering::AcqRel, Ordering::Relaxed);
            let next = draft | (now & RUNG);
            match self.seen.compare_exchange_weak(now, next, settled, again) {
                Ok(_) => break,
                Err(seen) => now = seen,
            }
        }
        if now & WAITED != 0 {
            let waiter = self.waiter.lock().take();
            waiter.into_iter().for_each(Waker::wake);
        }
    }

    /// The driver is woken.
    fn ring(&self) {
        // ORDERING(watch rung): Release pairs with `watch begun`. Who rings and then reads finds it: one word.
        self.seen.fetch_or(RUNG, Ordering::Release);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sight().fmt(f)
    }
}

/// The driver's waker: rings, and wakes its task.
struct Bell {
    watch: Arc<Watch>,
    task: Waker,
}

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.watch.ring();
        self.task.wake_by_ref();
    }
}

/// A connection that is driven under watch.
pub(super) struct Watched<C> {
    connection: C,
    watch: Arc<Watch>,
    /// The task's own waker, and ours around it.
    wakers: Option<(Waker, Waker)>,
}

impl<C> Watched<C> {
    pub(super) fn new(connection: C, watch: Arc<Watch>) -> Self {
        Self {
            connection,
            watch,
            wakers: None,
        }
    }

    /// The waker that rings, around that of the task which drives now.
    fn waker(&mut self, task: &Waker) -> Waker {
        match &self.wakers {
            Some((of, ours)) if of.will_wake(task) => ours.clone(),
            _ => {
                let ours = Waker::from(std::sync::Arc::new(Bell {
                    watch: Arc::clone(&self.watch),
                    task: task.clone(),
                }));
                self.wakers = Some((task.clone(), ours.clone()));
                ours
            }
        }
    }
}

impl<C: Future + Unpin> Future for Watched<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let waker = self.waker(context.waker());
        self.watch.begin();
        let polled = Pin::new(&mut self.connection).poll(&mut Context::from_waker(&waker));
        match polled {
            Poll::Pending => self.watch.end(),
            Poll::Ready(_) => self.watch.is_over(),
        }
        polled
    }
}

/// Also when its task is dropped: who waits hears of it.
impl<C> Drop for Watched<C> {
    fn drop(&mut self) {
        self.watch.is_over();
    }
}

const STANDS: u32 = 3;
const STANDS_IDLE: u32 = 1;
const STANDS_OPEN: u32 = 2;
const STANDS_FAILED: u32 = 3;
/// The server owes an answer that is not harmless.
const BUSY: u32 = 1 << 2;
/// Something could not be written yet.
const BLOCKED: u32 = 1 << 3;
/// Something was read that its reader does not take.
const UNREAD: u32 = 1 << 4;
/// What was seen does not add up.
const LOST: u32 = 1 << 5;
/// The server has said that it ends the connection.
const DOOMED: u32 = 1 << 6;
/// It has ended.
const ENDED: u32 = 1 << 7;
/// The driver polls the connection.
const POLLED: u32 = 1 << 8;
/// Somebody has woken the driver since it began its last poll.
const RUNG: u32 = 1 << 9;
/// Somebody waits for the end of a poll.
const WAITED: u32 = 1 << 10;
