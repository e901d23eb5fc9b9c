//! What a slot counts for itself: numbers and samples that one party at a time writes and anybody reads,
//! without a read-modify-write on the way (P2).
//!
//! ```text
//! note:   the ring is full? drain it first.   ring[n] = sample; noted = n + 1 [Release]
//! drain:  copy the ring; drained = noted; then hand the copy on [Release]
//! read:   what was handed on [Acquire]; drained; noted [Acquire]; each place of the ring in between, once
//! ```
//!
//! The story of a reader and a drain at the same time: if the reader finds the drained samples where they were
//! handed on, it finds them drained here too, and does not count them again. If it does not, but they have left
//! the ring, it misses them until it reads again, and may find newer ones in their places, which are real too.
//! So what is read at rest is exact, and what is read meanwhile is never too much.

use super::sync::{AtomicU16, AtomicU64, Ordering};

/// A number that only the slot's owner adds to.
#[derive(Debug)]
pub struct Tally(AtomicU64);

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `more`. Only by the slot's owner.
    #[inline]
    pub fn add(&self, more: u64) {
        // ORDERING(tally read by its owner): Relaxed; owners follow one another by the hand-over of the
        // slot, which orders them.
        let before = self.0.load(Ordering::Relaxed);
        // ORDERING(tally written): Relaxed; a reader sums numbers between which it needs no order.
        self.0.store(before.wrapping_add(more), Ordering::Relaxed);
    }

    /// What was counted so far.
    #[inline]
    pub fn read(&self) -> u64 {
        // ORDERING(tally read): Relaxed; see `tally written`.
        self.0.load(Ordering::Relaxed)
    }
}

/// Samples of one slot on their way to a histogram: only its owner notes them, anybody may read them.
#[derive(Debug)]
pub struct Samples {
    noted: AtomicU64,
    drained: AtomicU64,
    ring: [AtomicU16; KEPT],
}

/// Samples that left their ring.
pub type Drained = [u16; KEPT];

/// How many samples a slot keeps: one cache line of them. Under loom as few as can overflow.
pub const KEPT: usize = if cfg!(millpond_loom) { 2 } else { 32 };

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

impl Samples {
    /// No sample yet.
    pub fn new() -> Self {
        Self {
            noted: AtomicU64::new(0),
            drained: AtomicU64::new(0),
            ring: std::array::from_fn(|_| AtomicU16::new(0)),
        }
    }

    /// Notes a sample. Only by the slot's owner. Every [`KEPT`]th time the samples before it are handed on;
    /// `hand_on` must put them into [`Bucket`]s.
    #[inline]
    pub fn note(&self, sample: u16, hand_on: impl FnOnce(&Drained)) {
        // ORDERING(samples noted so far): Relaxed; only the owner writes it.
        let noted = self.noted.load(Ordering::Relaxed);
        // ORDERING(samples drained so far): Relaxed; only the owner writes it.
        let kept = noted - self.drained.load(Ordering::Relaxed);
        if kept == KEPT as u64 {
            self.drain(noted, hand_on);
        }
        // ORDERING(sample written): Relaxed; published by `samples noted`. Who reads it in the place of an older
        // one counts it early, and once.
        self.ring[noted as usize % KEPT].store(sample, Ordering::Relaxed);
        // ORDERING(samples noted): Release pairs with `samples counted`: who counts this sample finds it.
        self.noted.store(noted + 1, Ordering::Release);
    }

    #[cold]
    fn drain(&self, noted: u64, hand_on: impl FnOnce(&Drained)) {
        // ORDERING(samples drained): Relaxed; what is handed on is published after it with Release, so who
        // finds it there finds it drained.
        self.drained.store(noted, Ordering::Relaxed);
        // ORDERING(sample drained): Relaxed; only the owner writes it.
        hand_on(&std::array::from_fn(|at| {
            self.ring[at].load(Ordering::Relaxed)
        }));
    }

    /// Gives `each` the samples that were noted and not handed on. Whoever reads the [`Bucket`]s too reads them
    /// first.
    pub fn read(&self, mut each: impl FnMut(u16)) {
        // ORDERING(samples to skip): Relaxed; the buckets have been read with Acquire before.
        let drained = self.drained.load(Ordering::Relaxed);
        // ORDERING(samples counted): Acquire pairs with `samples noted`: a place of the ring holds the sample
        // that was counted there, or a newer one, but none that may have been handed on before.
        let noted = self.noted.load(Ordering::Acquire);
        // The owner may have drained and noted more since: each place is read once all the same.
        let kept = noted.saturating_sub(drained).min(KEPT as u64);
        for at in noted - kept..noted {
            // ORDERING(sample read): Relaxed; see `samples counted`.
            each(self.ring[at as usize % KEPT].load(Ordering::Relaxed));
        }
    }
}

/// A bucket of a histogram, into which slots hand their samples on.
#[derive(Debug)]
pub struct Bucket(AtomicU64);

impl Default for Bucket {
    fn default() -> Self {
        Self::new()
    }
}

impl Bucket {
    /// Nothing in it yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds that many.
    pub fn add(&self, count: u64) {
        // ORDERING(bucket added): Release pairs with `bucket read`: who finds samples of a slot here finds
        // them drained there.
        self.0.fetch_add(count, Ordering::Release);
    }

    /// How many are in it. Read before the slots are.
    pub fn read(&self) -> u64 {
        // ORDERING(bucket read): Acquire pairs with `bucket added`.
        self.0.load(Ordering::Acquire)
    }
}

/// A number that many add to, on ways on which somebody waited anyway.
#[derive(Debug)]
pub struct Count(AtomicU64);

impl Default for Count {
    fn default() -> Self {
        Self::new()
    }
}

impl Count {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one.
    pub fn add_one(&self) {
        // ORDERING(count): Relaxed; a number for reports.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> u64 {
        // ORDERING(count read): Relaxed; see `count`.
        self.0.load(Ordering::Relaxed)
    }
}
