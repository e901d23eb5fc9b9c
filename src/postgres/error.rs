use super::chain::Chain;
use super::class::{Class, Classify, class_of_connect};
use super::credentials::CredentialError;
use super::roles::Mismatch;
use super::{Ending, PoolError};
use crate::engine::sync::Arc;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use tokio_postgres::Error as PgError;
use tokio_postgres::error::{DbError, SqlState};

/// What went wrong between this pool and PostgreSQL.
///
/// `Display` is one line: the step, what it was on the way to (host, port, database and user), and the
/// whole chain of causes with the SQLSTATE where there is one. [`source`](StdError::source) is the error
/// of tokio-postgres (or of a [`CredentialProvider`](super::CredentialProvider)), whose own `Display` hides its causes. No password is part of it, nor of `Debug`.
#[derive(Debug)]
pub struct Error {
    target: Option<Arc<str>>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    NoRuntime,
    Credentials(CredentialError),
    CredentialsLate(Duration),
    Connect(Vec<Attempt>),
    Check(PgError),
    /// A statement, and how the connection had ended, where that is known.
    Statement(PgError, Option<String>),
    ProbeAnswer,
    Url(Cow<'static, str>),
    Refused(String),
    Tls(Cow<'static, str>),
    /// What a listener cannot do.
    Channel(String),
    Other(PgError),
}

/// One host that was tried.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Its name and port.
    pub(super) at: String,
    pub(super) failure: Failure,
}

#[derive(Debug)]
pub(super) enum Failure {
    Refused(PgError),
    TimedOut(Duration),
    /// The server is there, and not what was asked for.
    Mismatch(Mismatch),
}

impl Error {
    /// The SQLSTATE that PostgreSQL answered with; of several hosts, the last one that answered with any.
    pub fn code(&self) -> Option<&SqlState> {
        self.as_db_error().map(DbError::code)
    }

    /// What PostgreSQL answered; of several hosts, the last one that answered with an error.
    pub fn as_db_error(&self) -> Option<&DbError> {
        match &self.kind {
            Kind::Connect(attempts) => attempts
                .iter()
                .rev()
                .find_map(|attempt| attempt.failure.cause()?.as_db_error()),
            _ => self.cause()?.as_db_error(),
        }
    }

    /// The error of tokio-postgres behind this one; of several hosts, the last one's that had any.
    pub fn into_cause(self) -> Option<PgError> {
        match self.kind {
            Kind::Connect(attempts) => {
                let mut failures = attempts.into_iter().rev().map(|attempt| attempt.failure);
                failures.find_map(|failure| match failure {
                    Failure::Refused(cause) => Some(cause),
                    Failure::TimedOut(_) | Failure::Mismatch(_) => None,
                })
            }
            Kind::Check(cause) | Kind::Statement(cause, _) | Kind::Other(cause) => Some(cause),
            _ => None,
        }
    }

    /// Whether it says that the connection is closed, without a reason of the server's.
    pub fn is_closed(&self) -> bool {
        self.cause().is_some_and(PgError::is_closed)
    }

    /// Whether connecting, or asking for credentials, took longer than its bound; of several hosts, at least one of
    /// them.
    pub fn is_timeout(&self) -> bool {
        match &self.kind {
            Kind::Connect(attempts) => attempts.iter().any(|attempt| attempt.failure.is_timeout()),
            Kind::CredentialsLate(_) => true,
            _ => false,
        }
    }

    /// What it means. While connecting to several hosts, that of the one that gives most hope.
    pub fn class(&self) -> Class {
        match &self.kind {
            Kind::Connect(attempts) => {
                let mut classes = attempts.iter().map(|attempt| attempt.failure.class());
                let last = attempts.last().map(|attempt| attempt.failure.class());
                let hope = classes.find(|class| class.is_transient());
                hope.or(last).unwrap_or(Class::Permanent)
            }
            Kind::Credentials(cause) if cause.is_transient() => Class::Unavailable,
            Kind::CredentialsLate(_) => Class::Unavailable,
            _ => self.cause().map_or(Class::Permanent, Classify::class),
        }
    }

    /// Whether the same may succeed a little later without anybody's help: the server is starting,
    /// stopping, full, unreachable or silent, or not of the role that is wanted, as during a failover, or its
    /// name does not resolve; of several hosts, at least one of them. A wrong password, an unknown database and a
    /// wrong configuration are not. See [`Class`].
    pub fn is_transient(&self) -> bool {
        self.class().is_transient()
    }

    /// Whether the same will fail again, until somebody changes something. See [`Class`].
    pub fn is_permanent(&self) -> bool {
        self.class().is_permanent()
    }

    /// Whether the connection on which it happened cannot be used any more.
    pub fn ends_connection(&self) -> bool {
        match &self.kind {
            Kind::Check(cause) | Kind::Statement(cause, _) | Kind::Other(cause) => {
                cause.ends_connection()
            }
            _ => false,
        }
    }

    /// What it was on the way to, where that is known: `postgres host:port/dbname as user`.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    pub(super) fn no_runtime(target: &Arc<str>) -> Self {
        Self::on_the_way(target, Kind::NoRuntime)
    }

