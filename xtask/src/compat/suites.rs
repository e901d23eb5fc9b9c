//! The tests that were published with deadpool and deadpool-postgres, run as they are.

use super::published::{DEADPOOL, DEADPOOL_POSTGRES};
use super::server::Database;
use super::yard::{Yard, slashes};
use crate::child;
use crate::failure::Failure;
use crate::tally::Tally;
use crate::workspace::Workspace;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs deadpool's tests and deadpool-postgres' against our crates of these names, and deadpool-postgres as it
/// was published, with the tests within it, on ours. Deadpool's must also compile with millpond under its name.
pub(super) fn run(here: &Workspace, tally: &mut Tally) -> Result<(), Failure> {
    let yard = yard(here)?;
    let database = Database::new(here)?;
    for (package, features, tests) in RUNS {
        let mut cargo = yard.tests(package, features);
        database.name_in(&mut cargo);
        counted(&mut cargo, tests, tally).map_err(|failure| failure.within(package))?;
    }
    child::run(&mut yard.cargo("check --quiet --package renamed --lib --tests"))?;
    yard.check_ours()
}

/// A yard that depends on what was published.
pub(super) fn theirs(here: &Workspace) -> Result<Yard, Failure> {
    let theirs = Yard::new(here, "theirs")?;
    theirs.write("Cargo.toml", include_str!("manifests/theirs.toml"))?;
    theirs.write("src/lib.rs", "")?;
    Ok(theirs)
}

fn yard(here: &Workspace) -> Result<Yard, Failure> {
    let theirs = theirs(here)?;
    let deadpool = theirs.source_of(DEADPOOL, &[])?;
    let postgres = theirs.source_of(DEADPOOL_POSTGRES, &[])?;
    let yard = Yard::new(here, "suites")?;
    yard.write("Cargo.toml", include_str!("manifests/suites.toml"))?;
    let tests = targets(&deadpool.join("tests"))?;
    for (name, package, deadpool) in [
        (
            "deadpool",
            "deadpool-suite",
            "path = \"{root}/compat/deadpool\"",
        ),
        (
            "renamed",
            "renamed",
            "package = \"millpond\", path = \"{root}\"",
        ),
    ] {
        let manifest = include_str!("manifests/deadpool.toml")
            .replace("{name}", package)
            .replace("{deadpool}", deadpool);
        yard.write(&format!("{name}/Cargo.toml"), &(manifest + &tests))?;
    }
    let manifest = include_str!("manifests/deadpool-postgres.toml").to_owned();
    let manifest = manifest + &targets(&postgres.join("tests"))?;
    yard.write("deadpool-postgres/Cargo.toml", &manifest)?;
    yard.write("deadpool-postgres/src/lib.rs", "")?;
    yard.copy(&postgres, "published")?;
    Ok(yard)
}

/// A target for each file of tests, where it lies.
fn targets(tests: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::io(tests.display(), &error);
    let mut targets = Vec::new();
    for entry in fs::read_dir(tests).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let path = slashes(&path);
        targets.push(format!(
            "\n[[test]]\nname = \"{name}\"\npath = \"{path}\"\n"
        ));
    }
    targets.sort();
    Ok(targets.concat())
}

/// Runs so many tests, not one less. Some of them count milliseconds, which a busy machine does not keep: if one
/// fails, all are run once more, and must pass then.
pub(super) fn counted(cargo: &mut Command, tests: u64, tally: &mut Tally) -> Result<(), Failure> {
    let mut own = Tally::default();
    let mut ran = child::run_tests(cargo, &mut own);
    if ran.is_err() && own.failed > 0 {
        println!("    warning: {own}; once more, in case it was the machine");
        own = Tally::default();
        ran = child::run_tests(cargo, &mut own);
    }
    *tally = tally.plus(own);
    ran?;
    match own.passed == tests {
        true => Ok(()),
        false => Err(Failure::new(format!("{own}, of {tests} that there are"))),
    }
}

/// The folder in the yard, features, and how many tests there are.
const RUNS: [(&str, &str, u64); 3] = [
    ("deadpool", "default", DEADPOOL_TESTS + BACKEND_TESTS),
    ("deadpool-postgres", "default", POSTGRES_TESTS),
    (
        "published",
        "default,serde",
        POSTGRES_TESTS + POSTGRES_UNIT_TESTS,
    ),
];
const DEADPOOL_TESTS: u64 = 38;
const POSTGRES_TESTS: u64 = 13;
/// They are in its source, of the cache that it uses in private: no other crate can be put below them.
const POSTGRES_UNIT_TESTS: u64 = 8;
/// Ours: `compat/programs/backend.rs`.
const BACKEND_TESTS: u64 = 2;
