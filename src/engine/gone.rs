//! Waiting for an end: a closed pool is gone when nothing of it is left, in use or being made; and a line that
//! nobody may join any more ends with the last one in it.

use super::Engine;
use super::state::State;
use super::wake::{WakeList, drop_contained};
use std::task::{Poll, Waker};

/// Who waits for the end of a closed pool, or of a line (behind the line's lock).
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
    /// Wakes everybody if `state` is the end, or that of a line that is `refusing`.
    #[inline]
    pub fn hear(&mut self, state: State, refusing: bool, wakes: &mut WakeList) {
        if self.wakers.is_empty() {
            return;
        }
        if is_end(state) || refusing && state.waiting() == 0 {
            self.wakers
                .drain(..)
                .for_each(|(_, waker)| wakes.add(Some(waker)));
        }
    }
}

impl<T> Engine<T> {
    /// Ready when the pool is closed and nothing of it is left.
    pub fn poll_gone(&self, gone: &mut Gone, waker: &Waker) -> Poll<()> {
        self.poll_end(gone, waker, is_end)
    }

    /// Ready when nobody is in line. Joining must be [refused](Self::refuse) before.
    pub fn poll_line_end(&self, gone: &mut Gone, waker: &Waker) -> Poll<()> {
        self.poll_end(gone, waker, |state| state.waiting() == 0)
    }

    /// Who waits for an end looks again: something beside the word has changed that it waits for.
    pub(super) fn hear_end(&self) {
        let mut wakes = WakeList::default();
        let mut line = self.line.lock();
        let state = self.look();
        line.hear(state, &mut wakes);
        drop(line);
        wakes.wake();
    }

    pub(super) fn poll_end(
        &self,
        gone: &mut Gone,
        waker: &Waker,
        is_over: impl Fn(State) -> bool,
    ) -> Poll<()> {
        let fresh = waker.clone();
        let mut line = self.line.lock();
        // Under the lock `size` and `closed` stand still, and so does who waits: no end slips past in between.
        if is_over(self.look()) {
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
