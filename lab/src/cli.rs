//! The command line.
//!
//! ```text
//! 0    every case that was asked for ran and passed; of a comparison: every one with millpond
//! 1    a case failed, broke, was skipped, or the run was stopped
//! 2    the command line is wrong
//! 3    nothing could be run: no database, no such folder
//! ```

use crate::Failure;
use crate::baseline;
use crate::cases::{self, Case};
use crate::chaos;
use crate::compare::{self, CompareArgs};
use crate::data::{Report, SCHEMA, Scale};
use crate::date;
use crate::elsewhere::{PEERS, Program};
use crate::log;
use crate::machine;
use crate::press::{self, PressArgs};
use crate::progress::Progress;
use crate::report;
use crate::runner::{self, Audience, Plan};
use crate::service::{self, ServeArgs};
use crate::site::{Kind, Site};
use crate::subject::Maker;
use crate::tui::Live;
use clap::{Args, Parser, Subcommand};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    /// Keep what was measured, or hold a run to what was kept.
    Baseline(baseline::cli::BaselineArgs),
    /// Run the example service alone, an HTTP service over a pool, until Ctrl-C.
    Serve(ServeArgs),
    /// Ask a service of your own for more than it can do, as the case of back-pressure asks the example.
    Press(PressArgs),
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
    /// On what the pools are driven: for a command that lets its user choose.
    #[arg(skip)]
    pub(crate) kind: Kind,
    /// The cases to run; see `lab list`.
    pub(crate) cases: Vec<String>,
    /// Where report.html, report.json and lab.log go: target/lab in a folder with a Cargo.toml, else lab-report.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Each case to the letter, instead of its short form.
    #[arg(long, env = "ENABLE_POOL_STRESS_TESTS")]
    pub(crate) full: bool,
    /// Watch the pool breathe: slots, line, health, faults, waits.
    #[arg(long)]
    pub(crate) tui: bool,
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
        Some(Command::Serve(args)) => runtime.block_on(service::serve(args, &makers)),
        Some(Command::Press(args)) => runtime.block_on(press::command(args)),
        Some(Command::Run(args)) => runtime.block_on(run(args, &makers)),
        Some(Command::Compare(args)) => runtime.block_on(compare::run(args, &makers)),
        Some(Command::Chaos(args)) => runtime.block_on(chaos::cli::chaos(args, &makers)),
        Some(Command::Baseline(args)) => runtime.block_on(baseline::cli::baseline(args, &makers)),
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
    ExitCode::from(if failure.is::<Misused>() { 2 } else { 3 })
}

/// The program that has the pools which are asked for, where this one has not.
fn elsewhere(command: Option<&Command>, makers: &[Arc<dyn Maker>]) -> Option<Program> {
    match command? {
        Command::Run(args) => Program::for_pools(makers, &args.run.pools, args.backend),
        Command::Compare(args) => Program::for_pools(makers, &args.pools(), Kind::Postgresql),
        Command::Chaos(args) => Program::for_pools(makers, &args.pools, Kind::Postgresql),
        _ => None,
    }
}

/// The command line names something that is not there: what, and how to find what is.
#[derive(Debug)]
struct Misused(String);

impl std::fmt::Display for Misused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misused {}

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
    let RunOnArgs { mut run, backend } = args;
    run.kind = backend;
    run_these(chosen_cases(&run.cases)?, run, makers).await
}

/// Runs these cases, says and writes what came of them; whether all of it passed.
pub(crate) async fn run_these(
    cases: Vec<Arc<dyn Case>>,
    args: RunArgs,
    makers: &[Arc<dyn Maker>],
) -> Result<bool, Failure> {
    let report = told(cases, args, makers).await?;
    let runs = || report.cases.iter().flat_map(|case| &case.runs);
    Ok(!report.interrupted && runs().count() > 0 && runs().all(crate::data::Run::passed))
}

/// Runs these cases, says and writes what came of them.
pub(crate) async fn told(
    cases: Vec<Arc<dyn Case>>,
    args: RunArgs,
    makers: &[Arc<dyn Maker>],
) -> Result<Report, Failure> {
    let folder = args.out.clone().unwrap_or_else(usual_folder);
    let report = reported(cases, args, makers, &folder).await?;
    print!(
        "{}",
        report::table(&report, report::Paint::on(&std::io::stdout()))
    );
    report::write(&report, &folder)?;
    println!("{}", folder.join("report.html").display());
    Ok(report)
}

