//! What is left out of the code, one at a time. Each text must stand in its file exactly once (blanks and
//! line breaks are alike), so that a change of the code that the list does not follow fails loudly.

mod budget;
mod give_up;
mod recheck;
mod settle;
mod wake;

/// One thing that is left out.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) kind: Kind,
    pub(super) what: &'static str,
    pub(super) path: &'static str,
    pub(super) find: &'static str,
    pub(super) replace: &'static str,
}

/// What kind of thing it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Looking again after a failed compare-and-swap.
    Recheck,
    /// A wake-up.
    Wake,
    /// Giving something up: a reservation, an object's room.
    GiveUp,
    /// Granting what is free to who waits.
    Settle,
}

impl Edit {
    /// Its name among all mutants.
    pub(super) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Recheck => "recheck",
            Kind::Wake => "wake",
            Kind::GiveUp => "give-up",
            Kind::Settle => "settle",
        };
        format!("{kind}: {}", self.what)
    }
}

const fn edit(
    kind: Kind,
    what: &'static str,
    path: &'static str,
    find: &'static str,
    replace: &'static str,
) -> Edit {
    Edit {
        kind,
        what,
        path,
        find,
        replace,
    }
}

/// All of them.
pub(super) const EDITS: [&[Edit]; 5] = [
    &budget::EDITS,
    &recheck::EDITS,
    &wake::EDITS,
    &give_up::EDITS,
    &settle::EDITS,
];

const MOVES: &str = "src/engine/moves.rs";
const ENGINE: &str = "src/engine/mod.rs";
const IDLE: &str = "src/engine/idle.rs";
const BOUNDS: &str = "src/engine/bounds.rs";
const LINE: &str = "src/engine/line.rs";
const STATE: &str = "src/engine/state.rs";
const ADDING: &str = "src/engine/adding.rs";
const BUDGET: &str = "src/engine/budget.rs";
const LEDGER: &str = "src/engine/budget/ledger.rs";
const GATE: &str = "src/engine/gate.rs";
