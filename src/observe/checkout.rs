use crate::engine::slot::Holding;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// An object that is out: who took it, and how long ago.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkout {
    /// The object's number, as [`Object::id`](crate::managed::Object::id) shows it.
    pub id: usize,
    /// How long it has been out.
    pub held: Duration,
    /// When it was taken, as a raw reading of the pool's clock: with `id`, the name of this hold.
    pub(crate) taken: u64,
    /// The file and line of the `get` or `acquire`.
    pub caller: &'static Location<'static>,
    /// The number of the Tokio task that took it, as [`tokio::task::Id`] shows it: where there was one, and
    /// the pool looks for leaks ([`leak_threshold`](crate::managed::PoolBuilder::leak_threshold)).
    ///
    /// [`tokio::task::Id`]: https://docs.rs/tokio/latest/tokio/task/struct.Id.html
    pub task: Option<u64>,
    /// What the taker called itself ([`Acquire::label`](crate::managed::Acquire::label)).
    pub label: Option<Arc<str>>,
}

impl Checkout {
    /// A hold of this length.
    pub(crate) fn of(holding: Holding, held: Duration) -> Self {
        Self {
            id: holding.id,
            held,
            taken: holding.taken,
            caller: holding.caller,
            task: (holding.task != 0).then_some(holding.task),
            label: holding.label,
        }
    }
}

impl fmt::Display for Checkout {
    /// `src/checkout.rs:88 for 41.0 s`, and the label where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.caller.file(), self.caller.line())?;
        if let Some(label) = &self.label {
            write!(f, " ({label})")?;
        }
        write!(f, " for {:.1} s", self.held.as_secs_f64())
    }
}
