//! The moves that change by which bounds the others go: how many connect at once, how many may wait, whether
//! anything is given out at all.
//!
//! ```text
//! set_cap     locked: cap; settle (a lower one takes nothing back: who connects goes on)
//! set_most    locked: the most who may wait
//! refuse      locked: nobody joins any more; who waits for the end of the line is woken when it is empty
//! pause       locked: paused, idle = 0, granted reservations taken back; what was idle is parked
//!  give back    … paused: parked (`put`)
//! unpark      locked: the parked objects to the caller, still paused
//! resume      locked: not paused; parked objects to the first in line, the rest idle; settle
//! ```
//!
//! A paused pool has nothing idle, so a claim finds nothing and needs no look at the flag, and it has no room, so
//! whoever comes stands in line (P1 says so too: there is nothing to wait beside). What is parked counts as in use.

use super::queue::Stake;
use super::state::State;
use super::waiter::Phase;
use super::wake::{WakeList, drop_contained};
use super::{Debt, Engine};

impl<T> Engine<T> {
    /// At most `cap` connects at once from now on. Those under way go on.
    pub fn set_cap(&self, cap: usize) {
        let mut line = self.line.lock();
        line.cap = cap.min(super::state::MAX_CONNECTING);
        self.change(line, |state| state);
    }

    /// At most `most` getters wait from now on; who comes then is shed. Those in line stay.
    pub fn set_most(&self, most: usize) {
        self.line.lock().most = most;
    }

    /// Nobody may join the line from now on: newcomers hear that the pool is closed.
    pub fn refuse(&self) {
        let mut line = self.line.lock();
        line.refusing = true;
        self.change(line, |state| state);
    }

    /// Gives out nothing from now on: who comes stands in line. Says whether it was not paused before.
    pub fn pause(&self) -> bool {
        let mut line = self.line.lock();
        let mut state = self.look();
        let idle = loop {
            if state.is_closed() || state.is_paused() {
                return false;
            }
            let revoked = (0..line.granted()).fold(state, |state, _| state.unreserved());
            match self.swap(state, revoked.paused()) {
                Ok(()) => break state.idle(),
                Err(now) => state = now,
            }
        };
        while let Some(number) = line.last_granted() {
            line.set_stake(number, Stake::Hungry);
            line.node(number).waiter.tell(Phase::Nudged);
        }
        let idle = std::iter::repeat_with(|| self.store.pop()).take(idle);
        line.parked.extend(idle);
        true
    }

    /// What is parked, for the caller to look at before it [resumes](Self::resume); still paused.
    pub fn unpark(&self) -> Vec<T> {
        self.line.lock().parked.drain(..).collect()
    }

    /// Gives out again: `objects`, which the caller has in hand, and what is parked go to the first in line, and
    /// the rest become idle. Gives out what there is no place for: destroy each, then pay its debt.
    pub fn resume(&self, objects: Vec<T>) -> Vec<(T, Debt)> {
        let mut line = self.line.lock();
        line.parked.extend(objects);
        if self.look().is_closed() {
            let parked: Vec<_> = line.parked.drain(..).collect();
            line.leaving += parked.len();
            drop(line);
            return self.pop_doomed(0, parked);
        }
        let mut wakes = WakeList::default();
        let (mut surplus, mut served) = (Vec::new(), Vec::new());
        self.step(State::resumed);
        while let Some(object) = line.parked.pop_front() {
            if super::moves::is_over(&line, self.look()) {
                line.leaving += 1;
                surplus.push(object);
            } else if let Some(front) = line.front() {
                let mut node = line.remove(front);
                self.step(|state| match node.stake {
                    Stake::Granted => state.left().unreserved(),
                    Stake::Hungry | Stake::Driving => state.left(),
                });
                wakes.add(node.waker.take());
                node.waiter.hand_over(object);
                served.push(node);
            } else {
                self.store.push(object);
                self.step(State::published);
            }
        }
        self.change_with(&mut line, &mut wakes, |state| state);
        drop(line);
        drop_contained(served);
        wakes.wake();
        self.pop_doomed(0, surplus)
    }

    /// One change of the word within a locked move that settles later.
    fn step(&self, step: impl Fn(State) -> State) {
        let mut state = self.look();
        while let Err(now) = self.swap(state, step(state)) {
            state = now;
        }
    }
}
