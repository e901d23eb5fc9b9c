//! The word: everything that is counted, in one 64-bit atomic, so that the counts cannot disagree (P1).
//!
//! ```text
//! 63      62       61 ........ 42          41 ...... 32     31 ..... 16   15 ..... 0
//! closed  paused   line (20, signed)       connecting (10)  max (16)      size (16)
//! ```
//!
//! `line` is the number of idle objects or, negative, of waiters: that somebody waits beside an idle
//! object cannot even be written down. Nor is anything idle in a pool that is paused.
//!
//! A [`State`] is one picture of the word. Its methods are the legal transitions, pure functions from
//! picture to picture; the engine puts the result in place with a compare-and-swap on the very picture
//! that was decided on. Every count is checked in release builds too: a slip here would be a lost
//! connection later, and nobody would know why.

use std::fmt;

/// One picture of the pool's counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct State(u64);

const SIZE: Field = Field { shift: 0, bits: 16 };
const MAX: Field = Field {
    shift: 16,
    bits: 16,
};
const CONNECTING: Field = Field {
    shift: 32,
    bits: 10,
};
const LINE: Field = Field {
    shift: 42,
    bits: 20,
};
const PAUSED: u64 = 1 << 62;
const CLOSED: u64 = 1 << 63;

/// The most objects that a pool holds, whatever was asked for.
pub const MAX_SIZE: usize = MAX.largest() as usize;
/// The most connects that run at once.
pub const MAX_CONNECTING: usize = CONNECTING.largest() as usize;
/// The most waiters that a line holds; beyond it a getter is shed. No model could fill a line of half a
/// million.
pub const MAX_WAITING: usize = if cfg!(millpond_loom) {
    6
} else {
    (LINE.largest() / 2) as usize
};

const _: () = {
    assert!(SIZE.shift + SIZE.bits == MAX.shift);
    assert!(MAX.shift + MAX.bits == CONNECTING.shift);
    assert!(CONNECTING.shift + CONNECTING.bits == LINE.shift);
    assert!(LINE.shift + LINE.bits == 62, "bits 62 and 63 are flags");
    assert!(SIZE.bits == MAX.bits, "size may reach max");
};

impl State {
    /// An empty, open pool of at most `max` objects.
    pub fn new(max: usize) -> Self {
        Self(0).resized(max)
    }

    /// The picture that `bits` are.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of this picture.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether the pool was closed.
    #[inline]
    pub const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// Whether the pool is paused: nothing is idle, and nothing may be made.
    #[inline]
    pub const fn is_paused(self) -> bool {
        self.0 & PAUSED != 0
    }

    /// Objects that exist, and reservations to make one.
    #[inline]
    pub const fn size(self) -> usize {
        SIZE.of(self.0)
    }

    /// The most objects that may exist.
    #[inline]
    pub const fn max(self) -> usize {
        MAX.of(self.0)
    }

    /// Reservations: objects that are being made, or may be.
    #[inline]
    pub const fn connecting(self) -> usize {
        CONNECTING.of(self.0)
    }

    /// Objects that lie in the idle store and are counted there.
    #[inline]
    pub const fn idle(self) -> usize {
        let line = self.line();
        if line > 0 { line as usize } else { 0 }
    }

    /// Getters that stand in line.
    #[inline]
    pub const fn waiting(self) -> usize {
        let line = self.line();
        if line < 0 {
            line.unsigned_abs() as usize
        } else {
            0
        }
    }

    /// Objects that are neither idle nor being made: held by a user, in a waiter's cell, being checked
    /// or being destroyed.
    #[inline]
    pub const fn in_use(self) -> usize {
        self.size() - self.idle() - self.connecting()
    }

    /// Whether one more reservation may be granted.
    #[inline]
    pub const fn has_room(self, cap: usize) -> bool {
        self.0 & (CLOSED | PAUSED) == 0 && self.size() < self.max() && self.connecting() < cap
    }

    /// Whether an object that comes back may be counted idle: the pool is open, not paused and not over its
    /// maximum, and nobody waits.
    #[inline]
    pub const fn takes_idle(self) -> bool {
        self.0 & (CLOSED | PAUSED) == 0 && self.line() >= 0 && self.size() <= self.max()
    }

    const fn line(self) -> i64 {
        ((self.0 << (64 - LINE.shift - LINE.bits)) as i64) >> (64 - LINE.bits)
    }
}

/// The transitions.
impl State {
    /// `count` idle objects are idle no more.
    #[inline]
    pub const fn claimed(self, count: usize) -> Self {
        assert!(self.idle() >= count, "claimed more than is idle");
        Self(self.0 - ((count as u64) << LINE.shift))
    }

    /// One more object is idle.
    #[inline]
    pub const fn published(self) -> Self {
        assert!(self.line() >= 0, "published beside a waiter");
        assert!(
            self.idle() < MAX_WAITING,
            "more idle than the line can count"
        );
        Self(self.0 + (1 << LINE.shift))
    }

    /// One more getter stands in line.
    pub const fn joined(self) -> Self {
        assert!(self.idle() == 0, "joined beside an idle object");
        assert!(self.waiting() < MAX_WAITING, "the line is full");
        self.with_line(self.line() - 1)
    }

    /// One getter fewer stands in line.
    pub const fn left(self) -> Self {
        assert!(self.waiting() > 0, "left an empty line");
        self.with_line(self.line() + 1)
    }

    /// One more reservation: counted in `size` from now on, so that the server never sees one too many.
    pub const fn reserved(self) -> Self {
        assert!(self.size() < self.max(), "reserved beyond the maximum");
        assert!(self.connecting() < MAX_CONNECTING, "too many reservations");
        Self(self.0 + SIZE.one() + CONNECTING.one())
    }

