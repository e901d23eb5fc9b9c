//! Operations on a pool, from bytes, against the reference model of the tests.

#[path = "../../tests/support/mod.rs"]
mod support;

use support::duel::{Ending, Move, play};
use support::model::{End, Setup, Stage};

/// The first byte says how the pool is set up, each further pair is a move.
///
/// Panics, with the script as it was understood, when the pool and the model differ.
pub fn operations(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else {
        return;
    };
    let setup = Setup {
        max: usize::from(first % 5),
        background: first & 0x20 != 0,
        newest_first: first & 0x40 != 0,
        hooks: first & 0x80 != 0,
    };
    let pairs = rest.chunks_exact(2).take(LONGEST);
    let script: Vec<_> = pairs.map(|pair| decode(pair[0], pair[1])).collect();
    play(setup, &script);
}

/// Longer scripts find nothing that these do not, and take long.
const LONGEST: usize = 100;

fn decode(kind: u8, which: u8) -> Move {
    let patient = which % 4 != 0;
    match kind % 29 {
        0..=4 => Move::Get { patient },
        5 => Move::Appear { patient },
        6..=9 => Move::Poll(which),
        10 => Move::PollAnew(which),
        11 | 12 => Move::Cancel(which),
        13..=15 => Move::Return(which),
        16 => Move::Broken(which),
        17 => Move::Take(which),
        18 | 19 => Move::Create(ending(which)),
        20 => Move::Recycle(ending(which)),
        21 => Move::Open(which),
        22 => Move::Resize(which % 6),
        24 => Move::Hook(Stage::PostCreate, ending(which)),
        25 => Move::Hook(Stage::PreRecycle, ending(which)),
        26 => Move::Hook(Stage::PostRecycle, ending(which)),
        27 => Move::GetWithin,
        28 => Move::Pass(which % 9),
        // A close ends most of what may happen: rarely.
        _ if which == 255 => Move::Close,
        _ if which >= 240 => Move::Pause,
        _ if which >= 224 => Move::Resume,
        _ => Move::Retain(which),
    }
}

fn ending(which: u8) -> Ending {
    let end = match which % 8 {
        0..=3 => End::Good,
        4..=6 => End::Fails,
        _ => End::Panics,
    };
    if which % 3 == 0 {
        Ending::Now(end)
    } else {
        Ending::Late(end)
    }
}
