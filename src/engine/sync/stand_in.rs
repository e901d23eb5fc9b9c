//! What stands in for std and crossbeam while a checker explores the engine: loom every
//! interleaving and every stale value of small models, shuttle some interleavings of large ones.

#[cfg(millpond_loom)]
use loom as checker;
#[cfg(all(millpond_shuttle, not(millpond_loom)))]
use shuttle as checker;

pub use checker::sync::MutexGuard;
pub use checker::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;

/// The checker's mutex: a panic poisons nothing.
#[derive(Debug)]
pub struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// No padding: no checker knows a cache.
#[derive(Debug)]
pub struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    /// Keeps `value` as it is.
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

thread_local! {
    /// Both checkers run all threads of a model on the one that explores it.
    static PAUSES: Cell<usize> = const { Cell::new(0) };
}

/// A yield that the checker sees.
#[derive(Debug, Default)]
pub struct Backoff(());

impl Backoff {
    /// Lets another thread run.
    pub fn pause(&self) {
        PAUSES.set(PAUSES.get() + 1);
        checker::thread::yield_now();
    }

    /// How often anybody has paused since this was asked last: a stack never has to.
    pub fn take_pauses() -> usize {
        PAUSES.take()
    }
}

/// crossbeam's `AtomicCell` without its orderings: a step that the checker can place, and a value
/// that it does not see.
pub struct AtomicCell<T> {
    steps: AtomicUsize,
    value: std::sync::Mutex<T>,
}

impl<T> AtomicCell<T> {
    /// A cell that holds `value`.
    pub fn new(value: T) -> Self {
        Self {
            steps: AtomicUsize::new(0),
            value: std::sync::Mutex::new(value),
        }
    }

    /// Puts `value` in and gives out what was there.
    pub fn swap(&self, value: T) -> T {
        // ORDERING(stand-in cell): Relaxed on purpose, so that a model fails where the engine leans on
        // the cell for an ordering.
        self.steps.fetch_add(1, Ordering::Relaxed);
        std::mem::replace(&mut self.value.lock().expect("no panic inside"), value)
    }

    /// Takes what is there and leaves the default.
    pub fn take(&self) -> T
    where
        T: Default,
    {
        self.swap(T::default())
    }
}

impl<T> fmt::Debug for AtomicCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicCell").finish_non_exhaustive()
    }
}

/// crossbeam's `ArrayQueue` as a checker can explore it: a bounded ring whose places carry turn numbers
/// (D. Vyukov's bounded queue, on which crossbeam's is built too).
///
/// `tests/idle_store.rs` holds the contract that this and the real queue must keep.
pub struct ArrayQueue<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    places: Box<[Place<T>]>,
}

struct Place<T> {
    turn: AtomicUsize,
    value: std::sync::Mutex<Option<T>>,
}

impl<T> ArrayQueue<T> {
    /// An empty queue with `capacity` places.
    pub fn new(capacity: usize) -> Self {
        // Turn numbers tell a full place from a free one only from two places on; and no script fills
        // more than a few.
        let places = (0..capacity.clamp(2, 4)).map(|turn| Place {
            turn: AtomicUsize::new(turn),
            value: std::sync::Mutex::new(None),
        });
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            places: places.collect(),
        }
    }

    /// Puts `value` last, or gives it back when the queue is full.
    pub fn push(&self, value: T) -> Result<(), T> {
        loop {
            // ORDERING(ring tail): Relaxed; the place's turn decides.
            let tail = self.tail.load(Ordering::Relaxed);
            let place = &self.places[tail % self.places.len()];
            // ORDERING(ring turn free): Acquire pairs with the Release of the pop that freed the place.
            let turn = place.turn.load(Ordering::Acquire);
            if turn == tail {
                // ORDERING(ring take place): Relaxed; only who wins touches the place.
                let won = self.tail.compare_exchange(
                    tail,
                    tail + 1,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if won.is_ok() {
                    *place.value.lock().expect("no panic inside") = Some(value);
                    // ORDERING(ring filled): Release pairs with the Acquire of the pop.
                    place.turn.store(tail + 1, Ordering::Release);
                    return Ok(());
                }
            } else if turn < tail {
                return Err(value);
            } else {
                checker::thread::yield_now();
            }
        }
    }

    /// Takes the first value, if there is one.
    pub fn pop(&self) -> Option<T> {
        loop {
            // ORDERING(ring head): Relaxed; the place's turn decides.
            let head = self.head.load(Ordering::Relaxed);
            let place = &self.places[head % self.places.len()];
            // ORDERING(ring turn full): Acquire pairs with the Release of the push that filled the place.
            let turn = place.turn.load(Ordering::Acquire);
            if turn == head + 1 {
                // ORDERING(ring take value): Relaxed; only who wins touches the place.
                let won = self.head.compare_exchange(
                    head,
                    head + 1,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if won.is_ok() {
                    let value = place.value.lock().expect("no panic inside").take();
                    // ORDERING(ring freed): Release pairs with the Acquire of the push one round later.
                    place
                        .turn
                        .store(head + self.places.len(), Ordering::Release);
                    return value;
                }
            } else if turn < head + 1 {
                return None;
            } else {
                checker::thread::yield_now();
            }
        }
    }
}

impl<T> fmt::Debug for ArrayQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayQueue").finish_non_exhaustive()
    }
}

