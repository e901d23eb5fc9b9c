//! What becomes of objects over time, and of a pool at its end: how it is set up, and what can be asked of it.

use super::attempt::Attempt;
use super::core::Core;
use super::get::Failure;
use super::held::Held;
use super::slot::Slot;
use super::storm::{Caution, Storm};
use super::upkeep::{Fitness, Jitter};
use super::{Manager, Object, Pool, PoolBuilder, Timeouts};
use crate::engine::Gone;
use crate::engine::state::MAX_CONNECTING;
use crate::engine::sync::{Mutex, Ordering};
use crate::engine::wake::contain;
use crate::observe::{Checkout, CloseReason, Snapshot, Stats};
use crate::time::bounded;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

impl<M: Manager, W: From<Object<M>>> Pool<M, W> {
    /// Begins a new generation: idle objects go now, those in use when they come back, and no get that begins
    /// later is given an old one, nor one whose making was begun before. For after a failover, rotated
    /// credentials or a changed schema. Nobody waits for it, and the pool goes on meanwhile.
    pub fn refresh(&self) {
        self.core.refresh();
    }

    /// Gives out nothing from now on: gets stand in line, until [`resume`](Self::resume) or their own bounds.
    /// Objects that are out are used on, and are kept when they come back; what a getter itself is making when
    /// this is called, it gets. Does nothing to a pool that is paused or closed. For a failover that is short.
    pub fn pause(&self) {
        self.core.engine.pause();
    }

    /// Gives out again: what lay idle or came back meanwhile goes to the first in line.
    pub fn resume(&self) {
        self.core.resume();
    }

    /// Whether the pool is paused.
    pub fn is_paused(&self) -> bool {
        self.core.engine.state().is_paused()
    }

    /// Ends the pool in good order: no new gets ([`Closed`](super::PoolError::Closed)), those in line are served,
    /// or told so, then it is closed, and what is out is waited for. Within `deadline` in all (without a
    /// [`Runtime`](crate::Runtime): as long as it takes), which is no reason to leave anything open: at the latest
    /// then the pool is closed.
    ///
    /// # Errors
    ///
    /// [`Undrained`], which names who still holds an object and since which line of code, if not everything came
    /// back in time.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, newcomers are refused, and the pool may not be closed yet: call it again, or
    /// [`close`](Self::close).
    pub async fn drain(&self, line: Drain, deadline: Duration) -> Result<(), Undrained> {
        let core = &self.core;
        let began = core.clock.now();
        let left = || deadline.saturating_sub(Duration::from_nanos(core.since(began)));
        core.refuse();
        if line == Drain::Serve {
            if self.is_paused() {
                self.resume();
            }
            let empty = core.until(Core::poll_line_end);
            let _ = bounded(core.runtime, Some(left()), empty).await;
        }
        self.close();
        match bounded(core.runtime, Some(left()), self.closed()).await {
            Some(()) => Ok(()),
            None => Err(Undrained {
                snapshot: self.snapshot(),
                holders: self.checkouts(),
            }),
        }
    }
}

/// What becomes of those in line when a pool is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// They are served, as long as there is time.
    Serve,
    /// They are told that the pool is closed.
    Refuse,
}

/// Not everything came back to a pool that was drained.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Undrained {
    /// What the pool looks like.
    pub snapshot: Snapshot,
    /// Who still holds an object, longest first.
    pub holders: Vec<Checkout>,
}

