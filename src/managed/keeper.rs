//! The one small task of a pool that has something to do in the background: it looks at the idle objects, makes
//! spare ones, checks suspects, lets connects begin again after a failure, looks for leaks and at the health.
//!
//! ```text
//! round    look around (upkeep.rs and storm.rs decide) → jobs, and a pause
//! pause    drive the jobs; until the pause is over, it is time to look, or somebody nudges
//! ```
//!
//! It holds nothing of the pool while it sleeps, so it does not keep it; its jobs do, each within its own bound,
//! and they are dropped when the pool is closed. Without it, all that it does is done late, at a get or a return.

use super::Manager;
use super::aside::Job;
use super::check::{Doubtful, Timed};
use super::connect::{UNOWNED_BOUND, Unowned};
use super::core::Core;
use super::held::Held;
use super::retain::sweep;
use super::upkeep::Care;
use crate::engine::Claim;
use crate::engine::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::engine::wake::{contain, drop_contained};
use crate::time::{bounded, over};
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The task of a pool: ends when nothing is left of it.
pub(crate) async fn keep<M: Manager>(pool: Weak<Core<M>>) {
    let Some(desk) = pool.upgrade().map(|core| Attended::new(&core.keeper.desk)) else {
        return;
    };
    let mut jobs = Jobs(Vec::new());
    let (mut due, mut looks) = (0, true);
    // It goes on whoever calls for a round meanwhile: with spare ones to be kept each get does.
    let (mut look, mut is_set) = (pin!(over(None, None)), false);
    loop {
        let Some(core) = pool.upgrade() else { return };
        let now = core.snapshot();
        if now.closed {
            jobs.drop_all();
        }
        if now.closed && now.size == 0 {
            return;
        }
        // Whatever the user's code does that it calls, the task goes on.
        let mut pause = LONG;
        contain(|| pause = core.round(looks, &mut due));
        if looks || !is_set {
            let bound = core.wants_looks().then(|| core.look_pause());
            is_set = bound.is_some();
            look.set(over(core.runtime, bound));
        }
        let mut timer = pin!(over(core.runtime, Some(pause)));
        drop(core);
        looks = poll_fn(|context| {
            desk.0.register(context.waker());
            jobs.0.extend(desk.0.take_jobs());
            jobs.poll(context);
            if look.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
            if desk.0.take_nudge() {
                return Poll::Ready(false);
            }
            timer.as_mut().poll(context).map(|()| false)
        })
        .await;
    }
}

impl<M: Manager> Core<M> {
    /// One round; `looks` when it is time to. `due` replacements have still to be made.
    /// Says how long to sleep.
    fn round(self: &Arc<Self>, looks: bool, due: &mut usize) -> Duration {
        if looks && self.wants_looks() {
            self.look_for_leaks();
            let stats = self.stats();
            self.measure_flow(&stats);
            self.judge(stats);
        }
        // Those in line first, and then what is made for nobody yet.
        self.let_connect();
        let open = !self.snapshot().closed;
        if open && self.upkeep.round().is_some() {
            *due += self.care_for_idle();
            *due -= self.make_spare(*due);
        }
        let pauses = [self.upkeep.round(), self.next_connect()];
        pauses.into_iter().flatten().min().unwrap_or(LONG)
    }

    /// Looks at each idle object. Says for how many another one must be made.
    fn care_for_idle(self: &Arc<Self>) -> usize {
        let mut due = 0;
        let mut goners = Vec::new();
        sweep(self, |mut idle: Held<M>, left| {
            let slot = idle.slot();
            match self.upkeep.care(&slot.facts(), left) {
                Care::Leave => return Some(idle),
                Care::Replace => {
                    slot.replaced = true;
                    due += 1;
                    return Some(idle);
                }
                Care::Check => {
                    let check = self.check_aside(Doubtful::new(idle.keep()));
                    self.keeper.desk.push(check);
                }
                Care::Retire(reason) => goners.push((idle, reason)),
            }
            None
        });
        // After all others are back: this may take its time.
        for (goner, reason) in goners {
            contain(|| Self::retire(goner.keep(), reason));
        }
        due
    }

    /// Begins to make what is missing. Says how many of the `due` were begun.
    fn make_spare(self: &Arc<Self>, due: usize) -> usize {
        // In this order: what is made in between counts twice, and not never.
        let making = self.keeper.making();
        let now = self.snapshot();
        let due = due.min(now.idle);
        let room = now.max_size.saturating_sub(now.size);
        let count = match self.pauses_after_failure() {
            true => 0,
            false => self.upkeep.to_make(now.idle, making, due, room),
        };
        let reserved = (0..count).map_while(|_| Unowned::reserve(self));
        let begun = reserved.map(|unowned| self.keeper.desk.push(self.make_aside(unowned)));
        due.min(begun.count())
    }

