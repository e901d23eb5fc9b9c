//! The public face of our crates beside that of the published ones, by rustdoc's JSON.
//!
//! What a published crate has and ours has not must stand in `differs.txt` beside our crate's manifest, with the
//! reason; so that nobody loses a method, a derive or a bound unseen. What ours has beyond it is no matter,
//! unless it changes what is there: a field of a struct that anybody may write down, a variant of an enum that
//! anybody may match, a method that every manager must have.

mod differs;
mod face;
mod krate;
mod render;

use super::published::{DEADPOOL, DEADPOOL_POSTGRES};
use super::suites;
use super::yard::Yard;
use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use krate::Krate;
use std::collections::BTreeSet;

/// Compares both.
pub(super) fn compare(here: &Workspace) -> Result<(), Failure> {
    let theirs = crates(&suites::theirs(here)?, &THEIRS)?;
    let ours = crates(&ours(here)?, &OURS)?;
    let mut wrong = Vec::new();
    for (name, least, their, our) in [
        ("deadpool", DEADPOOL_LINES, 0, 1),
        ("deadpool-postgres", POSTGRES_LINES, 1, 2),
    ] {
        let their = face::lines(&theirs[their], &theirs);
        let our = face::lines(&ours[our], &ours);
        if their.len() < least {
            let why = format!(
                "{name}: {} lines, of {least} at least: has rustdoc changed?",
                their.len()
            );
            return Err(Failure::new(why));
        }
        let missing: BTreeSet<_> = their.difference(&our).cloned().collect();
        let list = format!("compat/{name}/differs.txt");
        let found = differs::check(&here.read(&list)?, &missing);
        println!(
            "    {name}: {} of {} lines differ, {} not as told",
            missing.len(),
            their.len(),
            found.len()
        );
        wrong.extend(found.into_iter().map(|it| format!("{list}: {it}")));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(wrong.join("\n  "))),
    }
}

fn ours(here: &Workspace) -> Result<Yard, Failure> {
    let yard = Yard::new(here, "ours")?;
    yard.write("Cargo.toml", include_str!("../manifests/ours.toml"))?;
    yard.write("src/lib.rs", "")?;
    Ok(yard)
}

/// Has rustdoc describe each crate. Its JSON is not stable, so a stable toolchain must be told to write it; not
/// where all is built, for what it is told would have much of that built again.
fn crates(yard: &Yard, wanted: &[(&str, &str)]) -> Result<Vec<Krate>, Failure> {
    let target = yard.beside("rustdoc");
    let mut crates = Vec::new();
    for (name, version) in wanted {
        let mut cargo = yard.cargo("rustdoc --quiet --lib --package");
        cargo
            .arg(format!("{name}@{version}"))
            .arg("--target-dir")
            .arg(&target);
        cargo.args([
            "--",
            "-Zunstable-options",
            "--output-format=json",
            "--cap-lints=allow",
        ]);
        child::run(cargo.env("RUSTC_BOOTSTRAP", "1"))?;
        let name = name.replace('-', "_");
        let file = target.join("doc").join(format!("{name}.json"));
        crates.push(Krate::read(&file, &name, version)?);
    }
    Ok(crates)
}

const THEIRS: [(&str, &str); 2] = [
    (DEADPOOL.name, DEADPOOL.version),
    (DEADPOOL_POSTGRES.name, DEADPOOL_POSTGRES.version),
];
const OURS: [(&str, &str); 3] = [
    ("millpond", "0.1.0"),
    ("deadpool", "0.13.99"),
    ("deadpool-postgres", "0.14.99"),
];

/// So many lines there are; fewer means that we do not read rustdoc right.
const DEADPOOL_LINES: usize = 440;
const POSTGRES_LINES: usize = 350;
