//! Why something that was tried, perhaps several times, came to nothing.

use super::chain::Chain;
use super::{AcquireError, Class, Classify, ClientWrapper};
use std::error::Error as StdError;
use std::fmt;
use tokio_postgres::Error as PgError;
use tokio_postgres::error::SqlState;

/// Why [`Pool::run`](super::Pool::run) or [`Pool::transaction`](super::Pool::transaction) came to nothing, where
/// that is no error of the closure's own.
///
/// `Display` is one line: the step, what it was on (host, port, database and user), the chain of causes with the
/// SQLSTATE, how the connection ended where that is known, and how many attempts there were. No password is part
/// of it, nor of `Debug`.
#[derive(Debug)]
pub struct RunError(Box<Inside>);

#[derive(Debug)]
struct Inside {
    failure: RunFailure,
    cause: Option<Behind>,
    ending: Option<String>,
    target: Option<String>,
    attempts: u32,
}

#[derive(Debug)]
enum Behind {
    Pool(AcquireError),
    Server(PgError),
}

/// What a [`RunError`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RunFailure {
    /// The pool had no connection to give. Nothing was done.
    NoConnection,
    /// The transaction could not begin. Nothing was done.
    Begin,
    /// A statement failed: what `?` makes of an error in the closure.
    Statement,
    /// The server refused the commit. Everything is rolled back.
    Commit,
    /// The closure said `Ok` although a statement of it had failed, and the server rolled everything back instead
    /// of committing it. See [`TransactionPlan::strict`](super::TransactionPlan::strict).
    RolledBack,
    /// `COMMIT` was sent, and no answer came. Whether it was committed, nobody knows.
    OutcomeUnknown,
    /// The deadline passed before the closure was done. A transaction is rolled back; of a run, nobody knows.
    Deadline,
}

impl RunError {
    /// What went wrong.
    pub fn failure(&self) -> RunFailure {
        self.0.failure
    }

    /// Whether nobody knows if the transaction was committed.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.failure == RunFailure::OutcomeUnknown
    }

    /// How many attempts there were; 0 where that is not known, as in the closure.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// What it was on, where that is known: `postgres host:port/dbname as user`.
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The SQLSTATE that PostgreSQL answered with.
    pub fn code(&self) -> Option<&SqlState> {
        match self.0.cause.as_ref()? {
            Behind::Server(cause) => cause.code(),
            Behind::Pool(cause) => match cause.reason() {
                crate::managed::Reason::Backend(error) => error.code(),
                _ => None,
            },
        }
    }

    /// Why the pool had no connection to give, where it had none.
    pub fn acquire_error(&self) -> Option<&AcquireError> {
        match self.0.cause.as_ref()? {
            Behind::Pool(cause) => Some(cause),
            Behind::Server(_) => None,
        }
    }

    /// What it means.
    pub fn class(&self) -> Class {
        match (self.0.failure, &self.0.cause) {
            (RunFailure::OutcomeUnknown, _) => Class::Lost,
            (RunFailure::Deadline, _) => Class::Unavailable,
            (RunFailure::RolledBack, _) | (_, None) => Class::Permanent,
            (_, Some(Behind::Pool(cause))) => cause.class(),
            (_, Some(Behind::Server(cause))) => cause.class(),
        }
    }

    /// Whether the same may succeed later, without anybody's help.
    pub fn is_transient(&self) -> bool {
        self.class().is_transient()
    }

    /// Whether the same will fail again, until somebody changes something.
    pub fn is_permanent(&self) -> bool {
        self.class().is_permanent()
    }

    /// Whether the connection on which it happened cannot be used any more.
    pub fn ends_connection(&self) -> bool {
        match &self.0.cause {
            Some(Behind::Server(cause)) => cause.ends_connection(),
            _ => self.is_outcome_unknown(),
        }
    }

    pub(super) fn no_connection(cause: AcquireError) -> Self {
        Self::new(RunFailure::NoConnection, Some(Behind::Pool(cause)))
    }

    pub(super) fn deadline() -> Self {
        Self::new(RunFailure::Deadline, None)
    }

    /// The deadline passed, or the answer was lost, after `COMMIT` had been sent.
    pub(super) fn outcome_unknown(cause: Option<PgError>) -> Self {
        Self::new(RunFailure::OutcomeUnknown, cause.map(Behind::Server))
    }

    pub(super) fn server(failure: RunFailure, cause: PgError) -> Self {
        Self::new(failure, Some(Behind::Server(cause)))
    }

    fn new(failure: RunFailure, cause: Option<Behind>) -> Self {
        Self(Box::new(Inside {
            failure,
            cause,
            ending: None,
            target: None,
            attempts: 0,
        }))
    }

    /// Adds how the connection ended, where the error itself does not say.
    pub(super) fn on(mut self, client: &ClientWrapper) -> Self {
        let silent = self.code().is_none();
        let ending = client.ending().filter(|_| silent);
        self.0.ending = ending.map(ToString::to_string);
        self
    }

    pub(super) fn after(mut self, attempts: u32, target: &str) -> Self {
        self.0.attempts = attempts;
        self.0.target = Some(target.to_owned());
        self
    }
}

/// For `?` in a closure whose error this is.
impl From<PgError> for RunError {
    fn from(cause: PgError) -> Self {
        Self::server(RunFailure::Statement, cause)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.target().unwrap_or("postgres");
        match self.0.failure {
            RunFailure::NoConnection => write!(f, "no connection to {on}")?,
            RunFailure::Begin => write!(f, "a transaction on {on} could not begin")?,
            RunFailure::Statement => write!(f, "a statement on {on} failed")?,
            RunFailure::Commit => write!(f, "a transaction on {on} was not committed")?,
            RunFailure::RolledBack => write!(
                f,
                "a transaction on {on} was rolled back instead of committed, for a statement of it had failed"
            )?,
            RunFailure::OutcomeUnknown => write!(
                f,
                "whether a transaction on {on} was committed is not known: COMMIT was sent, and no answer came"
            )?,
            RunFailure::Deadline => write!(f, "the deadline passed at work on {on}")?,
        }
        match &self.0.cause {
            Some(Behind::Pool(cause)) => write!(f, ": {cause}")?,
            Some(Behind::Server(cause)) => write!(f, ": {}", Chain(cause))?,
            None => {}
        }
        if let Some(ending) = &self.0.ending {
            write!(f, ": {ending}")?;
        }
        match self.0.attempts {
            0 | 1 => Ok(()),
            attempts => write!(f, " (after {attempts} attempts)"),
        }
    }
}

impl StdError for RunError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.0.cause.as_ref()? {
            Behind::Pool(cause) => Some(cause),
            Behind::Server(cause) => Some(cause),
        }
    }
}
