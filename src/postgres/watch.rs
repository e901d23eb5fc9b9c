//! What is known of a connection without asking its server, in one word that anybody may read.
//!
//! A request that was queued and then forgotten, as by a future that was polled once, is not on the wire yet. So what
//! the wire says counts only while the driver [rests](crate::engine::rest): a client cannot queue anything without
//! waking its connection, and the driver's waker rings.

use super::wire::{Standing, Tracker};
use crate::engine::rest::{Look, Rest};
use crate::engine::sync::{Arc, AtomicU32, Ordering};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

/// What is known of a connection.
pub(super) struct Watch {
    /// Whether its driver rests, and a [`Sight`]'s bits when it lay down.
    driver: Rest,
    /// What the driver has seen in this poll so far. Written and read by the driver alone.
    draft: AtomicU32,
    /// Whether the last query ended with a rollback, and whether a write was ever refused.
    told: AtomicU32,
}

/// What is known of a connection at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight(Look);

impl Sight {
    /// The server is idle, outside of a transaction, and has nothing to do; nothing is queued or unread.
    pub(super) const IDLE: Self = Self(Look::resting(STANDS_IDLE));

    /// The driver has seen everything that was asked of it before.
    pub(super) fn is_settled(self) -> bool {
        self.0.rests() || self.is_over()
    }

    /// The server has something to do, or what it said cannot be passed on.
    pub(super) fn is_busy(self) -> bool {
        self.has(BUSY | BLOCKED | UNREAD)
    }

    /// The connection has ended, is about to, or nothing can be known of it any more.
    pub(super) fn is_over(self) -> bool {
        self.has(ENDED | LOST | DOOMED)
    }

    /// Where the server stood when it was last ready.
    pub(super) fn standing(self) -> Standing {
        match self.0.seen() & STANDS {
            STANDS_IDLE => Standing::Idle,
            STANDS_OPEN => Standing::Open,
            STANDS_FAILED => Standing::Failed,
            _ => Standing::Unknown,
        }
    }

    fn has(self, bits: u32) -> bool {
        self.0.seen() & bits != 0
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
        ];
        let mut names = names.iter().filter(|(bit, _)| self.has(*bit));
        names.try_for_each(|(_, name)| write!(f, ", {name}"))?;
        f.write_str(if self.0.rests() { "" } else { ", not settled" })
    }
}

impl Watch {
    /// Of a connection that nobody drives yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            driver: Rest::new(),
            draft: AtomicU32::new(0),
            told: AtomicU32::new(0),
        })
    }

    /// What is known now. A request that this thread has queued, or that was queued before something which this
    /// thread has waited for, is seen, or has rung.
    #[inline]
    pub(super) fn sight(&self) -> Sight {
        Sight(self.driver.look())
    }

    /// Whether the last query ended with a rollback. For who has just had its answer.
    pub(super) fn has_rolled_back(&self) -> bool {
        // ORDERING(rollback read): Relaxed; the answer came by a channel, which orders it.
        self.told.load(Ordering::Relaxed) & ROLLED_BACK != 0
    }

    /// Whether the server has ever refused to write.
    pub(super) fn has_refused(&self) -> bool {
        // ORDERING(refusal read): Relaxed; who has had the error finds it: the answer came by a channel.
        self.told.load(Ordering::Relaxed) & REFUSED != 0
    }

    /// Waits until what is known is `so`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe. One may wait at a time: the owner of the connection.
    pub(super) async fn until(&self, so: impl Fn(Sight) -> bool) -> Sight {
        let so = |look| so(Sight(look));
        Sight(poll_fn(|context| self.driver.poll(context.waker(), so)).await)
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
        let told = [
            (tracker.has_rolled_back(), ROLLED_BACK),
            (tracker.has_refused(), REFUSED),
        ];
        let told = told.iter().filter(|(is, _)| *is).map(|(_, bit)| bit);
        // ORDERING(rollback written): Relaxed; see `rollback read` and `refusal read`.
        self.told.store(told.sum(), Ordering::Relaxed);
    }

    /// A poll of the connection begins: what was queued until now it will find.
    fn begin(&self) {
        self.driver.wake_up();
    }

    /// A poll of the connection ends: it sleeps, unless somebody rang meanwhile.
    fn end(&self) {
        // ORDERING(watch draft read): Relaxed; the driver's own.
        self.driver.lie_down(self.draft.load(Ordering::Relaxed));
    }

    /// Nobody drives the connection any more.
    fn is_over(&self) {
        self.driver.lie_down(ENDED);
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
        self.watch.driver.ring();
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

const ROLLED_BACK: u32 = 1;
const REFUSED: u32 = 2;

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
