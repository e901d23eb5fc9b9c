//! PgBouncer's program: the machine's, or Debian's package, unpacked where it is not in anybody's way.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::fetch::{self, apt, run, say};
use crate::places;
use crate::programs::executable;

/// A program, and where its libraries lie beside the system's.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    libraries: Vec<PathBuf>,
}

impl Program {
    pub(crate) fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    pub(crate) fn command(&self, account: &Account) -> Command {
        let mut command = account.command(&self.path);
        if !self.libraries.is_empty() {
            let theirs = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            let all = self
                .libraries
                .iter()
                .cloned()
                .chain(env::split_paths(&theirs));
            // A directory of ours has no colon, which alone could fail here.
            command.env("LD_LIBRARY_PATH", env::join_paths(all).unwrap_or_default());
        }
        command
    }
}

/// PgBouncer: that of `PGBOUNCER`, of the machine, of an earlier fetch, or fetched now.
pub(crate) fn pgbouncer() -> Result<Program> {
    if let Some(told) = env::var_os("PGBOUNCER").filter(|told| !told.is_empty()) {
        return of_the_machine(PathBuf::from(&told)).ok_or_else(|| {
            Error::new(format!(
                "PGBOUNCER names no program: {}",
                told.to_string_lossy()
            ))
            .way_out("set PGBOUNCER to the program, such as /usr/sbin/pgbouncer")
        });
    }
    let found = usual_places().into_iter().find_map(of_the_machine);
    found.map_or_else(fetched, Ok)
}

fn usual_places() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = [
        "/usr/sbin",
        "/usr/local/sbin",
        "/opt/homebrew/bin",
        "/usr/local/bin",
    ];
    let dirs = env::split_paths(&path).chain(more.map(PathBuf::from));
    dirs.map(|dir| dir.join("pgbouncer")).collect()
}

fn of_the_machine(path: PathBuf) -> Option<Program> {
    executable(&path).then_some(Program {
        path,
        libraries: Vec::new(),
    })
}

fn fetched() -> Result<Program> {
    let keep = places::keep(&Account::find()?)?;
    let _lock = fetch::lock()?;
    if let Some(before) = unpacked(&keep.join("pgbouncer")) {
        return Ok(before);
    }
    if fetch::sources().is_empty() {
        return Err(none_here().evidence("MILLPOND_FETCH_POSTGRES=never forbids to fetch it"));
    }
    debian(&keep).map_err(|e| none_here().because(e))
}

fn none_here() -> Error {
    Error::new("there is no PgBouncer on this machine")
        .way_out(
            "install it: apt-get install pgbouncer, dnf install pgbouncer, brew install pgbouncer",
        )
        .way_out("set PGBOUNCER to its program")
}

/// The program below `root`, where Debian's packages were unpacked.
fn unpacked(root: &Path) -> Option<Program> {
    let path = root.join("usr/sbin/pgbouncer");
    let lib = root.join("usr/lib");
    let inner = fs::read_dir(&lib).into_iter().flatten().flatten();
    let libraries = inner.map(|entry| entry.path()).filter(|path| path.is_dir());
    executable(&path).then(|| Program {
        path,
        libraries: libraries.collect(),
    })
}

/// Downloads Debian's package, and those that it needs and the machine lacks, and unpacks them: nothing is installed, so
/// no right is needed for it, and no service starts.
fn debian(keep: &Path) -> Result<Program> {
    let log = keep.join("fetch.log");
    let half = keep.join("pgbouncer.half");
    let cannot = |e| Error::new(format!("cannot create {}", half.display())).because(e);
    if half.exists() {
        fs::remove_dir_all(&half).map_err(cannot)?;
    }
    fs::create_dir_all(&half).map_err(cannot)?;
    say(&format!(
        "downloading Debian's package `pgbouncer` with apt-get (1 MB) into {} (MILLPOND_FETCH_POSTGRES=never forbids it)",
        keep.display()
    ));
    let download = |name: &str| {
        let mut command = Command::new("apt-get");
        command.args(["-q", "download", name]).current_dir(&half);
        run(&mut command, &log)
    };
    // Where the lists are old or were never fetched, only root can change that.
    download("pgbouncer").or_else(|first| {
        let updated = rustix::process::geteuid().is_root() && apt(&["update"], &log).is_ok();
        if updated {
            download("pgbouncer")
        } else {
            Err(first)
        }
    })?;
    for needed in lacking(&package_in(&half)?)? {
        download(&needed)?;
    }
    for package in packages_in(&half)? {
        let mut command = Command::new("dpkg");
        command.arg("-x").arg(&package).arg(&half);
        run(&mut command, &log)?;
        fs::remove_file(&package).map_err(cannot)?;
    }
    let whole = keep.join("pgbouncer");
    if whole.exists() {
        fs::remove_dir_all(&whole).map_err(cannot)?;
    }
    fs::rename(&half, &whole).map_err(cannot)?;
    unpacked(&whole).ok_or_else(|| Error::new("Debian's package `pgbouncer` brought no program"))
}

/// Which of the packages that this one depends on are not installed: its libraries, and theirs are on any machine.
fn lacking(package: &Path) -> Result<Vec<String>> {
    let depends = told_by(
        "dpkg-deb",
        &["-f".as_ref(), package.as_ref(), "Depends".as_ref()],
    )?;
    let names = depends
        .split(',')
        .filter_map(|one| one.split_whitespace().next());
    let libraries = names.filter(|name| name.starts_with("lib"));
    let installed = |name: &&str| {
        let words = ["-W", "-f", "${Status}", name].map(OsStr::new);
        told_by("dpkg-query", &words).is_ok_and(|status| status.contains("install ok installed"))
    };
    Ok(libraries
        .filter(|name| !installed(name))
        .map(str::to_owned)
        .collect())
}

fn told_by(program: &str, words: &[&OsStr]) -> Result<String> {
    let failed = || Error::new(format!("`{program}` failed"));
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|e| failed().because(e))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed().evidence(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

fn package_in(dir: &Path) -> Result<PathBuf> {
    let first = packages_in(dir)?.into_iter().next();
    first.ok_or_else(|| Error::new("apt-get left no package"))
}

fn packages_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |e| Error::new(format!("cannot read {}", dir.display())).because(e);
    let entries = fs::read_dir(dir).map_err(cannot)?.flatten();
    let paths = entries.map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension() == Some(&OsString::from("deb")))
        .collect())
}
