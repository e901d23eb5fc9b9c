//! Spells of bad weather, drawn from the seed.

use super::pool::Simulated;
use super::world::{FAIR, World};
use millpond_testkit::Draw;
use std::fmt;
use std::time::Duration;

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Down,
    Frozen,
    Hole,
    /// The server forgets so many of a hundred connections, and tells nobody.
    HalfOpen(u64),
    /// It ends so many of a hundred.
    Terminated(u64),
    Full(usize),
    Slow(u32),
    Fails(u64),
    Panics(u64),
    /// The pool begins a new generation.
    Refresh,
    /// The pool is given another size for a while.
    Resized(usize),
    /// The pool gives out nothing for a while.
    Paused,
}

/// Some of them, for a while, and fair weather until the next.
#[derive(Clone, Debug)]
pub(super) struct Spell {
    bad: Vec<Bad>,
    pub(super) lasts: Duration,
    pub(super) fair: Duration,
}

impl Spell {
    /// The spell with this number.
    pub(super) fn drawn(seed: u64, number: u64, most: usize) -> Self {
        let mut draw = Draw::branch(seed, number);
        let count = 1 + draw.below(3);
        let bad = (0..count).map(|_| Bad::drawn(&mut draw, most)).collect();
        let lasts = draw.between(SHORTEST, LONGEST) / (1 << draw.below(8));
        Self {
            bad,
            lasts,
            fair: draw.between(HOUR / 6, HOUR * 11 / 6),
        }
    }

    pub(super) fn begin(&self, world: &World, pool: &Simulated) {
        self.bad.iter().for_each(|bad| bad.begin(world, pool));
    }

    /// Everything is well again.
    pub(super) fn end(&self, world: &World, pool: &Simulated, most: usize) {
        world.turn(|weather| *weather = FAIR);
        pool.pool.resume();
        pool.pool.resize(most);
    }
}

impl Bad {
    fn drawn(draw: &mut Draw, most: usize) -> Self {
        let share = 10 + draw.below(91);
        let some = usize::try_from(draw.below(most as u64)).unwrap_or(0);
        match draw.below(12) {
            0 => Self::Down,
            1 => Self::Frozen,
            2 => Self::Hole,
            3 => Self::HalfOpen(share),
            4 => Self::Terminated(share),
            5 => Self::Full(some),
            6 => Self::Slow(2 + u32::try_from(share).unwrap_or(0)),
            7 => Self::Fails(share / 2),
            8 => Self::Panics(share / 4),
            9 => Self::Refresh,
            10 => Self::Resized(some),
            _ => Self::Paused,
        }
    }

    fn begin(self, world: &World, pool: &Simulated) {
        // Which ones follows from their numbers.
        let some = |share: u64| move |id: u64| Draw::new(id).below(100) < share;
        match self {
            Self::Down => world.turn(|weather| weather.is_down = true),
            Self::Frozen => world.turn(|weather| weather.is_frozen = true),
            Self::Hole => world.turn(|weather| weather.has_hole = true),
            Self::HalfOpen(share) => world.end(some(share), false),
            Self::Terminated(share) => world.end(some(share), true),
            Self::Full(room) => world.turn(|weather| weather.room = room),
            Self::Slow(times) => world.turn(|weather| weather.slow = times),
            Self::Fails(share) => world.turn(|weather| weather.fails = share),
            Self::Panics(share) => world.turn(|weather| weather.panics = share),
            Self::Refresh => pool.pool.refresh(),
            Self::Resized(most) => pool.pool.resize(most),
            Self::Paused => pool.pool.pause(),
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("the server is down"),
            Self::Frozen => f.write_str("the server stands still"),
            Self::Hole => f.write_str("a black hole"),
            Self::HalfOpen(share) => write!(f, "{share} % half-open"),
            Self::Terminated(share) => write!(f, "{share} % terminated"),
            Self::Full(room) => write!(f, "room for {room}"),
            Self::Slow(times) => write!(f, "{times} times slower"),
            Self::Fails(share) => write!(f, "{share} % fail"),
            Self::Panics(share) => write!(f, "{share} % of the manager's calls panic"),
            Self::Refresh => f.write_str("a refresh"),
            Self::Resized(most) => write!(f, "resized to {most}"),
            Self::Paused => f.write_str("paused"),
        }
    }
}

impl fmt::Display for Spell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, bad) in self.bad.iter().enumerate() {
            let before = if index == 0 { "" } else { ", and " };
            write!(f, "{before}{bad}")?;
        }
        write!(f, ", for {:.1?}", self.lasts)
    }
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