/// Runs these cases, and tells what happens meanwhile.
pub(crate) async fn reported(
    cases: Vec<Arc<dyn Case>>,
    args: RunArgs,
    makers: &[Arc<dyn Maker>],
    folder: &Path,
) -> Result<Report, Failure> {
    let scale = if args.full { Scale::Full } else { Scale::Short };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let makers = chosen_makers(&args.pools, &on(args.kind, makers)?)?;
    log::to(folder)?;
    let stop = on_interrupt();
    let began = Instant::now();
    let (started, machine) = (now(), machine::machine());
    let site = match args.kind {
        Kind::Postgresql => Site::find(args.faults_on_a_server_that_is_not_ours).await?,
        Kind::Sqlite => Site::sqlite(library(&makers)).await?,
    };
    let backend = site.backend();
    let title = format!(
        "{} {}, {}; seed {seed}",
        backend.kind, backend.version, backend.origin
    );
    println!("{title}.");
    let plan = Plan {
        cases,
        makers,
        scale,
        seed,
    };
    let audience: Box<dyn Audience> = match args.tui {
        true => Box::new(Live::begin(&plan, title, &stop)?),
        false => Box::new(Progress::new()),
    };
    let reports = runner::run(&plan, &site, &stop, &*audience).await;
    drop(audience);
    Ok(Report {
        schema: SCHEMA,
        started,
        seconds: began.elapsed().as_secs_f64(),
        seed,
        scale,
        machine,
        versions: versions(&plan.makers),
        backend,
        interrupted: stop.is_cancelled(),
        cases: reports,
    })
}

/// Where cargo keeps what can be made anew; else a folder that says what it is.
fn usual_folder() -> PathBuf {
    match Path::new("Cargo.toml").exists() {
        true => PathBuf::from("target/lab"),
        false => PathBuf::from("lab-report"),
    }
}

/// The version of a database that the pools bring along.
fn library(makers: &[Arc<dyn Maker>]) -> String {
    let known = makers.iter().find_map(|maker| maker.library());
    known.unwrap_or_else(|| "of an unknown version".to_owned())
}

fn versions(makers: &[Arc<dyn Maker>]) -> BTreeMap<String, String> {
    let of = |maker: &Arc<dyn Maker>| (maker.name().to_owned(), maker.version());
    let compiler = ("rustc".to_owned(), machine::compiler());
    makers.iter().map(of).chain([compiler]).collect()
}

pub(crate) fn chosen_cases(names: &[String]) -> Result<Vec<Arc<dyn Case>>, Failure> {
    let all = cases::all();
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        let found = all.iter().find(|case| case.name() == name);
        found.cloned().ok_or_else(|| {
            Misused(format!("there is no case {name:?}; `lab list` lists them")).into()
        })
    };
    names.iter().map(find).collect()
}

/// Those that are on a database of that kind.
fn on(kind: Kind, makers: &[Arc<dyn Maker>]) -> Result<Vec<Arc<dyn Maker>>, Failure> {
    let (here, others): (Vec<_>, Vec<_>) =
        makers.iter().cloned().partition(|maker| maker.on() == kind);
    let Some(other) = others.first().filter(|_| here.is_empty()) else {
        return Ok(here);
    };
    let other = other.on();
    let told = format!("this program has no pool on {kind}, only on {other}: say `--backend`");
    Err(Misused(told).into())
}

pub(crate) fn chosen_makers(
    names: &[String],
    makers: &[Arc<dyn Maker>],
) -> Result<Vec<Arc<dyn Maker>>, Failure> {
    if names.is_empty() {
        return Ok(makers.iter().take(1).cloned().collect());
    }
    let find = |name: &String| {
        let found = makers.iter().find(|maker| maker.name() == name);
        found.cloned().ok_or_else(|| {
            Misused(format!(
                "there is no pool {name:?} here; `lab list` lists them"
            ))
            .into()
        })
    };
    names.iter().map(find).collect()
}

/// Cancelled at the first Ctrl-C, or when the terminal or the machine goes; from the moment at which this returns.
pub(crate) fn on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Where nobody can be told, the signal ends the program, and the server's watchdog cleans up.
    if let Ok(told_to_end) = told_to_end() {
        tokio::spawn(async move {
            told_to_end.await;
            eprintln!("Stopping; what was measured so far is kept.");
            told.cancel();
        });
    }
    stop
}

#[cfg(unix)]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Where it fails, nobody can tell.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

pub(crate) fn now() -> String {
    date::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_that_drives_pools_finds_those_of_other_projects() {
        let goes_to = |words: &[&str]| {
            let cli = Cli::try_parse_from(["lab"].iter().chain(words)).expect("a command line");
            elsewhere(cli.command.as_ref(), &crate::pools::own())
        };
        let peers = Some(Program::Peers { with_sqlx: false });
        assert_eq!(goes_to(&["run", "saturation", "--pools", "bb8"]), peers);
        assert_eq!(goes_to(&["compare", "--pools", "millpond,bb8"]), peers);
        assert_eq!(goes_to(&["chaos", "--pools", "bb8"]), peers);
        assert_eq!(goes_to(&["chaos", "--pools", "millpond"]), None);
        assert_eq!(goes_to(&["serve"]), None);
    }
}
