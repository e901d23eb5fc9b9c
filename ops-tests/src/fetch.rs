//! Fetching promtool where the machine has none: out of Debian's package, without installing it.

use crate::promtool::output;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Waits until no other process fetches into `keep`; what is returned keeps others waiting.
pub(crate) fn lock(keep: &Path) -> Result<File, String> {
    let failed = |error: io::Error| format!("{}: {error}", keep.display());
    let lock = File::create(keep.join("fetch.lock")).map_err(failed)?;
    rustix::io::retry_on_intr(|| flock(&lock, FlockOperation::LockExclusive))
        .map_err(|error| failed(error.into()))?;
    Ok(lock)
}

/// Downloads the package and moves promtool out of it to `to`, under the [`lock`]. What a kill leaves is removed by
/// the next one.
pub(crate) fn fetch(keep: &Path, to: &Path) -> Result<(), String> {
    say(
        "no promtool on this machine: downloading Debian's package `prometheus` with apt-get (19 MB; MILLPOND_FETCH_PROMTOOL=never forbids it)",
    );
    let half = keep.join("half");
    let failed = |error: io::Error| format!("{}: {error}", half.display());
    if half.exists() {
        fs::remove_dir_all(&half).map_err(failed)?;
    }
    fs::create_dir_all(&half).map_err(failed)?;
    download(&half)?;
    let package = package_in(&half)
        .map_err(failed)?
        .ok_or("apt-get left no package")?;
    let unpacked = half.join("unpacked");
    output(Command::new("dpkg").arg("-x").arg(package).arg(&unpacked))?;
    fs::rename(unpacked.join("usr/bin/promtool"), to).map_err(failed)?;
    fs::remove_dir_all(&half).map_err(failed)
}

/// With the lists of packages that the machine has; else with fresh ones of our own, which needs no root.
fn download(half: &Path) -> Result<(), String> {
    let apt = |words: &[&str], options: &[String]| {
        let mut command = Command::new("apt-get");
        command.args([
            "-q",
            "-o",
            "Acquire::Retries=2",
            "-o",
            "Acquire::http::Timeout=30",
        ]);
        output(command.args(options).args(words).current_dir(half))
    };
    let Err(why) = apt(&["download", "prometheus"], &[]) else {
        return Ok(());
    };
    let lists = half.join("lists");
    fs::create_dir_all(lists.join("partial"))
        .map_err(|error| format!("{}: {error}", lists.display()))?;
    let own = [
        format!("-oDir::State::Lists={}", lists.display()),
        format!("-oDir::Cache={}", half.join("cache").display()),
    ];
    apt(&["update"], &own)
        .and_then(|()| apt(&["download", "prometheus"], &own))
        .map_err(|again| format!("{why}\n{again}"))
}

fn package_in(dir: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("deb")) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Tells the user, past the test harness, which would keep it to itself.
fn say(what: &str) {
    let _nobody_listens = writeln!(io::stderr(), "millpond-ops-tests: {what}");
}