    pub(super) fn credentials(target: &Arc<str>, cause: CredentialError) -> Self {
        Self::on_the_way(target, Kind::Credentials(cause))
    }

    pub(super) fn credentials_late(target: &Arc<str>, bound: Duration) -> Self {
        Self::on_the_way(target, Kind::CredentialsLate(bound))
    }

    pub(super) fn connect(target: &Arc<str>, attempts: Vec<Attempt>) -> Self {
        Self::on_the_way(target, Kind::Connect(attempts))
    }

    pub(super) fn check(target: &Arc<str>, cause: PgError) -> Self {
        Self::on_the_way(target, Kind::Check(cause))
    }

    pub(super) fn statement(
        target: Option<&Arc<str>>,
        cause: PgError,
        ending: Option<&Ending>,
    ) -> Self {
        // A server that said why has said all.
        let silent = cause.code().is_none();
        let ending = ending.filter(|_| silent).map(ToString::to_string);
        Self {
            target: target.cloned(),
            kind: Kind::Statement(cause, ending),
        }
    }

    pub(super) fn probe_answer(target: &Arc<str>) -> Self {
        Self::on_the_way(target, Kind::ProbeAnswer)
    }

    /// What cannot be had there, and what to do about it.
    pub(super) fn refused(target: &Arc<str>, reason: String) -> Self {
        Self::on_the_way(target, Kind::Refused(reason))
    }

    pub(super) fn url(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            target: None,
            kind: Kind::Url(reason.into()),
        }
    }

    pub(super) fn tls(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            target: None,
            kind: Kind::Tls(reason.into()),
        }
    }

    pub(super) fn channel(reason: String) -> Self {
        Self {
            target: None,
            kind: Kind::Channel(reason),
        }
    }

    fn on_the_way(target: &Arc<str>, kind: Kind) -> Self {
        Self {
            target: Some(Arc::clone(target)),
            kind,
        }
    }

    fn cause(&self) -> Option<&PgError> {
        match &self.kind {
            Kind::Connect(attempts) => {
                let mut last_first = attempts.iter().rev();
                last_first.find_map(|attempt| attempt.failure.cause())
            }
            Kind::Check(cause) | Kind::Statement(cause, _) | Kind::Other(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<PgError> for Error {
    fn from(cause: PgError) -> Self {
        Self {
            target: None,
            kind: Kind::Other(cause),
        }
    }
}

/// For functions that take a connection and use it, and say in either case why they could not.
impl From<PgError> for PoolError {
    fn from(cause: PgError) -> Self {
        Self::Backend(cause.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target().unwrap_or("postgres");
        match &self.kind {
            Kind::NoRuntime => write!(
                f,
                "connecting to {target} needs a Tokio runtime, and there is none here"
            ),
            Kind::Credentials(cause) => {
                write!(f, "connecting to {target} failed: no credentials: {cause}")
            }
            Kind::CredentialsLate(bound) => {
                let late = Failure::TimedOut(*bound);
                write!(
                    f,
                    "connecting to {target} failed: asking for credentials {late}"
                )
            }
            Kind::Connect(attempts) => match attempts.as_slice() {
                [Attempt { failure, .. }] if failure.is_timeout() => {
                    write!(f, "connecting to {target} {failure}")
                }
                [Attempt { failure, .. }] => {
                    write!(f, "connecting to {target} failed: {failure}")
                }
                several => {
                    write!(f, "connecting to {target} failed at each host")?;
                    several.iter().try_for_each(|Attempt { at, failure }| {
                        let mark = if failure.is_timeout() { "" } else { ":" };
                        write!(f, "; {at}{mark} {failure}")
                    })
                }
            },
            Kind::Check(cause) => {
                write!(
                    f,
                    "checking a connection to {target} failed: {}",
                    Chain(cause)
                )
            }
            Kind::Statement(cause, ending) => {
                write!(f, "a statement on {target} failed: {}", Chain(cause))?;
                match ending {
                    Some(ending) => write!(f, ": {ending}"),
                    None => Ok(()),
                }
            }
            Kind::ProbeAnswer => write!(f, "{target} did not answer 1 to SELECT 1"),
            Kind::Url(reason) | Kind::Tls(reason) => f.write_str(reason),
            Kind::Channel(reason) => f.write_str(reason),
            Kind::Refused(reason) => write!(f, "{target} by PgBouncer: {reason}"),
            Kind::Other(cause) => Chain(cause).fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Credentials(cause) => Some(&*cause.cause),
            _ => self.cause().map(|cause| cause as _),
        }
    }
}

impl Failure {
    fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    fn class(&self) -> Class {
        match self {
            Self::Refused(cause) => class_of_connect(cause),
            Self::TimedOut(_) | Self::Mismatch(_) => Class::Unavailable,
        }
    }

    fn cause(&self) -> Option<&PgError> {
        match self {
            Self::Refused(cause) => Some(cause),
            Self::TimedOut(_) | Self::Mismatch(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(cause) => Chain(cause).fmt(f),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::TimedOut(bound) => {
                let digits = if bound.as_millis() < 100 { 3 } else { 1 };
                write!(f, "timed out after {:.digits$} s", bound.as_secs_f64())
            }
        }
    }
}
