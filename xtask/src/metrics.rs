//! `cargo xtask metrics`: `docs/metrics.md`, made of the library's table of metrics. A test keeps it fresh.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Writes the page. The table is the library's, so a package that depends on it does the work.
pub(crate) fn run(here: &Workspace) -> Result<(), Failure> {
    child::run(&mut here.cargo("run --quiet --package millpond-ops-tests"))
}
