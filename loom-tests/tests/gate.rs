//! A gate before a pool: what its tickets and the pool's objects do at once. In all of these a pool of two keeps one
//! for those with priority, unless it says otherwise.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Gated, THREE, TWO, Visitor, explore};

/// Forbids that who takes a ticket finds the object not idle yet that came with it, or not as its last user left it.
#[test]
fn gate_object_first() {
    explore("gate_object_first", ALL, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        gated
            .race()
            .and(|gated| gated.give_back(visit))
            .and(|gated| {
                gated.visitor().find_idle();
            })
            .run();
        gated.at_rest(1, 2, 1);
    });
}

/// Forbids that one who comes to the gate sleeps there beside the ticket that is given back just then.
#[test]
fn gate_return_come() {
    explore("gate_return_come", FOUR, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        gated
            .race()
            .and(|gated| gated.give_back(visit))
            .and(Gated::get_and_give_back)
            .run();
        gated.at_rest(1, 2, 1);
    });
}

/// Forbids that one with a ticket and one with priority take the same object, or that either sleeps beside the other's
/// room.
#[test]
fn gate_return_urgent() {
    explore("gate_return_urgent", TWO, || {
        let gated = Gated::new(2, 1);
        gated.pool().warm(2);
        let visit = gated.hold();
        let visitor = gated.standing();
        let kept = gated
            .race_keeping()
            .and(|gated| {
                gated.give_back(visit);
                None
            })
            .and(|_| Some(visitor.wait().expect("it stood there before")))
            .and(|gated| {
                gated.pool().get_and_give_back();
                None
            })
            .run();
        kept.into_iter()
            .flatten()
            .for_each(|visit| gated.give_back(visit));
        gated.at_rest(1, 2, 2);
    });
}

/// Forbids that one with priority waits for an object of those without, who hold all of theirs and stand at the gate.
#[test]
fn gate_urgent_beside_crowd() {
    explore("gate_urgent_beside_crowd", FIVE, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        gated
            .race()
            .and(|gated| gated.standing().leave())
            .and(|gated| gated.pool().get_and_give_back())
            .run();
        gated.give_back(visit);
        gated.at_rest(1, 2, 2);
    });
}

/// Forbids that the ticket given to one who leaves is lost to the next at the gate.
#[test]
fn gate_cancel_between() {
    explore("gate_cancel_between", FOUR, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        let [first, second] = [gated.standing(), gated.standing()];
        gated
            .race()
            .and(|gated| gated.give_back(visit))
            .and(|_| first.leave())
            .and(|gated| give_back(second, gated))
            .run();
        gated.at_rest(1, 2, 1);
    });
}

/// Forbids that the room of an object that is destroyed is lost to who takes the ticket, or taken before its end.
#[test]
fn gate_doom_stand() {
    explore("gate_doom_stand", FOUR, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        let visitor = gated.standing();
        gated
            .race()
            .and(|gated| gated.doom(visit))
            .and(|gated| give_back(visitor, gated))
            .run();
        gated.at_rest(1, 2, 1);
    });
}

/// Forbids that one at the gate sleeps on when the pool closes, or that a ticket or an object outlives it.
#[test]
fn gate_close_stand() {
    explore("gate_close_stand", THREE, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        let visitor = gated.standing();
        gated
            .race()
            .and(Gated::close)
            .and(|gated| gated.give_back(visit))
            .and(|gated| {
                if let Some(visit) = visitor.wait() {
                    gated.give_back(visit);
                }
            })
            .run();
        gated.at_rest_closed();
    });
}

/// The same of one who comes just then, and one who leaves.
#[test]
fn gate_close_come() {
    explore("gate_close_come", THREE, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        let leaves = gated.standing();
        gated
            .race()
            .and(Gated::close)
            .and(|_| leaves.leave())
            .and(|gated| assert!(gated.visitor().get().is_none(), "its ticket is out"))
            .run();
        gated.give_back(visit);
        gated.at_rest_closed();
    });
}

