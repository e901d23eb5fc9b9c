//! What is made of a run: `report.json`, and the table in the terminal.

mod table;

pub use table::table;

use crate::Failure;
use crate::data::Report;
use std::fs;
use std::path::Path;

/// Writes `report.json` into `folder`, which is made if it is not there.
///
/// # Errors
///
/// The folder cannot be made, or not be written to: which, and why.
pub fn write(report: &Report, folder: &Path) -> Result<(), Failure> {
    let name = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(name)?;
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    fs::write(folder.join("report.json"), json).map_err(name)?;
    Ok(())
}
