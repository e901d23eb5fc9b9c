//! The cases. Each states its question, its fixed conditions, its bound, its figure.

mod beforehand;
mod degradation;
mod isolation;
mod leaks;
mod line;
mod lookout;
pub(crate) mod pressed;
mod pressure;
mod punctual;
mod recovery;
mod saturation;
mod spikes;
mod step;

use crate::Failure;
use crate::data::Scale;
use crate::ground::Ground;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A case.
#[async_trait]
pub trait Case: Send + Sync + 'static {
    /// What the command line calls it.
    fn name(&self) -> &'static str;

    /// Its title.
    fn title(&self) -> &'static str;

    /// What it asks.
    fn question(&self) -> &'static str;

    /// Its fixed conditions, one a line.
    fn conditions(&self, scale: Scale) -> Vec<String>;

    /// The longest that it may take; past that it is broken.
    fn bound(&self, scale: Scale) -> Duration;

    /// About how long it takes, for the progress line.
    fn expected(&self, scale: Scale) -> Duration;

    /// Why it cannot be asked on this ground, if so: it is then skipped by name, and counted.
    fn unasked(&self, _ground: &Ground) -> Option<String> {
        None
    }

    /// Drives the pool; what must hold and what was measured goes into the ground's book. Is dropped if the run is
    /// stopped. What it made by [`Ground::make`] is settled and closed afterwards.
    ///
    /// # Errors
    ///
    /// It could not be run to its end, for a reason that is not the pool's.
    async fn run(&self, ground: &Ground) -> Result<(), Failure>;
}

impl fmt::Debug for dyn Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All cases, in the order of their numbers.
pub fn all() -> Vec<Arc<dyn Case>> {
    vec![
        Arc::new(saturation::Saturation),
        Arc::new(line::Line),
        Arc::new(pressure::Pressure),
        Arc::new(leaks::Leaks),
        Arc::new(degradation::Degradation),
        Arc::new(isolation::Isolation),
        Arc::new(recovery::Recovery {
            again: recovery::AGAIN,
        }),
    ]
}

/// The case `recovery`, of pools that are given another time than a minute to be as before.
pub fn recovery_within(again: Duration) -> Arc<dyn Case> {
    Arc::new(recovery::Recovery { again })
}
