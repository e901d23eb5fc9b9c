use super::Histogram;

/// What has happened in a pool since it was built: exact when nothing is under way, and never drifting.
///
/// While gets run, some of them may be counted in one figure and not yet in another; no figure ever
/// decreases, and none counts anything twice. Reading costs some 50 ns for each slot, and stops no get and no
/// return; only a connect that ends, or an object that goes, may wait for it that long.
///
/// # Examples
///
/// ```
/// # use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(4).build().unwrap();
/// for _ in 0..3 {
///     drop(pool.get().await.unwrap());
/// }
/// let stats = pool.stats();
/// assert_eq!((stats.gets.created, stats.gets.at_once), (1, 2));
/// assert_eq!(stats.gets.started, stats.gets.ended());
/// assert_eq!(stats.use_time.count(), 3);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Gets, by how they ended.
    pub gets: Gets,
    /// Objects that were made, their `post_create` hooks passed.
    pub created: u64,
    /// Attempts to make an object that ended without one: errors, time-outs, hooks that turned it down,
    /// panics. Those that were given up are not among them.
    pub create_failures: u64,
    /// Checks of used objects that were begun.
    pub checks: u64,
    /// Checks that an object did not pass: it was found dead, the check timed out, was cancelled or panicked.
    pub check_failures: u64,
    /// Objects that were made fit for the next user after they came back
    /// ([`Manager::tidy`](crate::managed::Manager::tidy)).
    pub tidied: u64,
    /// Objects that left the pool, by reason. `created - closed.total()` exist.
    pub closed: Closed,
    /// Holds beyond the leak threshold, each counted once.
    pub leaks: u64,
    /// How long gets that got an object had waited for it: those at once, next to nothing.
    pub wait_time: Histogram,
    /// How long it took to make an object, hooks included.
    pub connect_time: Histogram,
    /// How long a check took. One that was ready at once, without a wait for anything, counts as no time.
    pub check_time: Histogram,
    /// How long objects were held, from the get to the return or the taking.
    pub use_time: Histogram,
}

/// Gets, by how they ended. Each ends as exactly one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gets {
    /// Gets that were begun. One that found an object idle counts from the moment at which it has it.
    pub started: u64,
    /// Got an object that was idle.
    pub at_once: u64,
    /// Got an object that came back, or that was made for another, after they had stood in line.
    pub after_waiting: u64,
    /// Got an object that they made themselves.
    pub created: u64,
    /// Ran out of time.
    pub timed_out: TimedOut,
    /// Were dropped before they ended.
    pub cancelled: u64,
    /// Got an error: of the manager, of a hook, of a panic, or because a bound needs a runtime.
    pub failed: u64,
    /// Were refused because the line was full.
    pub shed: u64,
    /// Were refused because the pool was closed.
    pub closed: u64,
}

/// Gets that ran out of time, by the phase that they were in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// In line; also those that would not wait, and would have had to.
    pub wait: u64,
    /// Making an object.
    pub create: u64,
    /// Checking an object.
    pub recycle: u64,
}

/// A phase of a get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// In line, for an object or for the right to make one.
    Wait,
    /// Making an object.
    Create,
    /// Checking an object.
    Recycle,
}

/// Objects that left the pool, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Older than the pool keeps them.
    pub lifetime: u64,
    /// Idle for longer than the pool keeps them.
    pub idle: u64,
    /// Turned down by a check, or its check was cut short.
    pub check_failed: u64,
    /// Known to be broken when they came back.
    pub broken: u64,
    /// Came back in a state that could not be mended: [`Manager::tidy`](crate::managed::Manager::tidy) failed.
    pub untidy: u64,
    /// More than the pool may have, after it was shrunk.
    pub surplus: u64,
    /// Of an older generation.
    pub refreshed: u64,
    /// Taken out alive, by [`Object::take`](crate::managed::Object::take) or `retain`.
    pub taken: u64,
    /// The pool was closed.
    pub pool_closed: u64,
}

/// Why an object left its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Older than the pool keeps them.
    Lifetime,
    /// Idle for longer than the pool keeps them.
    Idle,
    /// Turned down by a check, or its check was cut short.
    CheckFailed,
    /// Known to be broken when it came back.
    Broken,
    /// It came back in a state that could not be mended.
    Untidy,
    /// More than the pool may have, after it was shrunk.
    Surplus,
    /// Of an older generation.
    Refreshed,
    /// Taken out alive.
    Taken,
    /// The pool was closed.
    PoolClosed,
}

impl Gets {
    /// Gets that ended, in whatever way.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.succeeded()
            + self.timed_out.total()
            + self.cancelled
            + self.failed
            + self.shed
            + self.closed
    }

    /// Gets that got an object.
    #[must_use]
    pub fn succeeded(&self) -> u64 {
        self.at_once + self.after_waiting + self.created
    }
}

impl TimedOut {
    /// In whatever phase.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.wait + self.create + self.recycle
    }
}

impl Closed {
    /// For whatever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        CloseReason::ALL.iter().map(|reason| self.of(*reason)).sum()
    }

    /// For this reason.
    #[must_use]
    pub fn of(&self, reason: CloseReason) -> u64 {
        match reason {
            CloseReason::Lifetime => self.lifetime,
            CloseReason::Idle => self.idle,
            CloseReason::CheckFailed => self.check_failed,
            CloseReason::Broken => self.broken,
            CloseReason::Untidy => self.untidy,
            CloseReason::Surplus => self.surplus,
            CloseReason::Refreshed => self.refreshed,
            CloseReason::Taken => self.taken,
            CloseReason::PoolClosed => self.pool_closed,
        }
    }
}

impl CloseReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Lifetime,
        Self::Idle,
        Self::CheckFailed,
        Self::Broken,
        Self::Untidy,
        Self::Surplus,
        Self::Refreshed,
        Self::Taken,
        Self::PoolClosed,
    ];

    /// In one word, as exporters call it: `lifetime`, `idle`, `check_failed`, `broken`, `untidy`, `surplus`,
    /// `refreshed`, `taken`, `pool_closed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lifetime => "lifetime",
            Self::Idle => "idle",
            Self::CheckFailed => "check_failed",
            Self::Broken => "broken",
            Self::Untidy => "untidy",
            Self::Surplus => "surplus",
            Self::Refreshed => "refreshed",
            Self::Taken => "taken",
            Self::PoolClosed => "pool_closed",
        }
    }
}
