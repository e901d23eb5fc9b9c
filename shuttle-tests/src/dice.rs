//! Where the scripts' choices come from.

/// Numbers that one seed decides (SplitMix64). Each execution has one seed of shuttle's, which is part of
/// the schedule that is printed on failure; so a replay makes the same choices.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for somebody else.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.roll())
    }

    /// A number from `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: usize, to: usize) -> usize {
        let span = (to - from + 1) as u64;
        from + (self.roll() % span) as usize
    }

    /// Whether it happens, `times` times of `of`.
    pub(crate) fn chance(&mut self, times: usize, of: usize) -> bool {
        self.between(1, of) <= times
    }

    /// One of several, each as often as its weight says.
    pub(crate) fn pick<T: Copy>(&mut self, weighted: &[(usize, T)]) -> T {
        let sum: usize = weighted.iter().map(|(weight, _)| weight).sum();
        let mut left = self.between(1, sum);
        for (weight, choice) in weighted {
            if left <= *weight {
                return *choice;
            }
            left -= weight;
        }
        unreachable!("the weights sum up to their sum");
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
