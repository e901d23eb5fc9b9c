//! Waiting for the end: a closed pool is gone when nothing of it is left, in use or being made.

use super::Engine;
use super::state::State;
use super::wake::{WakeList, drop_contained};
use std::task::{Poll, Waker};

/// Who waits for the end of a closed pool (behind the line's lock).
#[derive(Debug, Default)]
pub struct Mourners {
    next: u64,
    wakers: Vec<(u64, Waker)>,
}

/// One who waits for the end. Give it back to [`Engine::forget_gone`] if it stops waiting.
#[derive(Debug, Default)]
pub struct Gone {
    number: Option<u64>,
}

impl Mourners {
    /// Wakes everybody if `state` is the end.
    pub fn hear(&mut self, state: State, wakes: &mut WakeList) {
        if is_end(state) {
            self.wakers
                .drain(..)
                .for_each(|(_, waker)| wakes.add(Some(waker)));
        }
    }
}

impl<T> Engine<T> {
    /// Ready when the pool is closed and nothing of it is left.
    pub fn poll_gone(&self, gone: &mut Gone, waker: &Waker) -> Poll<()> {
        let fresh = waker.clone();
        let mut line = self.line.lock();
        // Under the lock `size` and `closed` stand still, so the end cannot slip past in between.
        if is_end(self.look()) {
            return Poll::Ready(());
        }
        let old = line.gone.replace(gone, fresh);
        drop(line);
        drop_contained(old);
        Poll::Pending
    }

    /// It waits no more.
    pub fn forget_gone(&self, gone: &Gone) {
        let mut line = self.line.lock();
        let found = line
            .gone
            .wakers
            .iter()
            .position(|(number, _)| Some(*number) == gone.number);
        let old = found.map(|index| line.gone.wakers.swap_remove(index));
        drop(line);
        drop_contained(old);
    }
}

impl Mourners {
    fn replace(&mut self, gone: &mut Gone, waker: Waker) -> Option<Waker> {
        let mine = |entry: &&mut (u64, Waker)| Some(entry.0) == gone.number;
        if let Some((_, old)) = self.wakers.iter_mut().find(mine) {
            return Some(std::mem::replace(old, waker));
        }
        gone.number = Some(self.next);
        self.wakers.push((self.next, waker));
        self.next += 1;
        None
    }
}

fn is_end(state: State) -> bool {
    state.is_closed() && state.size() == 0
}
