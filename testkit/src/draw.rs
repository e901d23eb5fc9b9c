//! Numbers drawn from a seed: the same seed, the same numbers, on every machine and in every version.

use std::time::Duration;

/// A row of numbers that look like chance and are not: what a test drew, it draws again from the same seed.
///
/// The numbers are those of SplitMix64. Two seeds that differ by one give rows that have nothing in common.
///
/// ```
/// use millpond_testkit::Draw;
///
/// let (mut first, mut again) = (Draw::new(42), Draw::new(42));
/// let rolled: Vec<_> = (0..5).map(|_| first.below(6) + 1).collect();
/// assert_eq!(rolled, (0..5).map(|_| again.below(6) + 1).collect::<Vec<_>>());
/// ```
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The row of this seed, from its beginning.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another row of the same seed: one for each `number`, however much is drawn from the others.
    pub fn branch(seed: u64, number: u64) -> Self {
        let apart = Self(number).next();
        Self(seed ^ apart)
    }

    /// The next number, of all that there are.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so that an Option would say nothing"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).expect("the product of two u64, shifted by one")
    }

    /// The next time span from `least` to `most`, both of them included; `least` if `most` is less. In whole nanoseconds.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let room = most.saturating_sub(least).as_nanos();
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        least.saturating_add(Duration::from_nanos(self.below(room.saturating_add(1))))
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn one_of<'a, T>(&mut self, them: &'a [T]) -> &'a T {
        let which = self.below(them.len() as u64);
        &them[usize::try_from(which).expect("less than a length")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The first three of the seed 1234567, as its reference implementation prints them.
        let mut draw = Draw::new(1_234_567);
        let drawn = [draw.next(), draw.next(), draw.next()];
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn what_is_drawn_keeps_to_its_bounds_and_reaches_them() {
        let mut draw = Draw::new(7);
        let below: Vec<_> = (0..200).map(|_| draw.below(4)).collect();
        assert!((0..4).all(|number| below.contains(&number)) && below.iter().all(|n| *n < 4));
        assert_eq!(draw.below(0), 0);

        let (least, most) = (Duration::from_nanos(3), Duration::from_nanos(5));
        let spans: Vec<_> = (0..200).map(|_| draw.between(least, most)).collect();
        assert!(spans.contains(&least) && spans.contains(&most));
        assert!(spans.iter().all(|span| (least..=most).contains(span)));
        assert_eq!(draw.between(most, least), most);
    }

    #[test]
    fn branches_of_one_seed_differ() {
        let of = |number| Draw::branch(1, number).next();
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }
}
