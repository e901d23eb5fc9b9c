use super::BuildError;
use std::fmt;
use std::time::Duration;

/// How a [`Pool`](super::Pool) is set up: deadpool's type, field by field.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct PoolConfig {
    /// The most objects that exist at once.
    ///
    /// Any number is accepted; a pool holds at most 65,535 objects, and memory follows what was really
    /// made. With 0 every get waits until the pool is [resized](super::Pool::resize).
    ///
    /// Default: twice the number of logical processors, as in deadpool.
    pub max_size: usize,

    /// Bounds on the phases of a get. Default: none, as in deadpool.
    #[cfg_attr(feature = "serde", serde(default))]
    pub timeouts: Timeouts,

    /// In which order idle objects are given out. Default: [`QueueMode::Fifo`], as in deadpool.
    #[cfg_attr(feature = "serde", serde(default))]
    pub queue_mode: QueueMode,
}

impl PoolConfig {
    /// At most `max_size` objects, no bounds, oldest first.
    #[must_use]
    pub fn new(max_size: usize) -> Self {
        Self {
            max_size,
            timeouts: Timeouts::default(),
            queue_mode: QueueMode::default(),
        }
    }
}

impl Default for PoolConfig {
    /// At most two objects for each logical processor.
    fn default() -> Self {
        Self::new(crate::default_max_size())
    }
}

/// Bounds on the phases of a get. All but `wait: Some(Duration::ZERO)` need a
/// [`Runtime`](crate::Runtime).
///
/// Any duration is accepted, `Duration::ZERO` and `Duration::MAX` included. A bound starts to count when
/// its phase really has to wait; what is ready at once never times out.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Timeouts {
    /// In line, for an object or for the right to make one. Zero: do not wait for anybody's object; take
    /// an idle one, make one, or fail.
    pub wait: Option<Duration>,

    /// Making an object ([`Manager::create`](super::Manager::create)).
    pub create: Option<Duration>,

    /// Checking an object before it is handed out ([`Manager::recycle`](super::Manager::recycle)).
    pub recycle: Option<Duration>,
}

impl Timeouts {
    /// No bounds.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            wait: None,
            create: None,
            recycle: None,
        }
    }

    /// A bound on waiting in line alone, in milliseconds.
    #[must_use]
    pub const fn wait_millis(wait: u64) -> Self {
        Self {
            wait: Some(Duration::from_millis(wait)),
            create: None,
            recycle: None,
        }
    }

    /// Whether these bounds can only be kept with a timer.
    pub(crate) fn need_runtime(&self) -> bool {
        let waits = self.wait.is_some_and(|wait| !wait.is_zero());
        waits || self.create.is_some() || self.recycle.is_some()
    }
}

impl Default for Timeouts {
    /// No bounds.
    fn default() -> Self {
        Self::new()
    }
}

/// In which order idle objects are given out.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum QueueMode {
    /// The one that has been idle longest: all are used evenly.
    #[default]
    Fifo,
    /// The one that came back last: as few as possible are used, the others may grow old.
    Lifo,
}

/// Why a configuration did not become a pool.
#[derive(Debug)]
pub enum CreatePoolError<C> {
    /// The configuration itself is wrong.
    Config(C),
    /// The pool could not be built from it.
    Build(BuildError),
}

impl<C: fmt::Display> fmt::Display for CreatePoolError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "Config: {error}"),
            Self::Build(error) => write!(f, "Build: {error}"),
        }
    }
}

impl<C: std::error::Error> std::error::Error for CreatePoolError<C> {}
