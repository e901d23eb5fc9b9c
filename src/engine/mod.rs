//! The lock-free heart: counts, idle objects and the fair line. It knows no runtime, no manager and no
//! clock; it is what loom checks.
//!
//! ```text
//! claim      loop: closed → Closed; nothing idle → Empty; CAS idle−1; pop
//! give back  loop: open, nobody waits, not over max → push once; CAS idle+1
//!                  else → locked: serve the first in line, or retire a surplus object
//! ```
//!
//! Those two are all that changes the word without the line's lock, and all that they change is how many
//! objects are idle; with somebody in line they cannot change it at all. Every other move takes the lock
//! (`moves.rs`, `adding.rs`), decides on one picture of the word and swaps in the next.
//!
//! The story of a return and a getter who comes at the same time: both work on one word. If the return's
//! swap comes first, the getter's swap fails, and when it looks again it finds an idle object. If the
//! getter's comes first (it stands in line now), the return's swap fails, and when it looks again it
//! finds a waiter and hands over. Neither can sleep beside the other.
//!
//! What the engine promises (P1), at every instant:
//! * `idle + connecting + in use = size`, and `size` never passes the maximum but for what a shrink
//!   found in use;
//! * nobody waits while something is idle;
//! * nobody waits without a reservation while one is free, and nobody waits beside room to put an object
//!   in, seen with the line locked;
//! * no code of a user's runs with the line locked: wakers are called and dropped, and objects
//!   destroyed, after it.

mod adding;
mod bounds;
pub mod budget;
mod cells;
pub mod gate;
mod gone;
pub mod idle;
mod line;
mod moves;
mod places;
mod queue;
#[cfg(any(feature = "postgres", millpond_loom, millpond_shuttle))]
pub mod rest;
pub mod slot;
pub mod state;
pub mod sync;
pub mod tally;
mod waiter;
pub mod wake;

pub use self::adding::Add;
pub use self::gone::Gone;
use self::idle::{Order, Store};
use self::line::Line;
pub use self::queue::End;
use self::state::State;
use self::sync::{AtomicU64, Mutex, Ordering};
pub use self::waiter::Place;
use std::fmt;

/// The engine of a pool of objects `T`.
///
/// The word, the lock and what changes with each who stands in line or is served lie together on two cache lines, which
/// processors fetch as a pair: with several workers that is most of what a wait costs. While nobody waits the lock is
/// never touched, and the word has them for itself.
#[repr(C, align(128))]
pub struct Engine<T> {
    word: AtomicU64,
    line: Mutex<Line<T>>,
    store: Store<T>,
}

/// How a claim ended.
#[derive(Debug)]
#[must_use]
pub enum Claim<T> {
    /// It is the caller's; it must come back by [`give_back`] or leave by [`Engine::doom`].
    Object(T),
    /// Nothing is idle: stand in line.
    Empty,
    /// The pool is closed.
    Closed,
}

/// How a return ended.
#[derive(Debug)]
#[must_use]
pub enum GiveBack<T> {
    /// The pool has it, or the first in line.
    Kept,
    /// The pool is closed or over its maximum. The caller destroys the object, then pays the debt.
    Retire(T, Debt),
}

/// How joining the line ended.
#[derive(Debug)]
#[must_use]
pub enum Enter<T> {
    /// Something was idle after all.
    Object(T),
    /// In line, with a reservation: connect, and end in [`Engine::finish`], [`Engine::fail`], or
    /// [`Engine::leave`] and one of the ends of an ownerless connect.
    Connect(Place<T>),
    /// In line.
    Wait(Place<T>),
    /// The caller would not wait, and would have had to.
    WouldWait,
    /// The line is full.
    Shed,
    /// The pool is closed.
    Closed,
}

/// What a getter in line hears.
#[derive(Debug)]
#[must_use]
pub enum Turn<T> {
    /// It is served; the place is gone.
    Object(T),
    /// It may connect now, and still stands in line.
    Connect,
    /// Nothing yet; its waker is registered.
    Pending,
    /// The pool was closed; the place is gone.
    Closed,
    /// It would not wait for others, and what it stood in line for is gone; so is its place.
    Dismissed,
}

/// How a getter's own connect ended.
#[derive(Debug)]
#[must_use]
pub enum Finish<T> {
    /// The object is the getter's; the place is gone.
    Mine(T),
    /// The pool was shrunk meanwhile: destroy the object, pay the debt, and stay in line.
    Surplus(T, Debt),
    /// The getter was served (or the pool closed) before: its cell says which. The object went where a
    /// returned one goes.
    Elsewhere(GiveBack<T>),
}

