//! A copy of the repository that may be spoiled. It lies below `target/`, is removed when its owner is
//! done, and also when the owner is ended by Ctrl-C: a small process waits for that end, whatever its kind.

use crate::failure::Failure;
use crate::workspace::Workspace;
use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A copy of the repository.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    here: Workspace,
    sweeper: Option<Child>,
}

impl Scratch {
    /// Copies every file that git tracks or would track to `target/<name>/copy`. A run of the same name that
    /// is still under way loses its copy, and fails.
    pub(crate) fn new(here: &Workspace, name: &str) -> Result<Self, Failure> {
        let folder = here.root().join("target").join(name).join("copy");
        let failed = |error| Failure::io(folder.display(), &error);
        sweep(&folder)?;
        fs::create_dir_all(&folder).map_err(failed)?;
        fs::write(folder.join(MARK), "").map_err(failed)?;
        let scratch = Self {
            sweeper: Some(sweeper(&folder).map_err(failed)?),
            here: Workspace::at(folder.clone()),
            folder,
        };
        for file in here.files()? {
            scratch.copy(&here.root().join(&file.path), &file.path)?;
        }
        Ok(scratch)
    }

    /// The copy as a workspace.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.here
    }

    /// Where the copy is built; stays. Not shared with another copy: cargo knows packages by their place in
    /// the workspace, so it would take one copy's binaries for the other's.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.folder.with_file_name(name)
    }

    /// Puts `text` in the place of a file.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        fs::write(self.folder.join(path), text).map_err(|error| Failure::io(path, &error))
    }

    fn copy(&self, from: &Path, path: &str) -> Result<(), Failure> {
        let to = self.folder.join(path);
        let made = to.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::copy(from, &to))
            .map(drop)
            .map_err(|error| Failure::io(path, &error))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(mut sweeper) = self.sweeper.take() {
            drop(sweeper.stdin.take());
            if let Err(error) = sweeper.wait() {
                eprintln!("warning: {} is left behind: {error}", self.folder.display());
            }
        }
    }
}

/// Starts the process that removes `folder` when this one has ended, or has closed the pipe.
fn sweeper(folder: &Path) -> io::Result<Child> {
    let mut sweeper = Command::new(env::current_exe()?);
    // Ctrl-C reaches every process of the group that the terminal shows; not this one.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut sweeper, 0);
    sweeper
        .arg("sweep")
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
}

/// `cargo xtask sweep`: waits for the end of the input, then removes a copy.
pub(crate) fn run_sweeper(folder: &Path) -> Result<(), Failure> {
    io::stdin()
        .read_to_end(&mut Vec::new())
        .map_err(|error| Failure::io("stdin", &error))?;
    sweep(folder)
}

/// Removes a copy; nothing else.
fn sweep(folder: &Path) -> Result<(), Failure> {
    if !folder.exists() {
        return Ok(());
    }
    if !folder.join(MARK).is_file() {
        let why = format!("{} is no copy of ours: it stays", folder.display());
        return Err(Failure::new(why));
    }
    fs::remove_dir_all(folder).map_err(|error| Failure::io(folder.display(), &error))
}

const MARK: &str = ".millpond-scratch";

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("millpond-{name}-{}", process::id()));
        fs::create_dir(&folder).expect("a folder can be made");
        folder
    }

    #[test]
    fn a_copy_is_swept_away() {
        let copy = folder("sweep-copy");
        fs::write(copy.join(MARK), "").expect("a file can be written");
        sweep(&copy).expect("it is marked");
        assert!(!copy.exists());
        sweep(&copy).expect("it is gone already");
    }

    #[test]
    fn what_is_no_copy_stays() {
        let other = folder("sweep-other");
        assert!(sweep(&other).is_err());
        fs::remove_dir(&other).expect("it is still there, and empty");
    }
}
