//! The book of everything that a world made.

use std::fmt;

/// What exists, what existed, and what went wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Book {
    /// The life of each object, by its number.
    pub lives: Vec<Life>,
    /// Calls of `create` under way.
    pub connecting: usize,
    /// Objects that exist and were not given away.
    pub live: usize,
    /// The most that live and connecting ever were together.
    pub peak: usize,
    /// LIM: no connect may begin that makes more than this together. Without a bound at first.
    pub limit: usize,
    /// ONCE: what should never have happened to an object, in words.
    pub violations: Vec<String>,
    /// LIM: connects that should not have begun, in words.
    pub excesses: Vec<String>,
}

/// One object's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Life {
    /// How often it was detached.
    pub detached: usize,
    /// How often it was dropped.
    pub dropped: usize,
    /// Somebody holds it, in a [`Hand`](super::Hand).
    pub in_hand: bool,
    /// It was taken out alive.
    pub away: bool,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            lives: Vec::new(),
            connecting: 0,
            live: 0,
            peak: 0,
            limit: usize::MAX,
            violations: Vec::new(),
            excesses: Vec::new(),
        }
    }
}

impl Book {
    /// A connect begins.
    pub(super) fn begin_connect(&mut self) {
        self.connecting += 1;
        let (now, limit) = (self.live + self.connecting, self.limit);
        self.peak = self.peak.max(now);
        if now > limit {
            let what = format!("{now} connections where {limit} may be");
            self.excesses.push(what);
        }
    }

    /// It has made an object. Its number.
    pub(super) fn made(&mut self) -> usize {
        self.connecting -= 1;
        self.live += 1;
        self.lives.push(Life::default());
        self.lives.len() - 1
    }

    pub(super) fn pick_up(&mut self, id: usize) {
        if std::mem::replace(&mut self.lives[id].in_hand, true) {
            self.violate(format_args!("object {id} is in two hands"));
        }
    }

    pub(super) fn put_down(&mut self, id: usize) {
        self.lives[id].in_hand = false;
    }

    /// The pool does something with an object that nobody else may have.
    pub(super) fn touch(&mut self, id: usize, what: &str) {
        let life = self.lives[id];
        if life.in_hand || life.detached > 0 || life.dropped > 0 {
            self.violate(format_args!("{what} of object {id} that is {life:?}"));
        }
    }

    pub(super) fn detach(&mut self, id: usize, away: bool) {
        let life = &mut self.lives[id];
        life.detached += 1;
        life.away = away;
        let life = *life;
        if away {
            self.live -= 1;
        }
        if life.in_hand || life.detached > 1 || life.dropped > 0 {
            self.violate(format_args!("detach of object {id} that is {life:?}"));
        }
    }

    pub(super) fn dropped(&mut self, id: usize) {
        let life = &mut self.lives[id];
        life.dropped += 1;
        let life = *life;
        if !life.away {
            self.live -= 1;
        }
        if life.in_hand || life.detached != 1 {
            self.violate(format_args!("drop of object {id} that is {life:?}"));
        }
    }

    pub(super) fn violate(&mut self, what: fmt::Arguments<'_>) {
        self.violations.push(what.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_in_two_hands_is_a_violation() {
        let mut book = Book::default();
        book.begin_connect();
        let id = book.made();
        book.pick_up(id);
        book.put_down(id);
        book.pick_up(id);
        assert_eq!(book.violations, [""; 0]);
        book.pick_up(id);
        assert_eq!(book.violations, ["object 0 is in two hands"]);
        book.touch(id, "a check");
        assert_eq!(book.violations.len(), 2, "a check of what somebody holds");
    }
}
