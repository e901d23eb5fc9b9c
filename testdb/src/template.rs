//! The template: one data directory made by `initdb`, kept in `target/`, and copied for each private server.
//!
//! `initdb` takes half a second, a copy a tenth of that.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::places::{self, Lock};
use crate::process::run_at_most;
use crate::programs::Programs;

/// Lays a fresh data directory into `home`.
pub(crate) fn lay(programs: &Programs, account: &Account, home: &Home) -> Result<()> {
    // Without a place to keep a template, each server is made from scratch.
    let Ok(keep) = places::keep(account) else {
        return initdb(programs, account, home);
    };
    let template = keep.join(name_for(programs)?);
    if !template.exists() {
        let _lock = Lock::wait(&keep.join("template.lock"))?;
        if !template.exists() {
            initdb(programs, account, home)?;
            return keep_as(&template, &home.data());
        }
    }
    let data = home.data();
    copy(&template, &data, account).map_err(|e| {
        Error::new(format!(
            "cannot copy {} to {}",
            template.display(),
            data.display()
        ))
        .because(e)
    })
}

/// A name that changes with the programs, with us, and with the way in which the template is made.
fn name_for(programs: &Programs) -> Result<String> {
    let postgres = programs.program("postgres");
    let cannot = |e| Error::new(format!("cannot read {}", postgres.display())).because(e);
    let program = fs::canonicalize(&postgres).map_err(cannot)?;
    let meta = fs::metadata(&program).map_err(cannot)?;
    let mut hasher = DefaultHasher::new();
    let us = rustix::process::geteuid().as_raw();
    (
        program,
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        us,
        INITDB,
    )
        .hash(&mut hasher);
    Ok(format!("template-{:016x}", hasher.finish()))
}

fn initdb(programs: &Programs, account: &Account, home: &Home) -> Result<()> {
    let data = home.data();
    let cannot = |e| Error::new(format!("cannot create {}", data.display())).because(e);
    fs::create_dir(&data).map_err(cannot)?;
    fs::set_permissions(&data, private()).map_err(cannot)?;
    account.give(&data)?;
    let program = programs.program("initdb");
    let output = home.open_log()?;
    let cannot_share = |e| Error::new("cannot share the log").because(e);
    let mut command = account.command(&program);
    command
        .arg(format!("-D{}", data.display()))
        .args(INITDB)
        .stdout(output.try_clone().map_err(cannot_share)?)
        .stderr(output);
    let failed = || {
        Error::new(format!(
            "{} could not make a data directory",
            program.display()
        ))
    };
    match run_at_most(&mut command, AT_MOST) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed()
            .because(status.to_string())
            .evidence(crate::log::tail(&home.log(), 0))),
        Err(e) => Err(failed().because(e)),
    }
}

/// Keeps a copy of `data` under the name `template`, which appears whole or not at all.
fn keep_as(template: &Path, data: &Path) -> Result<()> {
    let half = template.with_extension("half");
    let keep = || -> std::io::Result<()> {
        if half.exists() {
            fs::remove_dir_all(&half)?;
        }
        copy(data, &half, &Account::Ours)?;
        fs::rename(&half, template)
    };
    keep().map_err(|e| {
        Error::new(format!("cannot keep a template in {}", template.display())).because(e)
    })
}

/// Copies a tree of files and directories with their rights, for `account`.
fn copy(from: &Path, to: &Path, account: &Account) -> std::io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, private())?;
    give(to, account)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, account)?;
        } else {
            fs::copy(entry.path(), &target)?;
            give(&target, account)?;
        }
    }
    Ok(())
}

fn give(path: &Path, account: &Account) -> std::io::Result<()> {
    match account {
        Account::Ours => Ok(()),
        Account::Other { uid, gid, .. } => std::os::unix::fs::chown(path, Some(*uid), Some(*gid)),
    }
}

/// PostgreSQL insists on a data directory that only its account reads.
fn private() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o700)
}

/// How `initdb` is told to make the template: fast, the same on every machine, small (1 MB log segments).
const INITDB: [&str; 7] = [
    "--no-sync",
    "--auth=trust",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--wal-segsize=1",
    "--lc-messages=C",
];

/// How long `initdb` may take, on the slowest machine.
const AT_MOST: Duration = Duration::from_secs(60);
