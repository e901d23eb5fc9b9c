//! The log of a run, in a file: what the lab, the pools and the libraries below them say.

use crate::Failure;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// Writes it to `lab.log` in `folder` from now on: all from `info` on, of millpond and of the lab from `debug` on;
/// `RUST_LOG` says otherwise. Only the first one of a process counts.
///
/// # Errors
///
/// The file cannot be written, or `RUST_LOG` not be understood.
pub(crate) fn to(folder: &Path) -> Result<(), Failure> {
    let file = folder.join("lab.log");
    let name = |error| format!("{}: {error}", file.display());
    fs::create_dir_all(folder).map_err(name)?;
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| USUAL.to_owned());
    let filter = EnvFilter::try_new(&wanted).map_err(|error| format!("RUST_LOG: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(File::create(&file).map_err(name)?))
        .finish();
    // A library's user may have one of his own already: then that one has it all.
    let _first = tracing::subscriber::set_global_default(log);
    panics_of_tasks();
    Ok(())
}

/// A case lets tasks panic, and catches them: that is told to the log, and not over the line that moves.
fn panics_of_tasks() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        match thread.name() {
            Some(name) if name.starts_with("tokio") => tracing::error!(thread = name, "{panic}"),
            _ => before(panic),
        }
    }));
}

const USUAL: &str = "info,millpond=debug,millpond_lab=debug";
