//! The random schedules of the engine, under shuttle.

use crate::failure::Failure;
use crate::steps::Steps;
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{child, loom};

/// The step: a bounded number of scripts from a fixed seed; or, for some minutes, scripts from fresh seeds; or
/// those of one seed again.
pub(crate) fn step(here: &Workspace, steps: &mut Steps, minutes: Option<u64>, seed: Option<u64>) {
    steps.step("shuttle", |tally| run(here, minutes, seed, tally));
}

fn run(
    here: &Workspace,
    minutes: Option<u64>,
    seed: Option<u64>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut cargo = here.cargo(TESTS);
    loom::under(&mut cargo, CFG, TARGET);
    if let Some(seed) = seed {
        cargo.env("MILLPOND_SHUTTLE_SEED", seed.to_string());
    }
    if let Some(minutes) = minutes {
        // The time is for each test, so all of them run at once.
        let seconds = (minutes * 60).to_string();
        cargo.env("MILLPOND_SHUTTLE_SECONDS", seconds);
        cargo.args(["--", "--test-threads=6", "--nocapture"]);
    }
    child::run_tests(&mut cargo, tally)
}

const TESTS: &str = "test --release --package millpond-shuttle-tests --test scripts";
const CFG: &str = "millpond_shuttle";
const TARGET: &str = "target/shuttle";