    /// One more object: it was brought, not made.
    pub const fn added(self) -> Self {
        assert!(self.size() < self.max(), "added beyond the maximum");
        Self(self.0 + SIZE.one())
    }

    /// A reservation ended without an object.
    pub const fn unreserved(self) -> Self {
        self.connected().lost()
    }

    /// A reservation became an object.
    pub const fn connected(self) -> Self {
        assert!(self.connecting() > 0, "connected without a reservation");
        Self(self.0 - CONNECTING.one())
    }

    /// An object left the pool.
    pub const fn lost(self) -> Self {
        assert!(
            self.size() > self.idle() + self.connecting(),
            "lost what nobody held"
        );
        Self(self.0 - SIZE.one())
    }

    /// The maximum is `max` from now on (at most [`MAX_SIZE`]).
    pub fn resized(self, max: usize) -> Self {
        let max = max.min(MAX_SIZE) as u64;
        Self((self.0 & !MAX.mask()) | (max << MAX.shift))
    }

    /// Paused: nothing is idle any more, and nothing may be made.
    pub const fn paused(self) -> Self {
        Self(self.claimed(self.idle()).0 | PAUSED)
    }

    /// Paused no more.
    pub const fn resumed(self) -> Self {
        Self(self.0 & !PAUSED)
    }

    /// Closed: nothing may be made, nobody waits, nothing is idle.
    pub fn closed(self) -> Self {
        Self(self.resumed().resized(0).with_line(0).0 | CLOSED)
    }

    const fn with_line(self, line: i64) -> Self {
        Self((self.0 & !LINE.mask()) | (((line as u64) << LINE.shift) & LINE.mask()))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("closed", &self.is_closed())
            .field("paused", &self.is_paused())
            .field("line", &self.line())
            .field("connecting", &self.connecting())
            .field("max", &self.max())
            .field("size", &self.size())
            .finish()
    }
}

/// Where a count lies in the word.
struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    const fn largest(&self) -> u64 {
        (1 << self.bits) - 1
    }

    const fn mask(&self) -> u64 {
        self.largest() << self.shift
    }

    const fn one(&self) -> u64 {
        1 << self.shift
    }

    const fn of(&self, word: u64) -> usize {
        ((word >> self.shift) & self.largest()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_undoes_a_publish() {
        let open = State::new(8);
        let one = open.reserved().connected();
        assert_eq!(one.in_use(), 1);
        assert_eq!(one.published().idle(), 1);
        assert_eq!(one.published().claimed(1), one);
    }

    #[test]
    fn waiters_are_the_negative_side_and_leave_the_flags_alone() {
        let open = State::new(8);
        let two = open.joined().joined();
        assert_eq!((two.waiting(), two.idle()), (2, 0));
        assert!(!two.is_closed());
        assert_eq!(two.left().left(), open);
    }

    #[test]
    fn as_many_wait_or_are_idle_as_the_signed_count_holds() {
        assert_eq!(MAX_WAITING, (1 << (LINE.bits - 1)) - 1);
        let open = State::new(MAX_SIZE);
        let line = (0..MAX_WAITING).fold(open, |state, _| state.joined());
        assert_eq!((line.waiting(), line.idle()), (MAX_WAITING, 0));
        assert_eq!(
            (line.max(), line.size(), line.connecting()),
            (MAX_SIZE, 0, 0)
        );
        assert!(!line.is_closed() && !line.takes_idle());
        let back = (0..MAX_WAITING).fold(line, |state, _| state.left());
        assert_eq!(back, open);
    }

    #[test]
    #[should_panic(expected = "the line is full")]
    fn nobody_joins_a_full_line() {
        let _ = State::new(0).with_line(-(MAX_WAITING as i64)).joined();
    }

    #[test]
    fn closed_keeps_what_is_out() {
        let state = State::new(8).reserved().connected().reserved().joined();
        let closed = state.closed();
        assert!(closed.is_closed() && !closed.has_room(MAX_CONNECTING) && !closed.takes_idle());
        assert_eq!(
            (closed.size(), closed.connecting(), closed.max()),
            (2, 1, 0)
        );
        assert_eq!((closed.waiting(), closed.idle()), (0, 0));
    }

    #[test]
    #[should_panic(expected = "added beyond the maximum")]
    fn nothing_is_added_beyond_the_maximum() {
        let _ = State::new(1).added().added();
    }

    #[test]
    fn paused_has_nothing_idle_and_no_room_and_keeps_who_waits() {
        let idle = State::new(8).reserved().connected().published();
        let paused = idle.paused();
        assert!(paused.is_paused() && !paused.has_room(8) && !paused.takes_idle());
        assert_eq!((paused.idle(), paused.in_use(), paused.size()), (0, 1, 1));
        assert_eq!(paused.joined().resumed().waiting(), 1);
        assert_eq!(paused.resumed().published(), idle);
        assert!(!paused.closed().is_paused());
    }

    #[test]
    fn the_maximum_is_cut_to_what_the_word_holds() {
        assert_eq!(State::new(usize::MAX).max(), MAX_SIZE);
        assert_eq!(State::new(0).max(), 0);
    }

    #[test]
    #[should_panic(expected = "lost what nobody held")]
    fn an_idle_object_cannot_be_lost() {
        let _ = State::new(1).reserved().connected().published().lost();
    }

    #[test]
    #[should_panic(expected = "joined beside an idle object")]
    fn nobody_joins_beside_an_idle_object() {
        let _ = State::new(1).reserved().connected().published().joined();
    }

    #[test]
    #[should_panic(expected = "reserved beyond the maximum")]
    fn nothing_is_reserved_beyond_the_maximum() {
        let _ = State::new(0).reserved();
    }
}
