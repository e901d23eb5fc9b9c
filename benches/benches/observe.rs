//! What it costs to be looked at: getting an idle object and giving it back, with everything on that can be
//! turned on, with nothing of it, and beside deadpool, which counts none of this; as ratios in one run. And how
//! long reading the figures takes, which fails the run if it is over its bound.

use millpond_benches::Steps;
use millpond_benches::statistics::Spread;
use std::time::{Duration, Instant};

/// Short and many: what else runs on the machine spoils a few, and the quartiles are of the others.
const ROUNDS: usize = 4_001;
const STEPS: u64 = 1_000;
const SLOTS: usize = 1_000;
/// For reading the figures of so many slots.
const BOUND: Duration = Duration::from_micros(100);

fn main() {
    on_the_way_of_a_get();
    reading();
}

fn on_the_way_of_a_get() {
    let mut contenders: [Steps; 4] = [
        millpond_benches::floor(),
        millpond_benches::millpond(),
        millpond_benches::watched(),
        millpond_benches::deadpool(),
    ];
    let rounds: Vec<[f64; 4]> = (0..ROUNDS)
        .map(|_| {
            let times = contenders.each_mut().map(|steps| time(steps, STEPS));
            times.map(|time| time.as_secs_f64())
        })
        .collect();
    println!("get+drop, one thread, {ROUNDS} rounds of {STEPS} steps:");
    let ratio = |name, of: fn(&[f64; 4]) -> f64| print(name, rounds.iter().map(of).collect());
    ratio(
        "figures alone, over the floor         ",
        |[floor, off, ..]| off / floor,
    );
    ratio(
        "and leak threshold and listener, so   ",
        |[floor, _, on, _]| on / floor,
    );
    ratio(
        "leak threshold and listener over none ",
        |[_, off, on, _]| on / off,
    );
    ratio(
        "deadpool over figures alone           ",
        |[_, off, _, theirs]| theirs / off,
    );
    ratio(
        "deadpool over leak threshold and all  ",
        |[_, _, on, theirs]| theirs / on,
    );
}

fn reading() {
    let mut read = millpond_benches::read_stats(SLOTS);
    let mut times: Vec<_> = (0..ROUNDS).map(|_| time(&mut read, 1)).collect();
    times.sort_unstable();
    let median = times[ROUNDS / 2];
    println!("stats() of {SLOTS} slots: {median:?} (bound {BOUND:?})");
    assert!(median < BOUND, "reading the figures takes too long");
}

fn time(steps: &mut Steps, count: u64) -> Duration {
    let start = Instant::now();
    steps(count);
    start.elapsed()
}

fn print(name: &str, ratios: Vec<f64>) {
    let spread = Spread::of(ratios).expect("there are rounds");
    println!("  {name}{spread}");
}