/// Whether a getter still stands in line after its connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It left the line.
    Gone,
    /// It was served meanwhile, or the pool was closed: its cell says which.
    Told,
}

/// What a getter that gives up leaves to its caller.
#[derive(Debug)]
#[must_use]
pub enum Leave<T> {
    /// Nothing, but for a connect that it had begun: that one has no owner now.
    Gone,
    /// It had been served: give the object back.
    Object(T),
}

/// An object that was taken out of the counts of the living but not yet out of `size`: destroy it first,
/// then pay by [`Engine::bury`] or [`Engine::enter`], so that its replacement is never begun before it is
/// gone.
#[derive(Debug)]
#[must_use = "an unpaid debt is a lost connection"]
pub struct Debt(());

impl<T> Engine<T> {
    /// An empty pool of at most `max` objects, at most `cap` of them being made at once.
    pub fn new(max: usize, cap: usize, order: Order) -> Self {
        Self {
            word: AtomicU64::new(State::new(max).bits()),
            line: Mutex::new(Line::new(cap.min(state::MAX_CONNECTING))),
            store: Store::new(order),
        }
    }

    /// All counts at one instant: one load.
    #[inline]
    pub fn state(&self) -> State {
        // ORDERING(snapshot): Acquire, so that who reads that an object was lost also sees it destroyed.
        State::from_bits(self.word.load(Ordering::Acquire))
    }

    /// Takes an idle object, if there is one. Lock-free but for the idle store's own pop.
    #[inline]
    pub fn claim(&self) -> Claim<T> {
        let mut state = self.look();
        loop {
            if state.is_closed() {
                return Claim::Closed;
            }
            if state.idle() == 0 {
                return Claim::Empty;
            }
            // ORDERING(claim): Acquire pairs with `publish`: the object that was counted has been pushed,
            // so the pop finds one, and everything that its last user did to it has happened.
            let next = state.claimed(1).bits();
            match self.word.compare_exchange_weak(
                state.bits(),
                next,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Claim::Object(self.store.pop()),
                Err(now) => state = State::from_bits(now),
            }
        }
    }

    #[inline]
    fn look(&self) -> State {
        // ORDERING(look): Relaxed; what is decided on it is swapped in only if it still holds.
        State::from_bits(self.word.load(Ordering::Relaxed))
    }
}

/// Gives back an object that was claimed, handed over or made. Lock-free while nobody waits.
///
/// The swap that counts the object as idle is the last touch of the engine: from then on the object, and
/// with it whatever of the pool it keeps alive, is somebody else's. That is why this is a function of a
/// [`Reach`] and not a method, whose `&self` would have to outlive the call.
#[inline]
pub fn give_back<T, R: Reach<T>>(reach: R, object: T) -> GiveBack<T> {
    let mut state = reach.engine().look();
    if !state.takes_idle() {
        return give_back_locked(reach, object);
    }
    // It lies in the store before it is counted. Who takes it meanwhile leaves another in its place.
    reach.engine().store.push(object);
    loop {
        let word: &AtomicU64 = &reach.engine().word;
        // ORDERING(publish): Release pairs with `claim` and with every locked move that takes idle
        // objects: pushed before counted. Relaxed, a claimer could find the store still empty.
        let next = state.published().bits();
        match word.compare_exchange_weak(state.bits(), next, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return GiveBack::Kept,
            Err(now) => state = State::from_bits(now),
        }
        if !state.takes_idle() {
            let object = reach.engine().store.pop();
            return give_back_locked(reach, object);
        }
    }
}

#[cold]
fn give_back_locked<T, R: Reach<T>>(reach: R, object: T) -> GiveBack<T> {
    let _hold = R::hold(&object);
    reach.engine().give_back_locked(object)
}

/// A way to an engine that lives as long as an object of it is in the holder's hand.
pub trait Reach<T> {
    /// What keeps the engine alive beyond the object.
    type Hold;

    /// The engine. Each call's result is used within one statement.
    fn engine(&self) -> &Engine<T>;

    /// Keeps the engine alive while the locked way runs, which goes on after the object is gone.
    fn hold(object: &T) -> Self::Hold;
}

impl<T> Reach<T> for &Engine<T> {
    type Hold = ();

    fn hold(_: &T) {}

    #[inline]
    fn engine(&self) -> &Engine<T> {
        self
    }
}

impl<T> fmt::Debug for Engine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
