//! The word against five integers.

#[path = "../../src/engine/state.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the engine's own file, whole"
)]
mod state;

use state::{MAX_CONNECTING, MAX_SIZE, MAX_WAITING, State};

/// What the word should say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Plain {
    closed: bool,
    idle: usize,
    waiting: usize,
    connecting: usize,
    max: usize,
    size: usize,
}

/// Any bits can be looked at; and any legal transitions, in any order, agree with plain integers.
pub fn word(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    look(State::from_bits(u64::from_le_bytes(*first)));
    let max = usize::from(u16::from_le_bytes([first[0], first[1]])) * usize::from(first[2]);
    let mut state = State::new(max);
    let mut plain = Plain {
        max: max.min(MAX_SIZE),
        ..Plain::default()
    };
    for &step in rest {
        (state, plain) = apply(state, plain, step);
        assert_eq!(unpack(state), plain, "after {step}");
        assert_eq!(State::from_bits(state.bits()), state);
        assert_eq!(state.in_use(), plain.size - plain.idle - plain.connecting);
        let kept = !plain.closed && plain.waiting == 0 && plain.size <= plain.max;
        assert_eq!(state.takes_idle(), kept);
        for cap in [1, plain.connecting, plain.connecting + 1] {
            let room = !plain.closed && plain.size < plain.max && plain.connecting < cap;
            assert_eq!(
                state.has_room(cap),
                room,
                "{plain:?}, at most {cap} at once"
            );
        }
    }
}

/// No reading of any bits panics, and no count is out of its field.
fn look(state: State) {
    let plain = unpack(state);
    assert!(plain.idle <= MAX_WAITING + 1 && plain.waiting <= MAX_WAITING + 1);
    assert!(plain.idle == 0 || plain.waiting == 0);
    assert!(plain.size <= MAX_SIZE && plain.max <= MAX_SIZE && plain.connecting <= MAX_CONNECTING);
    assert!(!state.has_room(0));
    assert_eq!(State::from_bits(state.bits()).bits(), state.bits());
}

/// One transition where it is legal; else nothing.
fn apply(state: State, mut plain: Plain, step: u8) -> (State, Plain) {
    let held = plain.size - plain.idle - plain.connecting;
    let next = match step % 9 {
        0 if plain.size < plain.max && plain.connecting < MAX_CONNECTING => {
            plain.size += 1;
            plain.connecting += 1;
            state.reserved()
        }
        1 if plain.connecting > 0 => {
            plain.connecting -= 1;
            state.connected()
        }
        2 if plain.connecting > 0 => {
            plain.connecting -= 1;
            plain.size -= 1;
            state.unreserved()
        }
        3 if held > 0 && plain.waiting == 0 && !plain.closed => {
            plain.idle += 1;
            state.published()
        }
        4 if plain.idle > 0 => {
            plain.idle -= 1;
            state.claimed(1)
        }
        5 if plain.idle == 0 && !plain.closed && plain.waiting < MAX_WAITING => {
            plain.waiting += 1;
            state.joined()
        }
        6 if plain.waiting > 0 => {
            plain.waiting -= 1;
            state.left()
        }
        7 if held > 0 => {
            plain.size -= 1;
            state.lost()
        }
        8 if step > 240 => {
            plain = Plain {
                closed: true,
                idle: 0,
                waiting: 0,
                max: 0,
                ..plain
            };
            state.closed()
        }
        8 => {
            plain.max = usize::from(step);
            state.resized(usize::from(step))
        }
        _ => state,
    };
    (next, plain)
}

fn unpack(state: State) -> Plain {
    Plain {
        closed: state.is_closed(),
        idle: state.idle(),
        waiting: state.waiting(),
        connecting: state.connecting(),
        max: state.max(),
        size: state.size(),
    }
}
