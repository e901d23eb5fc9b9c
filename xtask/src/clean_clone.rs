//! `cargo xtask clean-clone`: what somebody sees who clones the repository and runs its one command.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::time::Instant;

/// Clones HEAD, runs `.ci/run` in the clone with a target directory of its own, and removes the clone.
pub(crate) fn run(here: &Workspace) -> Result<(), Failure> {
    tell_of_changes(here)?;
    let scratch = Scratch::new()?;
    let clone = scratch.0.join("millpond");
    child::run(
        here.git()
            .args(["clone", "--quiet", "--no-hardlinks"])
            .arg(here.root())
            .arg(&clone),
    )?;
    let begun = Instant::now();
    let outcome = child::run(
        in_clone(&clone.join(".ci/run"))
            .current_dir(&clone)
            .stdin(Stdio::null()),
    );
    println!("clean clone: {:.1} s", begun.elapsed().as_secs_f64());
    outcome
}

/// The script, without what our own cargo and the caller would hand down to the cargo of the clone.
fn in_clone(script: &std::path::Path) -> Command {
    let mut command = Command::new(script);
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_");
    env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(ours))
        .for_each(|(name, _)| {
            command.env_remove(name);
        });
    for name in [
        "CARGO",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
    ] {
        command.env_remove(name);
    }
    command
}

/// A clone has only what is committed.
fn tell_of_changes(here: &Workspace) -> Result<(), Failure> {
    let changes = child::ask(here.git().args(["status", "--porcelain"]))?;
    let count = changes.iter().filter(|byte| **byte == b'\n').count();
    if count > 0 {
        println!("note: {count} files here are changed or new; the clone is of HEAD, without them");
    }
    Ok(())
}

/// A folder that is removed when done, whatever the outcome. (Ctrl-C leaves it behind.)
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("millpond-clean-clone-{}", process::id()));
        fs::create_dir(&folder).map_err(|error| Failure::io(folder.display(), &error))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: {} is left behind: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scratch_folder_goes_with_its_owner() {
        let scratch = Scratch::new().expect("a folder can be made");
        let folder = scratch.0.clone();
        fs::write(folder.join("file"), "text").expect("a file can be written");
        drop(scratch);
        assert!(!folder.exists());
    }
}
