//! Getting an idle object and giving it back, as ratios in one run: rounds of all contenders in turn, so
//! that whatever else the machine does meets all of them alike.

use millpond_benches::Steps;
use millpond_benches::statistics::Spread;
use std::time::Instant;

const ROUNDS: usize = 201;
const STEPS: u64 = 20_000;

fn main() {
    let mut floor = millpond_benches::floor();
    let mut millpond = millpond_benches::millpond();
    let mut deadpool = millpond_benches::deadpool();
    let (mut over_floor, mut times_faster) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let [floor, ours, theirs] = [time(&mut floor), time(&mut millpond), time(&mut deadpool)];
        over_floor.push(ours / floor);
        times_faster.push(theirs / ours);
    }
    println!("get+drop, one thread, {ROUNDS} rounds of {STEPS} steps:");
    print("millpond over the floor      ", over_floor);
    print("deadpool over millpond       ", times_faster);
}

/// Nanoseconds for all steps.
fn time(steps: &mut Steps) -> f64 {
    let start = Instant::now();
    steps(STEPS);
    start.elapsed().as_secs_f64() * 1e9
}

fn print(name: &str, ratios: Vec<f64>) {
    let spread = Spread::of(ratios).expect("there are rounds");
    println!("  {name}{spread}");
}
