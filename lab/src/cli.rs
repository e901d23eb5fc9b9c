//! The command line.
//!
//! ```text
//! 0    every case that was asked for ran and passed; of a comparison: every one with millpond
//! 1    a case failed, broke, was skipped, or the run was stopped
//! 2    the command line is wrong
//! 3    nothing could be run: no database, no such folder
//! ```

use crate::Failure;
use crate::cases::{self, Case};
use crate::chaos;
use crate::compare::{self, CompareArgs};
use crate::data::{Machine, Report, SCHEMA, Scale};
use crate::elsewhere::{PEERS, Program};
use crate::report;
use crate::runner::{self, Nobody, Plan};
use crate::site::{Kind, Site};
use crate::subject::Maker;
use clap::{Args, Parser, Subcommand};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
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
    Run(RunOnArgs),
    /// Run cases with one pool after the other, those of other projects too, which cargo builds first.
    ///
    /// The exit status is about millpond: what others come to is shown.
    Compare(CompareArgs),
    /// Faults of all kinds under load, drawn from a seed.
    Chaos(chaos::cli::ChaosArgs),
    /// List the cases and the pools.
    List,
}

#[derive(Debug, Default, Args)]
struct RunOnArgs {
    #[command(flatten)]
    run: RunArgs,
    /// On what the pools are driven.
    #[arg(long, value_enum, default_value_t)]
    backend: Kind,
}

/// What a run can be told.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// The cases to run; see `lab list`.
    pub(crate) cases: Vec<String>,
    /// Where report.json goes.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Each case to the letter, instead of its short form.
    #[arg(long, env = "ENABLE_POOL_STRESS_TESTS")]
    pub(crate) full: bool,
    /// What chance is drawn from.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The pools to drive, separated by commas; see `lab list`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) pools: Vec<String>,
    /// Do faults to the server although we did not start it: end its connections.
    #[arg(long)]
    pub(crate) faults_on_a_server_that_is_not_ours: bool,
}

/// The program, with these pools; the first is driven where none is named.
pub fn main(makers: Vec<Arc<dyn Maker>>) -> ExitCode {
    let cli = Cli::parse();
    if let Some(program) = elsewhere(cli.command.as_ref(), &makers) {
        return fail(&program.become_it());
    }
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
        Some(Command::Compare(args)) => runtime.block_on(compare::run(args, &makers)),
        Some(Command::Chaos(args)) => runtime.block_on(chaos::cli::chaos(args, &makers)),
        None => runtime.block_on(run(RunOnArgs::default(), &makers)),
    };
    // What blocks a thread of a pool that blocks is given up: nothing of ours is left there by now.
    runtime.shutdown_timeout(Duration::from_secs(1));
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

/// The program that has the pools which are asked for, where this one has not.
fn elsewhere(command: Option<&Command>, makers: &[Arc<dyn Maker>]) -> Option<Program> {
    match command? {
        Command::Run(args) => Program::for_pools(makers, &args.run.pools, args.backend),
        Command::Compare(args) => Program::for_pools(makers, &args.pools(), Kind::Postgresql),
        Command::Chaos(_) | Command::List => None,
    }
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
    if Program::for_pools(makers, &PEERS.map(str::to_owned), Kind::Postgresql).is_some() {
        println!(
            "  and, built by cargo where they are asked for: {}",
            PEERS.join(", ")
        );
    }
}

async fn run(args: RunOnArgs, makers: &[Arc<dyn Maker>]) -> Result<bool, Failure> {
    let cases = chosen_cases(&args.run.cases)?;
    let report = measure(cases, args.run, args.backend, makers).await?;
    Ok(all_passed(&report))
}

/// Runs these cases; whether all of it passed.
pub(crate) async fn run_these(
    cases: Vec<Arc<dyn Case>>,
    args: RunArgs,
    makers: &[Arc<dyn Maker>],
) -> Result<bool, Failure> {
    let report = measure(cases, args, Kind::Postgresql, makers).await?;
    Ok(all_passed(&report))
}

fn all_passed(report: &Report) -> bool {
    let runs = || report.cases.iter().flat_map(|case| &case.runs);
    !report.interrupted && runs().count() > 0 && runs().all(crate::data::Run::passed)
}

/// Runs these cases as is asked, shows what came of it and writes it down.
pub(crate) async fn measure(
    cases: Vec<Arc<dyn Case>>,
    args: RunArgs,
    kind: Kind,
    makers: &[Arc<dyn Maker>],
) -> Result<Report, Failure> {
    let scale = if args.full { Scale::Full } else { Scale::Short };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let makers = chosen_makers(&args.pools, kind, makers)?;
    let stop = on_interrupt();
    let began = Instant::now();
    let started = now();
    let site = match kind {
        Kind::Postgresql => Site::find(args.faults_on_a_server_that_is_not_ours).await?,
        Kind::Sqlite => Site::sqlite(library(&makers)).await?,
    };
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
    Ok(report)
}

/// The version of a database that the pools bring along.
fn library(makers: &[Arc<dyn Maker>]) -> String {
    let known = makers.iter().find_map(|maker| maker.library());
    known.unwrap_or_else(|| "of an unknown version".to_owned())
}

fn versions(makers: &[Arc<dyn Maker>]) -> BTreeMap<String, String> {
    let of = |maker: &Arc<dyn Maker>| (maker.name().to_owned(), maker.version());
    makers.iter().map(of).collect()
}

pub(crate) fn chosen_cases(names: &[String]) -> Result<Vec<Arc<dyn Case>>, Failure> {
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
    kind: Kind,
    makers: &[Arc<dyn Maker>],
) -> Result<Vec<Arc<dyn Maker>>, Failure> {
    let mut here = makers.iter().filter(|maker| maker.on() == kind);
    if names.is_empty() {
        let first = here.next().ok_or_else(|| {
            let others: Vec<_> = makers.iter().map(|maker| maker.on().to_string()).collect();
            format!(
                "this program has no pool on {kind}, only on {}: say `--backend`",
                others.join(", ")
            )
        })?;
        return Ok(vec![Arc::clone(first)]);
    }
    let here: Vec<_> = here.collect();
    let find = |name: &String| {
        let found = here.iter().find(|maker| maker.name() == name);
        found.map(|maker| Arc::clone(maker)).ok_or_else(|| {
            format!("there is no pool {name:?} on {kind} here; `lab list` lists them").into()
        })
    };
    names.iter().map(find).collect()
}

/// Cancelled at the first Ctrl-C.
pub(crate) fn on_interrupt() -> CancellationToken {
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

pub(crate) fn now() -> String {
    String::new()
}
