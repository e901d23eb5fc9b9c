//! A folder that is removed when its owner is done, and also when the owner is ended by whatever ends it: a small shell
//! waits for that end.

use crate::Failure;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An empty folder in the machine's place for temporary ones.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    /// Waits for the end of its input, then removes the folder.
    sweeper: Child,
}

impl Scratch {
    /// Makes one; `what` is in its name.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or there is no shell to look after it.
    pub(crate) fn new(what: &str) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!(
            "millpond-lab-{what}-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        ));
        let failed = |error| format!("{}: {error}", folder.display());
        // Before the folder: it must not be there for a moment without one who looks after it.
        let sweeper = sweeper(&folder).map_err(|error| format!("/bin/sh: {error}"))?;
        let scratch = Self {
            folder: folder.clone(),
            sweeper,
        };
        fs::create_dir(&folder).map_err(failed)?;
        Ok(scratch)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        if let Err(error) = self.sweeper.wait() {
            eprintln!(
                "warning: {} may be left behind: {error}",
                self.folder.display()
            );
        }
    }
}

/// In a process group of its own: Ctrl-C reaches every process of the group that the terminal shows.
fn sweeper(folder: &Path) -> std::io::Result<Child> {
    Command::new("/bin/sh")
        .args([
            "-c",
            "trap '' HUP INT TERM; while read -r _; do :; done; rm -rf -- \"$1\"",
            "sweeper",
        ])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_its_owner() {
        let scratch = Scratch::new("test").expect("a folder can be made");
        let folder = scratch.path().to_owned();
        fs::write(folder.join("file"), "text").expect("a file can be written");
        drop(scratch);
        assert!(!folder.exists());
    }
}
