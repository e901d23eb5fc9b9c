use super::HookError;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// Why [`Manager::recycle`](super::Manager::recycle) turned an object down.
#[derive(Debug)]
pub enum RecycleError<E> {
    /// A reason in words.
    Message(Cow<'static, str>),
    /// An error of what the object is connected to.
    Backend(E),
}

impl<E> RecycleError<E> {
    /// A reason in words.
    pub fn message(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::Message(msg.into())
    }
}

impl<E> From<E> for RecycleError<E> {
    fn from(error: E) -> Self {
        Self::Backend(error)
    }
}

impl<E: fmt::Display> fmt::Display for RecycleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "the object was turned down: {message}"),
            Self::Backend(error) => write!(f, "the object was turned down: {error}"),
        }
    }
}

impl<E: Error + 'static> Error for RecycleError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Message(_) => None,
            Self::Backend(error) => Some(error),
        }
    }
}

/// The phase in which a get ran out of time.
#[derive(Clone, Copy, Debug)]
pub enum TimeoutType {
    /// In line, for an object or for the right to make one.
    Wait,
    /// Making an object.
    Create,
    /// Checking an object.
    Recycle,
}

impl fmt::Display for TimeoutType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "waiting in line",
            Self::Create => "making an object",
            Self::Recycle => "checking an object",
        })
    }
}

/// Why [`Pool::get`](super::Pool::get) has no object to give: deadpool's type, variant by variant.
/// [`Pool::acquire`](super::Pool::acquire) tells more.
#[derive(Debug)]
pub enum PoolError<E> {
    /// A bound of [`Timeouts`](super::Timeouts) ran out. Also `Timeout(Wait)`: the line was full (over
    /// half a million waiters).
    Timeout(TimeoutType),
    /// [`Manager::create`](super::Manager::create) failed with this error, at once.
    Backend(E),
    /// The pool was closed, before or during the get.
    Closed,
    /// A bound needs a timer, and the pool was built without a [`Runtime`](crate::Runtime). Said before
    /// anything is touched.
    NoRuntimeSpecified,
    /// A `post_create` hook turned the new object down.
    PostCreateHook(HookError<E>),
}

impl<E> From<E> for PoolError<E> {
    fn from(error: E) -> Self {
        Self::Backend(error)
    }
}

impl<E: fmt::Display> fmt::Display for PoolError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(phase) => write!(f, "timed out while {phase}"),
            Self::Backend(error) => write!(f, "making an object failed: {error}"),
            Self::Closed => f.write_str("the pool is closed"),
            Self::NoRuntimeSpecified => f.write_str(
                "a time-out needs a runtime: name one with PoolBuilder::runtime, or leave the time-outs away",
            ),
            Self::PostCreateHook(error) => {
                write!(f, "a post_create hook turned the new object down: {error}")
            }
        }
    }
}

impl<E: Error + 'static> Error for PoolError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Timeout(_) | Self::Closed | Self::NoRuntimeSpecified => None,
            Self::Backend(error) => Some(error),
            Self::PostCreateHook(error) => Some(error),
        }
    }
}
