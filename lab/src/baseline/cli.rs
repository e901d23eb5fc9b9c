//! `lab baseline save` and `lab baseline check`.

use super::{Baselines, Compared, USUAL, usual_file};
use crate::Failure;
use crate::cli::{RunArgs, chosen_cases, reported};
use crate::data::{Report, Scale};
use crate::report::read;
use crate::report::words::counted;
use crate::subject::Maker;
use clap::{Args, Subcommand};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep the figures of runs that passed, for other runs to be held to.
    Save(SaveArgs),
    /// Hold a run to what was kept, and fail on what is worse by more than its noise.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct SaveArgs {
    /// A report.json to keep; of several, how far they lie apart is kept too. Without one, the cases are run now.
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Only these cases; see `lab list`.
    cases: Vec<String>,
    /// The report.json that is held to what was kept. Without one, the cases are run now.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// Which baseline.
#[derive(Debug, Args)]
struct Which {
    /// The kind of machine.
    #[arg(long, default_value = USUAL)]
    name: String,
    /// Where baselines are kept; without it, in the repository's lab/baseline.json.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Which {
    fn file(&self) -> PathBuf {
        self.file.clone().unwrap_or_else(usual_file)
    }
}

/// Does what is asked; whether nothing is worse.
pub(crate) async fn baseline(
    args: BaselineArgs,
    makers: &[Arc<dyn Maker>],
) -> Result<bool, Failure> {
    match args.command {
        Command::Save(args) => save(args, makers).await.map(|()| true),
        Command::Check(args) => check(args, makers).await,
    }
}

async fn save(args: SaveArgs, makers: &[Arc<dyn Maker>]) -> Result<(), Failure> {
    let file = args.which.file();
    let mut baselines = match file.exists() {
        true => Baselines::read(&file)?,
        false => Baselines::default(),
    };
    let reports = match args.report.is_empty() {
        true => vec![run(&[], Scale::Short, makers).await?],
        false => args
            .report
            .iter()
            .map(|file| read(file))
            .collect::<Result<_, _>>()?,
    };
    baselines.keep(&args.which.name, &reports)?;
    baselines.write(&file)?;
    let kept = baselines.named(&args.which.name)?.figures.len();
    println!(
        "{} kept as {:?} in {}",
        counted(kept, "figure"),
        args.which.name,
        file.display()
    );
    Ok(())
}

async fn check(args: CheckArgs, makers: &[Arc<dyn Maker>]) -> Result<bool, Failure> {
    let baselines = Baselines::read(&args.which.file())?;
    let kept = baselines.named(&args.which.name)?;
    let of_baseline: BTreeSet<_> = kept.figures.iter().map(|kept| kept.case.as_str()).collect();
    for case in &args.cases {
        if !of_baseline.contains(case.as_str()) {
            return Err(format!("of the case {case:?} nothing was kept").into());
        }
    }
    let report = match &args.report {
        Some(file) => read(file)?,
        None => {
            let all = || of_baseline.iter().map(|case| (*case).to_owned()).collect();
            let cases = if args.cases.is_empty() {
                all()
            } else {
                args.cases.clone()
            };
            run(&cases, kept.scale, makers).await?
        }
    };
    if report.scale != kept.scale {
        return Err("the report and the baseline are of different forms of the cases: the short one and the full one".into());
    }
    Ok(told(
        &kept.compare(&report.cases, &args.cases),
        report.machine.cores,
        kept.machine.cores,
    ))
}

/// The cases that are named, all if none is, with the pool that is driven by default.
async fn run(cases: &[String], scale: Scale, makers: &[Arc<dyn Maker>]) -> Result<Report, Failure> {
    let args = RunArgs {
        full: scale == Scale::Full,
        ..RunArgs::default()
    };
    reported(chosen_cases(cases)?, args, makers, Path::new("target/lab")).await
}

fn told(all: &[Compared], cores: usize, kept: usize) -> bool {
    if cores != kept {
        println!("Measured on {cores} cores, kept of {kept}: expect other figures.");
    }
    for compared in all {
        let sign = if compared.is_good() { "ok   " } else { "WORSE" };
        println!("  {sign}  {compared}");
    }
    let worse = all.iter().filter(|compared| !compared.is_good()).count();
    match (all.len(), worse) {
        (0, _) => println!("Nothing was compared."),
        (all, 0) => println!(
            "{}, none worse than its noise allows.",
            counted(all, "figure")
        ),
        (all, worse) => println!(
            "{worse} of {all} figures worse or missing. If it must be so: `lab baseline save`."
        ),
    }
    !all.is_empty() && worse == 0
}
