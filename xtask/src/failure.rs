//! Why a command did not do what it should, and the exit code that says so.

use std::fmt;
use std::io;
use std::process::{ExitCode, ExitStatus};

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) struct Failure {
    why: String,
    code: u8,
}

impl Failure {
    /// A failure of our own: exit code 1.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            code: 1,
        }
    }

    /// `what` (a path, a program) could not be used.
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(format!("{what}: {error}"))
    }

    /// The child `what` failed: its exit code becomes ours.
    pub(crate) fn child(what: &str, status: ExitStatus) -> Self {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Self {
            why: format!("{what}: {status}"),
            code: code.unwrap_or(1),
        }
    }

    /// The same failure, told as part of something.
    pub(crate) fn within(self, whole: &str) -> Self {
        Self {
            why: format!("{whole}: {}", self.why),
            ..self
        }
    }

    /// What this process should end with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