impl std::fmt::Display for Undrained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the pool is closed, but not all came back ({}",
            self.snapshot
        )?;
        for (index, holder) in self.holders.iter().enumerate() {
            let before = if index == 0 { "; held by " } else { ", " };
            write!(f, "{before}{holder}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Undrained {}

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    /// Keeps so many objects ready, beside those in use: made in the background, a few at once, when fewer lie
    /// idle and there is room. [`warm_up`](super::Pool::warm_up) makes them at once. Default: 0, as in deadpool.
    ///
    /// Needs the pool's task, as all that is done in the background: it runs with `Runtime::Tokio1` from the
    /// moment at which the pool is built or first used within Tokio; on another runtime, spawn
    /// [`watch`](super::Pool::watch). Without it, what is said here is done at a get or a return, or not at all.
    pub fn min_idle(mut self, value: usize) -> Self {
        self.options.upkeep.min_idle = value;
        self
    }

    /// Lets at most so many objects lie idle: more are closed when they come back. With 0 each object is made for
    /// one use, still counted and still bounded by `max_size`. Default: `None`, as many as there are.
    pub fn max_idle(mut self, value: Option<usize>) -> Self {
        self.options.upkeep.max_idle = value;
        self
    }

    /// Closes an object that has become so old: when it comes back, or while it lies idle, where the pool's task
    /// makes another one in its place first if there is room. By chance each lives up to a tenth less
    /// ([`lifetime_jitter`](Self::lifetime_jitter)), so that what was made together does not end together.
    /// Default: `None`, as in deadpool. HikariCP's is 30 min.
    pub fn max_lifetime(mut self, value: Option<Duration>) -> Self {
        self.options.upkeep.max_lifetime = value;
        self
    }

    /// By which share (0 to 1) the lifetime of each object is shortened at most. Default: 0.1.
    pub fn lifetime_jitter(mut self, share: f64) -> Self {
        self.options.upkeep.lifetime_jitter = Jitter(share);
        self
    }

    /// Closes an object that has lain idle for so long, while at least [`min_idle`](Self::min_idle) others do.
    /// Default: `None`, as in deadpool. HikariCP's is 10 min.
    pub fn idle_timeout(mut self, value: Option<Duration>) -> Self {
        self.options.upkeep.idle_timeout = value;
        self
    }

    /// Closes an object that was taken so often, when it comes back. Default: `None`.
    pub fn max_uses(mut self, value: Option<u64>) -> Self {
        self.options.upkeep.max_uses = value;
        self
    }

    /// [Proves](Manager::probe) in the background that an object works when it has lain for so long without a use
    /// or a check, so that a firewall does not forget it and a dead one is found before anybody wants it. Default:
    /// `None`.
    pub fn keepalive(mut self, value: Option<Duration>) -> Self {
        self.options.upkeep.keepalive = value;
        self
    }

    /// Does not check an object again that was in use, or passed a check, within this: most gets of a busy pool
    /// then cost no check at all. The price: one that died in this time is met by its user. Default: `None`, every
    /// get checks, as in deadpool. HikariCP's is 500 ms, pgxpool's 1 s.
    pub fn check_after_idle(mut self, value: Option<Duration>) -> Self {
        self.options.upkeep.check_after_idle = value;
        self
    }

    /// The first object that fails its check puts all others that lie idle under suspicion: they are
    /// [proved](Manager::probe) in the background, all at once, so that a dead server is paid for once and not once for each object. Without
    /// the pool's task they are closed unchecked. Default: off, since a manager may turn objects down for reasons
    /// of their own.
    pub fn suspicion(mut self, value: bool) -> Self {
        self.options.upkeep.suspicion = value;
        self
    }

    /// Makes at most so many objects at once; who waits is served by what comes back meanwhile. Default: no bound
    /// but 1,023, as in deadpool.
    pub fn max_connecting(mut self, value: usize) -> Self {
        self.options.caution.max_connecting = value.clamp(1, MAX_CONNECTING);
        self
    }

    /// After an object could not be made, none is made for `first`, and twice as long after each further failure
    /// up to `longest`, each time up to half of it less by chance; then one getter tries. When it goes well, 2, 4,
    /// 8 … may again, up to [`max_connecting`](Self::max_connecting). A failure is the error of who met it, and
    /// nobody else's: the others wait within their bounds. Needs a [`Runtime`](crate::Runtime). Default: off, as in
    /// deadpool.
    pub fn connect_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.options.caution.backoff = Some((first, longest.max(first)));
        self
    }

    /// After so many failures in a row, a get that finds nothing of the pool out or idle fails at once with the
    /// last cause and the time until the next try ([`Reason::Unavailable`](super::Reason::Unavailable)), instead
    /// of waiting for it. The first that goes well ends that. Needs [`connect_backoff`](Self::connect_backoff); where
    /// that is not set, it is 50 ms to 500 ms. Default: off.
    pub fn breaker(mut self, failures: u32) -> Self {
        self.options.caution.breaker = Some(failures.max(1));
        self
    }

    /// Lets at most so many getters wait; who comes then is refused at once
    /// ([`Reason::LineFull`](super::Reason::LineFull), or `Timeout(Wait)` from [`get`](Pool::get)). Default: over
    /// half a million.
    pub fn max_waiters(mut self, value: usize) -> Self {
        self.options.max_waiters = Some(value);
        self
    }

    /// Refuses a getter at once whose bound would pass before its turn comes, by the rate at which objects came
    /// back in the last ten seconds ([`Reason::Overloaded`](super::Reason::Overloaded), or `Timeout(Wait)` from
    /// [`get`](Pool::get)): who cannot be served in time hears so now, and not at the end. Needs the pool's task.
    /// Default: off.
    pub fn shed_overload(mut self, value: bool) -> Self {
        self.options.shed_overload = value;
        self
    }
}

