//! Places to stand in: numbered, and nobody is ever moved from his.
//!
//! ```text
//! blocks   each of 64 places, whose memory goes when nobody stands in any of them
//! taken    of each block, which of its places are
//! roomy    which blocks have a free place; the lowest is filled first
//! ```
//!
//! Whoever goes touches his own place and nobody else's. In a line that is longer than what a processor remembers
//! that is most of what a hand-over costs: who was served before lies beside who is served now, and all the others
//! are left where they are. A line that grows moves nobody either, however long it is.
//!
//! Since the lowest places are filled first, the blocks at the end empty when a line becomes shorter. A block's memory
//! goes with the last who stood there, but for the first one's, and one more for who comes next: a line that is just
//! about as long as a block would else allocate and free for each. Most lines are short, so the first block has only
//! as much as it needs.

use std::ops::{Index, IndexMut};

/// Places for `N`.
#[derive(Debug)]
pub struct Places<N> {
    blocks: Vec<Block<N>>,
    /// A bit for each block.
    roomy: Vec<u64>,
    taken: usize,
    /// The memory of a block that emptied.
    spare: Option<Vec<Option<N>>>,
}

#[derive(Debug)]
struct Block<N> {
    /// As many as were ever needed since it was empty.
    places: Vec<Option<N>>,
    /// A bit for each place.
    taken: u64,
}

/// Places in a block, and blocks that one word of bits is for.
const BLOCK: usize = 64;
const FULL: u64 = u64::MAX;
const SURE: &str = "somebody stands at this number";

impl<N> Places<N> {
    /// Nobody stands anywhere.
    pub const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            roomy: Vec::new(),
            taken: 0,
            spare: None,
        }
    }

    /// How many places are taken.
    #[inline]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the lowest free place for who is there under its number.
    #[inline]
    pub fn put(&mut self, one: impl FnOnce(u32) -> N) -> u32 {
        let block = self.roomy();
        let Block { places, taken } = &mut self.blocks[block];
        let place = taken.trailing_ones() as usize;
        let number = u32::try_from(block * BLOCK + place).expect("the word counts fewer waiters");
        *taken |= 1 << place;
        if *taken == FULL {
            self.roomy[block / BLOCK] &= !(1 << (block % BLOCK));
        }
        self.taken += 1;
        match places.get_mut(place) {
            Some(free) => *free = Some(one(number)),
            // The lowest free one: all before it are there.
            None => {
                if places.capacity() == 0 && block > 0 {
                    *places = self
                        .spare
                        .take()
                        .unwrap_or_else(|| Vec::with_capacity(BLOCK));
                }
                places.push(Some(one(number)));
            }
        }
        number
    }

    /// Who stands at `number` goes.
    #[inline]
    pub fn take(&mut self, number: u32) -> N {
        let (block, place) = split(number);
        let Block { places, taken } = &mut self.blocks[block];
        let one = places[place].take().expect(SURE);
        if *taken == FULL {
            self.roomy[block / BLOCK] |= 1 << (block % BLOCK);
        }
        *taken &= !(1 << place);
        self.taken -= 1;
        if *taken == 0 && block > 0 {
            self.emptied(block);
        }
        one
    }

    /// Everybody, by number.
    pub fn iter(&self) -> impl Iterator<Item = &N> {
        self.blocks.iter().flat_map(|block| &block.places).flatten()
    }

    /// The first block with a free place.
    #[inline]
    fn roomy(&mut self) -> usize {
        let first = self.roomy.iter().position(|word| *word != 0);
        match first {
            Some(word) => word * BLOCK + self.roomy[word].trailing_zeros() as usize,
            None => self.build(),
        }
    }

    /// One more block, all of it free. It has no memory yet.
    #[cold]
    fn build(&mut self) -> usize {
        let block = self.blocks.len();
        self.blocks.push(Block {
            places: Vec::new(),
            taken: 0,
        });
        if block % BLOCK == 0 {
            self.roomy.push(0);
        }
        self.roomy[block / BLOCK] |= 1 << (block % BLOCK);
        block
    }

    /// Nobody stands in `block` any more, nor in others at the end, if this is the last.
    #[cold]
    fn emptied(&mut self, block: usize) {
        let mut places = std::mem::take(&mut self.blocks[block].places);
        places.clear();
        self.spare = Some(places);
        while self.blocks.len() > 1 && self.blocks.last().is_some_and(|last| last.taken == 0) {
            self.blocks.pop();
            let last = self.blocks.len();
            self.roomy[last / BLOCK] &= !(1 << (last % BLOCK));
        }
        self.roomy.truncate(self.blocks.len().div_ceil(BLOCK));
        if self.blocks.len() < self.blocks.capacity() / 4 {
            self.blocks.shrink_to(2 * self.blocks.len());
        }
    }
}

