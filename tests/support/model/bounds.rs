//! What is done to a pool from outside: its bounds are changed, it is looked through, paused, closed.

use super::{Model, Told};

impl Model {
    pub fn resize(&mut self, max: usize) {
        if self.closed {
            return;
        }
        self.setup.max = max;
        // The last in line lose the rights that they have not used; then idle objects go.
        for number in self.line.clone().into_iter().rev() {
            if self.counts().size > max {
                self.getter(number).granted = false;
            }
        }
        while self.counts().size > max && self.pop_idle().is_some() {}
        while self.counts().size > max && self.parked.pop_front().is_some() {}
        self.settle();
    }

    /// Keeps the idle objects that `keep` wants; says how many that are, and gives out the others.
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) -> (usize, Vec<usize>) {
        let looked_at = std::mem::take(&mut self.idle);
        let mut removed = looked_at.clone();
        removed.retain(|object| !keep(*object));
        self.idle = looked_at;
        self.idle.retain(|object| keep(*object));
        if self.setup.newest_first {
            removed.make_contiguous().reverse();
        }
        (self.idle.len(), removed.into())
    }

    pub fn close(&mut self) {
        self.closed = true;
        self.paused = false;
        self.idle.clear();
        self.parked.clear();
        for number in std::mem::take(&mut self.line) {
            let getter = self.getter(number);
            getter.granted = false;
            getter.told = Some(Told::Closed);
        }
    }

    pub fn pause(&mut self) {
        if self.closed || self.paused {
            return;
        }
        self.paused = true;
        self.parked = std::mem::take(&mut self.idle);
        self.getters
            .values_mut()
            .for_each(|getter| getter.granted = false);
        self.settle();
    }

    /// What is parked lies idle again, as if it had never been elsewhere, and those in line take it.
    pub fn resume(&mut self) {
        self.paused = false;
        self.idle.append(&mut self.parked);
        while !self.idle.is_empty() {
            let Some(first) = self.line.pop_front() else {
                break;
            };
            self.getter(first).told = self.pop_idle().map(Told::Object);
        }
        self.settle();
    }
}
