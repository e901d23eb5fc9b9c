//! A thousand hours in a minute: millpond's managed pool on a server that exists in memory only, and on a clock that
//! jumps to whatever happens next.
//!
//! ```text
//! world (world.rs)   the server: who is connected, the weather on the way, what must never happen
//! pool (pool.rs)     the manager of its connections, and the pool as the lab knows pools
//! spell (spell.rs)   bad weather, drawn from the seed
//! run                a crowd (chaos/crowd.rs) comes to the pool; a spell, an hour of fair weather, the oracles; again
//! ```
//!
//! Everything runs in one thread, on tokio's clock that stands still while anything can go on. The pool's own clock is
//! turned along, so nothing depends on the machine: the same seed gives the same [digest](Outcome::digest).

pub(crate) mod cli;
mod digest;
mod pool;
mod run;
mod spell;
mod world;

use crate::Failure;
use crate::data::Run;
use crate::subject::Subject;
use millpond::observe::HandClock;
use run::Simulation;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a simulated run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As of any other case.
    pub run: Run,
    /// Everything that happened and when, as one number.
    pub digest: u64,
    /// How long it was on its own clock.
    pub simulated: Duration,
}

/// Something to put around the pool, for tests that plant a defect there.
pub type Around = fn(Arc<dyn Subject>) -> Arc<dyn Subject>;

/// So many hours. Blocks its thread, which must not be one of a runtime's workers.
///
/// # Errors
///
/// No runtime can be built.
pub fn simulate(
    hours: u32,
    seed: u64,
    around: Option<Around>,
    stop: &CancellationToken,
) -> Result<Outcome, Failure> {
    let clock = HandClock::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_unpark(turned_along(&clock))
        .build()?;
    let length = Duration::from_secs(3_600) * hours;
    let outcome = runtime.block_on(async {
        let simulation = Simulation::begin(seed, &clock, around);
        simulation.run(length, stop).await
    });
    Ok(outcome)
}

/// The runtime's clock jumps while its thread is parked: before anything else goes on, the pool's clock is turned to the
/// same time.
fn turned_along(clock: &HandClock) -> impl Fn() + Send + Sync + 'static {
    let (clock, last) = (clock.clone(), Mutex::new(None));
    move || {
        let now = Instant::now();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = last.replace(now) {
            clock.advance(now - before);
        }
    }
}
