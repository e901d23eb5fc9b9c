//! The rich way to an object: one deadline for everything, and an error that says what the pool looked
//! like.

use super::attempt::Attempt;
use super::core::Core;
use super::get::Failure;
use super::{BudgetSnapshot, HookError, Manager, Object, Pool, PoolError, Priority, TimeoutType};
use crate::observe::{Checkout, Snapshot};
use crate::time::bounded;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How [`Pool::acquire`] goes about it.
///
/// # Examples
///
/// ```
/// use millpond::managed::Acquire;
/// use std::time::Duration;
///
/// let how = Acquire::new().deadline(Duration::from_millis(500)).label("checkout");
/// # drop(how);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Acquire {
    deadline: Option<Duration>,
    label: Option<Arc<str>>,
    try_only: bool,
    priority: Priority,
    caller: Option<&'static Location<'static>>,
}

impl Acquire {
    /// No deadline but the pool's own bounds, no label, and it waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// One bound on everything: waiting, checking dead objects one after the other, connecting. It counts
    /// from the first moment in which it has to wait for anything. Needs a [`Runtime`](crate::Runtime). The
    /// pool's [`Timeouts`](super::Timeouts) go on bounding the phases.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What the taker calls itself, for [`Pool::checkouts`] and for the errors of others.
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// For those who take on somebody else's behalf: the place in the code that is told of as the holder's, for
    /// example the [caller](Location::caller) of a `#[track_caller]` function of theirs. Default: where
    /// [`Pool::acquire`] is called.
    pub fn on_behalf_of(mut self, caller: &'static Location<'static>) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Does not wait for others: takes an idle object, or makes one, or fails.
    pub fn try_only(mut self) -> Self {
        self.try_only = true;
        self
    }

    /// Whether the pool's [reserve](super::PoolBuilder::reserve) is open to it. Default: [`Priority::Normal`], it is
    /// not.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }
}

impl<M: Manager, W: From<Object<M>>> Pool<M, W> {
    /// Takes an object as [`get`](Self::get) does, with one deadline, a label, and an error that tells more.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::managed::{Acquire, Manager, Metrics, Pool, RecycleResult};
    /// # struct Numbers;
    /// # impl Manager for Numbers {
    /// #     type Type = u64;
    /// #     type Error = std::convert::Infallible;
    /// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
    /// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(1).build().unwrap();
    /// let object = pool.acquire(&Acquire::new().label("first")).await.unwrap();
    ///
    /// let error = pool.acquire(&Acquire::new().try_only()).await.err().unwrap();
    /// assert_eq!((error.snapshot().in_use, error.snapshot().max_size), (1, 1));
    /// assert_eq!(error.holders()[0].label.as_deref(), Some("first"));
    /// # drop(object);
    /// # }
    /// ```
    #[track_caller]
    pub fn acquire(
        &self,
        how: &Acquire,
    ) -> impl Future<Output = Result<W, AcquireError<M::Error>>> {
        // Not by a closure, whose own place it would be.
        let caller = match how.caller {
            Some(caller) => caller,
            None => Location::caller(),
        };
        async move { self.acquire_as(how, caller).await }
    }

    async fn acquire_as(
        &self,
        how: &Acquire,
        caller: &'static Location<'static>,
    ) -> Result<W, AcquireError<M::Error>> {
        let core = &self.core;
        let started = core.clock.now();
        let mut timeouts = core.config.timeouts;
        if how.try_only {
            timeouts.wait = Some(Duration::ZERO);
        }
        let mut attempt = Attempt::begin(core);
        attempt.deadline = how.deadline;
        attempt.priority = how.priority;
        let obtained = if core.runtime.is_none() && how.deadline.is_some() {
            Some(Err(Failure::Error(PoolError::NoRuntimeSpecified)))
        } else {
            // Pinned here: `bounded` would hold it twice.
            let obtain = pin!(core.obtain_within(&timeouts, &mut attempt));
            bounded(core.runtime, how.deadline, obtain).await
        };
        let (phase, kept_out) = (attempt.phase, core.keeps_out(&attempt));
        let ended = match obtained {
            Some(obtained) => Some(attempt.end(obtained, caller, how.label.as_ref())),
            None => {
                attempt.deadline_passed();
                None
            }
        };
        let reason = match ended {
            Some(Ok(slot)) => return Ok(Self::wrap(slot)),
            None => Reason::Deadline(phase),
            Some(Err(Failure::Shed)) => Reason::LineFull,
            Some(Err(Failure::Overloaded { retry_after })) => Reason::Overloaded { retry_after },
            Some(Err(Failure::Unavailable {
                why, retry_after, ..
            })) => Reason::Unavailable { why, retry_after },
            Some(Err(Failure::Error(error))) => Reason::of(error, how.try_only),
        };
        Err(AcquireError::new(reason, core, started, kept_out))
    }
}