/// std's `OnceLock`, with the orderings that std promises for it. What was made before the race costs
/// no step: every thread began after it.
pub struct OnceLock<T> {
    phase: AtomicUsize,
    made: std::sync::OnceLock<Made<T>>,
}

struct Made<T> {
    value: T,
    before_race: bool,
}

thread_local! {
    /// Whether a model's threads are still to begin.
    static BEFORE_RACE: Cell<bool> = const { Cell::new(false) };
}

/// From now on a model runs alone, or not any more.
pub fn set_before_race(before: bool) {
    BEFORE_RACE.set(before);
}

const NOT_MADE: usize = 0;
const BEING_MADE: usize = 1;
const MADE: usize = 2;

#[expect(clippy::new_without_default, reason = "nobody asks for a default")]
impl<T> OnceLock<T> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            phase: AtomicUsize::new(NOT_MADE),
            made: std::sync::OnceLock::new(),
        }
    }

    /// What was made, if it was.
    pub fn get(&self) -> Option<&T> {
        if let Some(made) = self.made.get().filter(|made| made.before_race) {
            return Some(&made.value);
        }
        // ORDERING(stand-in once read): Acquire; std promises it.
        let made = self.phase.load(Ordering::Acquire) == MADE;
        made.then(|| self.value())
    }

    /// What was made; by `make`, if this is the first who comes. Who comes meanwhile waits.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        // ORDERING(stand-in once begun): Relaxed; only who wins makes it.
        let begun =
            self.phase
                .compare_exchange(NOT_MADE, BEING_MADE, Ordering::Relaxed, Ordering::Relaxed);
        if begun.is_ok() {
            let (value, before_race) = (make(), BEFORE_RACE.get());
            let made = Made { value, before_race };
            assert!(self.made.set(made).is_ok(), "it is made once");
            // ORDERING(stand-in once made): Release; std promises it.
            self.phase.store(MADE, Ordering::Release);
            return self.value();
        }
        // ORDERING(stand-in once awaited): Acquire; see `stand-in once read`.
        while self.phase.load(Ordering::Acquire) != MADE {
            checker::thread::yield_now();
        }
        self.value()
    }

    fn value(&self) -> &T {
        &self
            .made
            .get()
            .expect("the phase said that it is made")
            .value
    }
}

impl<T> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceLock").finish_non_exhaustive()
    }
}

/// A reference that is stored and loaded at once: an address that the checker sees, and a book to find
/// the reference by it.
pub struct AtomicRef<T: 'static> {
    address: AtomicUsize,
    book: std::sync::Mutex<HashMap<usize, &'static T>>,
}

#[expect(clippy::new_without_default, reason = "nobody asks for a default")]
impl<T> AtomicRef<T> {
    /// No reference yet.
    pub fn new() -> Self {
        Self {
            address: AtomicUsize::new(0),
            book: std::sync::Mutex::new(HashMap::new()),
        }
    }

    /// Release, as crossbeam promises for the stores of its cell.
    pub fn store(&self, value: &'static T) {
        let address = std::ptr::from_ref(value) as usize;
        self.book
            .lock()
            .expect("no panic inside")
            .insert(address, value);
        // ORDERING(stand-in reference stored): Release; see above.
        self.address.store(address, Ordering::Release);
    }

    /// Acquire, as crossbeam promises for the loads of its cell.
    pub fn load(&self) -> Option<&'static T> {
        // ORDERING(stand-in reference loaded): Acquire; see above.
        let address = self.address.load(Ordering::Acquire);
        self.book
            .lock()
            .expect("no panic inside")
            .get(&address)
            .copied()
    }
}

impl<T> fmt::Debug for AtomicRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicRef").finish_non_exhaustive()
    }
}