    /// Where no other pause is set, spare ones are tried a few times a second: a round may be much shorter.
    fn pauses_after_failure(&self) -> bool {
        let ago = |at| Duration::from_nanos(self.since(at));
        let failed = self.last_failure.read();
        self.storm.is_none() && failed.is_some_and(|(at, _)| ago(at) < LOOK)
    }

    /// Makes one object for the pool itself.
    fn make_aside(self: &Arc<Self>, mut unowned: Unowned<M>) -> Job {
        let making = Making::new(Arc::clone(self));
        Box::pin(async move {
            let core = &making.0;
            let bound = core.config.timeouts.create.unwrap_or(UNOWNED_BOUND);
            if unowned.make(bound).await.is_ok() {
                unowned.put_in();
            }
        })
    }

    /// Proves that one object works which no getter has.
    fn check_aside(self: &Arc<Self>, mut doubtful: Doubtful<M>) -> Job {
        let core = Arc::clone(self);
        Box::pin(async move {
            let began = core.check_begins();
            let bound = core.config.timeouts.recycle.unwrap_or(CHECK_BOUND);
            // What a get asks may be no more than what is known already; here is time to ask the other side.
            let passed = {
                let probe = core.manager.probe(&mut doubtful.slot().object);
                let probe = pin!(bounded(core.runtime, Some(bound), probe));
                Timed::new(&core, probe).await
            };
            if matches!(passed, Some(Ok(()))) {
                core.counters.other_checks.add_one();
                doubtful.slot().proved = core.clock.now();
                Self::give_back(doubtful.trust());
            } else {
                drop(doubtful);
                core.suspect_others(began);
            }
        })
    }

    /// When a check begins, for [`suspect_others`](Self::suspect_others); no clock is read where nobody asks.
    #[inline]
    pub(crate) fn check_begins(&self) -> Option<u64> {
        self.upkeep.suspicion.then(|| self.clock.now())
    }

    /// An object failed its check: those that lay idle beside it since before `began` are checked in the
    /// background, all at once, or are dropped where there is no background; no getter walks them one after the
    /// other (P6).
    #[cold]
    pub(crate) fn suspect_others(self: &Arc<Self>, began: Option<u64>) {
        let Some(began) = began else { return };
        let mut trusted = Vec::new();
        while let Claim::Object(slot) = self.engine.claim() {
            // What came back, or passed a check, since then is no elder.
            if slot.proved >= began {
                trusted.push(Held::new(slot));
                continue;
            }
            let doubtful = Doubtful::new(slot);
            if self.keeper.attends() {
                self.keeper.desk.push(self.check_aside(doubtful));
            } else {
                contain(|| drop(doubtful));
            }
        }
        drop(trusted);
        self.keeper.desk.nudge();
    }

    /// Sees to it that the task runs, where there is work for it and a runtime to run it.
    pub(crate) fn keep_watch(self: &Arc<Self>) {
        self.home.remember();
        #[cfg(feature = "rt_tokio_1")]
        if self.wants_keeper() && matches!(self.runtime, Some(crate::Runtime::Tokio1)) {
            self.keeper.start(self);
        }
    }

    #[cfg(feature = "rt_tokio_1")]
    fn wants_keeper(&self) -> bool {
        self.wants_looks()
            || self.upkeep.round().is_some()
            || self.upkeep.suspicion
            || self.storm.is_some()
    }

    /// Whether anybody wants to know how the pool is.
    fn wants_looks(&self) -> bool {
        self.leaks.threshold().is_some()
            || self.listener.is_some()
            || self.vigil.is_watched()
            || self.sheds
    }

    /// How often it is looked at.
    pub(crate) fn look_pause(&self) -> Duration {
        let quarter = self.leaks.threshold().unwrap_or(LOOK) / 4;
        quarter.clamp(SHORTEST_LOOK, LOOK)
    }
}

/// The jobs of the task.
struct Jobs(Vec<Job>);

impl Jobs {
    /// Drives all; one that panics is over, as one that is done.
    fn poll(&mut self, context: &mut Context<'_>) {
        let mut at = 0;
        while let Some(job) = self.0.get_mut(at) {
            let polled = catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(context)));
            match polled {
                Ok(Poll::Pending) => at += 1,
                Ok(Poll::Ready(())) => drop_contained(self.0.swap_remove(at)),
                Err(panic) => {
                    std::mem::forget(panic);
                    drop_contained(self.0.swap_remove(at));
                }
            }
        }
    }

    fn drop_all(&mut self) {
        self.0.drain(..).for_each(drop_contained);
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.drop_all();
    }
}

/// What a pool and its task have in common: jobs to be done, and a bell.
#[derive(Default)]
struct Desk {
    tray: Mutex<Tray>,
    attended: AtomicUsize,
}

#[derive(Default)]
struct Tray {
    jobs: Vec<Job>,
    nudged: bool,
    waker: Option<Waker>,
}

impl Desk {
    fn push(&self, job: Job) {
        let waker = {
            let mut tray = self.tray.lock();
            tray.jobs.push(job);
            tray.waker.take()
        };
        contain(|| waker.into_iter().for_each(Waker::wake));
    }

