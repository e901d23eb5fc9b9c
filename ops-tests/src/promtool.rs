//! Prometheus's own reader of rules.

use crate::fetch;
use crate::scratch::{Folder, Scratch};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// promtool, found on this machine or fetched, and a place for what it and its callers write.
#[derive(Debug)]
pub struct Promtool {
    program: PathBuf,
    scratch: Scratch,
}

impl Promtool {
    /// The one that `MILLPOND_PROMTOOL` names; else the one in the `PATH`; else one that was fetched into `keep`
    /// before; else Debian's package `prometheus` is downloaded and the program taken out of it, without
    /// installing anything (`MILLPOND_FETCH_PROMTOOL=never` forbids it).
    ///
    /// # Errors
    ///
    /// There is none, and why none could be fetched, with the way out.
    pub fn find(keep: &Path) -> Result<Self, String> {
        let told = |name: &str| env::var_os(name).filter(|word| !word.is_empty());
        fs::create_dir_all(keep).map_err(|error| format!("{}: {error}", keep.display()))?;
        let program = program(keep, told)?;
        let scratch = Scratch::new(keep)?;
        Ok(Self { program, scratch })
    }

    /// A new folder for rules; it goes when it is dropped.
    pub fn folder(&self) -> Folder {
        self.scratch.folder()
    }

    /// Whether the rules of a file can be read.
    ///
    /// # Errors
    ///
    /// What promtool says.
    pub fn check_rules(&self, file: &Path) -> Result<(), String> {
        output(self.command().args(["check", "rules"]).arg(file))
    }

    /// Whether the unit tests of a file pass.
    ///
    /// # Errors
    ///
    /// What promtool says.
    pub fn test_rules(&self, file: &Path) -> Result<(), String> {
        output(self.command().args(["test", "rules"]).arg(file))
    }

    /// What promtool has to say against a page of metrics, an objection a line; none if it has nothing.
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub fn objections(&self, page: &str) -> Result<Vec<String>, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.program.display());
        let mut child = self
            .command()
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // It reads the whole page before it says anything, so nobody waits for anybody.
        let written = match child.stdin.take() {
            Some(mut input) => input.write_all(page.as_bytes()),
            None => Ok(()),
        };
        let output = child.wait_with_output().map_err(failed)?;
        written.map_err(failed)?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<_> = said.lines().map(str::to_owned).collect();
        if lines.is_empty() && !output.status.success() {
            return Err(format!("{}: {}", self.program.display(), output.status));
        }
        Ok(lines)
    }

    /// Its unit tests write a small database each, below the temporary directory.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("TMPDIR", self.scratch.path());
        command
    }
}

/// The program, as [`Promtool::find`] says; `told` says what the environment says of a name.
fn program(keep: &Path, told: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
    if let Some(named) = told("MILLPOND_PROMTOOL") {
        return works(named.into()).map_err(|why| format!("MILLPOND_PROMTOOL: {why}"));
    }
    if let Ok(on_path) = works("promtool".into()) {
        return Ok(on_path);
    }
    let may_fetch = told("MILLPOND_FETCH_PROMTOOL").is_none_or(|word| word != "never");
    kept(keep, may_fetch).map_err(|why| {
        format!("there is no promtool, which the tests of ops/ need: {why}\n{WAY_OUT}")
    })
}

/// The one in `keep`, fetched if need be.
fn kept(keep: &Path, may_fetch: bool) -> Result<PathBuf, String> {
    let _one_at_a_time = fetch::lock(keep)?;
    if let Ok(before) = works(keep.join("promtool")) {
        return Ok(before);
    }
    if !may_fetch {
        return Err("MILLPOND_FETCH_PROMTOOL=never forbids to fetch one".to_owned());
    }
    fetch::fetch(keep, &keep.join("promtool"))?;
    works(keep.join("promtool"))
}

/// The program itself, if it can be run.
fn works(program: PathBuf) -> Result<PathBuf, String> {
    output(Command::new(&program).arg("--version")).map(|()| program)
}

/// Runs `command` to its end; what it says is the evidence of a failure.
pub(crate) fn output(command: &mut Command) -> Result<(), String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(format!("{shown}: {}\n{}", output.status, said.trim()))
}

const WAY_OUT: &str = "install it (Debian and Ubuntu: `apt-get install prometheus`; macOS: `brew install prometheus`; \
                       else from prometheus.io), or name one with MILLPOND_PROMTOOL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_named_is_taken_or_refused_but_never_passed_over() {
        let find = |named: &'static str| {
            let told = |name: &str| (name == "MILLPOND_PROMTOOL").then(|| named.into());
            program(Path::new("/nowhere"), told)
        };
        // `true` succeeds whatever it is asked.
        assert_eq!(find("true"), Ok("true".into()));
        for named in ["/nowhere/promtool", "false"] {
            let why = find(named).expect_err("it does not work");
            assert!(why.starts_with("MILLPOND_PROMTOOL: "), "{why}");
        }
    }

    #[test]
    fn without_one_and_without_leave_to_fetch_it_is_an_error() {
        let keep = env::temp_dir().join(format!("millpond-ops-tests-{}", std::process::id()));
        fs::create_dir_all(&keep).expect("a folder");
        let why = kept(&keep, false).expect_err("nothing is there");
        fs::remove_dir_all(&keep).expect("it was created");
        assert!(why.contains("MILLPOND_FETCH_PROMTOOL"), "{why}");
    }

    #[test]
    fn what_a_program_says_is_told_if_it_fails() {
        let said = output(Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]));
        let said = said.expect_err("it fails");
        assert!(said.contains("exit status: 3\none\ntwo"), "{said}");
    }
}
