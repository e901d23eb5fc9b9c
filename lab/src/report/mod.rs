//! What is made of a run: `report.json`, the page, and the table in the terminal.

mod case;
mod page;
mod plot;
pub(crate) mod sum;
mod table;
mod thin;
pub(crate) mod words;

pub use page::page;
pub use table::{Paint, table};

use crate::Failure;
use crate::data::Report;
use std::fs;
use std::path::Path;

/// Writes `report.json` and `report.html` into `folder`, which is made if it is not there.
///
/// # Errors
///
/// The folder cannot be made, or not be written to: which, and why.
pub fn write(report: &Report, folder: &Path) -> Result<(), Failure> {
    let name = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(name)?;
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    // The data first: should the page fail, nothing that was measured is lost.
    fs::write(folder.join("report.json"), json).map_err(name)?;
    fs::write(folder.join("report.html"), page(report)?).map_err(name)?;
    Ok(())
}

/// Reads a `report.json`.
///
/// # Errors
///
/// It is not there, is none, or is of another version.
pub fn read(file: &Path) -> Result<Report, Failure> {
    let name = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| name(&error))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| name(&error))?;
    if report.schema != crate::data::SCHEMA {
        let ours = crate::data::SCHEMA;
        let why = format!(
            "it is of version {}, this lab reads {ours}; run the lab anew",
            report.schema
        );
        return Err(name(&why).into());
    }
    Ok(report)
}
