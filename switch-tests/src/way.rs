//! The ways to build the service.

use crate::lock::Lock;
use crate::{guide, root, text_of};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A way to build the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As it is, on what deadpool's authors published.
    AsItIs,
    /// Only the pool is millpond's, below the published deadpool-postgres.
    Pool,
    /// A `[patch]` puts our deadpool-postgres in the place of the published one.
    Patch,
    /// The line of the dependency names our deadpool-postgres.
    Line,
    /// millpond itself, under the old name.
    Library,
}

impl Way {
    /// All of them, what is published first.
    pub const ALL: [Self; 5] = [
        Self::AsItIs,
        Self::Pool,
        Self::Patch,
        Self::Line,
        Self::Library,
    ];

    /// What the guide's block is called, and the folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsItIs => "as-it-is",
            Self::Pool => "pool",
            Self::Patch => "patch",
            Self::Line => "line",
            Self::Library => "library",
        }
    }

    /// Builds the service in this way, below `target/`, and says where the program is.
    ///
    /// # Panics
    ///
    /// If it cannot be built.
    pub fn build(self) -> PathBuf {
        let folder = self.folder();
        self.prepare(&folder);
        for (path, text) in sources() {
            write(&folder.join(path), &self.switched(&text));
        }
        let locked = (self == Self::AsItIs).then_some("--locked");
        self.cargo(["build", "--quiet"].into_iter().chain(locked));
        let program = folder.join("accounts");
        write(&program.with_extension("log"), "");
        // The next way's build overwrites it where cargo put it.
        fs::copy(target().join("debug/accounts"), &program)
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        program
    }

    /// What it was built of.
    ///
    /// # Panics
    ///
    /// If it has not been built.
    pub fn lock(self) -> Lock {
        let path = self.folder().join("Cargo.lock");
        let text = fs::read_to_string(&path);
        Lock::new(text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn folder(self) -> PathBuf {
        target().join("switch").join(self.name())
    }

    /// A file of the service. In all ways but one it stays as it is.
    fn switched(self, text: &str) -> String {
        match self {
            Self::Library => text.replace("deadpool_postgres::", "deadpool_postgres::postgres::"),
            _ => text.to_owned(),
        }
    }

    /// Does to the manifest, and to the `Cargo.lock` that the service had before, what the guide says.
    fn prepare(self, folder: &Path) {
        let mut manifest = text_of("examples/switch/Cargo.toml");
        let mut commands = Vec::new();
        if self != Self::AsItIs {
            let step = guide::step(self.name());
            manifest = guide::applied(&manifest, &step.toml.replace(CLONE, &slashes(&root())));
            commands = step.commands;
        }
        let lock = text_of("examples/switch/Cargo.lock");
        let begun_with = format!("{manifest}\n{commands:?}\n{lock}");
        let mark = folder.join("begun-with");
        // What was done once is not done again: it asks the registry.
        if fs::read_to_string(&mark).is_ok_and(|done| done == begun_with) {
            return;
        }
        write(&folder.join("Cargo.toml"), &manifest);
        write(&folder.join("Cargo.lock"), &lock);
        write(&folder.join("src/main.rs"), "");
        for command in commands {
            let words = command.iter().map(String::as_str);
            self.cargo(words.skip_while(|word| *word == "cargo"));
        }
        write(&mark, &begun_with);
    }

    fn cargo<'a>(self, arguments: impl Iterator<Item = &'a str>) {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments).current_dir(self.folder());
        // What the ways have in common is built once, and with what this workspace has in common.
        cargo.env("CARGO_TARGET_DIR", target());
        let status = cargo.status().expect("cargo can be run");
        assert!(
            status.success(),
            "{}: {cargo:?}: {status}",
            self.folder().display()
        );
    }
}

/// The files of the service, by their paths in its folder.
fn sources() -> Vec<(String, String)> {
    let folder = root().join("examples/switch/src");
    let entries = fs::read_dir(&folder).expect("the service has sources");
    let path = |entry: fs::DirEntry| format!("src/{}", entry.file_name().to_string_lossy());
    let paths = entries.map(|entry| path(entry.expect("a file")));
    paths
        .map(|path| {
            let text = text_of(&format!("examples/switch/{path}"));
            (path, text)
        })
        .collect()
}

/// Writes what is not yet so: cargo builds again what is newer than before.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    let folder = path.parent().expect("a path in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |it| root().join(it))
}

/// A path as a TOML string takes it.
fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// Where the guide has this repository.
const CLONE: &str = "../millpond";
