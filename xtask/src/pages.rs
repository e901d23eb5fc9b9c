//! `cargo xtask metrics` and `configuration`: `docs/metrics.md` and `docs/configuration.md`, made of the library's
//! tables of metrics and of knobs. Tests keep them fresh.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Writes the page. The table is the library's, so a package that depends on it does the work.
pub(crate) fn run(here: &Workspace, page: &str) -> Result<(), Failure> {
    let mut cargo = here.cargo("run --quiet --package millpond-ops-tests --");
    child::run(cargo.arg(page))
}
