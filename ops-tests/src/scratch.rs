//! A place below `target/` for what a run writes. A run that was killed leaves something there, and nowhere else;
//! the next run that is alone removes it.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The place, which no other run sweeps while this is alive.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    _in_use: File,
}

impl Scratch {
    /// In `keep`, which must be there.
    pub(crate) fn new(keep: &Path) -> Result<Self, String> {
        let path = keep.join("scratch");
        Self::open(keep, &path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn open(keep: &Path, path: &Path) -> io::Result<Self> {
        let in_use = File::create(keep.join("scratch.lock"))?;
        let alone = flock(&in_use, FlockOperation::NonBlockingLockExclusive).is_ok();
        if alone && path.exists() {
            fs::remove_dir_all(path)?;
        }
        // The lock becomes a shared one in two steps, and another run may sweep between them: so the place is
        // made after the second.
        rustix::io::retry_on_intr(|| flock(&in_use, FlockOperation::LockShared))?;
        fs::create_dir_all(path)?;
        Ok(Self {
            path: path.to_owned(),
            _in_use: in_use,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new folder in it.
    pub(crate) fn folder(&self) -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = self.path.join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        Folder(folder)
    }
}

/// A folder that is removed in the end.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Writes a file, and says where it is.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_swept_by_the_next_one_that_is_alone() {
        let name = format!("millpond-ops-scratch-{}", std::process::id());
        let keep = std::env::temp_dir().join(name);
        fs::create_dir_all(keep.join("scratch/left")).expect("a folder");
        let first = Scratch::new(&keep).expect("a place");
        assert!(!keep.join("scratch/left").exists());
        let folder = first.folder();
        let file = folder.write("it", "text");
        let second = Scratch::new(&keep).expect("a place");
        assert!(file.exists(), "a second run sweeps nothing of the first");
        drop(folder);
        assert!(!file.exists());
        drop((first, second));
        fs::remove_dir_all(&keep).expect("it was created");
    }
}
