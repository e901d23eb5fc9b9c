//! How often something is tried, after which errors, and with which pauses.

use super::Class;
use super::backoff::Backoff;
use crate::engine::sync::Arc;
use std::fmt;
use std::time::Duration;

/// When [`Pool::run`](super::Pool::run) and [`Pool::transaction`](super::Pool::transaction) try again.
///
/// | what went wrong | in a `run` | in a `transaction` |
/// | --- | --- | --- |
/// | [`Class::Conflict`]: `40001`, `40P01` | again | again |
/// | [`Class::Lost`] before anything was sent | again | again |
/// | [`Class::Lost`] in the closure | only where [`idempotent`](Self::idempotent) | again: what it did is rolled back |
/// | the answer to `COMMIT` was lost | | only where [`idempotent`](Self::idempotent) |
/// | [`Class::Busy`] | only where [`busy`](Self::busy) | only where [`busy`](Self::busy) |
/// | no connection, for [a transient reason](Class::Unavailable) of the server's | only where [`connects`](Self::connects) | only where [`connects`](Self::connects) |
/// | anything else, and any error that is not PostgreSQL's | never | never |
///
/// # Examples
///
/// ```
/// use millpond::postgres::Retry;
/// use std::time::Duration;
///
/// let retry = Retry::new().attempts(10).deadline(Duration::from_secs(2));
/// # drop(retry);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Retry {
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) deadline: Option<Duration>,
    pub(super) connects: bool,
    pub(super) idempotent: bool,
    pub(super) busy: bool,
    tell: Option<Tell>,
}

type Tell = Arc<dyn Fn(&Retrying) + Send + Sync>;

/// Something went wrong and is about to be tried again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retrying {
    /// How many attempts have failed.
    pub failed: u32,
    /// What the last error meant.
    pub class: Class,
    /// How long is waited before the next.
    pub pause: Duration,
}

impl Retry {
    /// Five attempts, with pauses of up to 5, 10, 20 and 40 ms; no deadline but the pool's own bounds.
    ///
    /// Who loses a conflict loses it within milliseconds, and most of those who try again at once win; five
    /// failures in a row mean that the load, not chance, is the reason.
    pub fn new() -> Self {
        Self {
            attempts: 5,
            backoff: Backoff {
                first: Duration::from_millis(5),
                longest: Duration::from_millis(250),
            },
            deadline: None,
            connects: false,
            idempotent: false,
            busy: false,
            tell: None,
        }
    }

    /// One attempt.
    pub fn never() -> Self {
        Self::new().attempts(1)
    }

    /// How many attempts there are at most, the first one included. Zero is one.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The pause after the first failure at most, and the longest. It doubles with each failure, and chance takes
    /// anything between nothing and that, so that those who met do not meet again.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff { first, longest };
        self
    }

    /// One bound on everything: taking connections, all attempts, pauses, the commit. When it passes, what is
    /// under way is dropped, and a transaction is rolled back.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Whether it is also tried again where no connection could be made for a transient reason of the server's.
    /// Default: no, since the pool itself has waited for one, and has pauses of its own
    /// ([`connect_backoff`](super::PoolBuilder::connect_backoff)).
    pub fn connects(mut self, connects: bool) -> Self {
        self.connects = connects;
        self
    }

    /// Says that doing all of it twice does no harm: then it is also tried again where nobody knows whether it
    /// was done. Default: no.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Whether it is also tried again where somebody else held a lock that was not waited for (`NOWAIT`,
    /// `lock_timeout`). Default: no.
    pub fn busy(mut self, busy: bool) -> Self {
        self.busy = busy;
        self
    }

    /// Is told before each further attempt: for a counter, or a line in the log.
    pub fn tell(mut self, tell: impl Fn(&Retrying) + Send + Sync + 'static) -> Self {
        self.tell = Some(Arc::new(tell));
        self
    }

    /// The pause before the next attempt, where there is one.
    pub(super) fn next(&self, failed: u32) -> Option<Duration> {
        (failed < self.attempts).then(|| self.backoff.pause(failed))
    }

    pub(super) fn told(&self, retrying: &Retrying) {
        if let Some(tell) = &self.tell {
            tell(retrying);
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("attempts", &self.attempts)
            .field("backoff", &self.backoff)
            .field("deadline", &self.deadline)
            .field("connects", &self.connects)
            .field("idempotent", &self.idempotent)
            .field("busy", &self.busy)
            .field("tell", &self.tell.is_some())
            .finish()
    }
}
