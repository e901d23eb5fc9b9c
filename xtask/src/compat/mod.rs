//! `cargo xtask compat`: what was written for deadpool, run on millpond.
//!
//! What others published is the judge: their tests and their crates, taken from the registry by cargo, never
//! copied into this repository, and never changed. The table of them is [`published`].

mod dependents;
mod listing;
mod published;
mod server;
mod service;
mod suites;
mod yard;

use crate::child;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::workspace::Workspace;
use std::process::Command;

/// What the ordinary test command runs of it; and with `all`, the crates that depend on deadpool.
pub(crate) fn step(here: &Workspace, steps: &mut Steps, all: bool) {
    steps.step("compat api", |_| listing::compare(here));
    steps.step("compat suites", |tally| suites::run(here, tally));
    steps.step("compat tests", |tally| {
        child::run_tests(&mut faces(here, "test --quiet --all-targets"), tally)
    });
    if all {
        dependents::step(here, steps);
    }
}

/// What `lint` checks of it. The programs are of no workspace until they are in a yard.
pub(crate) fn lint(here: &Workspace) -> Result<(), Failure> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt
        .current_dir(here.root())
        .args(["--check", "--edition=2024"]);
    rustfmt.args(PROGRAMS.map(|name| format!("compat/programs/{name}.rs")));
    child::run(&mut rustfmt)?;
    child::run(&mut here.cargo("fmt --manifest-path compat/Cargo.toml --all --check"))?;
    child::run(faces(here, "clippy --all-targets").args(["--", "-D", "warnings"]))?;
    child::run(faces(here, "doc --no-deps").env("RUSTDOCFLAGS", "-D warnings"))
}

/// cargo in the workspace of our crates with deadpool's names, built where all is built.
fn faces(here: &Workspace, arguments: &str) -> Command {
    let mut cargo = here.cargo(arguments);
    cargo.args(["--workspace", "--manifest-path", "compat/Cargo.toml"]);
    cargo.args([
        "--features",
        "deadpool-postgres/serde",
        "--target-dir",
        "target",
    ]);
    cargo
}

/// Keeps what cargo chose to build with, in `compat/locks/`: after `--all`, when the table or a manifest changed.
pub(crate) fn keep_locks(here: &Workspace) -> Result<(), Failure> {
    let yards = ["theirs", "ours", "suites", "dependents"];
    yards
        .into_iter()
        .try_for_each(|yard| yard::Yard::again(here, yard).keep_lock())
}

const PROGRAMS: [&str; 3] = ["backend", "closed_port", "diesel_async"];
