use super::{Checkout, Health, Snapshot, Stats};
use std::borrow::Cow;
use std::fmt;

/// Looks at a pool of whatever kind: the one face for exporters, status pages and tests.
///
/// Object safe, never panics, never waits, and steers nothing. Where a kind of pool has no such figure, it
/// says `None`: unknown, not zero. Implemented by this crate's pools; implement it for another pool to show
/// it beside them.
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
/// use millpond::observe::{Observe, State};
///
/// let pool: Pool<Numbers> = Pool::builder(Numbers).name("numbers").build().unwrap();
/// let observed: &dyn Observe = &pool;
/// assert_eq!((observed.name().as_ref(), observed.state()), ("numbers", State::NotConnected));
/// assert_eq!(observed.snapshot().unwrap().size, 0);
/// ```
pub trait Observe: Send + Sync {
    /// What the pool is called.
    fn name(&self) -> Cow<'_, str>;

    /// What kind of pool it is.
    fn kind(&self) -> Kind;

    /// What its objects are connected to, where that is known. No secret is in it.
    fn target(&self) -> Option<String> {
        None
    }

    /// Whether it is open.
    fn state(&self) -> State;

    /// All counts at one instant.
    fn snapshot(&self) -> Option<Snapshot>;

    /// The most and the fewest objects that it keeps idle, where it has such bounds.
    fn idle_bounds(&self) -> IdleBounds {
        IdleBounds::default()
    }

    /// What has happened since the start.
    fn stats(&self) -> Option<Stats> {
        None
    }

    /// Who holds an object now, longest first.
    fn checkouts(&self) -> Option<Vec<Checkout>> {
        None
    }

    /// How many objects are held beyond the leak threshold; `None` where nobody looks for leaks.
    fn leaks_suspected(&self) -> Option<usize> {
        None
    }

    /// How well it is.
    fn health(&self) -> Option<Health> {
        None
    }
}

/// A kind of pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Its objects are made by a manager: [`managed::Pool`](crate::managed::Pool).
    Managed,
    /// As [`Managed`](Self::Managed), but no object is kept idle: each is made for one use.
    Unpooled,
    /// Its objects were put in.
    Unmanaged,
    /// Somebody else's pool.
    Foreign(&'static str),
}

/// Whether a pool is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Open, and has not made an object yet.
    NotConnected,
    /// Open.
    Open,
    /// Closed, or gone.
    Closed,
}

/// How many objects a pool keeps idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdleBounds {
    /// The most, where that is bounded otherwise than by `max_size`.
    pub max: Option<usize>,
    /// The fewest.
    pub min: Option<usize>,
}

impl Kind {
    /// In one word: `managed`, `unpooled`, `unmanaged`, or what it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::Unpooled => "unpooled",
            Self::Unmanaged => "unmanaged",
            Self::Foreign(name) => name,
        }
    }
}

impl State {
    /// In words: `not connected`, `open`, `closed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConnected => "not connected",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Debug for dyn Observe + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe")
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("state", &self.state())
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
