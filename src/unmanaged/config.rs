use crate::Runtime;
use std::time::Duration;

/// How a [`Pool`](super::Pool) is set up: deadpool's type, field by field.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct PoolConfig {
    /// The most objects that the pool holds, those that are out included.
    ///
    /// Any number is accepted; a pool holds at most 65,535 objects, and memory follows what was really
    /// put in.
    ///
    /// Default: twice the number of logical processors, as in deadpool.
    pub max_size: usize,

    /// A bound on [`Pool::get`](super::Pool::get) and [`Pool::remove`](super::Pool::remove). Default: none,
    /// as in deadpool.
    ///
    /// Zero: do not wait. Any other bound needs a [`runtime`](Self::runtime). It starts to count when the
    /// get really has to wait.
    pub timeout: Option<Duration>,

    /// Whose timer keeps the bounds. Without one a get with a bound, but for a bound of zero, fails with
    /// [`PoolError::NoRuntimeSpecified`](super::PoolError::NoRuntimeSpecified). Default: none.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub runtime: Option<Runtime>,
}

impl PoolConfig {
    /// At most `max_size` objects, no bound, no runtime.
    #[must_use]
    pub fn new(max_size: usize) -> Self {
        Self {
            max_size,
            timeout: None,
            runtime: None,
        }
    }
}

impl Default for PoolConfig {
    /// At most two objects for each logical processor.
    fn default() -> Self {
        Self::new(crate::default_max_size())
    }
}