impl<M: Manager> Core<M> {
    /// The number of the present generation.
    #[inline]
    pub(crate) fn generation(&self) -> usize {
        // ORDERING(generation read): Relaxed; who calls `refresh` and then gets, sees it; of who does so at the
        // same time, nothing is promised.
        self.generation.load(Ordering::Relaxed)
    }

    fn refresh(self: &Arc<Self>) {
        // ORDERING(generation written): Relaxed; see `generation read`.
        self.generation.fetch_add(1, Ordering::Relaxed);
        super::retain::sweep(self, |mut idle: Held<M>, _| {
            if idle.slot().is_current() {
                return Some(idle);
            }
            contain(|| Self::retire(idle.keep(), CloseReason::Refreshed));
            None
        });
        self.keeper.nudge();
    }

    fn resume(&self) {
        let parked = self.engine.unpark();
        let (good, old): (Vec<_>, Vec<_>) = parked.into_iter().partition(|slot| slot.is_current());
        for slot in old {
            contain(|| Self::retire(slot, CloseReason::Refreshed));
        }
        for (slot, debt) in self.engine.resume(good) {
            contain(|| Self::retire_unwanted(slot, debt));
        }
        self.came_home();
    }

    /// What is to be done with an object before it is given out.
    #[inline]
    pub(crate) fn fitness(&self, slot: &Slot<M>) -> Fitness {
        if slot.is_current() && !self.looks_at_times {
            return Fitness::Check;
        }
        self.fitness_by_times(slot)
    }

    #[inline(never)]
    fn fitness_by_times(&self, slot: &Slot<M>) -> Fitness {
        self.upkeep.fitness(&slot.facts(), self.snapshot().idle)
    }

    /// Why an object that comes back is not kept, if so.
    #[inline]
    pub(crate) fn unwanted(slot: &mut Slot<M>) -> Option<CloseReason> {
        if slot.is_current() && !slot.core.looks_at_returns {
            return None;
        }
        Self::unwanted_by_times(slot)
    }

    #[inline(never)]
    fn unwanted_by_times(slot: &mut Slot<M>) -> Option<CloseReason> {
        let now = slot.core.snapshot();
        let upkeep = &slot.core.upkeep;
        let unwanted = upkeep.on_return(&slot.facts(), now.idle, now.waiting > 0);
        unwanted.or_else(|| slot.yields(now.waiting > 0))
    }

    /// Whether a getter may stand in line.
    pub(crate) fn admit(
        &self,
        timeouts: &Timeouts,
        attempt: &Attempt<'_, M>,
    ) -> Result<(), Failure<M::Error>> {
        if self.upkeep.min_idle > 0 {
            self.keeper.nudge();
        }
        if let Some(retry_after) = self.refused_for() {
            let why = self.last_failure.read().and_then(|(_, why)| why);
            let error = self.manager.unavailable(why.as_deref(), retry_after);
            return Err(Failure::Unavailable {
                why,
                retry_after,
                error,
            });
        }
        let bounds = [timeouts.wait, attempt.deadline];
        match bounds.into_iter().flatten().min() {
            Some(bound) if self.sheds && !bound.is_zero() => self.admit_within(bound, attempt),
            _ => Ok(()),
        }
    }

