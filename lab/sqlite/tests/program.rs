//! The program as `cargo lab run --backend sqlite` starts it. No server is needed, and none is looked for.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The place for temporary folders of one program, to see what it leaves there.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Result<Self, std::io::Error> {
        let name = format!("millpond-lab-sqlite-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_millpond-lab-sqlite"));
        program.env("TMPDIR", &self.0);
        // Whoever set these must see that they change nothing.
        program.env("TEST_DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing");
        program
    }

    fn holds(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    fn until(&self, good: impl Fn(&[PathBuf]) -> bool) -> Vec<PathBuf> {
        let since = Instant::now();
        loop {
            let now = self.holds();
            if good(&now) || since.elapsed() > Duration::from_secs(30) {
                return now;
            }
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}

#[test]
fn its_cases_pass_and_the_report_says_on_what() -> Result<(), Box<dyn Error>> {
    let place = Place::new("passes")?;
    let out = place.0.join("out");
    let cases = ["saturation", "leaks"];
    let run = place
        .program()
        .args(["run", "--backend", "sqlite", "--out"])
        .arg(&out)
        .args(cases)
        .output()?;
    let (said, errors) = (
        String::from_utf8(run.stdout)?,
        String::from_utf8_lossy(&run.stderr).into_owned(),
    );
    assert!(run.status.success(), "{said}{errors}");
    assert!(
        said.starts_with("SQLite 3."),
        "the first line says so: {said}"
    );
    let report: serde_json::Value = serde_json::from_slice(&fs::read(out.join("report.json"))?)?;
    assert_eq!(report["backend"]["kind"], "SQLite");
    assert_eq!(report["backend"]["sleeps"], "in_client");
    for (number, case) in cases.iter().enumerate() {
        let run = &report["cases"][number]["runs"][0];
        assert_eq!(run["pool"], "deadpool-sqlite", "{case}");
        let checks: Vec<_> = run["checks"].as_array().into_iter().flatten().collect();
        let asked = |name: &str| checks.iter().any(|check| check["name"] == name);
        assert!(
            asked("the pool comes to rest") && !asked("pool and server agree"),
            "{case}: {checks:?}"
        );
        assert!(
            run["notes"]
                .to_string()
                .contains("no server that keeps a list"),
            "{case}"
        );
    }
    assert_eq!(place.holds(), [out], "the database is gone");
    Ok(())
}

#[test]
fn sqlite_never_stands_in_for_a_server() -> Result<(), Box<dyn Error>> {
    let place = Place::new("asked")?;
    let run = place.program().args(["run", "saturation"]).output()?;
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr)?;
    assert!(
        said.contains("no pool on PostgreSQL, only on SQLite"),
        "{said}"
    );
    Ok(())
}

/// What a database and its folder are named after.
fn databases(holds: &[PathBuf]) -> usize {
    let is_one = |folder: &&PathBuf| Path::new(folder).join("lab.db").is_file();
    holds.iter().filter(is_one).count()
}

#[test]
fn a_killed_run_leaves_no_file() -> Result<(), Box<dyn Error>> {
    let place = Place::new("killed")?;
    let out = place.0.join("out");
    let mut run = place
        .program()
        .args(["run", "--backend", "sqlite", "saturation", "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .spawn()?;
    let there = databases(&place.until(|holds| databases(holds) > 0));
    run.kill()?;
    run.wait()?;
    assert_eq!(there, 1, "it had made one");
    let left = place.until(|holds| holds.iter().all(|folder| *folder == out));
    assert!(left.iter().all(|folder| *folder == out), "{left:?}");
    Ok(())
}
