//! `cargo xtask bench`: the benchmarks.

use crate::failure::Failure;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{baseline, child, footprint, instructions};
use std::process::Command;

/// All benchmarks of `benches/`, or the one `name`; `rest` is handed on. `compare`, `check`, `footprint` and
/// `instructions` are programs of their own.
pub(crate) fn run(here: &Workspace, name: Option<&str>, rest: &[String]) -> Result<(), Failure> {
    let mut cargo = match name {
        Some("compare") => compare(here, rest),
        Some("check") => return baseline::run(here, rest == ["--keep"]),
        Some("footprint") => return footprint::run(here),
        Some("instructions") => return instructions::run(here, rest == ["--keep"]),
        _ => here.cargo("bench --package millpond-benches"),
    };
    let name = name.filter(|name| *name != "compare");
    cargo.args(name.iter().flat_map(|name| ["--bench", name]));
    child::run(cargo.arg("--").args(rest))
}

/// A workspace of its own, for the peers. What asks for no server is built without drivers, which is much less.
pub(crate) fn compare(here: &Workspace, rest: &[String]) -> Command {
    let mut cargo = peers(here, "run --quiet --release");
    let quick = rest.iter().any(|word| word == "--quick");
    cargo.args(quick.then_some("--no-default-features"));
    cargo
}

/// What `lint` checks of the comparison.
pub(crate) fn lint(here: &Workspace) -> Result<(), Failure> {
    child::run(&mut here.cargo("fmt --manifest-path benches/compare/Cargo.toml --check"))?;
    child::run(peers(here, "clippy --all-targets").args(["--", "-D", "warnings"]))
}

/// The comparison's own tests, every pool doing a little of all work in memory; and the counts of instructions.
pub(crate) fn step(here: &Workspace, steps: &mut Steps) {
    steps.step("bench tests", |tally| {
        let mut cargo = peers(here, "test --quiet --no-default-features");
        child::run_tests(&mut cargo, tally)
    });
    steps.step("instructions", |_| instructions::run(here, false));
}

/// cargo in the workspace of the comparison, built where all is built.
fn peers(here: &Workspace, arguments: &str) -> Command {
    let mut cargo = here.cargo(arguments);
    cargo.args(["--manifest-path", "benches/compare/Cargo.toml"]);
    cargo.args(["--target-dir", "target"]);
    cargo
}
