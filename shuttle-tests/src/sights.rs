//! What a script has met, counted over all executions: a run that never met a case has not tested it.

use crate::scene::Shape;
use std::cell::Cell;

/// How a move ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sight {
    /// Something was idle when the getter came to stand in line.
    IdleAfterAll,
    /// Room for the newcomer's own connect.
    OwnConnect,
    /// No room, and it would not wait.
    WouldWait,
    /// Handed over in line.
    Served,
    /// Handed over while its own connect ran.
    ServedConnecting,
    /// A reservation granted in line.
    Granted,
    /// What an impatient one stood in line for is gone.
    Dismissed,
    /// Cancelled while it waited.
    Left,
    /// Cancelled when an object lay in its cell.
    LeftServed,
    /// An own connect that ended well.
    Mine,
    /// One that ended over the shrunk maximum.
    Surplus,
    /// One whose getter had been told something before.
    Elsewhere,
    /// A failed connect whose error is the getter's.
    Failed,
    /// One whose getter had been told something better.
    FailedTold,
    /// An object destroyed when it came back.
    Retired,
    /// A dead object exchanged for a place in front.
    Exchanged,
    /// Slept until a wake-up.
    Slept,
    /// The pool was paused.
    Paused,
    /// Objects lay parked when it resumed.
    Unparked,
    /// Heard in line that the pool was closed.
    Closed,
}

const COUNT: usize = Sight::Closed as usize + 1;

thread_local! {
    static SEEN: [Cell<usize>; COUNT] = const { [const { Cell::new(0) }; COUNT] };
}

/// One more of this.
pub(crate) fn see(sight: Sight) {
    SEEN.with(|seen| {
        let seen = &seen[sight as usize];
        seen.set(seen.get() + 1);
    });
}

/// Counts anew.
pub(crate) fn forget() {
    SEEN.with(|seen| seen.iter().for_each(|seen| seen.set(0)));
}

/// What was met, as text; or what is missing that scripts of this shape meet.
pub(crate) fn review(shape: Shape) -> Result<String, String> {
    let seen = |sight: &Sight| SEEN.with(|seen| seen[*sight as usize].get());
    let expected = ALWAYS.iter().chain(beside(shape));
    let missing: Vec<_> = expected.clone().filter(|sight| seen(sight) == 0).collect();
    if !missing.is_empty() {
        return Err(format!("never met: {missing:?}"));
    }
    let counts: Vec<_> = expected
        .map(|sight| format!("{sight:?} {}", seen(sight)))
        .collect();
    Ok(counts.join(", "))
}

fn beside(shape: Shape) -> &'static [Sight] {
    match shape {
        Shape::Growing => &[],
        Shape::Breathing => &[Sight::Dismissed, Sight::Surplus, Sight::Retired],
        Shape::Closing => &[
            Sight::Dismissed,
            Sight::Surplus,
            Sight::Retired,
            Sight::Closed,
        ],
    }
}

const ALWAYS: [Sight; 16] = [
    Sight::IdleAfterAll,
    Sight::OwnConnect,
    Sight::WouldWait,
    Sight::Served,
    Sight::ServedConnecting,
    Sight::Granted,
    Sight::Left,
    Sight::LeftServed,
    Sight::Mine,
    Sight::Elsewhere,
    Sight::Failed,
    Sight::FailedTold,
    Sight::Exchanged,
    Sight::Slept,
    Sight::Paused,
    Sight::Unparked,
];
