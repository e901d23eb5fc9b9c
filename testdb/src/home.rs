//! The directory of one private server, from before its first file to after its last process.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::places::{self, Lock};
use crate::watchdog::{self, Watchdog};

/// `data/`, `socket/`, the log, and a lock that tells others that we live. Dropped when no process uses it any more.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    watchdog: Option<Watchdog>,
    _we_live: Lock,
}

impl Home {
    /// Creates the directory with the watchdog over it; `data/` is not there yet.
    pub(crate) fn create(account: &Account) -> Result<Home> {
        places::swept().iter().for_each(|parent| sweep(parent));
        let dir = places::temporary(account).join(format!("{PREFIX}{}", places::unique()));
        let cannot = |e| {
            Error::new(format!(
                "cannot create a server's directory {}",
                dir.display()
            ))
            .because(e)
        };
        DirBuilder::new().mode(0o711).create(&dir).map_err(cannot)?;
        // The watchdog is the first thing in it: should it fail, the directory is still empty.
        let watchdog = Watchdog::set_on(&dir, &dir.join("data")).inspect_err(|_| {
            let _still_empty = fs::remove_dir(&dir);
        })?;
        let home = Home {
            watchdog: Some(watchdog),
            _we_live: Lock::wait(&dir.join(LOCK))?,
            dir,
        };
        home.furnish(account)?;
        Ok(home)
    }

    fn furnish(&self, account: &Account) -> Result<()> {
        let cannot = |e| Error::new(format!("cannot furnish {}", self.dir.display())).because(e);
        // Again, since the umask may have taken rights away.
        fs::set_permissions(&self.dir, Permissions::from_mode(0o711)).map_err(cannot)?;
        let socket = self.socket_dir();
        fs::create_dir(&socket).map_err(cannot)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o755)).map_err(cannot)?;
        account.give(&socket)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Writes a file into the data directory that `account` alone may read.
    pub(crate) fn lay_in_data(&self, name: &str, text: &str, account: &Account) -> Result<()> {
        let path = self.data().join(name);
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(Error::new(format!("{name:?} is no name of a file")));
        }
        let cannot = |e| Error::new(format!("cannot write {}", path.display())).because(e);
        let private = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path);
        let mut file = private.map_err(cannot)?;
        file.write_all(text.as_bytes()).map_err(cannot)?;
        account.give(&path)
    }

    pub(crate) fn socket_dir(&self) -> PathBuf {
        self.dir.join("socket")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The log, opened to be appended to.
    pub(crate) fn open_log(&self) -> Result<File> {
        let log = self.log();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|e| Error::new(format!("cannot write {}", log.display())).because(e))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Some(watchdog) = self.watchdog.take() else {
            return;
        };
        let ended = match fs::remove_dir_all(&self.dir) {
            Ok(()) => watchdog.release(),
            Err(_) => watchdog.clean_up(),
        };
        if let Err(e) = ended {
            eprintln!(
                "millpond-testdb: the watchdog over {} failed: {e}",
                self.dir.display()
            );
        }
    }
}

/// Cleans up what earlier owners left behind together with their watchdogs, as when a whole container is killed.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if ours && abandoned(&entry.path()) {
            let _next_time =
                watchdog::clean_up_behind_the_dead(&entry.path(), &entry.path().join("data"));
        }
    }
}

/// Whether the directory is one of ours, old enough to have its lock, and nobody holds that.
fn abandoned(dir: &Path) -> bool {
    let Ok(meta) = fs::symlink_metadata(dir) else {
        return false;
    };
    let young = meta
        .modified()
        .is_ok_and(|time| time.elapsed().is_ok_and(|age| age < SETTLED));
    let ours = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw();
    ours && !young && dir.join(LOCK).exists() && Lock::take(&dir.join(LOCK)).is_ok()
}

/// What the directories of private servers are called, as the watchdog's script knows too.
const PREFIX: &str = "millpond-pg-";
const LOCK: &str = "owner.lock";
/// The age from which on a directory without an owner is abandoned, not about to be furnished or cleaned up.
const SETTLED: Duration = Duration::from_secs(60);
