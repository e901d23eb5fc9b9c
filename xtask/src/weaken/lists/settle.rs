//! Not granting what is free.

use super::{ADDING, BOUNDS, Edit, Kind::Settle, MOVES, edit};

pub(super) const EDITS: [Edit; 12] = [
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
        "let next = self.settle(&mut line, next.claimed(surplus), &mut wakes);",
        "let next = next.claimed(surplus);",
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
        "self.change(line, |state| state); drop_contained(waker); return end;",
        "drop_contained(waker); return end;",
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
    edit(
        Settle,
        "pause",
        BOUNDS,
        "let next = self.settle(&mut line, revoked.paused(), &mut wakes);",
        "let next = revoked.paused();",
    ),
    edit(
        Settle,
        "set cap",
        BOUNDS,
        "self.change(line, |state| { (0..granted).fold(state, |state, _| state.unreserved()) });",
        "if granted > 0 { self.change(line, |state| { (0..granted).fold(state, |state, _| state.unreserved()) }); }",
    ),
    edit(
        Settle,
        "hope: in a paused pool",
        MOVES,
        "if state.is_paused() { 0 } else { ownerless }",
        "ownerless",
    ),
    edit(
        Settle,
        "enter: room before who may wait",
        MOVES,
        "end == End::Back && !room && line.hungry() >= line.most",
        "end == End::Back && line.hungry() >= line.most",
    ),
];
