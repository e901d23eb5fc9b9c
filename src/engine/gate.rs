//! A gate before a pool: whoever has no priority needs a ticket to go in, and there are fewer tickets than slots.
//! So some slots are always left to those with a priority, who pass the gate without one.
//!
//! ```text
//! get      a free ticket → into the pool with it, as anybody; none → stand at the gate, in a line of the same kind
//! return   the object first, then the ticket: whoever takes the ticket finds the object idle
//! resize   the pool's maximum, then as many tickets as it leaves beside the reserve; looked at again after it
//! close    the gate first, then the pool: when the pool is closed, nobody stands at its gate
//! ```
//!
//! The tickets are the objects of an engine of their own, so the line at the gate is as fair, and as safe to leave, as
//! the pool's. The two engines never work under one lock, and each is right by itself: what the pool promises (P1) says
//! nothing of who stands before it, and nothing in it knows of a priority.
//!
//! Why that is enough: of `max` slots those without priority use `n` at most, for which there are tickets, and those of
//! them in the pool's line wait for one each. So for each of them, and for `max - n` with priority, there is a slot
//! that nobody without priority holds. Whoever stands in the pool's line waits for what is being made, checked or
//! closed, or for others with priority; never for one without to give its object back.
//!
//! A ticket costs nothing to make, so it is made when it is first wanted: memory follows what is used, not what was
//! asked for.

use super::gone::Gone;
use super::state::{MAX_CONNECTING, MAX_SIZE, State};
use super::sync::{AtomicUsize, Ordering};
use super::{Debt, Engine, Order};
use std::fmt;
use std::task::{Poll, Waker};

/// The gate of a pool, with tickets `P`.
pub struct Gate<P> {
    tickets: Engine<P>,
    reserve: usize,
    /// Who stands at the gate, or was given a ticket there and has not come to the pool yet.
    before: AtomicUsize,
}

impl<P> Gate<P> {
    /// The gate of a pool of at most `max` objects, of which it keeps `reserve` from those without a priority.
    pub fn new(max: usize, reserve: usize) -> Self {
        Self {
            tickets: Engine::new(share(max, reserve), MAX_CONNECTING, Order::Fifo),
            reserve,
            before: AtomicUsize::new(0),
        }
    }

    /// The tickets, and who stands in line for one.
    #[inline]
    pub fn tickets(&self) -> &Engine<P> {
        &self.tickets
    }

    /// How many stand before the pool: at the gate, or with a ticket that they were given there and not in the
    /// pool's own line yet.
    pub fn before(&self) -> usize {
        // ORDERING(before the gate read): Relaxed; a number for reports. Who must not miss anybody asks with the
        // pool's line locked, which whoever goes in locks after it has been counted off.
        self.before.load(Ordering::Relaxed)
    }

    /// One more stands before the pool. It ends in [`gone_by`](Self::gone_by).
    pub fn come(&self) {
        // ORDERING(before the gate more): Relaxed; counted before it stands in the line of the gate, whose lock
        // whoever refuses newcomers takes after it.
        self.before.fetch_add(1, Ordering::Relaxed);
    }

    /// One of those has its place in the `pool`, or is served there, or has given up.
    pub fn gone_by<T>(&self, pool: &Engine<T>) {
        // ORDERING(before the gate fewer): Relaxed; see `before the gate read`.
        let before = self.before.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "more went by than had come");
        if before == 1 {
            pool.hear_end();
        }
    }

    /// The `pool` was resized: there are as many tickets as its maximum leaves. Of several who resize at once, the
    /// last to change the tickets has seen the maximum that stays.
    pub fn follow<T>(&self, pool: &Engine<T>) {
        let mut max = pool.state().max();
        loop {
            self.end_all(self.tickets.resize(share(max, self.reserve)));
            let now = pool.state().max();
            if now == max {
                return;
            }
            max = now;
        }
    }

    /// Nobody new may stand at the gate from now on.
    pub fn refuse(&self) {
        self.tickets.refuse();
    }

    /// Closes the gate: everybody who stands there hears of it.
    pub fn close(&self) {
        self.end_all(self.tickets.close());
    }

    /// Ready when nobody is in the line of the `pool` nor on the way to it. Joining must be
    /// [refused](Self::refuse) before, by both.
    pub fn poll_line_end<T>(&self, pool: &Engine<T>, gone: &mut Gone, waker: &Waker) -> Poll<()> {
        let nobody = |state: State| state.waiting() == 0 && self.before() == 0;
        pool.poll_end(gone, waker, nobody)
    }

    /// A ticket for which there is no place any more.
    pub fn end(&self, ticket: P, debt: Debt) {
        drop(ticket);
        self.tickets.bury(debt);
    }

    fn end_all(&self, tickets: Vec<(P, Debt)>) {
        tickets
            .into_iter()
            .for_each(|(ticket, debt)| self.end(ticket, debt));
    }
}

/// How many tickets there are in a pool of `max`. A reserve that leaves none yields: one getter after the other is
/// served in any pool that can serve anybody.
fn share(max: usize, reserve: usize) -> usize {
    let max = max.min(MAX_SIZE);
    max.saturating_sub(reserve).max(max.min(1))
}

impl<P> fmt::Debug for Gate<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("tickets", &self.tickets.state())
            .field("reserve", &self.reserve)
            .field("before", &self.before())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_leaves_one_ticket_at_least_where_there_is_any_slot() {
        let tickets = [(0, 3), (1, 3), (3, 3), (4, 3), (5, 3), (5, 0)];
        let shares = tickets.map(|(max, reserve)| share(max, reserve));
        assert_eq!(shares, [0, 1, 1, 1, 2, 5]);
        assert_eq!(share(usize::MAX, 1), MAX_SIZE - 1);
    }
}
