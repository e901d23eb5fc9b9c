use super::PoolError;
use super::chain::Chain;
use super::credentials::CredentialError;
use super::roles::Mismatch;
use crate::engine::sync::Arc;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
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
    ProbeAnswer,
    Url(Cow<'static, str>),
    Refused(String),
    Tls(Cow<'static, str>),
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
            Kind::Check(cause) | Kind::Other(cause) => Some(cause),
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

    /// Whether the same may succeed a little later without anybody's help: the server is starting,
    /// stopping, full, unreachable or silent, or not of the role that is wanted, as during a failover, or its
    /// name does not resolve; of several hosts, at least one of them. A wrong password, an unknown database and a wrong configuration are not.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            Kind::Connect(attempts) => attempts.iter().any(|attempt| match &attempt.failure {
                Failure::TimedOut(_) | Failure::Mismatch(_) => true,
                Failure::Refused(cause) => is_transient(cause),
            }),
            Kind::Credentials(cause) => cause.is_transient(),
            Kind::CredentialsLate(_) => true,
            _ => self.cause().is_some_and(is_transient),
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
            Kind::Check(cause) | Kind::Other(cause) => Some(cause),
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
            Kind::ProbeAnswer => write!(f, "{target} did not answer 1 to SELECT 1"),
            Kind::Url(reason) | Kind::Tls(reason) => f.write_str(reason),
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

fn is_transient(cause: &PgError) -> bool {
    if let Some(code) = cause.code() {
        return is_transient_state(code);
    }
    cause.is_closed() || io_cause(cause).is_some_and(is_transient_io)
}

/// Class 53 is a server that is full; 57P a server that stops, has crashed or starts. 08P01, a protocol
/// violation, stays one.
fn is_transient_state(code: &SqlState) -> bool {
    let full_or_gone = matches!(code.code().get(..2), Some("53" | "08"));
    let stopping = matches!(code.code(), "57P01" | "57P02" | "57P03");
    (full_or_gone && *code != SqlState::PROTOCOL_VIOLATION) || stopping
}

/// A name that does not resolve has no kind of its own. Permission denied, where the system did not say so,
/// is how tokio-postgres says, for a way to connect of one's own, that the server is of the wrong role.
fn is_transient_io(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::InvalidInput | Kind::InvalidData | Kind::Unsupported => false,
        Kind::PermissionDenied => error.raw_os_error().is_none(),
        _ => true,
    }
}

fn io_cause(cause: &PgError) -> Option<&io::Error> {
    cause.source()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_full_stops_or_starts_is_transient() {
        for code in [
            "53300", "53200", "57P01", "57P02", "57P03", "08006", "08001",
        ] {
            assert!(is_transient_state(&SqlState::from_code(code)), "{code}");
        }
        for code in [
            "28P01", "28000", "3D000", "08P01", "57014", "42601", "25P02",
        ] {
            assert!(!is_transient_state(&SqlState::from_code(code)), "{code}");
        }
    }

    #[test]
    fn a_socket_that_may_not_be_opened_is_not_transient() {
        let refused = io::Error::from_raw_os_error(13);
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(!is_transient_io(&refused));
        let role = io::Error::new(io::ErrorKind::PermissionDenied, "of the wrong role");
        assert!(is_transient_io(&role));
        assert!(is_transient_io(&io::ErrorKind::ConnectionReset.into()));
        assert!(!is_transient_io(&io::ErrorKind::InvalidInput.into()));
    }
}
