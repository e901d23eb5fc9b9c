//! What really lives, as the server would count it, beside what the engine's word says.
//!
//! The books lie behind a lock of std's, which shuttle does not see: they add no step to what is
//! explored, and what is read here after a load of the word belongs to that very instant.

use millpond::engine::state::State;
use std::sync::{Mutex, MutexGuard};

/// The books of one pool.
#[derive(Debug)]
pub(crate) struct Books {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    live: usize,
    connecting: usize,
    ownerless: usize,
    /// The highest maximum so far.
    ceiling: usize,
    /// The highest cap so far.
    most_at_once: usize,
    /// The cap for which everybody who waits has been granted a reservation.
    granted_at_once: usize,
    objects: Vec<Page>,
    now: u64,
    /// The latest beginning of a get that was served from the line's front or beside an empty line.
    served: u64,
}

/// What is known of one object.
#[derive(Debug, Default)]
struct Page {
    in_hand: bool,
    uses: u32,
}

impl Books {
    pub(crate) fn new(max: usize, cap: usize) -> Self {
        let counts = Counts {
            ceiling: max,
            most_at_once: cap,
            granted_at_once: cap,
            ..Counts::default()
        };
        Self {
            counts: Mutex::new(counts),
        }
    }

    /// The maximum is about to be `max`.
    pub(crate) fn allow(&self, max: usize) {
        let mut counts = self.counts();
        counts.ceiling = counts.ceiling.max(max);
    }

    /// The cap is about to be `cap`.
    pub(crate) fn allow_at_once(&self, cap: usize) {
        let mut counts = self.counts();
        counts.most_at_once = counts.most_at_once.max(cap);
        counts.granted_at_once = counts.granted_at_once.min(cap);
    }

    /// The cap is `cap` now.
    pub(crate) fn grant_at_once(&self, cap: usize) {
        self.counts().granted_at_once = cap;
    }

    /// A connect begins. LIM: with it, no more than the highest maximum, and no more at once than the highest cap.
    pub(crate) fn begin_connect(&self) {
        let mut counts = self.counts();
        counts.connecting += 1;
        let Counts {
            live,
            connecting,
            ceiling,
            most_at_once,
            ..
        } = *counts;
        drop(counts);
        assert!(
            live + connecting <= ceiling,
            "LIM: {live} live and {connecting} connecting, of {ceiling}"
        );
        assert!(
            connecting <= most_at_once,
            "LIM: {connecting} connect at once, of {most_at_once}"
        );
    }

    /// A connect ends without an object.
    pub(crate) fn end_connect(&self) {
        self.counts().connecting -= 1;
    }

    /// A connect ends with an object: its number.
    pub(crate) fn born(&self) -> usize {
        let mut counts = self.counts();
        counts.connecting -= 1;
        counts.live += 1;
        counts.objects.push(Page {
            in_hand: true,
            uses: 0,
        });
        counts.objects.len() - 1
    }

    /// ONCE: somebody takes the object, and nobody else has it. Says how often it was taken before.
    pub(crate) fn take(&self, number: usize) -> u32 {
        let mut counts = self.counts();
        let page = &mut counts.objects[number];
        let (twice, before) = (page.in_hand, page.uses);
        page.in_hand = true;
        page.uses += 1;
        drop(counts);
        assert!(!twice, "ONCE: object {number} is in two hands");
        before
    }

    /// The object leaves the hand that has it.
    pub(crate) fn put(&self, number: usize) {
        self.counts().objects[number].in_hand = false;
    }

    /// The object is destroyed.
    pub(crate) fn die(&self) {
        self.counts().live -= 1;
    }

    /// One more connect that nobody owns.
    pub(crate) fn abandon(&self) {
        self.counts().ownerless += 1;
    }

    /// A connect that nobody owned is the caller's to end, if there is one.
    pub(crate) fn adopt(&self) -> bool {
        let mut counts = self.counts();
        let left = counts.ownerless.checked_sub(1);
        counts.ownerless = left.unwrap_or(0);
        left.is_some()
    }

    /// Objects that exist, and connects under way.
    pub(crate) fn living(&self) -> (usize, usize) {
        let counts = self.counts();
        (counts.live, counts.connecting)
    }

    /// A moment of its own, later than all before.
    pub(crate) fn tick(&self) -> u64 {
        let mut counts = self.counts();
        counts.now += 1;
        counts.now
    }

    /// A get that began then has its object from the line's front, or found nobody in line.
    pub(crate) fn serve(&self, began: u64) {
        let mut counts = self.counts();
        counts.served = counts.served.max(began);
    }

    /// The latest beginning of a get that was served so far.
    pub(crate) fn served(&self) -> u64 {
        self.counts().served
    }

    /// P1 and LIM at the instant at which the word was `state`.
    pub(crate) fn check(&self, state: State) {
        let counts = self.counts();
        let (out, ceiling) = (counts.live + counts.connecting, counts.ceiling);
        let cap = counts.granted_at_once;
        drop(counts);
        assert!(
            state.idle() + state.connecting() <= state.size(),
            "P1: {state:?}"
        );
        assert!(
            state.waiting() <= state.connecting() || !state.has_room(cap),
            "P1: somebody waits without a reservation while one is free: {state:?}"
        );
        assert!(
            state.size() <= ceiling,
            "LIM: the maximum never passed {ceiling}: {state:?}"
        );
        assert!(
            out <= state.size(),
            "LIM: {out} live or connecting are not all counted: {state:?}"
        );
        let rest = (state.idle(), state.waiting(), state.max());
        assert!(!state.is_closed() || rest == (0, 0, 0), "closed: {state:?}");
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics with the books")
    }
}