    /// Whether its turn will come within `bound`, as far as is known.
    fn admit_within(
        &self,
        bound: Duration,
        attempt: &Attempt<'_, M>,
    ) -> Result<(), Failure<M::Error>> {
        let now = self.snapshot();
        // Who is kept out waits for all others, and beside what is left; who is not, for those in the pool's line.
        let kept_out = self.keeps_out(attempt);
        let waiting = now.waiting - if kept_out { 0 } else { now.held_back };
        let free = !kept_out && (now.idle > 0 || now.size < now.max_size);
        // ORDERING(flow read): Relaxed; an estimate.
        let between = Duration::from_nanos(self.flow_ns.load(Ordering::Relaxed));
        let ahead = u32::try_from(waiting + 1).unwrap_or(u32::MAX);
        let wait = between.saturating_mul(ahead);
        if free || wait <= bound {
            return Ok(());
        }
        let retry_after = wait - bound;
        Err(Failure::Overloaded { retry_after })
    }

    /// The breaker is open, and nothing is out that could come back: how long until somebody tries.
    fn refused_for(&self) -> Option<Duration> {
        let storm = self.storm.as_ref()?.lock();
        let now = self.now();
        let retry_after = storm.retry_after(now)?;
        let may_try = storm.cap(now) > 0;
        drop(storm);
        let seen = self.snapshot();
        let hopeless = seen.idle + seen.in_use == 0 && !(may_try && seen.connecting == 0);
        hopeless.then_some(retry_after)
    }

    pub(crate) fn breaker_is_open(&self) -> bool {
        self.storm
            .as_ref()
            .is_some_and(|storm| storm.lock().is_open())
    }

    pub(crate) fn connect_went_well(&self) {
        if let Some(storm) = &self.storm {
            storm.lock().made();
            self.let_connect();
        }
    }

    pub(crate) fn connect_failed(&self) {
        if let Some(storm) = &self.storm {
            storm.lock().failed(self.now(), self.chance());
            self.let_connect();
            self.keeper.nudge();
        }
    }

    /// Lets as many connect as may now.
    pub(crate) fn let_connect(&self) {
        let Some(storm) = &self.storm else { return };
        let mut told = {
            let mut storm = storm.lock();
            let now = self.now();
            storm.changed_cap(now)
        };
        // Not under the lock, since those who may connect now are woken: so whoever comes last here sees to it
        // that what was decided last is what holds.
        while let Some(cap) = told {
            self.engine.set_cap(cap);
            told = storm.lock().overtaken(cap);
        }
    }

    /// How long until more may connect.
    pub(crate) fn next_connect(&self) -> Option<Duration> {
        self.storm.as_ref()?.lock().next(self.now())
    }

    pub(crate) fn measure_flow(&self, stats: &Stats) {
        if !self.sheds {
            return;
        }
        let returned = stats.use_time.count();
        let between = self.flow.lock().measure(self.now(), returned);
        let ns = between.map_or(0, |between| {
            u64::try_from(between.as_nanos()).unwrap_or(u64::MAX)
        });
        // ORDERING(flow written): Relaxed; see `flow read`.
        self.flow_ns.store(ns, Ordering::Relaxed);
    }

    /// Waits until `poll` says so; leaves nothing behind when it is cancelled.
    pub(crate) async fn until(
        &self,
        poll: impl Fn(&Self, &mut Gone, &std::task::Waker) -> std::task::Poll<()>,
    ) {
        let mut watch = Watch {
            core: self,
            gone: Gone::default(),
        };
        poll_fn(|context| poll(watch.core, &mut watch.gone, context.waker())).await;
    }
}

/// One who waits for an end.
struct Watch<'a, M: Manager> {
    core: &'a Core<M>,
    gone: Gone,
}

impl<M: Manager> Drop for Watch<'_, M> {
    fn drop(&mut self) {
        self.core.engine.forget_gone(&self.gone);
    }
}

/// A storm, where there is anything to be careful about.
pub(crate) fn storm(caution: Caution) -> Option<Mutex<Storm>> {
    caution.backoff.map(|_| Mutex::new(Storm::new(caution)))
}
