//! Not granting what is free.

use super::{ADDING, Edit, Kind::Settle, MOVES, edit};

pub(super) const EDITS: [Edit; 8] = [
    edit(
        Settle,
        "change",
        MOVES,
        "let next = self.settle(line, step(state), wakes);",
        "let next = step(state);",
    ),
    edit(
        Settle,
        "resize",
        MOVES,
        "next = self.settle(&mut line, next.claimed(surplus), &mut wakes);",
        "next = next.claimed(surplus);",
    ),
    edit(
        Settle,
        "enter: for who stands behind one whose object was dead",
        MOVES,
        "End::Front => self.change(line, |state| state),",
        "End::Front => drop(line),",
    ),
    edit(
        Settle,
        "enter: when it does not stand in line after all",
        MOVES,
        "self.change(line, |state| state); return end;",
        "return end;",
    ),
    edit(
        Settle,
        "grants",
        MOVES,
        "while state.has_room(line.cap) { let Some(number) = line.first_hungry() else {",
        "while false { let Some(number) = line.first_hungry() else {",
    ),
    edit(
        Settle,
        "dismissals",
        MOVES,
        "while let Some(number) = line.first_hopeless(ownerless(line, state)) {",
        "while let Some(number) = line.first_hopeless(ownerless(line, state)).filter(|_| false) {",
    ),
    edit(
        Settle,
        "grants to who adds",
        ADDING,
        "while admitted < line.adders.hungry() && state.has_room(MAX_CONNECTING) {",
        "while false {",
    ),
    edit(
        Settle,
        "add: that room is promised to others",
        ADDING,
        "if state.size() == state.max() || line.adders.hungry() > 0 {",
        "if state.size() == state.max() {",
    ),
];
