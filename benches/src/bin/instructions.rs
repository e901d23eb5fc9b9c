//! So many steps of one kind, for callgrind to count: `cargo xtask bench instructions`.

use millpond_benches::Steps;
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let count = words.get(1).and_then(|count| count.parse().ok());
    let steps = words.first().and_then(|name| named(name));
    let (Some(mut steps), Some(count)) = (steps, count) else {
        eprintln!("error: which steps, and how many?");
        return ExitCode::from(2);
    };
    // The first few make the object, and whatever else is made once.
    steps(16);
    counted_by_callgrind(&mut steps, count);
    ExitCode::SUCCESS
}

fn named(name: &str) -> Option<Steps> {
    match name {
        "floor" => Some(millpond_benches::floor()),
        "get_drop" => Some(millpond_benches::millpond()),
        "hand_over" => Some(millpond_benches::hand_over()),
        "cancelled_wait" => Some(millpond_benches::cancelled_wait()),
        "deadpool_get_drop" => Some(millpond_benches::deadpool()),
        _ => None,
    }
}

/// callgrind counts from here to its end: it knows this by its name.
#[inline(never)]
fn counted_by_callgrind(steps: &mut Steps, count: u64) {
    steps(count);
}
