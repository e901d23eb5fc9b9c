//! `lab press`: the case of back-pressure for a service of your own. It needs no database, and of the service only an
//! address that says that it is ready and one that takes a connection and works.

use crate::Failure;
use crate::cases::pressed::{self, MACHINE, Terms, available};
use crate::data::{Backend, CaseReport, Machine, Report, Run, SCHEMA, Scale, Sleeps, Verdict};
use crate::load::client;
use crate::record::Recorder;
use crate::report;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// What it can be told.
#[derive(Clone, Debug, Args)]
pub struct PressArgs {
    /// The service: http://127.0.0.1:8080
    pub service: String,
    /// How many of these requests it can serve in a second: its connections, divided by the seconds for which each works.
    #[arg(long, value_name = "PER_SECOND")]
    pub capacity: f64,
    /// What is asked for.
    #[arg(long, default_value = "/query?ms=200", value_name = "PATH")]
    pub path: String,
    /// Where it says that it is ready, by any answer of success.
    #[arg(long, default_value = "/ready", value_name = "PATH")]
    pub ready: String,
    /// How many times as much it is asked for.
    #[arg(long, default_value_t = 2.0, value_name = "TIMES")]
    pub times: f64,
    /// What each request has altogether, from the moment when it is due.
    #[arg(long, default_value_t = 3_000, value_name = "MS")]
    pub budget_ms: u64,
    /// For how long.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub seconds: f64,
    /// Where report.json goes.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What chance is drawn from.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Drives the service, and says what holds; whether all of it does.
///
/// # Errors
///
/// What was asked for makes no sense, or the report cannot be written.
pub async fn command(args: PressArgs) -> Result<bool, Failure> {
    println!(
        "{}: {:.0} requests a second for {} s, of which it can serve {:.0}.",
        args.service,
        args.times * args.capacity,
        args.seconds,
        args.capacity
    );
    let report = press(&args).await?;
    for check in report.cases.iter().flat_map(|case| &case.runs[0].checks) {
        let verdict = if check.holds { "holds" } else { "FAILS" };
        println!("  {verdict}  {}: {}", check.name, check.found);
    }
    print!(
        "{}",
        report::table(&report, report::Paint::on(&std::io::stdout()))
    );
    if let Some(folder) = &args.out {
        report::write(&report, folder)?;
    }
    Ok(report.cases[0].runs[0].passed())
}

/// Drives the service, until Ctrl-C if that comes first.
///
/// # Errors
///
/// What was asked for makes no sense.
pub async fn press(args: &PressArgs) -> Result<Report, Failure> {
    let terms = args.terms()?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let (recorder, client, began) = (Recorder::new(), client()?, Instant::now());
    let mut dice = fastrand::Rng::with_seed(seed);
    let driven = async {
        available(&client, &args.url(&args.ready), &recorder).await?;
        pressed::press(&client, &terms, &mut dice, &recorder).await;
        Ok(())
    };
    let driven = tokio::select! {
        driven = driven => Some(driven),
        _ = tokio::signal::ctrl_c() => None,
    };
    let interrupted = driven.is_none();
    let seconds = began.elapsed().as_secs_f64();
    let case = CaseReport {
        name: "pressure".to_owned(),
        title: "Back-pressure".to_owned(),
        question: "When this service is asked for more than it can do, does it serve what it can in time, and tell everybody else when to come again?".to_owned(),
        conditions: vec![
            format!(
                "{:.0} requests a second of {} for {:?}, of which it can serve {:.0}; sent when they are due, whatever became of those before",
                terms.per_second, args.path, terms.lasts, terms.capacity
            ),
            format!("each has {:?} altogether", terms.budget),
            MACHINE.to_owned(),
        ],
        runs: vec![run(&args.service, driven, &recorder, seconds)],
    };
    Ok(Report {
        schema: SCHEMA,
        started: String::new(),
        seconds,
        seed,
        scale: Scale::Short,
        machine: Machine::default(),
        versions: BTreeMap::new(),
        backend: Backend {
            kind: "whatever the service has".to_owned(),
            version: String::new(),
            origin: args.service.clone(),
            sleeps: Sleeps::InServer,
        },
        interrupted,
        cases: vec![case],
    })
}

impl PressArgs {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.trim_end_matches('/'))
    }

    fn terms(&self) -> Result<Terms, Failure> {
        for (name, value) in [
            ("capacity", self.capacity),
            ("times", self.times),
            ("seconds", self.seconds),
        ] {
            if !(value > 0.0 && value < 1e6) {
                return Err(format!("--{name} {value}: it is a number above 0").into());
            }
        }
        for (name, path) in [("path", &self.path), ("ready", &self.ready)] {
            if !path.starts_with('/') {
                return Err(format!("--{name} {path:?}: it begins with a slash").into());
            }
        }
        Ok(Terms {
            url: self.url(&self.path).into(),
            capacity: self.capacity,
            per_second: self.times * self.capacity,
            budget: Duration::from_millis(self.budget_ms),
            lasts: Duration::from_secs_f64(self.seconds),
        })
    }
}

fn run(
    service: &str,
    driven: Option<Result<(), Failure>>,
    recorder: &Recorder,
    seconds: f64,
) -> Run {
    let written = recorder.written();
    let verdict = match driven {
        None => Verdict::Interrupted,
        Some(Err(failure)) => Verdict::Broken(failure.to_string()),
        Some(Ok(())) if written.checks.iter().all(|check| check.holds) => Verdict::Passed,
        Some(Ok(())) => Verdict::Failed,
    };
    Run {
        pool: service.to_owned(),
        verdict,
        seconds,
        checks: written.checks,
        figures: written.figures,
        groups: written.groups,
        timelines: written.timelines,
        marks: written.marks,
        notes: written.notes,
    }
}
