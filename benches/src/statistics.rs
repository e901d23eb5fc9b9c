//! What a list of measurements comes to: medians, quartiles, percentiles. No averages: what else a machine does
//! spoils some rounds, and a few of them would be the whole of an average.

use std::fmt;

/// The middle of some measurements, and where the middle half of them lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// A quarter lies below.
    pub lower: f64,
    /// Half lies below.
    pub median: f64,
    /// A quarter lies above.
    pub upper: f64,
}

impl Spread {
    /// Of measurements in any order; none if there are none.
    pub fn of(measurements: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = measurements.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Self {
            lower: quantile(&sorted, 0.25)?,
            median: quantile(&sorted, 0.5)?,
            upper: quantile(&sorted, 0.75)?,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lower,
            median,
            upper,
        } = self;
        write!(f, "{median:.2} (quartiles {lower:.2} to {upper:.2})")
    }
}

/// Below which that share of the sorted measurements lies; between two of them it goes from one to the other evenly.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let part = place - place.floor();
    Some(sorted[below] + (sorted[above] - sorted[below]) * part)
}

/// The smallest of the sorted measurements that at least so many in a thousand do not exceed: one that was taken, as
/// is usual for times of waiting.
pub fn per_mille<T: Copy>(sorted: &[T], mille: usize) -> Option<T> {
    let rank = (sorted.len() * mille.min(1_000)).div_ceil(1_000);
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(
            Spread::of([4.0, 1.0, 3.0, 2.0]).map(|s| s.median),
            Some(2.5)
        );
        assert_eq!(Spread::of([9.0, 1.0, 5.0]).map(|s| s.median), Some(5.0));
    }

    #[test]
    fn quartiles_hold_the_middle_half() {
        let spread = Spread::of((0..=100).rev().map(f64::from)).expect("there are some");
        assert_eq!(
            spread,
            Spread {
                lower: 25.0,
                median: 50.0,
                upper: 75.0
            }
        );
        assert_eq!(spread.to_string(), "50.00 (quartiles 25.00 to 75.00)");
    }

    #[test]
    fn one_is_its_own_spread_and_none_has_none() {
        let spread = Spread::of([7.0]).expect("there is one");
        assert_eq!((spread.lower, spread.median, spread.upper), (7.0, 7.0, 7.0));
        assert_eq!(Spread::of([]), None);
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_quantile_beyond_the_ends_is_an_end() {
        assert_eq!(quantile(&[1.0, 2.0], -1.0), Some(1.0));
        assert_eq!(quantile(&[1.0, 2.0], 2.0), Some(2.0));
    }

    #[test]
    fn a_percentile_is_one_of_the_measurements() {
        let thousand: Vec<u32> = (1..=1_000).collect();
        let at = |mille| per_mille(&thousand, mille);
        assert_eq!(
            [at(0), at(500), at(990), at(999), at(1_000)],
            [1, 500, 990, 999, 1_000].map(Some)
        );
        // Of ten, the one that 99.9 % do not exceed is the greatest.
        assert_eq!(per_mille(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 999), Some(10));
        assert_eq!(per_mille::<u32>(&[], 500), None);
    }
}
