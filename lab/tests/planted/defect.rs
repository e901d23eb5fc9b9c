//! The defects that can be planted. Each is one that a pool in use somewhere has had.

/// What is wrong with a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Nothing. Each case must pass on this one, or its failures on the others mean nothing.
    None,
    /// It makes one connection more than it may.
    OneTooMany,
    /// A get gives up before its bound.
    TimesOutEarly,
    /// A get gives up well after its bound.
    TimesOutLate,
    /// A full pool says that one connection is idle.
    CountsLie,
    /// However full it is, it says that it is well.
    StaysHealthy,
    /// It keeps no connection ready, though told to.
    KeepsNothing,
    /// Who came last is served first.
    LastComeFirst,
    /// Anybody in line is served.
    Lottery,
    /// Whoever asks just after a connection came back takes it, before those in line.
    Barges,
    /// Every third connection that comes back is laid aside, though somebody waits for one.
    LosesWakeUp,
    /// Who leaves the line is counted on.
    CountsTheGone,
    /// Every time that a get gives up for its bound, a place for a connection is lost.
    LosesTimedOut,
    /// A place for a connection is lost.
    Loses(When),
    /// It says that it has one connection fewer than it has.
    SizeLies,
    /// When it is closed, one idle connection stays open.
    LeavesOneOpen,
    /// It does not see who has held a connection for long.
    NamesNobody,
    /// All pools of one maker together may have no more connections in use than one of them.
    HiddenBound,
}

/// When a place is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A get is cancelled while it connects.
    Connecting,
    /// A get is cancelled just after it was handed a connection.
    Handed,
    /// A connection comes back in the midst of a statement.
    AtWork,
    /// A connection comes back after a statement that failed.
    Failed,
    /// A connection comes back in a panic.
    Panicking,
}
