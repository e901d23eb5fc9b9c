//! `cargo xtask`: the one list of commands of this workspace. Plain Rust, nothing to install.
//!
//! `cargo xtask test` is what the README, `.ci/run` and the workflow file call: everything that must
//! pass. The other commands are its parts, and what a contributor wants by hand. `cargo xtask help`
//! lists them all.

mod asan;
mod baseline;
mod bench;
mod child;
mod clean_clone;
mod cli;
mod compat;
mod date;
mod deny;
mod failure;
mod features;
mod footprint;
mod fuzz;
mod house;
mod instructions;
mod judge;
mod lab;
mod lint;
mod loom;
mod msrv;
mod mutants;
mod openssl;
mod orderings;
mod pages;
mod planted;
mod quickstart;
mod scratch;
mod shuttle;
mod steps;
mod tally;
mod tests;
mod weaken;
mod workspace;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use features::{Sets, Warnings};
use std::process::ExitCode;
use steps::Steps;
use workspace::Workspace;

fn main() -> ExitCode {
    let here = Workspace::find();
    match Cli::parse().command {
        Command::Test { keep_going } => in_steps(keep_going, |steps| tests::all(&here, steps)),
        Command::Lint { keep_going } => in_steps(keep_going, |steps| lint::all(&here, steps)),
        Command::Ci { keep_going } => in_steps(keep_going, |steps| {
            lint::all(&here, steps);
            tests::beyond_lint(&here, steps);
        }),
        Command::Compat {
            keep_locks: true, ..
        } => alone(compat::keep_locks(&here)),
        Command::Compat { all, .. } => in_steps(false, |steps| compat::step(&here, steps, all)),
        Command::House => in_steps(false, |steps| house::step(&here, steps)),
        Command::Loom { long, model } => in_steps(false, |steps| {
            loom::step(&here, steps, long, model.as_deref());
        }),
        Command::Features { powerset } => in_steps(false, |steps| {
            let sets = if powerset { Sets::Every } else { Sets::Picked };
            features::step(&here, steps, sets, Warnings::Denied);
        }),
        Command::Msrv { print: false } => in_steps(false, |steps| msrv::step(&here, steps)),
        Command::Msrv { print: true } => alone(msrv::print(&here)),
        Command::Doc { open } => alone(lint::document(&here, open)),
        Command::Bench { name, rest } => alone(bench::run(&here, name.as_deref(), &rest)),
        Command::Quickstart => alone(quickstart::run(&here)),
        Command::Deny => alone(deny::run(&here)),
        Command::CleanClone => alone(clean_clone::run(&here)),
        Command::Orderings { check } => alone(orderings::run(&here, check)),
        Command::Metrics => alone(pages::run(&here, "metrics")),
        Command::Configuration => alone(pages::run(&here, "configuration")),
        Command::Weaken { only, list } => alone(weaken::run(&here, &only, list)),
        Command::Planted { only } => alone(planted::run(&here, only.as_deref())),
        Command::Shuttle { minutes, seed } => in_steps(false, |steps| {
            shuttle::step(&here, steps, minutes, seed);
        }),
        Command::Fuzz { target, seconds } => alone(fuzz::run(&here, &target, seconds)),
        Command::Asan => alone(asan::run(&here)),
        Command::Mutants { rest } => alone(mutants::run(&here, &rest)),
        Command::Sweep { folder } => alone(scratch::run_sweeper(&folder)),
    }
}

/// Runs a command that has steps, and ends with their table.
fn in_steps(keep_going: bool, run: impl FnOnce(&mut Steps)) -> ExitCode {
    let mut steps = Steps::new(keep_going);
    run(&mut steps);
    steps.finish()
}

/// Runs a command that is one thing only.
fn alone(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}
