//! The command line.
//!
//! ```text
//! 0    every case that was asked for ran and passed
//! 1    a case failed, broke, was skipped, or the run was stopped
//! 2    the command line is wrong
//! 3    nothing could be run: no database, no such folder
//! ```

use crate::Failure;
use crate::cases::{self, Case};
use crate::data::{Machine, Report, SCHEMA, Scale};
use crate::report;
use crate::runner::{self, Nobody, Plan};
use crate::site::Site;
use crate::subject::Maker;
use clap::{Args, Parser, Subcommand};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Drives a connection pool, on a real PostgreSQL, into every known kind of exhaustion, and says pass or fail.
///
/// The server is TEST_DATABASE_URL or DATABASE_URL if one is set, in a database of the lab's own that it drops; else a
/// private one, started from this machine's PostgreSQL and removed at the end.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run cases, all of them by default, and write a report.
    Run(RunArgs),
    /// List the cases and the pools.
    List,
}

#[derive(Debug, Default, Args)]
struct RunArgs {
    /// The cases to run; see `lab list`.
    cases: Vec<String>,
    /// Where report.json goes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Each case to the letter, instead of its short form.
    #[arg(long, env = "ENABLE_POOL_STRESS_TESTS")]
    full: bool,
    /// What chance is drawn from.
    #[arg(long)]
    seed: Option<u64>,
    /// The pools to drive, separated by commas; see `lab list`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pools: Vec<String>,
    /// Do faults to the server although we did not start it: stop, freeze and starve it, end its connections.
    #[arg(long)]
    faults_on_a_server_that_is_not_ours: bool,
}

/// The program, with these pools; the first is driven where none is named.
pub fn main(makers: Vec<Arc<dyn Maker>>) -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let done = match cli.command {
        Some(Command::List) => {
            list(&makers);
            return ExitCode::SUCCESS;
        }
        Some(Command::Run(args)) => runtime.block_on(run(args, &makers)),
        None => runtime.block_on(run(RunArgs::default(), &makers)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("lab: {failure}");
    ExitCode::from(3)
}

fn list(makers: &[Arc<dyn Maker>]) {
    println!("Cases:");
    for case in cases::all() {
        println!("  {:<14} {}", case.name(), case.question());
    }
    println!("\nPools:");
    for maker in makers {
        println!("  {:<14} {}", maker.name(), maker.version());
    }
}

async fn run(args: RunArgs, makers: &[Arc<dyn Maker>]) -> Result<bool, Failure> {
    let scale = if args.full { Scale::Full } else { Scale::Short };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let cases = chosen_cases(&args.cases)?;
    let makers = chosen_makers(&args.pools, makers)?;
    let stop = on_interrupt();
    let began = Instant::now();
    let started = now();
    let site = Site::find(args.faults_on_a_server_that_is_not_ours).await?;
    let backend = site.backend();
    println!(
        "{} {}, {}; seed {seed}.",
        backend.kind, backend.version, backend.origin
    );
    let plan = Plan {
        cases,
        makers,
        scale,
        seed,
    };
    let reports = runner::run(&plan, &site, &stop, &Nobody).await;
    let report = Report {
        schema: SCHEMA,
        started,
        seconds: began.elapsed().as_secs_f64(),
        seed,
        scale,
        machine: Machine::default(),
        versions: versions(&plan.makers),
        backend,
        interrupted: stop.is_cancelled(),
        cases: reports,
    };
    print!("{}", report::table(&report));
    if let Some(folder) = &args.out {
        report::write(&report, folder)?;
    }
    let runs = || report.cases.iter().flat_map(|case| &case.runs);
    Ok(!report.interrupted && runs().count() > 0 && runs().all(crate::data::Run::passed))
}

fn versions(makers: &[Arc<dyn Maker>]) -> BTreeMap<String, String> {
    let of = |maker: &Arc<dyn Maker>| (maker.name().to_owned(), maker.version());
    makers.iter().map(of).collect()
}

fn chosen_cases(names: &[String]) -> Result<Vec<Arc<dyn Case>>, Failure> {
    let all = cases::all();
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        let found = all.iter().find(|case| case.name() == name);
        found
            .cloned()
            .ok_or_else(|| format!("there is no case {name:?}; `lab list` lists them").into())
    };
    names.iter().map(find).collect()
}

fn chosen_makers(
    names: &[String],
    makers: &[Arc<dyn Maker>],
) -> Result<Vec<Arc<dyn Maker>>, Failure> {
    if names.is_empty() {
        return Ok(makers.iter().take(1).cloned().collect());
    }
    let find = |name: &String| {
        let found = makers.iter().find(|maker| maker.name() == name);
        found
            .cloned()
            .ok_or_else(|| format!("there is no pool {name:?} here; `lab list` lists them").into())
    };
    names.iter().map(find).collect()
}

/// Cancelled at the first Ctrl-C.
fn on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("Stopping; what was measured so far is kept.");
            told.cancel();
        }
    });
    stop
}

fn now() -> String {
    String::new()
}
