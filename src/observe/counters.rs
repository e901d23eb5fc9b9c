//! Where the figures of a pool come from: the slots' own books, and counts for what happens where somebody
//! waited anyway.

use super::histogram::{Histogram, SharedHistogram};
use super::registry::Registry;
use super::stats::{CloseReason, Closed, Gets, Stats, TimedOut};
use crate::engine::slot::{Books, Record};
use crate::engine::sync::{Mutex, OnceLock};
use crate::engine::tally::{Count, Drained};

/// All figures of one pool.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Gets that did more than take an idle object and find it good.
    pub(crate) started: Count,
    pub(crate) timed_out_wait: Count,
    pub(crate) timed_out_create: Count,
    pub(crate) timed_out_recycle: Count,
    pub(crate) cancelled: Count,
    pub(crate) failed: Count,
    pub(crate) shed: Count,
    pub(crate) closed: Count,
    pub(crate) created: Count,
    pub(crate) create_failures: Count,
    /// Checks that were passed, but not for a get.
    pub(crate) other_checks: Count,
    pub(crate) check_failures: Count,
    pub(crate) tidied: Count,
    pub(crate) leaks: Count,
    closes: [Count; CloseReason::ALL.len()],
    /// Made with the first object: a pool that makes none needs no memory for them.
    times: OnceLock<Box<Times>>,
    /// What was read last: a reader that came beside a drain may find less than the one before.
    last: Mutex<Option<Box<Stats>>>,
}

/// How long things took.
#[derive(Debug)]
pub(crate) struct Times {
    wait: SharedHistogram,
    connect: SharedHistogram,
    check: SharedHistogram,
    held: SharedHistogram,
}

/// The plain numbers in the books of slots.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SlotSums {
    at_once: u64,
    after_waiting: u64,
    made: u64,
    unchecked: u64,
    wait_ns: u128,
    use_ns: u128,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            started: Count::new(),
            timed_out_wait: Count::new(),
            timed_out_create: Count::new(),
            timed_out_recycle: Count::new(),
            cancelled: Count::new(),
            failed: Count::new(),
            shed: Count::new(),
            closed: Count::new(),
            created: Count::new(),
            create_failures: Count::new(),
            other_checks: Count::new(),
            check_failures: Count::new(),
            tidied: Count::new(),
            leaks: Count::new(),
            closes: CloseReason::ALL.map(|_| Count::new()),
            times: OnceLock::new(),
            last: Mutex::new(None),
        }
    }

    pub(crate) fn times(&self) -> &Times {
        self.times.get_or_init(|| Box::new(Times::new()))
    }

    /// An object left the pool.
    pub(crate) fn count_closed(&self, reason: CloseReason) {
        self.closes[reason as usize].add_one();
    }

    /// All figures, as they are now.
    pub(crate) fn read(&self, registry: &Registry) -> Stats {
        let mut last = self.last.lock();
        let mut stats = Box::new(self.read_once(registry));
        if let Some(last) = &*last {
            stats.not_less_than(last);
        }
        let read = (*stats).clone();
        *last = Some(stats);
        read
    }

    fn read_once(&self, registry: &Registry) -> Stats {
        let mut stats = Stats::default();
        let (mut waits, mut uses) = (Histogram::new(), Histogram::new());
        // What slots handed on is read before what they have: see `engine::tally`.
        let handed_on = || {
            if let Some(times) = self.times.get() {
                stats.wait_time = times.wait.read();
                stats.use_time = times.held.read();
            }
        };
        let sums = registry.sums(handed_on, |record| {
            let books = &record.books;
            books.waits.read(|bucket| waits.add(bucket.into(), 1));
            books.uses.read(|bucket| uses.add(bucket.into(), 1));
        });
        stats.wait_time.merge(&waits);
        stats.use_time.merge(&uses);
        stats.wait_time.add(0, sums.at_once);
        stats.wait_time.add_to_sum(sums.wait_ns);
        stats.use_time.add_to_sum(sums.use_ns);
        self.read_counts(&mut stats, &sums);
        stats
    }

    fn read_counts(&self, stats: &mut Stats, sums: &SlotSums) {
        stats.closed = self.read_closed();
        stats.create_failures = self.create_failures.read();
        stats.check_failures = self.check_failures.read();
        stats.tidied = self.tidied.read();
        stats.leaks = self.leaks.read();
        // Read at different moments: while gets run, one of them may be counted in the second alone.
        let given = (sums.at_once + sums.after_waiting).saturating_sub(sums.unchecked);
        stats.checks = given + self.other_checks.read() + stats.check_failures;
        if let Some(times) = self.times.get() {
            stats.connect_time = times.connect.read();
            stats.check_time = times.check.read();
        }
        let at_once = stats.checks.saturating_sub(stats.check_time.count());
        stats.check_time.add(0, at_once);
        stats.gets = Gets {
            at_once: sums.at_once,
            after_waiting: sums.after_waiting,
            created: sums.made,
            timed_out: TimedOut {
                wait: self.timed_out_wait.read(),
                create: self.timed_out_create.read(),
                recycle: self.timed_out_recycle.read(),
            },
            cancelled: self.cancelled.read(),
            failed: self.failed.read(),
            shed: self.shed.read(),
            closed: self.closed.read(),
            // Last, so that what has ended has started.
            started: sums.at_once + self.started.read(),
        };
        stats.created = self.created.read();
    }

    fn read_closed(&self) -> Closed {
        let of = |reason: CloseReason| self.closes[reason as usize].read();
        Closed {
            lifetime: of(CloseReason::Lifetime),
            idle: of(CloseReason::Idle),
            check_failed: of(CloseReason::CheckFailed),
            broken: of(CloseReason::Broken),
            untidy: of(CloseReason::Untidy),
            surplus: of(CloseReason::Surplus),
            refreshed: of(CloseReason::Refreshed),
            taken: of(CloseReason::Taken),
            pool_closed: of(CloseReason::PoolClosed),
        }
    }
}

