//! The lab's programs with other pools: workspaces of their own, built where all is built.

use crate::child;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::workspace::Workspace;
use std::env;
use std::process::Command;

/// Their tests. sqlx is left out, aloud, where Rust is too old for it.
pub(crate) fn step(here: &Workspace, steps: &mut Steps) {
    steps.step("lab peers", |tally| {
        let mut cargo = at(here, PEERS, "test --quiet");
        let with_sqlx = knows_sqlx(here)?;
        cargo.args((!with_sqlx).then_some("--no-default-features"));
        if !with_sqlx {
            println!("    NOT RUN: sqlx among them, which needs Rust 1.{SQLX}");
        }
        child::run_tests(&mut cargo, tally)
    });
    steps.step("lab sqlite", |tally| {
        child::run_tests(&mut at(here, SQLITE, "test --quiet"), tally)
    });
    if wants_long_cases() {
        steps.step("lab, to the letter", |_| {
            child::run(&mut here.cargo("run --release --package millpond-lab -- run --full"))
        });
    } else {
        println!("    NOT RUN: the lab's cases in their long form, which {LONG}=true adds");
    }
}

/// Whether the long cases are a part of the test.
fn wants_long_cases() -> bool {
    let set = env::var(LONG).unwrap_or_default();
    matches!(&*set.to_ascii_lowercase(), "true" | "1" | "yes" | "on")
}

/// What `lint` checks of them.
pub(crate) fn lint(here: &Workspace) -> Result<(), Failure> {
    for folder in [PEERS, SQLITE] {
        let manifest = format!("{folder}/Cargo.toml");
        child::run(
            here.cargo("fmt --check")
                .args(["--manifest-path", &manifest]),
        )?;
        child::run(at(here, folder, "clippy --all-targets").args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// cargo in one of the workspaces.
fn at(here: &Workspace, folder: &str, arguments: &str) -> Command {
    let mut cargo = here.cargo(arguments);
    cargo.args(["--manifest-path", &format!("{folder}/Cargo.toml")]);
    cargo.args(["--target-dir", "target"]);
    cargo
}

/// Whether this Rust is new enough for it.
fn knows_sqlx(here: &Workspace) -> Result<bool, Failure> {
    let said = child::ask(&mut here.cargo("--version"))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    match minor(&said) {
        Some(minor) => Ok(minor >= SQLX),
        None => Err(Failure::new(format!("what version of Rust is {said:?}?"))),
    }
}

/// Of `cargo 1.95.0 (…)` the 95.
fn minor(said: &str) -> Option<u32> {
    let version = said.strip_prefix("cargo 1.")?;
    version.split('.').next()?.parse().ok()
}

const PEERS: &str = "lab/peers";
/// What the lab itself asks for `--full`.
const LONG: &str = "ENABLE_POOL_STRESS_TESTS";
const SQLITE: &str = "lab/sqlite";
/// The oldest Rust that builds it: 1.94.
const SQLX: u32 = 94;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_of_what_cargo_says() {
        assert_eq!(minor("cargo 1.95.0 (1234 2026-04-14)\n"), Some(95));
        assert_eq!(minor("cargo 1.85.1-nightly\n"), Some(85));
        assert_eq!(minor("rustc 1.95.0"), None);
        assert!(knows_sqlx(&Workspace::find()).is_ok());
    }
}
