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

/// Places for `N`. What changes with each who comes or goes lies together, and that is all that a short line touches.
#[derive(Debug)]
#[repr(C)]
pub struct Places<N> {
    taken: usize,
    /// All that most lines need.
    first: Block<N>,
    later: Vec<Block<N>>,
    /// A bit for each of the later ones.
    roomy: Vec<u64>,
    /// The memory of a block that emptied.
    spare: Option<Vec<Option<N>>>,
}

#[derive(Debug)]
#[repr(C)]
struct Block<N> {
    /// A bit for each place.
    taken: u64,
    /// As many as were ever needed since it was empty.
    places: Vec<Option<N>>,
}

/// Places in a block, and blocks that one word of bits is for.
const BLOCK: usize = 64;
const FULL: u64 = u64::MAX;
const SURE: &str = "somebody stands at this number";

impl<N> Places<N> {
    /// Nobody stands anywhere.
    pub const fn new() -> Self {
        Self {
            taken: 0,
            first: Block::new(),
            later: Vec::new(),
            roomy: Vec::new(),
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
        self.taken += 1;
        if self.first.taken != FULL {
            return self.first.put(0, one);
        }
        self.put_later(one)
    }

    #[inline(never)]
    fn put_later(&mut self, one: impl FnOnce(u32) -> N) -> u32 {
        let number = self.roomy();
        let block = &mut self.later[number];
        if block.places.capacity() == 0 {
            let spare = self.spare.take();
            block.places = spare.unwrap_or_else(|| Vec::with_capacity(BLOCK));
        }
        let place = block.put(number + 1, one);
        if block.taken == FULL {
            self.roomy[number / BLOCK] &= !(1 << (number % BLOCK));
        }
        place
    }

    /// Who stands at `number` goes.
    #[inline]
    pub fn take(&mut self, number: u32) -> N {
        self.taken -= 1;
        let (block, place) = split(number);
        match block.checked_sub(1) {
            None => self.first.take(place),
            Some(later) => self.take_later(later, place),
        }
    }

    #[inline(never)]
    fn take_later(&mut self, number: usize, place: usize) -> N {
        let block = &mut self.later[number];
        let one = block.take(place);
        self.roomy[number / BLOCK] |= 1 << (number % BLOCK);
        if block.taken == 0 {
            self.emptied(number);
        }
        one
    }

    /// Everybody, by number.
    pub fn iter(&self) -> impl Iterator<Item = &N> {
        let blocks = std::iter::once(&self.first).chain(&self.later);
        blocks.flat_map(|block| &block.places).flatten()
    }

    /// The first of the later blocks with a free place.
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
        let number = self.later.len();
        self.later.push(Block::new());
        if number % BLOCK == 0 {
            self.roomy.push(0);
        }
        self.roomy[number / BLOCK] |= 1 << (number % BLOCK);
        number
    }

    /// Nobody stands in this one of the later blocks any more, nor in others at the end, if it is the last.
    #[cold]
    fn emptied(&mut self, number: usize) {
        let mut places = std::mem::take(&mut self.later[number].places);
        places.clear();
        self.spare = Some(places);
        while self.later.last().is_some_and(|last| last.taken == 0) {
            self.later.pop();
            let last = self.later.len();
            self.roomy[last / BLOCK] &= !(1 << (last % BLOCK));
        }
        self.roomy.truncate(self.later.len().div_ceil(BLOCK));
        if self.later.len() < self.later.capacity() / 4 {
            self.later.shrink_to(2 * self.later.len());
        }
    }

    #[inline]
    fn block(&self, block: usize) -> &Block<N> {
        match block.checked_sub(1) {
            None => &self.first,
            Some(later) => &self.later[later],
        }
    }

    #[inline]
    fn block_mut(&mut self, block: usize) -> &mut Block<N> {
        match block.checked_sub(1) {
            None => &mut self.first,
            Some(later) => &mut self.later[later],
        }
    }
}

impl<N> Block<N> {
    const fn new() -> Self {
        Self {
            taken: 0,
            places: Vec::new(),
        }
    }

    /// Takes its lowest free place; it is the block of this number among all.
    #[inline]
    fn put(&mut self, block: usize, one: impl FnOnce(u32) -> N) -> u32 {
        let place = self.taken.trailing_ones() as usize;
        let number = u32::try_from(block * BLOCK + place).expect("the word counts fewer waiters");
        self.taken |= 1 << place;
        match self.places.get_mut(place) {
            Some(free) => *free = Some(one(number)),
            // The lowest free one: all before it are there.
            None => self.places.push(Some(one(number))),
        }
        number
    }

    #[inline]
    fn take(&mut self, place: usize) -> N {
        self.taken &= !(1 << place);
        self.places[place].take().expect(SURE)
    }
}

impl<N> Index<u32> for Places<N> {
    type Output = N;

    #[inline]
    fn index(&self, number: u32) -> &N {
        let (block, place) = split(number);
        self.block(block).places[place].as_ref().expect(SURE)
    }
}

impl<N> IndexMut<u32> for Places<N> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut N {
        let (block, place) = split(number);
        self.block_mut(block).places[place].as_mut().expect(SURE)
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
            let blocks = self.later.iter().map(|block| block.places.capacity());
            self.first.places.capacity()
                + blocks.sum::<usize>()
                + self.spare.as_ref().map_or(0, Vec::capacity)
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
            assert_eq!(
                (places.kept(), places.later.len()),
                (MANY, MANY / BLOCK - 1)
            );
            if middle_first {
                numbers.rotate_left(MANY / 2);
            }
            let last = numbers.pop().expect("many");
            assert!(numbers.iter().all(|number| places.take(*number) == *number));
            // The first block, the spare one, and the one that is still stood in.
            assert_eq!(places.kept(), 3 * BLOCK);
            assert_eq!(places.take(last), last);
            assert_eq!(places.kept(), 2 * BLOCK);
            assert_eq!(places.later.len(), 0);
            assert!(places.later.capacity() <= 8, "{}", places.later.capacity());
        }
    }

    #[test]
    fn a_line_about_as_long_as_a_block_allocates_nothing_for_each_who_comes() {
        let mut places = Places::new();
        let full: Vec<_> = (0..BLOCK).map(|_| places.put(|number| number)).collect();
        let mut beyond = || {
            let number = places.put(|number| number);
            let at = places.later[0].places.as_ptr();
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
