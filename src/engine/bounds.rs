//! The moves that change by which bounds the others go: how many connect at once, how many may wait, whether
//! anything is given out at all.
//!
//! ```text
//! set_cap     locked: cap; granted reservations beyond it are taken back, from the back (who connects goes on)
//! set_most    locked: the most who may wait
//! refuse      locked: nobody joins any more; from then on the end of the line can be waited for (`gone.rs`)
//! pause       locked: paused, idle = 0; granted reservations are taken back; what was idle is parked
//!  give back    … paused: parked (`put`)
//! unpark      locked: the parked objects to the caller, still paused
//! resume      locked: not paused; parked objects to the first in line, and the rest idle, in one swap
//! ```
//!
//! A paused pool has nothing idle, so a claim finds nothing and needs no look at the flag, and it has no room, so
//! whoever comes stands in line (P1 says so too: there is nothing to wait beside). What is parked counts as in use.
//! Who connects at the pause has its own object when it ends, as beside a shrink to what there is; the object of a
//! connect that nobody owns is parked, so who would not wait has nothing to hope for and is dismissed at once.

use super::idle::Order;
use super::moves::over;
use super::queue::{Node, Stake};
use super::state::{MAX_CONNECTING, State};
use super::wake::{WakeList, drop_contained};
use super::{Debt, Engine};
use std::collections::VecDeque;

impl<T> Engine<T> {
    /// At most `cap` connects begin at once from now on. Those under way go on.
    pub fn set_cap(&self, cap: usize) {
        let mut line = self.line.lock();
        line.cap = cap.min(MAX_CONNECTING);
        let cap = line.cap;
        let state = self.look();
        let left = line.take_back(state, |state| state.connecting() > cap);
        let granted = state.connecting() - left.connecting();
        self.change(line, |state| {
            (0..granted).fold(state, |state, _| state.unreserved())
        });
    }

    /// At most `most` getters wait from now on; who comes then is shed. Those in line stay, and who finds room to
    /// connect waits for nobody.
    pub fn set_most(&self, most: usize) {
        self.line.lock().most = most;
    }

    /// Nobody may join the line from now on: newcomers hear that the pool is closed.
    pub fn refuse(&self) {
        self.line.lock().refusing = true;
    }

    /// Gives out nothing from now on: who comes stands in line. Says whether it was not paused before.
    pub fn pause(&self) -> bool {
        let mut wakes = WakeList::default();
        let mut line = self.line.lock();
        let mut state = self.look();
        let idle = loop {
            if state.is_closed() || state.is_paused() {
                return false;
            }
            let revoked = line.take_back(state, |_| true);
            let next = self.settle(&mut line, revoked.paused(), &mut wakes);
            match self.swap(state, next) {
                Ok(()) => {
                    line.hear(next, &mut wakes);
                    break state.idle();
                }
                Err(now) => state = now,
            }
        };
        let mut idle: Vec<_> = (0..idle).map(|_| self.store.pop()).collect();
        if self.store.order() == Order::Lifo {
            idle.reverse();
        }
        line.parked.extend(idle);
        drop(line);
        wakes.wake();
        true
    }

    /// What is parked, for the caller to look at before it [resumes](Self::resume); still paused.
    pub fn unpark(&self) -> Vec<T> {
        self.line.lock().parked.drain(..).collect()
    }

    /// Gives out again: `objects`, which the caller has in hand, and what is parked go to the first in line, and
    /// the rest become idle, in the order in which they would be had there been no pause. Gives out what there is no place for: destroy each, then pay its debt.
    pub fn resume(&self, objects: Vec<T>) -> Vec<(T, Debt)> {
        let mut wakes = WakeList::default();
        let mut line = self.line.lock();
        let mut objects: VecDeque<_> = objects.into();
        objects.append(&mut line.parked);
        let surplus = over(&line, self.look()).min(objects.len());
        line.leaving += surplus;
        let surplus = objects.drain(..surplus).collect();
        let mut served = Vec::new();
        while let Some(front) = line.front().filter(|_| served.len() < objects.len()) {
            let mut node = line.remove(front);
            wakes.add(node.waker.take());
            served.push(node);
        }
        let next = match self.store.order() {
            Order::Fifo => VecDeque::pop_front,
            Order::Lifo => VecDeque::pop_back,
        };
        let handed: Vec<_> = served.iter().map_while(|_| next(&mut objects)).collect();
        let idle = objects.len();
        objects
            .into_iter()
            .for_each(|object| self.store.push(object));
        self.change_with(&mut line, &mut wakes, |state| {
            let state = served.iter().fold(state.resumed(), without);
            (0..idle).fold(state, |state, _| state.published())
        });
        for (node, object) in served.iter().zip(handed) {
            node.waiter.hand_over(object);
        }
        drop(line);
        drop_contained(served);
        wakes.wake();
        self.pop_doomed(0, surplus)
    }
}

/// Without one that was served, and without the reservation that it has not picked up.
fn without<T>(state: State, node: &Node<T>) -> State {
    match node.stake {
        Stake::Granted => state.left().unreserved(),
        Stake::Hungry | Stake::Driving => state.left(),
    }
}
