//! Runs child commands: shown before they start, their output passed on as it comes.

use crate::failure::Failure;
use crate::tally::Tally;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

/// Runs `command` to its end.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = announce(command);
    let status = command
        .status()
        .map_err(|error| Failure::io(&shown, &error))?;
    judge(&shown, status)
}

/// Runs `command` to its end, for one whose exit code says more than yes or no; none: it was killed.
pub(crate) fn run_to_code(command: &mut Command) -> Result<Option<i32>, Failure> {
    let shown = announce(command);
    let status = command
        .status()
        .map_err(|error| Failure::io(&shown, &error))?;
    Ok(status.code())
}

/// Runs `command`, which runs tests, and counts them. A run of no test is a failure: a filter that
/// matches nothing, or a cfg that empties every file, must not look like success.
pub(crate) fn run_tests(command: &mut Command, tally: &mut Tally) -> Result<(), Failure> {
    run_tests_into(command, io::stdout().lock(), tally)
}

fn run_tests_into(command: &mut Command, to: impl Write, tally: &mut Tally) -> Result<(), Failure> {
    let shown = announce(command);
    let failed = |error: io::Error| Failure::io(&shown, &error);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let heard = match child.stdout.take() {
        Some(output) => pass_on(output, to, tally),
        None => Ok(()),
    };
    let status = child.wait().map_err(failed)?;
    heard.map_err(failed)?;
    judge(&shown, status)?;
    if tally.is_empty() {
        return Err(Failure::new(format!("{shown}: no test was run")));
    }
    Ok(())
}

/// What `command` prints, for commands that are asked something.
pub(crate) fn ask(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let shown = show(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::io(&shown, &error))?;
    judge(&shown, output.status).map(|()| output.stdout)
}

/// Whether `command` can be run and succeeds; says nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Copies `from` to `to` as it comes, and reads every full line for the tally.
fn pass_on(mut from: impl Read, mut to: impl Write, tally: &mut Tally) -> io::Result<()> {
    let mut buffer = [0; 8192];
    let mut line = Vec::new();
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&buffer[..length])?;
        to.flush()?;
        line.extend_from_slice(&buffer[..length]);
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let rest = line.split_off(end + 1);
            tally.read(&String::from_utf8_lossy(&line));
            line = rest;
        }
    }
}

fn judge(shown: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        Ok(())
    } else {
        Err(Failure::child(shown, status))
    }
}

fn announce(command: &Command) -> String {
    let shown = show(command);
    println!("    {shown}");
    shown
}

/// The command as one would type it: what it adds to the environment, program, arguments. A URL may have a
/// password in it.
fn show(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| {
        let (name, value) = (name.to_string_lossy(), value?.to_string_lossy());
        let value = match name.ends_with("URL") {
            true => "…".to_owned(),
            false => quoted(&value),
        };
        Some(format!("{name}={value}"))
    });
    let program = std::path::Path::new(command.get_program())
        .file_stem()
        .map(OsStr::to_string_lossy);
    let arguments = command
        .get_args()
        .map(|argument| quoted(&argument.to_string_lossy()));
    set.chain(program.map(String::from))
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && !word.contains(|c: char| c.is_whitespace() || "\"'\\$`;&|*?\u{1f}".contains(c));
    if plain {
        word.to_owned()
    } else {
        format!("{word:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives one byte at a time, as a slow child would.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else {
                return Ok(0);
            };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn output_is_passed_on_whole_and_counted() {
        let text = "caf\u{e9}\ntest result: ok. 2 passed; 1 failed; 0 ignored\nno end of line";
        let (mut copy, mut tally) = (Vec::new(), Tally::default());
        pass_on(Slow(text.as_bytes()), &mut copy, &mut tally)
            .expect("a slice and a vector cannot fail");
        assert_eq!(copy, text.as_bytes());
        assert_eq!(
            tally,
            Tally {
                passed: 2,
                failed: 1,
                not_run: 0
            }
        );
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("cargo");
        command
            .env("RUSTFLAGS", "--cfg it")
            .env("PG__URL", "postgres://alice:sesame@host/db")
            .env_remove("GONE")
            .args(["test", "-p", "a b"]);
        assert_eq!(
            show(&command),
            "PG__URL=… RUSTFLAGS=\"--cfg it\" cargo test -p \"a b\""
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        let mut command = Command::new("no-such-program-of-millpond");
        assert!(run(&mut command).is_err());
        assert!(!works(&mut command));
    }

    #[cfg(unix)]
    mod with_a_shell {
        use super::*;

        fn tests_of(script: &str) -> (Result<(), Failure>, Tally) {
            let mut tally = Tally::default();
            // Not to stdout: who counts the tests of this program would count these as well.
            let mut sh = Command::new("sh");
            let outcome = run_tests_into(sh.args(["-c", script]), io::sink(), &mut tally);
            (outcome, tally)
        }

        #[test]
        fn a_good_run_is_counted() {
            let (outcome, tally) = tests_of("echo 'test result: ok. 3 passed; 0 failed'");
            assert!(outcome.is_ok());
            assert_eq!(tally.passed, 3);
        }

        #[test]
        fn a_run_of_no_test_is_a_failure() {
            let (outcome, _) = tests_of("echo 'test result: ok. 0 passed; 0 failed'");
            assert!(
                outcome
                    .expect_err("no test was run")
                    .to_string()
                    .ends_with("no test was run")
            );
        }

        #[test]
        fn the_exit_code_of_a_child_becomes_ours() {
            let (outcome, _) = tests_of("echo 'test result: ok. 3 passed; 0 failed'; exit 101");
            let failure = outcome.expect_err("the child failed");
            assert_eq!(
                format!("{:?}", failure.exit_code()),
                format!("{:?}", std::process::ExitCode::from(101))
            );
        }
    }
}
