//! `cargo xtask mutants`: cargo-mutants over the engine and the managed pool.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Runs it; `rest` is handed on (`-- --list` shows what it would change). Many minutes. It is a program of
/// its own: where it is missing that is an error, not silence.
pub(crate) fn run(here: &Workspace, rest: &[String]) -> Result<(), Failure> {
    if !child::works(&mut here.cargo("mutants --version")) {
        return Err(Failure::new(MISSING));
    }
    let mut cargo = here.cargo(ARGUMENTS);
    for (option, glob) in GLOBS {
        cargo.args([option, glob]);
    }
    child::run(cargo.args(rest).args(["--", "--lib", "--tests"]))
}

const MISSING: &str = "cargo-mutants is not installed: `cargo install --locked cargo-mutants`";
/// Below `target`, as everything that is made here; with a copy of the sources elsewhere.
const ARGUMENTS: &str = "mutants --package millpond --test-package millpond --features rt_tokio_1 \
                         --output target/mutants --minimum-test-timeout 60";
/// loom's stand-ins are not shipped, and no test but a model runs them.
const GLOBS: [(&str, &str); 3] = [
    ("--file", "src/engine/**/*.rs"),
    ("--file", "src/managed/**/*.rs"),
    ("--exclude", "src/engine/sync/**"),
];
