//! Durations in buckets whose width grows with them, so that every quantile is within 5 % (the scheme of
//! [HdrHistogram](https://github.com/HdrHistogram/HdrHistogram), with sixteen buckets to an octave).
//!
//! ```text
//! 0, 1, … 15 ns in a bucket each; from there sixteen buckets to each doubling: 16, 17, … 31; 32, 34, … 62; …
//! ```
//!
//! A bucket is at most a sixteenth as wide as its durations are long, and stands for its middle: at most
//! 3.2 % off.

use crate::engine::sync::{AtomicU64, Ordering};
use crate::engine::tally::Bucket;
use std::fmt;
use std::time::Duration;

/// How often durations of which length occurred.
///
/// Histograms can be merged, and a quantile of one is within 5 % of the true one. Durations over 19 hours
/// count as that.
///
/// # Examples
///
/// ```
/// use millpond::observe::Histogram;
/// use std::time::Duration;
///
/// let mut waits = Histogram::new();
/// (1..=1_000).for_each(|ms| waits.record(Duration::from_millis(ms)));
/// let p99 = waits.quantile(0.99).unwrap();
/// assert!(p99 > Duration::from_millis(940) && p99 < Duration::from_millis(1_040));
/// assert_eq!(waits.count(), 1_000);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u64]>,
    sum_ns: u128,
}

impl Histogram {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into(),
            sum_ns: 0,
        }
    }

    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.add(bucket(ns), 1);
        self.add_to_sum(ns.into());
    }

    /// Adds all that `other` has.
    pub fn merge(&mut self, other: &Self) {
        for (mine, others) in self.counts.iter_mut().zip(&other.counts) {
            *mine += others;
        }
        self.sum_ns += other.sum_ns;
    }

    /// What was recorded since `earlier`, an older picture of the same durations.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let pairs = self.counts.iter().zip(&earlier.counts);
        Self {
            counts: pairs.map(|(now, then)| now.saturating_sub(*then)).collect(),
            sum_ns: self.sum_ns.saturating_sub(earlier.sum_ns),
        }
    }

    /// How many durations were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all durations.
    #[must_use]
    pub fn sum(&self) -> Duration {
        duration(self.sum_ns)
    }

    /// The mean duration; `None` where none was recorded.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum_ns.checked_div(u128::from(self.count()))?;
        Some(duration(mean))
    }

    /// The duration that a share `q` of all (0 to 1) did not exceed, within 5 %; `None` where none was
    /// recorded.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        // The smallest rank that is at least this share, and at least the first.
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0;
        let found = self.counts.iter().position(|in_bucket| {
            below += in_bucket;
            below >= rank
        })?;
        Some(Duration::from_nanos(middle(found)))
    }

    /// How many durations did not exceed `bound`, within the width of a bucket: for histograms with buckets
    /// of their own, as Prometheus has them.
    #[must_use]
    pub fn count_up_to(&self, bound: Duration) -> u64 {
        let ns = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        self.counts[..=bucket(ns)].iter().sum()
    }

    /// All durations, as the middle of their bucket (at most 3.2 % off) and how many there are in it, shortest
    /// first; without the buckets that are empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::observe::Histogram;
    /// use std::time::Duration;
    ///
    /// let mut waits = Histogram::new();
    /// waits.record(Duration::ZERO);
    /// waits.record(Duration::from_nanos(9));
    /// waits.record(Duration::from_nanos(9));
    /// let all: Vec<_> = waits.buckets().collect();
    /// assert_eq!(all, [(Duration::ZERO, 1), (Duration::from_nanos(9), 2)]);
    /// ```
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let filled = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        filled.map(|(bucket, count)| (Duration::from_nanos(middle(bucket)), *count))
    }

    /// All of it, or of each bucket the same share, so that it is at most so many.
    #[cfg(any(feature = "metrics", feature = "opentelemetry"))]
    pub(crate) fn at_most(&self, most: u64) -> Self {
        let count = self.count();
        if count <= most {
            return self.clone();
        }
        let (most, of) = (u128::from(most), u128::from(count));
        let share = |count: &u64| (u128::from(*count) * most / of) as u64;
        Self {
            counts: self.counts.iter().map(share).collect(),
            sum_ns: self.sum_ns * most / of,
        }
    }

    pub(crate) fn add(&mut self, bucket: usize, count: u64) {
        self.counts[bucket] += count;
    }

    pub(crate) fn add_to_sum(&mut self, ns: u128) {
        self.sum_ns += ns;
    }

    /// Where this picture has less than an earlier one, it takes what that had: see `Collector`.
    pub(super) fn not_less_than(&mut self, earlier: &Self) {
        for (now, then) in self.counts.iter_mut().zip(&earlier.counts) {
            *now = (*now).max(*then);
        }
        self.sum_ns = self.sum_ns.max(earlier.sum_ns);
    }
}

/// The same, for many who add at once: on ways on which somebody waited anyway, and for what slots hand on.
#[derive(Debug)]
pub(crate) struct SharedHistogram {
    buckets: Box<[Bucket]>,
    sum_ns: AtomicU64,
}

