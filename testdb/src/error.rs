//! The one error of this crate: which step failed, on what, why, and the ways out.

use std::error::Error as StdError;
use std::fmt;

/// Why there is no server or no database, and what to do about it.
///
/// `Display` and `Debug` print the same text, so that `unwrap()` is as readable as a handled error: the step that
/// failed, the whole chain of causes with the SQLSTATE if PostgreSQL sent one, and the ways out, one a line.
/// No password is ever part of it.
pub struct Error {
    step: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    evidence: Option<String>,
    ways_out: Vec<String>,
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that says which step failed, without an end mark: "cannot write /tmp/x".
    pub(crate) fn new(step: impl Into<String>) -> Error {
        Error {
            step: step.into(),
            cause: None,
            evidence: None,
            ways_out: Vec::new(),
        }
    }

    /// Adds what caused it.
    pub(crate) fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.cause = Some(cause.into());
        self
    }

    /// Adds text that was found on the way, such as the last lines of a log.
    pub(crate) fn evidence(mut self, text: impl Into<String>) -> Error {
        self.evidence = Some(text.into());
        self
    }

    /// Adds one way out.
    pub(crate) fn way_out(mut self, way: impl Into<String>) -> Error {
        self.ways_out.push(way.into());
        self
    }

    /// The SQLSTATE that PostgreSQL answered with, such as `28P01`, where the cause is such an answer.
    pub fn sqlstate(&self) -> Option<&str> {
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(answer) = error.downcast_ref::<tokio_postgres::Error>() {
                return answer.code().map(|state| state.code());
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)?;
        let mut cause = self.source();
        let mut last = self.step.clone();
        while let Some(error) = cause {
            let text = error.to_string();
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            last = text;
            cause = error.source();
        }
        if let Some(state) = self.sqlstate() {
            write!(f, " (SQLSTATE {state})")?;
        }
        if let Some(evidence) = &self.evidence {
            for line in evidence.lines() {
                write!(f, "\n  | {line}")?;
            }
        }
        if !self.ways_out.is_empty() {
            f.write_str("\nWays out:")?;
        }
        for way in &self.ways_out {
            write!(f, "\n  * {way}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause: &(dyn StdError + 'static) = self.cause.as_deref()?;
        Some(cause)
    }
}