/// Why [`Pool::acquire`] has no object to give, with what the pool looked like at that moment.
pub struct AcquireError<E>(Box<Inside<E>>);

struct Inside<E> {
    reason: Reason<E>,
    snapshot: Snapshot,
    waited: Duration,
    /// It came no further than to the gate of the pool's reserve.
    kept_out: bool,
    holders: Vec<Checkout>,
    last_failure: Option<LastFailure>,
    budget: Option<BudgetSnapshot>,
}

/// The last failure to make an object before a get failed, if that was lately.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastFailure {
    /// How long before.
    pub ago: Duration,
    /// What the manager [says](Manager::describe) of it, or what else it was.
    pub why: Option<String>,
}

/// The reason of an [`AcquireError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason<E> {
    /// The deadline ran out, in this phase.
    Deadline(TimeoutType),
    /// The pool's own bound on this phase ran out.
    Timeout(TimeoutType),
    /// Nothing was idle, nothing could be made, and the caller would not wait.
    WouldWait,
    /// As many wait as [may](super::PoolBuilder::max_waiters): where nothing was set, over half a million.
    LineFull,
    /// By the rate at which objects come back, the caller's bound would pass before its turn comes
    /// ([`PoolBuilder::shed_overload`](super::PoolBuilder::shed_overload)).
    Overloaded {
        /// By how much: the wait that is expected, less the caller's bound. After so long, as objects come back now,
        /// one who is in as much of a hurry is let in.
        retry_after: Duration,
    },
    /// Making objects has failed too often in a row, and nothing is out that could come back
    /// ([`PoolBuilder::breaker`](super::PoolBuilder::breaker)).
    Unavailable {
        /// What the last failure was, where the manager [says](Manager::describe) it.
        why: Option<String>,
        /// How long until somebody tries again.
        retry_after: Duration,
    },
    /// Making an object failed.
    Backend(E),
    /// A `post_create` hook turned the new object down.
    PostCreateHook(HookError<E>),
    /// The pool was closed.
    Closed,
    /// A deadline or a time-out needs a timer, and the pool has no [`Runtime`](crate::Runtime).
    NoRuntimeSpecified,
}

impl<E> Reason<E> {
    fn of(error: PoolError<E>, try_only: bool) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) if try_only => Self::WouldWait,
            PoolError::Timeout(phase) => Self::Timeout(phase),
            PoolError::Backend(error) => Self::Backend(error),
            PoolError::Closed => Self::Closed,
            PoolError::NoRuntimeSpecified => Self::NoRuntimeSpecified,
            PoolError::PostCreateHook(error) => Self::PostCreateHook(error),
        }
    }

    /// Whether what the pool looked like has to do with it.
    fn is_about_the_pool(&self) -> bool {
        matches!(
            self,
            Self::Deadline(_)
                | Self::Timeout(_)
                | Self::WouldWait
                | Self::LineFull
                | Self::Overloaded { .. }
        )
    }
}

impl<E> AcquireError<E> {
    fn new<M: Manager>(reason: Reason<E>, core: &Core<M>, started: u64, kept_out: bool) -> Self {
        let mut holders = Vec::new();
        let mut last_failure = None;
        let mut budget = None;
        if reason.is_about_the_pool() {
            budget = core.budget_snapshot();
            holders = core.registry.checkouts(&core.clock);
            holders.truncate(HOLDERS);
            let failure = core.last_failure.read().map(|(at, why)| LastFailure {
                ago: Duration::from_nanos(core.since(at)),
                why,
            });
            // One whose own connect took too long says so already.
            let own = matches!(reason, Reason::Timeout(TimeoutType::Create));
            last_failure = failure.filter(|failure| failure.ago <= LATELY && !own);
        }
        Self(Box::new(Inside {
            last_failure,
            budget,
            reason,
            snapshot: core.snapshot(),
            waited: core.clock.between(started, core.clock.now()),
            kept_out,
            holders,
        }))
    }