impl Times {
    fn new() -> Self {
        Self {
            wait: SharedHistogram::new(),
            connect: SharedHistogram::new(),
            check: SharedHistogram::new(),
            held: SharedHistogram::new(),
        }
    }

    /// An object was made.
    pub(crate) fn connected(&self, ns: u64) {
        self.connect.record(ns);
    }

    /// A check ended that had to wait for something.
    pub(crate) fn checked(&self, ns: u64) {
        self.check.record(ns);
    }

    #[cold]
    pub(crate) fn keep_waits(&self, drained: &Drained) {
        keep(&self.wait, drained);
    }

    #[cold]
    pub(crate) fn keep_uses(&self, drained: &Drained) {
        keep(&self.held, drained);
    }

    /// What a slot that goes has not handed on yet.
    pub(super) fn keep(&self, books: &Books) {
        books.waits.read(|bucket| self.wait.add(bucket.into(), 1));
        books.uses.read(|bucket| self.held.add(bucket.into(), 1));
    }
}

/// Equal neighbours are added together: most uses of a slot are about as long as the one before.
fn keep(histogram: &SharedHistogram, drained: &Drained) {
    for equal in drained.chunk_by(|one, other| one == other) {
        histogram.add(equal[0].into(), equal.len() as u64);
    }
}

impl SlotSums {
    pub(super) fn add(&mut self, record: &Record) {
        let books = &record.books;
        self.at_once += books.at_once.read();
        self.after_waiting += books.after_waiting.read();
        self.made += books.made.read();
        self.unchecked += books.unchecked.read();
        self.wait_ns += u128::from(books.wait_ns.read());
        self.use_ns += u128::from(books.use_ns.read());
    }
}

impl Stats {
    fn not_less_than(&mut self, earlier: &Self) {
        let pairs = [
            (&mut self.wait_time, &earlier.wait_time),
            (&mut self.use_time, &earlier.use_time),
            (&mut self.check_time, &earlier.check_time),
        ];
        for (now, then) in pairs {
            now.not_less_than(then);
        }
    }
}
