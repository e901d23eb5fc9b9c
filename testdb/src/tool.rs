//! A program that is no server but that tests need, such as a browser: found on this machine, or installed.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::fetch::{self, apt, may_install, say};
use crate::places;
use crate::programs::executable;

/// Which program, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What an error calls it: `Chromium`.
    pub title: &'static str,
    /// What its program may be called, the best first.
    pub names: &'static [&'static str],
    /// Where it may lie, beside the directories of `PATH`.
    pub places: &'static [&'static str],
    /// Debian's packages of it, and of what it needs beside it.
    pub packages: &'static [&'static str],
    /// The variable that names another one.
    pub variable: &'static str,
    /// The variable that forbids to install it, by the word `never`.
    pub forbid: &'static str,
}

impl Tool {
    /// Finds it: that of the variable, else of the machine; else Debian's packages are installed, where we are root on a
    /// Debian, which is said on stderr.
    ///
    /// # Errors
    ///
    /// The variable names no program; or there is none, and it cannot be installed here: why, and the ways out.
    pub fn find_or_install(&self) -> Result<PathBuf> {
        let told = |name: &str| env::var_os(name).filter(|word| !word.is_empty());
        if let Some(named) = told(self.variable) {
            return self.named(named);
        }
        match self.of_the_machine() {
            Some(found) => Ok(found),
            None => self.install(told(self.forbid).is_none_or(|word| word != "never")),
        }
    }

    fn named(&self, named: OsString) -> Result<PathBuf> {
        let path = PathBuf::from(named);
        match executable(&path) {
            true => Ok(path),
            false => Err(Error::new(format!(
                "{} names no program: {}",
                self.variable,
                path.display()
            ))),
        }
    }

    fn of_the_machine(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let dirs: Vec<PathBuf> = env::split_paths(&path).collect();
        let by_name = self
            .names
            .iter()
            .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
        let mut all = by_name.chain(self.places.iter().map(PathBuf::from));
        all.find(|path| executable(path))
    }

    fn install(&self, may: bool) -> Result<PathBuf> {
        if !may {
            return Err(self
                .none_here()
                .evidence(format!("{}=never forbids to install it", self.forbid)));
        }
        if !may_install() {
            return Err(self.none_here().evidence(
                "it is installed for root only, and by apt-get only, on Debian and Ubuntu",
            ));
        }
        let _one_at_a_time = fetch::lock()?;
        if let Some(found) = self.of_the_machine() {
            return Ok(found);
        }
        say(&format!(
            "no {} on this machine: installing Debian's {} with apt-get (a minute or two; {}=never forbids it)",
            self.title,
            self.packages.join(" and "),
            self.forbid
        ));
        let log = places::keep(&Account::find()?)?.join("fetch.log");
        let mut words = vec!["install", "-y", "--no-install-recommends"];
        words.extend(self.packages);
        apt(&["update"], &log)
            .and_then(|()| apt(&words, &log))
            .map_err(|error| self.none_here().because(error))?;
        self.of_the_machine()
            .ok_or_else(|| self.none_here().evidence("Debian's package brought none"))
    }

    fn none_here(&self) -> Error {
        let packages = self.packages.join(" ");
        Error::new(format!("there is no {} on this machine", self.title))
            .way_out(format!("install it: apt-get install {packages}"))
            .way_out(format!("set {} to its program", self.variable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Tool = Tool {
        title: "No such program",
        names: &["millpond-has-no-such-program"],
        places: &["/nowhere/program"],
        packages: &["millpond-no-such-package"],
        variable: "MILLPOND_NO_SUCH_PROGRAM",
        forbid: "MILLPOND_FETCH_NO_SUCH_PROGRAM",
    };

    #[test]
    fn one_that_is_named_is_taken_or_refused_but_never_passed_over() {
        assert_eq!(NONE.named("/bin/sh".into()).ok(), Some("/bin/sh".into()));
        let error = NONE.named("/nowhere/it".into()).expect_err("there is none");
        let error = error.to_string();
        assert!(
            error.contains("MILLPOND_NO_SUCH_PROGRAM") && error.contains("/nowhere/it"),
            "{error}"
        );
    }

    #[test]
    fn one_of_the_machine_is_found_by_any_of_its_names() {
        let shell = Tool {
            names: &["millpond-has-no-such-program", "sh"],
            ..NONE
        };
        assert!(
            shell
                .of_the_machine()
                .is_some_and(|path| path.ends_with("sh"))
        );
        assert_eq!(NONE.of_the_machine(), None);
    }

    #[test]
    fn without_one_and_without_leave_to_install_it_is_an_error_with_the_ways_out() {
        let error = NONE.install(false).expect_err("there is none").to_string();
        for word in [
            "apt-get install millpond-no-such-package",
            "MILLPOND_NO_SUCH_PROGRAM",
            "MILLPOND_FETCH_NO_SUCH_PROGRAM=never",
        ] {
            assert!(error.contains(word), "{error}");
        }
    }
}