    /// Ends the pause.
    fn nudge(&self) {
        let waker = {
            let mut tray = self.tray.lock();
            tray.nudged = true;
            tray.waker.take()
        };
        contain(|| waker.into_iter().for_each(Waker::wake));
    }

    fn register(&self, waker: &Waker) {
        let fresh = waker.clone();
        let old = self.tray.lock().waker.replace(fresh);
        drop_contained(old);
    }

    fn take_jobs(&self) -> Vec<Job> {
        std::mem::take(&mut self.tray.lock().jobs)
    }

    fn take_nudge(&self) -> bool {
        std::mem::take(&mut self.tray.lock().nudged)
    }
}

/// Somebody attends to a desk. When nobody does any more, what lies there is dropped: each job leaves the pool
/// as if it had been cancelled.
struct Attended(Arc<Desk>);

impl Attended {
    fn new(desk: &Arc<Desk>) -> Self {
        // ORDERING(attended): Relaxed; a hint: a job that is pushed to a desk that was just left is dropped with
        // the desk.
        desk.attended.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(desk))
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        // ORDERING(attended no more): Relaxed; see `attended`.
        if self.0.attended.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.take_jobs().into_iter().for_each(drop_contained);
        }
    }
}

/// A pool's hold on its task.
pub(crate) struct Keeper {
    desk: Arc<Desk>,
    looked_ns: AtomicU64,
    making: AtomicUsize,
    #[cfg(feature = "rt_tokio_1")]
    task: Mutex<Option<tokio::task::AbortHandle>>,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        Self {
            desk: Arc::default(),
            looked_ns: AtomicU64::new(0),
            making: AtomicUsize::new(0),
            #[cfg(feature = "rt_tokio_1")]
            task: Mutex::new(None),
        }
    }

    /// Has the task look around at once.
    pub(crate) fn nudge(&self) {
        self.desk.nudge();
    }

    /// Has the task do a job; gives it back where there is none.
    pub(crate) fn give(&self, job: Job) -> Option<Job> {
        if !self.attends() {
            return Some(job);
        }
        self.desk.push(job);
        None
    }

    /// Whether somebody does what is put on the desk.
    fn attends(&self) -> bool {
        // ORDERING(attended read): Relaxed; see `attended`.
        let attended = self.desk.attended.load(Ordering::Relaxed) > 0;
        #[cfg(feature = "rt_tokio_1")]
        let attended = attended
            || self
                .task
                .lock()
                .as_ref()
                .is_some_and(|task| !task.is_finished());
        attended
    }

    fn making(&self) -> usize {
        // ORDERING(making read): Relaxed; a bound on how many are begun, kept by one task.
        self.making.load(Ordering::Relaxed)
    }

    /// Whether it is time to look again; says so to one of several who ask.
    pub(crate) fn is_due(&self, now_ns: u128, pause: Duration) -> bool {
        let now_ns = u64::try_from(now_ns).unwrap_or(u64::MAX);
        // ORDERING(looked read): Relaxed; a hint.
        let looked = self.looked_ns.load(Ordering::Relaxed);
        let due = u128::from(now_ns.saturating_sub(looked)) >= pause.as_nanos();
        // ORDERING(looked written): Relaxed; of several, one wins, and that is all.
        let (first, again) = (Ordering::Relaxed, Ordering::Relaxed);
        due && self
            .looked_ns
            .compare_exchange(looked, now_ns, first, again)
            .is_ok()
    }

    /// Starts the task, unless it runs; again, if the runtime that it ran on is gone.
    #[cfg(feature = "rt_tokio_1")]
    fn start<M: Manager>(&self, core: &Arc<Core<M>>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let mut task = self.task.lock();
        if task.as_ref().is_none_or(|task| task.is_finished()) {
            *task = Some(runtime.spawn(keep(Arc::downgrade(core))).abort_handle());
        }
    }
}

#[cfg(feature = "rt_tokio_1")]
impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("making", &self.making())
            .finish_non_exhaustive()
    }
}

/// One object that the pool makes for itself, counted until it is made or not.
pub(super) struct Making<M: Manager>(Arc<Core<M>>);

impl<M: Manager> Making<M> {
    pub(super) fn new(core: Arc<Core<M>>) -> Self {
        // ORDERING(making more): Relaxed; see `making read`.
        core.keeper.making.fetch_add(1, Ordering::Relaxed);
        Self(core)
    }
}

impl<M: Manager> Drop for Making<M> {
    fn drop(&mut self) {
        // ORDERING(making less): Relaxed; see `making read`.
        self.0.keeper.making.fetch_sub(1, Ordering::Relaxed);
    }
}

/// As often as somebody who waits for news would look.
const LOOK: Duration = Duration::from_millis(500);
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
/// Nothing to do.
const LONG: Duration = Duration::from_secs(3_600);
/// A check is one round trip.
const CHECK_BOUND: Duration = Duration::from_secs(1);
