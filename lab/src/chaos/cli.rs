//! `lab chaos`.

use super::{Chaos, Plan};
use crate::Failure;
use crate::cli::{RunArgs, run_these};
use crate::simulated;
use crate::subject::Maker;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    /// What the episodes are drawn from; the same seed and length, the same plan.
    #[arg(long)]
    seed: Option<u64>,
    /// About how long it takes.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Where report.json goes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The pools to drive, separated by commas; see `lab list`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) pools: Vec<String>,
    /// Do faults to the server although we did not start it: end its connections.
    #[arg(long)]
    faults_on_a_server_that_is_not_ours: bool,
    /// Without a server, on a clock that runs as fast as this machine can: millpond alone.
    #[arg(long, conflicts_with_all = ["minutes", "pools", "faults_on_a_server_that_is_not_ours"])]
    simulated: bool,
    /// How many hours of the simulated clock.
    #[arg(long, default_value_t = 1_000, requires = "simulated")]
    hours: u32,
}

/// Runs it; whether it passed.
pub(crate) async fn chaos(args: ChaosArgs, makers: &[Arc<dyn Maker>]) -> Result<bool, Failure> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    if args.simulated {
        return simulated::cli::run(args.hours, seed, args.out.as_deref()).await;
    }
    let minutes = Duration::try_from_secs_f64(args.minutes * 60.0);
    let length = minutes.map_err(|error| format!("--minutes {}: {error}", args.minutes))?;
    let plan = Plan::drawn(seed, length);
    print!("{plan}");
    let run = RunArgs {
        out: args.out,
        seed: Some(seed),
        pools: args.pools,
        faults_on_a_server_that_is_not_ours: args.faults_on_a_server_that_is_not_ours,
        ..RunArgs::default()
    };
    run_these(vec![Arc::new(Chaos::new(plan))], run, makers).await
}
