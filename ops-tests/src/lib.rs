//! Checks what stands around the metrics against their one table, [`millpond::observe::names`]: the alert
//! rules and the dashboard in `ops/`, the runbook, and the page `docs/metrics.md`, which is made of it. And the page
//! `docs/configuration.md`, made of the table of knobs.
//!
//! Each check is a function from texts to the faults it found, so that its tests can show it bad texts; the
//! tests in `tests/` show it the real ones. Whether Prometheus itself reads the rules, and whether they fire
//! when they should, is for [`Promtool`] to say.

pub mod configuration;
pub mod dashboard;
mod fetch;
pub mod known;
pub mod mutants;
pub mod page;
mod promtool;
pub mod prose;
pub mod query;
pub mod rules;
mod scratch;

pub use self::promtool::Promtool;
pub use self::scratch::Folder;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the root `Cargo.toml`.
///
/// # Panics
///
/// If this package lies at the root of the file system.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a package of a workspace").to_owned()
}

/// The text of a file, by its path from the root.
///
/// # Panics
///
/// If it cannot be read.
pub fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
