//! Where the workspace is, its cargo, and its files.

use crate::child;
use crate::failure::Failure;
use crate::house::File;
use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace that this program belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that `cargo xtask` was called in. Cargo says at run time where this package is,
    /// so that a binary is not bound to the checkout that it was built in; called without cargo, the
    /// place where it was built is taken.
    pub(crate) fn find() -> Self {
        let built = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let package = env::var_os("CARGO_MANIFEST_DIR").map_or(built, PathBuf::from);
        let root = package.parent().map(Path::to_path_buf).unwrap_or(package);
        Self { root }
    }

    /// A copy of the workspace in another folder.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder of the root `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The cargo that runs us, in the root, with the words of `arguments`.
    pub(crate) fn cargo(&self, arguments: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&self.root)
            .args(arguments.split_whitespace());
        cargo
    }

    /// `git`, in the root.
    pub(crate) fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.current_dir(&self.root);
        git
    }

    /// The text of a file, by its path from the root.
    pub(crate) fn read(&self, path: &str) -> Result<String, Failure> {
        fs::read_to_string(self.root.join(path)).map_err(|error| Failure::io(path, &error))
    }

    /// What cargo knows of the packages of this workspace alone; asks nobody else.
    pub(crate) fn members(&self) -> Result<Value, Failure> {
        self.metadata("--no-deps")
    }

    /// What cargo knows of all packages, on every platform and with all features on.
    pub(crate) fn packages(&self) -> Result<Value, Failure> {
        self.metadata("--all-features")
    }

    fn metadata(&self, which: &str) -> Result<Value, Failure> {
        let mut cargo = self.cargo("metadata --format-version=1");
        let printed = child::ask(cargo.arg(which))?;
        serde_json::from_slice(&printed)
            .map_err(|error| Failure::new(format!("cargo metadata: {error}")))
    }

    /// Every file that git tracks or would track; without git, every file outside of `target`.
    pub(crate) fn files(&self) -> Result<Vec<File>, Failure> {
        let mut paths = self
            .paths_by_git()
            .map_or_else(|| self.paths_by_walking(), Ok)?;
        paths.sort();
        paths.dedup();
        // A file that is tracked and was deleted is listed by git, and is not there.
        paths.retain(|path| self.root.join(path).is_file());
        paths.into_iter().map(|path| self.load(path)).collect()
    }

    fn load(&self, path: String) -> Result<File, Failure> {
        let bytes = fs::read(self.root.join(&path)).map_err(|error| Failure::io(&path, &error))?;
        Ok(File {
            path,
            text: String::from_utf8(bytes).unwrap_or_default(),
        })
    }

    fn paths_by_git(&self) -> Option<Vec<String>> {
        let listed = self
            .git()
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .output()
            .ok()?;
        let text = String::from_utf8(listed.stdout)
            .ok()
            .filter(|_| listed.status.success())?;
        let paths: Vec<_> = text
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect();
        (!paths.is_empty()).then_some(paths)
    }

    fn paths_by_walking(&self) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let failed = |error| Failure::io(folder.display(), &error);
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let kind = entry.file_type().map_err(failed)?;
                if kind.is_file() {
                    found.extend(self.relative(&entry.path()));
                } else if kind.is_dir()
                    && entry.file_name() != "target"
                    && entry.file_name() != ".git"
                {
                    folders.push(entry.path());
                }
            }
        }
        Ok(found)
    }

    /// The path from the root, with `/` on every system.
    fn relative(&self, path: &Path) -> Option<String> {
        let parts = path
            .strip_prefix(&self.root)
            .ok()?
            .iter()
            .map(|part| part.to_str());
        parts
            .collect::<Option<Vec<_>>>()
            .map(|parts| parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found_and_its_files_listed() {
        let here = Workspace::find();
        let files = here.files().expect("the files can be read");
        let own = files
            .iter()
            .find(|file| file.path == "xtask/src/workspace.rs")
            .expect("this file is listed");
        assert!(own.text.contains("the_workspace_is_found"));
        assert!(files.iter().all(|file| !file.path.starts_with("target/")));
    }

    #[test]
    fn without_git_the_folders_are_walked() {
        let walked = Workspace::find()
            .paths_by_walking()
            .expect("the folders can be read");
        assert!(walked.iter().any(|path| path == "xtask/src/workspace.rs"));
        assert!(
            walked
                .iter()
                .all(|path| !path.starts_with("target/") && !path.starts_with(".git/"))
        );
    }
}
