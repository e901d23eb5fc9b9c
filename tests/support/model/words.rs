//! What goes into the reference model, and what comes out of it.

/// Calls of a user's code that may take their time, in the order in which an object meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Create,
    PostCreate,
    PreRecycle,
    Recycle,
    PostRecycle,
}

/// How a call ends; if `gate` is closed, not before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub end: End,
    pub gate: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Good,
    Fails,
    Panics,
}

/// What a getter that is polled comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Pending,
    Object(usize),
    Failed,
    Panicked,
    /// It would have to wait, or has waited as long as it would.
    WouldWait,
    /// Its own connect was not over in time.
    CreateLate,
    Closed,
}

/// How long a getter takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// For ever.
    Endless,
    /// It would not wait for others at all.
    None,
    /// [`WAIT_BOUND`], [`CREATE_BOUND`] and [`RECYCLE_BOUND`].
    Bounded,
}

/// In milliseconds. No sum of [`TICK`]s comes near any of them.
pub const WAIT_BOUND: u64 = 2_500;
pub const CREATE_BOUND: u64 = 3_500;
pub const RECYCLE_BOUND: u64 = 1_900;
/// How long a connect goes on that nobody bounded and nobody waits for.
pub(super) const UNOWNED_BOUND: u64 = 10_000;
/// By how much time passes.
pub const TICK: u64 = 1_300;

/// Everything that a snapshot shows, and what of it is under way in the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub max_size: usize,
    pub size: usize,
    pub idle: usize,
    pub connecting: usize,
    pub in_use: usize,
    pub waiting: usize,
    pub closed: bool,
    /// Calls of `create` under way: reservations that somebody has picked up.
    pub creating: usize,
}

/// How a model is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub max: usize,
    /// Connects go on without their getter.
    pub background: bool,
    /// The newest idle object is given out first.
    pub newest_first: bool,
    /// A hook stands after `create`, and on both sides of `recycle`.
    pub hooks: bool,
}
