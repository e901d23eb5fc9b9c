//! `lab chaos --simulated`.

use super::{Outcome, simulate};
use crate::Failure;
use crate::cli;
use crate::data::{Backend, CaseReport, Machine, Report, SCHEMA, Scale, Sleeps};
use crate::report;
use crate::site::blocking;
use std::path::Path;
use std::time::Instant;

/// Runs it; whether it passed.
pub(crate) async fn run(hours: u32, seed: u64, out: Option<&Path>) -> Result<bool, Failure> {
    println!("Simulated, {hours} h on a clock of its own; seed {seed}.");
    let stop = cli::on_interrupt();
    let (began, started) = (Instant::now(), cli::now());
    let told = stop.clone();
    let outcome = blocking(move || simulate(hours, seed, None, &told)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let simulated = outcome.simulated.as_secs_f64() / 3_600.0;
    println!(
        "{simulated:.1} h in {seconds:.1} s; digest {:016x}.",
        outcome.digest
    );
    let passed = outcome.run.passed();
    let report = Report {
        schema: SCHEMA,
        started,
        seconds,
        seed,
        scale: Scale::Short,
        machine: Machine::default(),
        versions: [("millpond".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        backend: Backend {
            kind: "simulated".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            origin: "in memory".to_owned(),
            sleeps: Sleeps::InClient,
        },
        interrupted: stop.is_cancelled(),
        cases: vec![case(hours, seed, outcome)],
    };
    print!(
        "{}",
        report::table(&report, report::Paint::on(&std::io::stdout()))
    );
    if let Some(folder) = out {
        report::write(&report, folder)?;
    }
    Ok(passed)
}

fn case(hours: u32, seed: u64, outcome: Outcome) -> CaseReport {
    CaseReport {
        name: "chaos".to_owned(),
        title: "Chaos, simulated".to_owned(),
        question: "Whatever goes wrong with the server, is the pool whole again when it is over, and is nothing lost?"
            .to_owned(),
        conditions: vec![
            format!("{hours} hours of a clock that jumps to what happens next; no server, no machine"),
            format!("spells of bad weather, drawn from the seed {seed}, each followed by about an hour of fair weather"),
            "callers with bounds, leavers, some in a hurry, some that panic".to_owned(),
        ],
        runs: vec![outcome.run],
    }
}