    /// Why.
    pub fn reason(&self) -> &Reason<E> {
        &self.0.reason
    }

    /// Why, for keeps.
    pub fn into_reason(self) -> Reason<E> {
        self.0.reason
    }

    /// All counts of the pool when it failed.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot
    }

    /// How long the caller had waited.
    pub fn waited(&self) -> Duration {
        self.0.waited
    }

    /// Who had held objects longest then: at most three. Empty where that has nothing to do with it.
    pub fn holders(&self) -> &[Checkout] {
        &self.0.holders
    }

    /// What the pool's [budget](super::Budget) looked like when it failed: full, it may be what was waited for. `None`
    /// where the pool has none, or it has nothing to do with it.
    pub fn budget(&self) -> Option<&BudgetSnapshot> {
        self.0.budget.as_ref()
    }

    /// The last failure to make an object, if that was within the last minute: what may be behind a
    /// time-out. `None` where it has nothing to do with it.
    pub fn last_failure(&self) -> Option<&LastFailure> {
        self.0.last_failure.as_ref()
    }
}

/// A failure that is older has been got over, or shows in the health.
const LATELY: Duration = Duration::from_secs(60);

const HOLDERS: usize = 3;

impl<E: fmt::Display> fmt::Display for AcquireError<E> {
    /// `timed out after 5.0 s waiting in line (20/20 in use, 31 waiting; longest: src/checkout.rs:88 for
    /// 41.0 s)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = self.0.waited.as_secs_f64();
        match &self.0.reason {
            Reason::Deadline(phase) => {
                write!(f, "deadline passed after {waited:.3} s, while {phase}")?;
            }
            Reason::Timeout(phase) => write!(f, "timed out after {waited:.3} s {phase}")?,
            Reason::WouldWait if self.0.kept_out => {
                f.write_str("what others do not use is kept for those with priority")?;
            }
            Reason::WouldWait => f.write_str("no object is idle, and none may be made now")?,
            Reason::LineFull => f.write_str("the line is full")?,
            Reason::Overloaded { retry_after } => {
                let wait = retry_after.as_secs_f64();
                write!(
                    f,
                    "overloaded: its turn would come {wait:.3} s after its bound"
                )?;
            }
            Reason::Unavailable { why, retry_after } => {
                let wait = retry_after.as_secs_f64();
                let why = why.as_deref().unwrap_or("no reason told");
                write!(
                    f,
                    "making objects is suspended for {wait:.3} s after failures: {why}"
                )?;
            }
            Reason::Backend(error) => write!(f, "making an object failed: {error}")?,
            Reason::PostCreateHook(error) => {
                write!(f, "a post_create hook turned the new object down: {error}")?;
            }
            Reason::Closed => f.write_str("the pool is closed")?,
            Reason::NoRuntimeSpecified => {
                f.write_str("a deadline needs a runtime: name one with PoolBuilder::runtime")?;
            }
        }
        if !self.0.reason.is_about_the_pool() {
            return Ok(());
        }
        write!(f, " ({}", self.0.snapshot)?;
        if let Some(budget) = &self.0.budget {
            write!(f, "; its budget: {budget}")?;
        }
        for (index, holder) in self.0.holders.iter().enumerate() {
            let before = if index == 0 { "; longest: " } else { ", " };
            write!(f, "{before}{holder}")?;
        }
        if let Some(failure) = &self.0.last_failure {
            let ago = failure.ago.as_secs_f64();
            write!(f, "; making an object failed {ago:.1} s ago")?;
            if let Some(why) = &failure.why {
                write!(f, ": {why}")?;
            }
        }
        f.write_str(")")
    }
}

impl<E: fmt::Debug> fmt::Debug for AcquireError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireError")
            .field("reason", &self.0.reason)
            .field("snapshot", &self.0.snapshot)
            .field("waited", &self.0.waited)
            .field("holders", &self.0.holders)
            .field("last_failure", &self.0.last_failure)
            .field("budget", &self.0.budget)
            .finish()
    }
}

impl<E: Error + 'static> Error for AcquireError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.reason {
            Reason::Backend(error) => Some(error),
            Reason::PostCreateHook(error) => Some(error),
            _ => None,
        }
    }
}
