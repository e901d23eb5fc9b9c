use std::time::{Duration, Instant};

/// The history of one object: deadpool's type, field by field.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Metrics {
    /// When the object was made.
    pub created: Instant,
    /// When the object last came back. `None` until it has come back once.
    ///
    /// deadpool writes down the last check-out here, so that an object which comes back after a long use
    /// looks idle for all of it, and a reaper kills it at once.
    pub recycled: Option<Instant>,
    /// How often the object was checked and handed out again.
    pub recycle_count: usize,
}

impl Metrics {
    /// How long ago the object was made.
    pub fn age(&self) -> Duration {
        self.created.elapsed()
    }

    /// How long ago the object was last in use: since it came back, or since it was made.
    pub fn last_used(&self) -> Duration {
        self.recycled.unwrap_or(self.created).elapsed()
    }
}

impl Default for Metrics {
    /// Of an object that is made now.
    fn default() -> Self {
        Self {
            created: Instant::now(),
            recycled: None,
            recycle_count: 0,
        }
    }
}
