//! Not looking again after a failed compare-and-swap, and what else two threads may overtake each other in.

use super::{ADDING, ENGINE, Edit, IDLE, Kind::Recheck, MOVES, edit};

pub(super) const EDITS: [Edit; 25] = [
    edit(
        Recheck,
        "claim: the counts are judged once, not after each failed swap",
        ENGINE,
        "loop { if state.is_closed() { return Claim::Closed; } if state.idle() == 0 { return Claim::Empty; }",
        "if state.is_closed() { return Claim::Closed; } if state.idle() == 0 { return Claim::Empty; } loop {",
    ),
    edit(
        Recheck,
        "claim: a failed swap passes for a good one",
        ENGINE,
        "Ok(_) => return Claim::Object(self.store.pop()), Err(now) => state = State::from_bits(now),",
        "Ok(_) | Err(_) => return Claim::Object(self.store.pop()),",
    ),
    edit(
        Recheck,
        "claim: a failed swap is tried again with the old picture",
        ENGINE,
        "Ok(_) => return Claim::Object(self.store.pop()), Err(now) => state = State::from_bits(now),",
        "Ok(_) => return Claim::Object(self.store.pop()), Err(_) => state = state.claimed(0),",
    ),
    edit(
        Recheck,
        "give back: who waits is not looked for after a failed swap",
        ENGINE,
        "if !state.takes_idle() { let object = reach.engine().store.pop(); \
         return give_back_locked(reach, object); } } }",
        "} }",
    ),
    edit(
        Recheck,
        "give back: a failed swap passes for a good one",
        ENGINE,
        "Ok(_) => return GiveBack::Kept, Err(now) => state = State::from_bits(now),",
        "Ok(_) | Err(_) => return GiveBack::Kept,",
    ),
    edit(
        Recheck,
        "give back: a failed swap is tried again with the old picture",
        ENGINE,
        "Ok(_) => return GiveBack::Kept, Err(now) => state = State::from_bits(now),",
        "Ok(_) => return GiveBack::Kept, Err(_) => state = state.claimed(0),",
    ),
    edit(
        Recheck,
        "give back: the object is not taken out of the store again for who waits",
        ENGINE,
        "let object = reach.engine().store.pop(); return give_back_locked(reach, object);",
        "return GiveBack::Kept;",
    ),
    edit(
        Recheck,
        "give back: the counts are not judged before the push",
        ENGINE,
        "let mut state = reach.engine().look(); if !state.takes_idle() { \
         return give_back_locked(reach, object); }",
        "let mut state = reach.engine().look();",
    ),
    edit(
        Recheck,
        "enter: a failed swap is tried again with the old picture",
        MOVES,
        "(Err(now), _) => state = now,",
        "(Err(_), _) => state = state.claimed(0),",
    ),
    edit(
        Recheck,
        "enter: a failed swap passes for a place in line",
        MOVES,
        "(Err(now), _) => state = now, (Ok(()), Step::Stand(stake)) => break stake,",
        "(_, Step::Stand(stake)) => break stake, (Err(now), _) => state = now,",
    ),
    edit(
        Recheck,
        "enter: a failed swap passes for a claimed object",
        MOVES,
        "(Err(now), _) => state = now,",
        "(Err(_), Step::Take) => { drop(line); return Enter::Object(self.store.pop()); } \
         (Err(now), _) => state = now,",
    ),
    edit(
        Recheck,
        "poll: the cell is not read again under the lock",
        MOVES,
        "let old = line.node(number).waker.replace(fresh); \
         let granted = place.waiter.phase() == Phase::Reservation;",
        "let old = line.node(number).waker.replace(fresh); let granted = false;",
    ),
    edit(
        Recheck,
        "put: a failed swap is tried again with the old picture",
        MOVES,
        "while let Err(now) = self.swap(state, counted(state).published()) { state = now; }",
        "while self.swap(state, counted(state).published()).is_err() {}",
    ),
    edit(
        Recheck,
        "reserve: a failed swap passes for a good one",
        MOVES,
        "Ok(()) => return true, Err(now) => state = now,",
        "Ok(()) | Err(_) => return true,",
    ),
    edit(
        Recheck,
        "resize: a failed swap passes for a good one",
        MOVES,
        "match self.swap(state, next) { Ok(()) => break, Err(now) => state = now, }",
        "match self.swap(state, next) { Ok(()) | Err(_) => break, }",
    ),
    edit(
        Recheck,
        "resize: a failed swap is tried again with the old picture",
        MOVES,
        "match self.swap(state, next) { Ok(()) => break, Err(now) => state = now, }",
        "match self.swap(state, next) { Ok(()) => break, Err(_) => state = state.claimed(0), }",
    ),
    edit(
        Recheck,
        "close: a failed swap passes for a good one",
        MOVES,
        "match self.swap(state, revoked.closed()) { Ok(()) => {",
        "match self.swap(state, revoked.closed()) { Err(_) | Ok(()) => {",
    ),
    edit(
        Recheck,
        "put: a failed swap passes for a good one",
        MOVES,
        "while let Err(now) = self.swap(state, counted(state).published()) { state = now; }",
        "let _ = self.swap(state, counted(state).published());",
    ),
    edit(
        Recheck,
        "change: a failed swap passes for a good one",
        MOVES,
        "Ok(()) => { let_in(line, admitted, wakes); return line.gone.hear(next, wakes); } \
         Err(now) => state = now,",
        "Ok(()) | Err(_) => { let_in(line, admitted, wakes); return line.gone.hear(next, wakes); }",
    ),
    edit(
        Recheck,
        "change: who adds is let in before the swap has succeeded",
        MOVES,
        "let (next, admitted) = admit(line, next);",
        "let (next, admitted) = admit(line, next); let_in(line, admitted, wakes); let admitted = 0;",
    ),
    edit(
        Recheck,
        "poll add: the cell is not read again under the lock",
        ADDING,
        "if place.waiter.phase() == Phase::Reservation {",
        "if false {",
    ),
    edit(
        Recheck,
        "stack: a failed push passes for a good one",
        IDLE,
        "Ok(_) => return, Err(now) => bits = now,",
        "Ok(_) | Err(_) => return,",
    ),
    edit(
        Recheck,
        "stack: a failed pop passes for a good one",
        IDLE,
        "Ok(_) => return Some(top.number), Err(now) => bits = now,",
        "Ok(_) | Err(_) => return Some(top.number),",
    ),
    // Either step alone may leave the tag where it is: a node that went and came back took both.
    edit(
        Recheck,
        "stack: no tag",
        IDLE,
        "((self.tag as u64) << 32) | self.number as u64",
        "self.number as u64",
    ),
    edit(
        Recheck,
        "stack: a node is free before its object is taken",
        IDLE,
        "let object = self.node(number).object.take(); self.push_number(&self.free, number);",
        "self.push_number(&self.free, number); let object = self.node(number).object.take();",
    ),
];
