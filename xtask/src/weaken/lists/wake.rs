//! Not waking.

use super::{Edit, Kind::Wake, MOVES, edit};

const GONE: &str = "src/engine/gone.rs";

pub(super) const EDITS: [Edit; 16] = [
    edit(
        Wake,
        "serve: who is handed an object",
        MOVES,
        "wakes.add(node.waker.take()); let granted",
        "let granted",
    ),
    edit(
        Wake,
        "serve: all of them",
        MOVES,
        "drop_contained(node); wakes.wake(); }",
        "drop_contained(node); drop(wakes); }",
    ),
    edit(
        Wake,
        "settle: who is granted a reservation",
        MOVES,
        "node.waiter.tell(Phase::Reservation); wakes.add(node.waker.take());",
        "node.waiter.tell(Phase::Reservation);",
    ),
    edit(
        Wake,
        "settle: who is dismissed",
        MOVES,
        "node.waiter.tell(Phase::Dismissed); wakes.add(node.waker.take());",
        "node.waiter.tell(Phase::Dismissed);",
    ),
    edit(
        Wake,
        "change: all of them",
        MOVES,
        "self.change_with(&mut line, &mut wakes, step); drop(line); wakes.wake();",
        "self.change_with(&mut line, &mut wakes, step); drop(line);",
    ),
    edit(
        Wake,
        "resize: all of them",
        MOVES,
        "drop(line); wakes.wake(); self.pop_doomed(surplus)",
        "drop(line); self.pop_doomed(surplus)",
    ),
    edit(
        Wake,
        "resize: that a reservation was taken back is not told",
        MOVES,
        "line.node(number).waiter.tell(Phase::Nudged);",
        "",
    ),
    edit(
        Wake,
        "close: who stands in line",
        MOVES,
        "nodes .iter_mut() .for_each(|node| wakes.add(node.waker.take()));",
        "nodes.clear();",
    ),
    edit(
        Wake,
        "close: who waits for the end",
        MOVES,
        "line.gone.hear(revoked.closed(), &mut wakes);",
        "",
    ),
    edit(
        Wake,
        "change: who waits for the end",
        MOVES,
        "Ok(()) => return line.gone.hear(next, wakes),",
        "Ok(()) => return,",
    ),
    edit(
        Wake,
        "end: all who wait for it",
        GONE,
        ".for_each(|(_, waker)| wakes.add(Some(waker)));",
        ".for_each(drop);",
    ),
    edit(
        Wake,
        "end: a new waker does not replace the old one",
        GONE,
        "return Some(std::mem::replace(old, waker));",
        "return Some(waker);",
    ),
    edit(
        Wake,
        "poll: a new waker does not replace the old one",
        MOVES,
        "let old = line.node(number).waker.replace(fresh);",
        "let old = Some(fresh);",
    ),
    edit(
        Wake,
        "poll: it is forgotten which waker stands in line",
        MOVES,
        "drop_contained(std::mem::replace(&mut place.waker, waker.clone()));",
        "",
    ),
    edit(
        Wake,
        "list: all but the first",
        "src/engine/wake.rs",
        "for waker in self.first.into_iter().chain(self.rest) {",
        "for waker in self.first {",
    ),
    edit(
        Wake,
        "list: the others after one that panics",
        "src/engine/wake.rs",
        "contain(|| waker.wake());",
        "waker.wake();",
    ),
];