/// Forbids that one at the gate sleeps on when a larger pool has a ticket for it.
#[test]
fn gate_resize_up() {
    explore("gate_resize_up", FOUR, || {
        let gated = Gated::new(2, 1);
        let visit = gated.hold();
        let visitor = gated.standing();
        gated
            .race()
            .and(|gated| gated.resize(3))
            .and(|gated| give_back(visitor, gated))
            .run();
        gated.give_back(visit);
        gated.at_rest(2, 3, 2);
    });
}

/// Forbids that a ticket given back beside a shrink is one too many, or the last.
#[test]
fn gate_resize_down_return() {
    explore("gate_resize_down_return", FOUR, || {
        let gated = Gated::new(3, 1);
        let [one, other] = [gated.hold(), gated.hold()];
        gated
            .race()
            .and(|gated| gated.resize(2))
            .and(|gated| gated.give_back(one))
            .run();
        gated.give_back(other);
        gated.at_rest(1, 2, 2);
    });
}

/// Forbids that of two who resize at once one leaves as many tickets as the other one's maximum allows.
#[test]
fn gate_resize_resize() {
    explore("gate_resize_resize", FIVE, || {
        let gated = Gated::new(2, 1);
        gated
            .race()
            .and(|gated| gated.resize_empty(3))
            .and(|gated| gated.resize_empty(4))
            .run();
        let max = gated.pool().engine().state().max();
        gated.pool().accept(max);
        gated.at_rest(max - 1, max, 0);
    });
}

/// Forbids that the end of the line is told while one is between the gate and the pool, or that who waits for it
/// sleeps on.
#[test]
fn gate_refuse_between() {
    explore("gate_refuse_between", TWO, || {
        let gated = Gated::new(2, 1);
        gated.pool().warm(2);
        let visit = gated.hold();
        let visitor = gated.standing();
        let kept = gated
            .race_keeping()
            .and(|gated| {
                gated.end_line();
                None
            })
            .and(|gated| {
                gated.give_back(visit);
                None
            })
            .and(|_| Some(visitor.wait().expect("it stood there before")))
            .run();
        kept.into_iter()
            .flatten()
            .for_each(|visit| gated.give_back(visit));
        gated.at_rest(1, 2, 2);
    });
}

/// Forbids that one who stood at the gate when the line was ended is refused as a newcomer is, or closed upon, where it
/// has to make its object.
#[test]
fn gate_refuse_through() {
    explore("gate_refuse_through", TWO, || {
        let gated = Gated::new(2, 1);
        gated.pool().warm(2);
        let visit = gated.hold();
        let urgent = gated.pool().claim().expect("the other one");
        let visitor = gated.standing();
        let kept = gated
            .race_keeping()
            .and(|gated| {
                gated.end_line();
                gated.close();
                None
            })
            .and(|gated| {
                gated.doom(visit);
                None
            })
            .and(|_| Some(visitor.wait().expect("it stood there before")))
            .run();
        kept.into_iter()
            .flatten()
            .for_each(|visit| gated.give_back(visit));
        gated.pool().give_back(urgent);
        gated.at_rest_closed();
    });
}

/// The end is told of one who leaves the gate, too.
#[test]
fn gate_refuse_cancel() {
    explore("gate_refuse_cancel", FOUR, || {
        let gated = Gated::new(2, 1);
        gated.pool().warm(2);
        let visit = gated.hold();
        let visitor = gated.standing();
        gated
            .race()
            .and(Gated::end_line)
            .and(|_| visitor.leave())
            .run();
        gated.give_back(visit);
        gated.at_rest(1, 2, 2);
    });
}

/// Gets what it stands for, which must be there in the end, and gives it back.
fn give_back(visitor: Visitor, gated: &Gated) {
    let visit = visitor.wait().expect("it stood there before");
    gated.give_back(visit);
}
