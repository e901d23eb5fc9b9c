//! The line: everything that its lock guards.

use super::cells::Cells;
use super::gone::Mourners;
use super::queue::{Queue, Stake};
use super::state::{MAX_WAITING, State};
use super::waiter::Phase;
use super::wake::WakeList;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

/// Who waits, and what must not change while somebody decides about them. It reads as the queue of its
/// getters, whom nearly every move is about; they and their cells lie first, beside the lock.
#[derive(Debug)]
#[repr(C)]
pub struct Line<T> {
    getters: Queue<T>,
    /// The cells of getters who left.
    pub cells: Cells<T>,
    /// Who waits for room to put an object of its own in; none of them is counted in the word.
    pub adders: Queue<T>,
    /// Objects that are doomed but still counted in `size`: who shrinks the pool must not doom others in
    /// their stead.
    pub leaving: usize,
    /// The most connects that may run at once.
    pub cap: usize,
    /// The most getters that may wait without a reservation; who comes then is shed.
    pub most: usize,
    /// Nobody may join any more: the pool will be closed as soon as the line is empty.
    pub refusing: bool,
    /// Objects that lay idle or came back while the pool was paused, the longest idle first.
    pub parked: VecDeque<T>,
    /// Who waits for the end of a closed pool, or of the line.
    pub gone: Mourners,
}

impl<T> Line<T> {
    /// An empty line; at most `cap` connects at once.
    pub fn new(cap: usize) -> Self {
        Self {
            getters: Queue::new(),
            cells: Cells::new(),
            adders: Queue::new(),
            leaving: 0,
            cap,
            most: MAX_WAITING,
            refusing: false,
            parked: VecDeque::new(),
            gone: Mourners::default(),
        }
    }

    /// Takes back reservations that are not picked up yet, from the back, while there are `too_many` in `state`; the
    /// state without them. Nobody is woken: who was granted one has been.
    pub fn take_back(&mut self, mut state: State, too_many: impl Fn(State) -> bool) -> State {
        while too_many(state) {
            let Some(number) = self.last_granted() else {
                break;
            };
            self.set_stake(number, Stake::Hungry);
            self.node(number).waiter.tell(Phase::Nudged);
            state = state.unreserved();
        }
        state
    }

    /// `state` is in force: who waits for an end is woken if this is one.
    #[inline]
    pub fn hear(&mut self, state: State, wakes: &mut WakeList) {
        self.gone.hear(state, self.refusing, wakes);
    }
}

impl<T> Deref for Line<T> {
    type Target = Queue<T>;
    #[inline]
    fn deref(&self) -> &Queue<T> {
        &self.getters
    }
}

impl<T> DerefMut for Line<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Queue<T> {
        &mut self.getters
    }
}