impl SharedHistogram {
    pub(crate) fn new() -> Self {
        Self {
            buckets: std::iter::repeat_with(Bucket::new).take(BUCKETS).collect(),
            sum_ns: AtomicU64::new(0),
        }
    }

    /// Adds one duration.
    pub(crate) fn record(&self, ns: u64) {
        self.add(bucket(ns), 1);
        self.add_to_sum(ns);
    }

    /// Adds durations whose sum is counted elsewhere.
    pub(crate) fn add(&self, bucket: usize, count: u64) {
        self.buckets[bucket].add(count);
    }

    pub(crate) fn add_to_sum(&self, ns: u64) {
        // ORDERING(histogram sum added): Relaxed; a number for reports.
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// What it has now.
    pub(crate) fn read(&self) -> Histogram {
        // ORDERING(histogram sum read): Relaxed; see `histogram sum added`.
        let sum_ns = self.sum_ns.load(Ordering::Relaxed).into();
        Histogram {
            counts: self.buckets.iter().map(Bucket::read).collect(),
            sum_ns,
        }
    }
}

/// The bucket of a duration.
#[inline]
pub(crate) fn bucket(ns: u64) -> usize {
    let ns = ns.min(LONGEST_NS);
    let octave = (ns | SUB_BUCKETS).ilog2() - SUB_BITS;
    ((u64::from(octave) << SUB_BITS) + (ns >> octave)) as usize
}

/// The duration in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * SUB_BUCKETS {
        return bucket;
    }
    let octave = (bucket >> SUB_BITS) - 1;
    let lower = (SUB_BUCKETS + bucket % SUB_BUCKETS) << octave;
    lower + (1 << octave) / 2
}

fn duration(ns: u128) -> Duration {
    const SECOND_NS: u128 = 1_000_000_000;
    let seconds = u64::try_from(ns / SECOND_NS).unwrap_or(u64::MAX);
    Duration::new(seconds, (ns % SECOND_NS) as u32)
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("mean", &self.mean())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .finish()
    }
}

const SUB_BITS: u32 = 4;
const SUB_BUCKETS: u64 = 1 << SUB_BITS;
/// 19.5 hours: longer than any hold that is not a leak.
const LONGEST_NS: u64 = (1 << 46) - 1;
const BUCKETS: usize = (46 - SUB_BITS as usize + 1) << SUB_BITS;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_follow_one_another_without_a_gap() {
        let mut last = 0;
        for ns in 0..1_000_000 {
            let now = bucket(ns);
            assert!(now == last || now == last + 1, "{ns} ns");
            last = now;
        }
        assert_eq!(bucket(LONGEST_NS), BUCKETS - 1);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn an_empty_one_has_no_quantile_and_no_mean() {
        let empty = Histogram::new();
        assert_eq!((empty.quantile(0.5), empty.mean()), (None, None));
        assert_eq!((empty.count(), empty.sum()), (0, Duration::ZERO));
    }

    #[test]
    fn counts_up_to_a_bound_are_those_of_the_buckets_below_it() {
        let mut histogram = Histogram::new();
        [1, 10, 100]
            .into_iter()
            .for_each(|ms| histogram.record(Duration::from_millis(ms)));
        let up_to = |ms| histogram.count_up_to(Duration::from_millis(ms));
        assert_eq!([up_to(0), up_to(5), up_to(50), up_to(500)], [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_five_percent(ns in 0..LONGEST_NS) {
            let middle = middle(bucket(ns));
            prop_assert!(middle.abs_diff(ns) as f64 <= ns as f64 * 0.032 + 0.5, "{} for {}", middle, ns);
        }

        #[test]
        fn every_quantile_is_within_five_percent(
            mut all in proptest::collection::vec(0..10_000_000_000_u64, 1..300),
            q in 0.0..=1.0_f64,
        ) {
            let mut histogram = Histogram::new();
            all.iter().for_each(|ns| histogram.record(Duration::from_nanos(*ns)));
            all.sort_unstable();
            let rank = ((q * all.len() as f64).ceil() as usize).clamp(1, all.len());
            let (real, told) = (all[rank - 1], histogram.quantile(q).unwrap().as_nanos() as u64);
            prop_assert!(told.abs_diff(real) as f64 <= real as f64 * 0.05 + 0.5, "{} for {}", told, real);
        }

        #[test]
        fn merged_is_recorded_together(
            one in proptest::collection::vec(any::<u64>(), 0..50),
            two in proptest::collection::vec(any::<u64>(), 0..50),
        ) {
            let of = |all: &[u64]| {
                let mut histogram = Histogram::new();
                all.iter().for_each(|ns| histogram.record(Duration::from_nanos(*ns)));
                histogram
            };
            let mut merged = of(&one);
            merged.merge(&of(&two));
            prop_assert_eq!(&merged, &of(&[one.clone(), two].concat()));
            prop_assert_eq!(merged.since(&of(&one)).count(), merged.count() - one.len() as u64);
        }
    }
}
