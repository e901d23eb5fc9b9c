//! One test binary, watched while it runs: ended at its first failing test, or when it takes too long.

use crate::failure::Failure;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// One test binary.
#[derive(Clone, Debug)]
pub(super) struct Binary {
    /// The file of the tests, `claim_return`.
    pub(super) name: String,
    path: String,
    under_loom: bool,
    /// Tests that fail without a change.
    pub(super) failing: Vec<String>,
    /// How many tests pass without one.
    pub(super) passing: usize,
    /// How long all of them take then.
    pub(super) took: Duration,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All tests passed.
    Passed,
    /// This one failed.
    Failed(String),
    /// This one did not end in time.
    Hung(String),
}

impl Binary {
    /// Runs it on unchanged code, each test by itself if one of them fails.
    pub(super) fn unchanged(path: String, under_loom: bool) -> Result<Self, Failure> {
        let mut binary = Self {
            name: name_of(&path),
            path,
            under_loom,
            failing: Vec::new(),
            passing: 0,
            took: LONGEST,
        };
        binary.passing = binary.count()?;
        loop {
            let begun = Instant::now();
            match binary.run()? {
                End::Passed => {
                    binary.took = begun.elapsed();
                    return Ok(binary);
                }
                End::Failed(test) | End::Hung(test) if binary.passing > 0 => {
                    binary.failing.push(test);
                    binary.passing -= 1;
                }
                End::Failed(test) | End::Hung(test) => {
                    let name = &binary.name;
                    let why = format!("{name}: fails unchanged, and not by a test: {test}");
                    return Err(Failure::new(why));
                }
            }
        }
    }

    /// The same tests, as they were built now: a binary's name may have got another hash.
    pub(super) fn now_at(&self, paths: &[String]) -> Self {
        let path = paths.iter().find(|path| name_of(path) == self.name);
        Self {
            path: path.unwrap_or(&self.path).clone(),
            ..self.clone()
        }
    }

    /// Runs all tests but those that fail anyway.
    pub(super) fn run(&self) -> Result<End, Failure> {
        if self.passing == 0 {
            return Ok(End::Passed);
        }
        let skipped = self.failing.iter().flat_map(|test| ["--skip", test]);
        let exact = (!self.failing.is_empty()).then_some("--exact");
        self.watch(Command::new(&self.path).args(skipped).args(exact))
    }

    /// Runs all of them, and again the one that fails: a test that fails by chance says nothing of a change.
    pub(super) fn run_twice(&self) -> Result<End, Failure> {
        for _ in 0..CHANCES {
            let end = self.run()?;
            let End::Failed(test) = &end else {
                return Ok(end);
            };
            if test == NONE || self.run_only(test)? != End::Passed {
                return Ok(end);
            }
            let name = &self.name;
            println!("    warning: {name}::{test} failed, and passed when asked again");
        }
        Ok(End::Passed)
    }

    /// Runs one test.
    pub(super) fn run_only(&self, test: &str) -> Result<End, Failure> {
        if self.failing.iter().any(|failing| failing == test) {
            return Ok(End::Passed);
        }
        self.watch(Command::new(&self.path).args([test, "--exact"]))
    }

    fn count(&self) -> Result<usize, Failure> {
        let listed = Command::new(&self.path)
            .args(["--list", "--format", "terse"])
            .output()
            .map_err(|error| Failure::io(&self.path, &error))?;
        let text = String::from_utf8_lossy(&listed.stdout);
        Ok(text.lines().filter(|line| line.ends_with(": test")).count())
    }

    fn watch(&self, command: &mut Command) -> Result<End, Failure> {
        command
            .arg("--test-threads=1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // proptest need not look for the smallest script that fails.
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
        if self.under_loom {
            command.env("LOOM_MAX_PREEMPTIONS", PREEMPTIONS);
        }
        watch(command, PATIENCE + 5 * self.took).map_err(|error| Failure::io(&self.path, &error))
    }
}

fn watch(command: &mut Command, bound: Duration) -> std::io::Result<End> {
    let deadline = Instant::now() + bound;
    let mut child = command.spawn()?;
    let heard = listen(&mut child);
    let mut log = Log::default();
    let hung = loop {
        match heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => log.text.push_str(&text),
            Err(RecvTimeoutError::Timeout) => break true,
            Err(RecvTimeoutError::Disconnected) => break false,
        }
        if log.failed().is_some() {
            break true;
        }
    };
    if hung {
        child.kill()?;
    }
    let status = child.wait()?;
    Ok(match log.failed() {
        Some(test) => End::Failed(test),
        None if hung => End::Hung(log.current()),
        None if status.success() => End::Passed,
        None => End::Failed(log.current()),
    })
}

