use std::fmt;

/// Why a [`Pool`](super::Pool) has no object to give, or no room for one: deadpool's type, variant by
/// variant.
#[derive(Clone, Copy, Debug)]
pub enum PoolError {
    /// The bound ran out; or nothing was idle, or no room was left, and the caller would not wait. Also: the
    /// line was full (over half a million waiters).
    Timeout,

    /// The pool was closed, before or meanwhile.
    Closed,

    /// The bound needs a timer, and the pool has no [`Runtime`](crate::Runtime). Said before anything is
    /// touched.
    NoRuntimeSpecified,
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "timed out while waiting for an object, or for room",
            Self::Closed => "the pool is closed",
            Self::NoRuntimeSpecified => {
                "a time-out needs a runtime: name one in PoolConfig::runtime, or leave the time-out away"
            }
        })
    }
}

impl std::error::Error for PoolError {}
