//! Workspaces that are made below `target/compat/` for one run: what they depend on must not be in ours.

use super::published::{Published, pinned};
use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use serde_json::Value;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A workspace below `target/compat/`.
#[derive(Debug)]
pub(super) struct Yard {
    root: PathBuf,
    name: &'static str,
    here: Workspace,
}

impl Yard {
    /// One that was made by [`new`](Self::new) before.
    pub(super) fn again(of: &Workspace, name: &'static str) -> Self {
        Self {
            root: of.root().to_path_buf(),
            name,
            here: Workspace::at(of.root().join("target").join("compat").join(name)),
        }
    }

    /// An empty one. It begins with the `Cargo.lock` that is kept in `compat/locks/`, so that every run builds
    /// the same; what that one lacks cargo adds, and [`keep_lock`](Self::keep_lock) keeps.
    pub(super) fn new(of: &Workspace, name: &'static str) -> Result<Self, Failure> {
        let yard = Self::again(of, name);
        let folder = yard.folder();
        let emptied = match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(folder),
        };
        emptied.map_err(|error| Failure::io(folder.display(), &error))?;
        let kept = yard.kept_lock();
        if kept.exists() {
            copy(&kept, &folder.join("Cargo.lock"))?;
        }
        Ok(yard)
    }

    /// Writes a file of it. `{root}` becomes the folder of the repository, `{=name}` the version of a published
    /// crate.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let text = pinned(text).replace("{root}", &slashes(&self.root));
        let path = self.here.root().join(path);
        let failed = |error| Failure::io(path.display(), &error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&path, text).map_err(failed)
    }

    /// Copies the source of a published crate into it, as it is.
    pub(super) fn copy(&self, source: &Path, path: &str) -> Result<(), Failure> {
        copy_all(source, &self.here.root().join(path))
    }

    /// cargo in it, with the words of `arguments`. It builds where all is built, so that what both need is
    /// built once.
    pub(super) fn cargo(&self, arguments: &str) -> Command {
        let mut cargo = self.here.cargo(arguments);
        if env::var_os("CARGO_TARGET_DIR").is_none() {
            cargo.env("CARGO_TARGET_DIR", self.root.join("target"));
        }
        cargo
    }

    /// The tests of one of its packages, one after the other: some of them count milliseconds.
    pub(super) fn tests(&self, package: &str, features: &str) -> Command {
        let mut cargo = self.cargo("test --quiet --no-fail-fast --lib --tests");
        let manifest = self.folder().join(package).join("Cargo.toml");
        cargo.arg("--manifest-path").arg(manifest);
        cargo.args(["--features", features, "--", "--test-threads=1"]);
        cargo
    }

    /// A folder beside it, which stays.
    pub(super) fn beside(&self, what: &str) -> PathBuf {
        self.here
            .root()
            .with_file_name(format!("{}-{what}", self.name))
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        self.here.root()
    }

    /// Checks that what was built in it was built on our deadpool, and on no other.
    pub(super) fn check_ours(&self) -> Result<(), Failure> {
        let lock = self.here.read("Cargo.lock")?;
        let mut packages = lock.split("[[package]]");
        let theirs = |package: &&str| {
            package.contains("\nname = \"deadpool\"\n") && package.contains("\nsource = ")
        };
        match packages.any(|package| theirs(&package)) || !lock.contains("\nname = \"millpond\"\n")
        {
            true => Err(Failure::new(format!("{}: deadpool is not ours", self.name))),
            false => Ok(()),
        }
    }

    /// Keeps its `Cargo.lock` for the next run.
    pub(super) fn keep_lock(&self) -> Result<(), Failure> {
        copy(&self.here.root().join("Cargo.lock"), &self.kept_lock())
    }

    fn kept_lock(&self) -> PathBuf {
        let locks = self.root.join("compat").join("locks");
        locks.join(format!("{}.lock", self.name))
    }

    /// Where cargo put the source of a published crate that this yard depends on.
    pub(super) fn source_of(
        &self,
        published: Published,
        features: &[&str],
    ) -> Result<PathBuf, Failure> {
        let mut cargo = self.cargo("metadata --format-version=1");
        cargo.args(["--filter-platform", &host()?]).args(features);
        let printed = child::ask(&mut cargo)?;
        let metadata: Value = serde_json::from_slice(&printed)
            .map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
        let Published { name, version } = published;
        let manifest = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|package| package["source"].is_string())
            .find(|package| package["name"] == name && package["version"] == version)
            .and_then(|package| package["manifest_path"].as_str());
        let folder = manifest.and_then(|manifest| Path::new(manifest).parent());
        let folder = folder.map(Path::to_path_buf);
        folder.ok_or_else(|| Failure::new(format!("cargo has no source of {name} {version}")))
    }
}

/// The platform that this is built for, as rustc calls it.
fn host() -> Result<String, Failure> {
    let printed = child::ask(Command::new("rustc").arg("-vV"))?;
    let text = String::from_utf8_lossy(&printed);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::new("rustc -vV: no host in it"))
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::io(from.display(), &error);
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().map_err(failed)?.is_dir() {
            true => copy_all(&from, &to)?,
            false => copy(&from, &to)?,
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = fs::copy(from, to).map(drop);
    copied.map_err(|error| Failure::io(format!("{} to {}", from.display(), to.display()), &error))
}

/// A path as a TOML string takes it.
pub(super) fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}