/// What the child prints, as it comes; the end of its output is the end of the channel.
fn listen(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut output) = child.stdout.take() {
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// What libtest printed, with one test at a time: `test name ... ok`.
#[derive(Default)]
struct Log {
    text: String,
}

impl Log {
    /// The first test that failed.
    fn failed(&self) -> Option<String> {
        let done = self.text.rfind('\n').map_or("", |end| &self.text[..end]);
        let mut lines = done.lines();
        lines.find_map(|line| Some(test_of(line)?.strip_suffix(FAILED)?.to_owned()))
    }

    /// The test that was begun last.
    fn current(&self) -> String {
        let begun = self.text.lines().rev().find_map(test_of);
        let name = begun.and_then(|rest| rest.split_once(" ... "));
        name.map_or(NONE, |(name, _)| name).to_owned()
    }
}

fn test_of(line: &str) -> Option<&str> {
    line.strip_prefix("test ")
        .filter(|rest| rest.contains(" ... "))
}

/// `…/deps/claim_return-0123456789abcdef`
fn name_of(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    let stem = stem.to_string_lossy();
    stem.rsplit_once('-')
        .map_or(stem.as_ref(), |(name, _)| name)
        .to_owned()
}

/// In the place of a test's name.
const NONE: &str = "no test";
/// How often a test may fail by chance before its binary counts as passing.
const CHANCES: usize = 3;
const FAILED: &str = " ... FAILED";
/// Preemptions under loom, as in `cargo xtask test`.
const PREEMPTIONS: &str = "2";
/// What every run may take, and five times what it takes unchanged on top: a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// What an unchanged binary may take.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Log {
        Log {
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_first_failure_is_found() {
        let whole = log("running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest c ... FAILED\n");
        assert_eq!(whole.failed().as_deref(), Some("b"));
        assert_eq!(log("test a ... ok\ntest b ... FAI").failed(), None);
    }

    #[test]
    fn the_running_test_is_known() {
        assert_eq!(log("running\ntest a ... ok\ntest b ... ").current(), "b");
        assert_eq!(log("").current(), "no test");
    }

    #[test]
    fn a_binary_is_known_by_its_file() {
        assert_eq!(name_of("/t/deps/claim_return-0123abcd"), "claim_return");
        assert_eq!(name_of("C:/t/deps/close-0123abcd.exe"), "close");
    }

    #[cfg(unix)]
    mod with_a_shell {
        use super::*;

        fn end_of(script: &str, bound: Duration) -> End {
            let mut sh = Command::new("sh");
            let sh = sh.args(["-c", script]).stdout(Stdio::piped());
            watch(sh, bound).expect("there is a shell")
        }

        #[test]
        fn a_run_ends_at_its_first_failure() {
            let script = "echo 'test a ... ok'; echo 'test b ... FAILED'; exec sleep 100";
            let failed = End::Failed("b".to_owned());
            assert_eq!(end_of(script, Duration::from_secs(60)), failed);
        }

        #[test]
        fn a_run_that_does_not_end_hangs() {
            let script = "echo 'test a ... ok'; printf 'test b ... '; exec sleep 100";
            let hung = End::Hung("b".to_owned());
            assert_eq!(end_of(script, Duration::from_millis(500)), hung);
        }

        #[test]
        fn an_abort_is_a_failure_of_the_running_test() {
            let script = "printf 'test b ... '; kill -9 $$";
            let failed = End::Failed("b".to_owned());
            assert_eq!(end_of(script, Duration::from_secs(60)), failed);
        }

        #[test]
        fn a_good_run_passes() {
            let script = "echo 'test a ... ok'";
            assert_eq!(end_of(script, Duration::from_secs(60)), End::Passed);
        }
    }
}
