//! Starts the program, with a place of its own for all that it makes.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// A folder that goes with this value.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        let name = format!("millpond-lab-{:012x}", fastrand::u64(..1 << 48));
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        // The server may run as somebody else.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folders of private servers in it.
    pub(crate) fn servers(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
        all.map(|entry| entry.path())
            .filter(|path| path.file_name().unwrap() != "out")
            .filter(|path| path.is_dir())
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `lab` with these words; what it makes for itself lies in `place`, and its report in `out` there.
pub(crate) fn lab(place: &Place, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .args(words)
        .current_dir(&place.0)
        .env("TMPDIR", &place.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let theirs = [
        "TEST_DATABASE_URL",
        "DATABASE_URL",
        "ENABLE_POOL_STRESS_TESTS",
        "RUST_LOG",
    ];
    for name in theirs {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// A program that runs, in a process group of its own as in a terminal. Killed with this value.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(quiet.process_group(0).spawn().unwrap())
    }

    /// Ctrl-C: a terminal signals the whole group.
    pub(crate) fn interrupt(&self) {
        let kill = format!("kill -INT -{}", self.0.id());
        assert!(shell(&kill), "{kill}");
    }

    /// How it ends, within the bound.
    pub(crate) fn ends_within(&mut self, bound: Duration) -> ExitStatus {
        until(bound, "it ends", || self.0.try_wait().unwrap())
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a process of that number is there.
pub(crate) fn is_there(pid: &str) -> bool {
    shell(&format!("kill -0 {pid} 2>/dev/null"))
}

fn shell(line: &str) -> bool {
    Command::new("sh")
        .args(["-c", line])
        .status()
        .unwrap()
        .success()
}

/// Looks again and again until there is something.
pub(crate) fn until<T>(bound: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {bound:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The report that was written there.
pub(crate) fn report(out: &Path) -> serde_json::Value {
    let text = fs::read(out.join("report.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}