impl<N> Index<u32> for Places<N> {
    type Output = N;

    #[inline]
    fn index(&self, number: u32) -> &N {
        let (block, place) = split(number);
        self.blocks[block].places[place].as_ref().expect(SURE)
    }
}

impl<N> IndexMut<u32> for Places<N> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut N {
        let (block, place) = split(number);
        self.blocks[block].places[place].as_mut().expect(SURE)
    }
}

const fn split(number: u32) -> (usize, usize) {
    (number as usize / BLOCK, number as usize % BLOCK)
}

#[cfg(all(test, not(any(millpond_loom, millpond_shuttle))))]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    impl<N> Places<N> {
        /// Places that there is memory for.
        fn kept(&self) -> usize {
            let blocks = self.blocks.iter().map(|block| block.places.capacity());
            blocks.sum::<usize>() + self.spare.as_ref().map_or(0, Vec::capacity)
        }
    }

    /// Numbers in no order.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, many: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % many as u64).expect("below a usize")
        }
    }

    /// Fills and empties places in turn, mostly the one and then mostly the other, beside a plain map.
    #[test]
    fn whoever_comes_has_the_lowest_free_place_and_keeps_it_until_he_goes() {
        let mut dice = Dice(0x2545_F491_4F6C_DD1D);
        let (mut places, mut plain) = (Places::new(), BTreeMap::new());
        for step in 0..9_000_u32 {
            let grows = step / 1_500 % 2 == 0;
            if (dice.below(4) > 0) == grows || plain.is_empty() {
                let lowest = (0..).find(|number| !plain.contains_key(number));
                let number = places.put(|number| (number, step));
                assert_eq!(Some(number), lowest);
                plain.insert(number, (number, step));
            } else {
                let nth = dice.below(plain.len());
                let number = *plain.keys().nth(nth).expect("as many as there are");
                assert_eq!(Some(places[number]), plain.get(&number).copied());
                assert_eq!(Some(places.take(number)), plain.remove(&number));
            }
            assert_eq!(places.taken(), plain.len());
        }
        assert!(places.iter().eq(plain.values()));
    }

    #[test]
    fn a_blocks_memory_goes_with_the_last_in_it_but_for_one_and_the_first() {
        const MANY: usize = 100 * BLOCK;
        for middle_first in [false, true] {
            let mut places = Places::new();
            let mut numbers: Vec<_> = (0..MANY).map(|_| places.put(|number| number)).collect();
            assert_eq!((places.kept(), places.blocks.len()), (MANY, MANY / BLOCK));
            if middle_first {
                numbers.rotate_left(MANY / 2);
            }
            let last = numbers.pop().expect("many");
            assert!(numbers.iter().all(|number| places.take(*number) == *number));
            // The first block, the spare one, and the one that is still stood in.
            assert_eq!(places.kept(), 3 * BLOCK);
            assert_eq!(places.take(last), last);
            assert_eq!(places.kept(), 2 * BLOCK);
            assert_eq!(places.blocks.len(), 1);
            assert!(
                places.blocks.capacity() <= 8,
                "{}",
                places.blocks.capacity()
            );
        }
    }

    #[test]
    fn a_line_about_as_long_as_a_block_allocates_nothing_for_each_who_comes() {
        let mut places = Places::new();
        let full: Vec<_> = (0..BLOCK).map(|_| places.put(|number| number)).collect();
        let mut beyond = || {
            let number = places.put(|number| number);
            let at = places.blocks[1].places.as_ptr();
            assert_eq!((places.take(number), number as usize), (number, BLOCK));
            at
        };
        let first = beyond();
        assert!((0..100).all(|_| beyond() == first));
        assert_eq!(places.taken(), full.len());
    }

    #[test]
    fn a_short_line_has_a_small_block() {
        let mut places = Places::new();
        let number = places.put(|number| number);
        assert!(places.kept() <= 4, "{}", places.kept());
        assert_eq!(places.take(number), 0);
    }
}
