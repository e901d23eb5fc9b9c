//! The committed corpus, and inputs drawn from a fixed seed, through every target: on any compiler, with
//! every run of the tests.

use std::fs;
use std::path::Path;

#[test]
fn word() {
    replay("word", millpond_fuzz::word, 20_000);
}

#[test]
fn config() {
    replay("config", millpond_fuzz::config, 3_000);
}

#[test]
fn operations() {
    replay("operations", millpond_fuzz::operations, 1_500);
}

/// Feeds each file of the target's corpus, then as many inputs made from them and from noise.
fn replay(target: &str, run: fn(&[u8]), drawn: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no seeds", folder.display());
    let seeds: Vec<_> = files
        .iter()
        .map(|file| fs::read(file).expect("a readable file"))
        .collect();
    for (file, seed) in files.iter().zip(&seeds) {
        println!("{}", file.display());
        run(seed);
    }
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for number in 0..drawn {
        let input = dice.input(&seeds);
        println!("{target} {number}: {input:?}");
        run(&input);
    }
}

/// Marsaglia's xorshift: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    /// A seed with a few bytes changed, or noise.
    fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        if self.roll(3) == 0 {
            let length = self.roll(200);
            return (0..length).map(|_| self.byte()).collect();
        }
        let mut input = seeds[self.roll(seeds.len())].clone();
        for _ in 0..=self.roll(6) {
            let place = self.roll(input.len() + 1);
            match self.roll(3) {
                0 => input.insert(place, self.byte()),
                1 if place < input.len() => drop(input.remove(place)),
                _ if place < input.len() => input[place] = self.byte(),
                _ => {}
            }
        }
        input
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).expect("below 256")
    }
}
