//! `cargo xtask bench`: the benchmarks.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// All benchmarks, or the one `name`; `rest` is handed on.
pub(crate) fn run(here: &Workspace, name: Option<&str>, rest: &[String]) -> Result<(), Failure> {
    let mut cargo = here.cargo("bench --package millpond-benches");
    cargo.args(name.iter().flat_map(|name| ["--bench", name]));
    child::run(cargo.arg("--").args(rest))
}
