//! Where things are kept: templates and fetched programs between runs, servers while they run.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::account::Account;
use crate::error::{Error, Result};

/// The first of `target/`, the system's or the user's cache that can be written and that `account` can reach.
///
/// It is not below the temporary directory: root runs programs from here, so nobody else may create it first.
pub(crate) fn keep(account: &Account) -> Result<PathBuf> {
    let mut refused = Vec::new();
    for dir in keeps() {
        match fs::create_dir_all(&dir)
            .map_err(|e| format!("{}: {e}", dir.display()))
            .and_then(|()| writable(&dir))
            .and_then(|()| account.reaches(&dir))
        {
            Ok(()) => return Ok(dir),
            Err(why) => refused.push(why),
        }
    }
    Err(
        Error::new("there is no directory to keep PostgreSQL's programs and templates in")
            .evidence(refused.join("\n"))
            .way_out("make `target/` writable, or set CARGO_TARGET_DIR to a directory that is"),
    )
}

fn keeps() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = target().into_iter().collect();
    if rustix::process::geteuid().is_root() {
        dirs.push(PathBuf::from("/var/cache"));
    } else if let Some(home) = std::env::var_os("HOME") {
        dirs.push(Path::new(&home).join(".cache"));
    }
    dirs.iter().map(|dir| dir.join("millpond-testdb")).collect()
}

/// Cargo's target directory: the one our program lies in, else `CARGO_TARGET_DIR`, else the workspace's.
fn target() -> Option<PathBuf> {
    let ours = std::env::current_exe().ok().and_then(|program| {
        let dir = program
            .ancestors()
            .find(|dir| dir.join("CACHEDIR.TAG").is_file())?;
        Some(dir.to_owned())
    });
    let told = || {
        std::env::var_os("CARGO_TARGET_DIR")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    let workspace = || {
        Some(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .parent()?
                .join("target"),
        )
    };
    ours.or_else(told)
        .or_else(|| workspace().filter(|dir| dir.is_dir()))
}

fn writable(dir: &Path) -> std::result::Result<(), String> {
    rustix::fs::access(dir, rustix::fs::Access::WRITE_OK)
        .map_err(|e| format!("{}: {e}", dir.display()))
}

/// The directory to create servers' directories in: the first of [`temporaries`] that suits, else `/tmp`.
///
/// A directory suits if `account` reaches it, and its name is short enough for a socket and has only characters that
/// the watchdog need not escape.
pub(crate) fn temporary(account: &Account) -> PathBuf {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_.,+=@-".contains(c);
    let suits = |dir: &PathBuf| {
        let name = dir.to_str().unwrap_or_default();
        name.starts_with('/')
            && name.len() <= LONGEST
            && name.chars().all(plain)
            && account.reaches(dir).is_ok()
    };
    let fallback = || PathBuf::from("/tmp");
    temporaries()
        .into_iter()
        .find(suits)
        .unwrap_or_else(fallback)
}

/// Where servers' directories may lie: in `TMPDIR` if the user says so; else in memory, where a server starts and a
/// database is created ten times as fast as on some disks, if there is plenty of it; else in the temporary directory.
fn temporaries() -> Vec<PathBuf> {
    let told = std::env::var_os("TMPDIR").is_some_and(|dir| !dir.is_empty());
    let memory = PathBuf::from("/dev/shm");
    let mut dirs = vec![std::env::temp_dir()];
    if !told && has_plenty(&memory) {
        dirs.insert(0, memory);
    }
    dirs
}

/// Every directory in which a server may have lain before.
pub(crate) fn swept() -> BTreeSet<PathBuf> {
    BTreeSet::from([std::env::temp_dir(), "/tmp".into(), "/dev/shm".into()])
}

fn has_plenty(memory: &Path) -> bool {
    let room = rustix::fs::statvfs(memory).map(|stat| stat.f_bavail * stat.f_frsize);
    writable(memory).is_ok() && room.is_ok_and(|bytes| bytes >= PLENTY) && available() >= PLENTY
}

/// The bytes of memory that the system could give, as Linux tells them.
fn available() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// A server takes 30 MB, each database 7 MB, and the log of what is written at most half a GB.
const PLENTY: u64 = 2 << 30;

/// A socket's name may have 103 bytes on macOS, 107 on Linux; ours adds `/millpond-pg-01234567/socket/.s.PGSQL.12345`.
const LONGEST: usize = 103 - "/millpond-pg-01234567/socket/.s.PGSQL.12345".len();

/// A lock that other processes respect, held until it is dropped, also by a death of any kind.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock on the file at `path`, which it creates.
    pub(crate) fn wait(path: &Path) -> Result<Lock> {
        Lock::open(path)
            .and_then(|file| {
                rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
                Ok(Lock { _file: file })
            })
            .map_err(|e| Error::new(format!("cannot lock {}", path.display())).because(e))
    }

    /// Takes the lock if nobody holds it.
    pub(crate) fn take(path: &Path) -> std::io::Result<Lock> {
        let file = Lock::open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Lock { _file: file })
    }

    fn open(path: &Path) -> std::io::Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
    }
}

/// Eight letters and digits that nobody else has.
pub(crate) fn unique() -> String {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:08x}", hasher.finish() & 0xffff_ffff)
}
