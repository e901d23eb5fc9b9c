use crate::engine::state::State;
use std::fmt;

/// All counts of a pool at one instant: one atomic load, so they always agree.
///
/// `idle + connecting + in_use == size` holds in every snapshot, and nobody waits beside an idle object
/// (`waiting > held_back` implies `idle == 0`) but those that a [reserve](crate::managed::PoolBuilder::reserve) is kept
/// from. These are counted beside the word: a second load, in which a getter that goes from the gate into the
/// pool's own line at that moment may be counted twice, or not.
/// `size` is over `max_size` only while a shrink waits for what it found in use.
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
/// let object = pool.get().await.unwrap();
/// let now = pool.snapshot();
/// assert_eq!((now.size, now.in_use, now.idle), (1, 1, 0));
/// # drop(object);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The most objects that may exist: what was asked for, but at most 65,535; 0 when closed.
    pub max_size: usize,
    /// Objects that exist, and those that are being made.
    pub size: usize,
    /// Objects that lie ready.
    pub idle: usize,
    /// Objects that are being made, and rights to make one, or to put one in, that are about to be used.
    pub connecting: usize,
    /// Objects that are held, on their way to a getter, being checked or being destroyed.
    pub in_use: usize,
    /// Getters that stand in line, those that connect and those that are held back included.
    pub waiting: usize,
    /// Those of them that the pool's [reserve](crate::managed::PoolBuilder::reserve) is kept from, while as many
    /// others as may have objects or wait for one. 0 in a pool without a reserve.
    pub held_back: usize,
    /// Whether the pool was closed.
    pub closed: bool,
}

impl From<State> for Snapshot {
    fn from(state: State) -> Self {
        Self {
            max_size: state.max(),
            size: state.size(),
            idle: state.idle(),
            connecting: state.connecting(),
            in_use: state.in_use(),
            waiting: state.waiting(),
            held_back: 0,
            closed: state.is_closed(),
        }
    }
}

#[cfg(feature = "managed")]
impl Snapshot {
    /// With those that wait at the pool's gate. Of a closed pool nobody does.
    pub(crate) fn with_held_back(mut self, count: usize) -> Self {
        if !self.closed {
            self.waiting += count;
            self.held_back = count;
        }
        self
    }
}

impl fmt::Display for Snapshot {
    /// `20/20 in use, 31 waiting`, with what is being made, and whether the pool is closed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} in use", self.in_use, self.max_size)?;
        if self.idle > 0 {
            write!(f, ", {} idle", self.idle)?;
        }
        if self.connecting > 0 {
            write!(f, ", {} connecting", self.connecting)?;
        }
        write!(f, ", {} waiting", self.waiting)?;
        if self.held_back > 0 {
            write!(f, ", {} of them held back by the reserve", self.held_back)?;
        }
        if self.closed {
            f.write_str(", closed")?;
        }
        Ok(())
    }
}
