//! Prometheus's own reader of rules: found on this machine, or fetched.

use rustix::fs::{FlockOperation, flock};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// promtool.
#[derive(Clone, Debug)]
pub struct Promtool {
    program: PathBuf,
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
        Self::find_by(keep, |name| {
            env::var_os(name).filter(|word| !word.is_empty())
        })
    }

    /// `told` says what the environment says of a name.
    fn find_by(keep: &Path, told: impl Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        if let Some(program) = told("MILLPOND_PROMTOOL") {
            let named = Self {
                program: program.into(),
            };
            let works = named.works();
            return works
                .map(|()| named)
                .map_err(|why| format!("MILLPOND_PROMTOOL: {why}"));
        }
        let on_path = Self {
            program: "promtool".into(),
        };
        if on_path.works().is_ok() {
            return Ok(on_path);
        }
        let may_fetch = told("MILLPOND_FETCH_PROMTOOL").is_none_or(|word| word != "never");
        Self::kept(keep, may_fetch).map_err(|why| {
            format!("there is no promtool, which the tests of ops/ need: {why}\n{WAY_OUT}")
        })
    }

    /// Whether the rules of a file can be read.
    ///
    /// # Errors
    ///
    /// What promtool says.
    pub fn check_rules(&self, file: &Path) -> Result<(), String> {
        self.run("check", file)
    }

    /// Whether the unit tests of a file pass.
    ///
    /// # Errors
    ///
    /// What promtool says.
    pub fn test_rules(&self, file: &Path) -> Result<(), String> {
        self.run("test", file)
    }

    /// What promtool has to say against a page of metrics, an objection a line; none if it has nothing.
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub fn objections(&self, page: &str) -> Result<Vec<String>, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.program.display());
        let mut child = Command::new(&self.program)
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

    fn run(&self, what: &str, file: &Path) -> Result<(), String> {
        output(Command::new(&self.program).args([what, "rules"]).arg(file))
    }

    fn works(&self) -> Result<(), String> {
        output(Command::new(&self.program).arg("--version"))
    }

    /// The one in `keep`, fetched if need be; by one process at a time.
    fn kept(keep: &Path, may_fetch: bool) -> Result<Self, String> {
        let failed = |error: io::Error| format!("{}: {error}", keep.display());
        fs::create_dir_all(keep).map_err(failed)?;
        let lock = File::create(keep.join("fetch.lock")).map_err(failed)?;
        rustix::io::retry_on_intr(|| flock(&lock, FlockOperation::LockExclusive))
            .map_err(|error| failed(error.into()))?;
        let kept = Self {
            program: keep.join("promtool"),
        };
        if kept.works().is_ok() {
            return Ok(kept);
        }
        if !may_fetch {
            return Err("MILLPOND_FETCH_PROMTOOL=never forbids to fetch one".to_owned());
        }
        fetch(keep, &kept.program)?;
        kept.works().map(|()| kept)
    }
}

/// Downloads the package and moves promtool out of it to `to`; what a kill leaves is removed by the next one.
fn fetch(keep: &Path, to: &Path) -> Result<(), String> {
    say(
        "no promtool on this machine: downloading Debian's package `prometheus` with apt-get (19 MB)",
    );
    let half = keep.join("half");
    let failed = |error: io::Error| format!("{}: {error}", half.display());
    if half.exists() {
        fs::remove_dir_all(&half).map_err(failed)?;
    }
    fs::create_dir_all(&half).map_err(failed)?;
    download(&half)?;
    let package = package_in(&half)
        .map_err(failed)?
        .ok_or("apt-get left no package")?;
    output(
        Command::new("dpkg")
            .arg("-x")
            .arg(package)
            .arg(half.join("unpacked")),
    )?;
    fs::rename(half.join("unpacked/usr/bin/promtool"), to).map_err(failed)?;
    fs::remove_dir_all(&half).map_err(failed)
}

/// With the lists of packages that the machine has; else with fresh ones of our own, which needs no root.
fn download(half: &Path) -> Result<(), String> {
    let apt = |words: &[&str], options: &[String]| {
        let mut command = Command::new("apt-get");
        command.args([
            "-q",
            "-o",
            "Acquire::Retries=2",
            "-o",
            "Acquire::http::Timeout=30",
        ]);
        command.args(options).args(words).current_dir(half);
        output(&mut command)
    };
    let Err(why) = apt(&["download", "prometheus"], &[]) else {
        return Ok(());
    };
    let lists = half.join("lists");
    fs::create_dir_all(lists.join("partial"))
        .map_err(|error| format!("{}: {error}", lists.display()))?;
    let own = [
        format!("-oDir::State::Lists={}", lists.display()),
        format!("-oDir::Cache={}", half.join("cache").display()),
    ];
    apt(&["update"], &own)
        .and_then(|()| apt(&["download", "prometheus"], &own))
        .map_err(|again| format!("{why}\n{again}"))
}

fn package_in(dir: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("deb")) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Runs `command` to its end; what it says is the evidence of a failure.
fn output(command: &mut Command) -> Result<(), String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(format!("{shown}: {}\n{}", output.status, said.trim()))
}

/// Tells the user, past the test harness, which would keep it to itself.
fn say(what: &str) {
    let _nobody_listens = writeln!(io::stderr(), "millpond-ops-tests: {what}");
}

const WAY_OUT: &str = "install it (Debian and Ubuntu: `apt-get install prometheus`; macOS: `brew install prometheus`; else from \
                       prometheus.io), or name one with MILLPOND_PROMTOOL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_named_is_taken_or_refused_but_never_passed_over() {
        let find = |program: &'static str| {
            let told = |name: &str| (name == "MILLPOND_PROMTOOL").then(|| program.into());
            Promtool::find_by(Path::new("/nowhere"), told)
        };
        // `true` succeeds whatever it is asked.
        assert_eq!(find("true").expect("it works").program, Path::new("true"));
        for program in ["/nowhere/promtool", "false"] {
            let why = find(program).expect_err("it does not work");
            assert!(why.starts_with("MILLPOND_PROMTOOL: "), "{why}");
        }
    }

    #[test]
    fn without_one_and_without_leave_to_fetch_it_is_an_error() {
        let keep = env::temp_dir().join(format!("millpond-ops-tests-{}", std::process::id()));
        let why = Promtool::kept(&keep, false).expect_err("nothing is there");
        fs::remove_dir_all(&keep).expect("it was created");
        assert!(why.contains("MILLPOND_FETCH_PROMTOOL"), "{why}");
    }

    #[test]
    fn a_file_that_is_no_file_of_rules_is_told_apart() {
        let by = |program: &str| Promtool {
            program: program.into(),
        };
        assert!(by("true").check_rules(Path::new("x")).is_ok());
        assert!(by("false").test_rules(Path::new("x")).is_err());
    }
}
