//! What an error means for whoever has to decide what to do next.

use super::{AcquireError, Error, HookError, PoolError, RunError};
use crate::managed::{self, Reason};
use std::error::Error as _;
use std::io;
use tokio_postgres::Error as PgError;
use tokio_postgres::error::{Severity, SqlState};

/// What an error means: whether the same may succeed later, and whether it is known that nothing was done.
///
/// By SQLSTATE; two characters stand for all of a class that no line above names. A connection that is "gone"
/// cannot be used any more, nor can one whose server said `FATAL`, whatever the code.
///
/// | SQLSTATE | what it is | class | connection |
/// | --- | --- | --- | --- |
/// | `40001` | serialization failure | `Conflict` | good |
/// | `40P01` | deadlock | `Conflict` | good |
/// | `55P03` | a lock was not to be had | `Busy` | good |
/// | `55006` | an object is in use | `Busy` | good |
/// | `53` | too many connections, out of memory, disk full | `Unavailable` | good |
/// | `57P03` | starting up, stopping, in recovery | `Unavailable` | gone |
/// | `08001` | no connection could be made | `Unavailable` | gone |
/// | `08004` | the connection was turned down | `Unavailable` | gone |
/// | `08P01` | protocol violation; PgBouncer refuses a parameter | `Permanent` | gone |
/// | `08` | the connection broke | `Lost` | gone |
/// | `57P01` | ended by an administrator | `Lost` | gone |
/// | `57P02` | another session crashed | `Lost` | gone |
/// | `57P05` | it lay idle for too long | `Lost` | gone |
/// | `40003` | nobody knows whether it was done | `Lost` | good |
/// | `57014` | cancelled: by somebody, or by `statement_timeout` | `Cancelled` | good |
/// | `25P03` | it lay idle in a transaction for too long | `Cancelled` | gone |
/// | `25P04` | the transaction took too long | `Cancelled` | gone |
/// | `57P04` | the database was dropped | `Permanent` | gone |
/// | `25P02` | an earlier statement of the transaction had failed | `Permanent` | good |
/// | `25006` | a write in a read-only transaction, or on a standby | `Permanent` | good |
/// | `28` | wrong password, unknown role | `Permanent` | good |
/// | `3D000` | unknown database | `Permanent` | good |
/// | `22`, `23`, `42` | wrong data, a constraint, wrong SQL | `Permanent` | good |
///
/// Without a SQLSTATE: a connection that is closed, an I/O error and an answer that nobody expected are `Lost`;
/// the same while connecting, a silent server and a time-out of the pool `Unavailable`; a wrong configuration, a
/// failed TLS handshake and a value that does not fit its type `Permanent`.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{Class, tokio_postgres::error::SqlState};
///
/// assert_eq!(Class::of(&SqlState::T_R_DEADLOCK_DETECTED), Class::Conflict);
/// assert!(Class::Unavailable.is_transient());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Class {
    /// The transaction lost against another one and was rolled back: from its start it may succeed, at once.
    Conflict,
    /// Somebody else holds what was wanted: nothing was done, and a little later it may succeed.
    Busy,
    /// The server is not there, is full, starts or stops: nothing was done, and later it may succeed.
    Unavailable,
    /// The connection broke. Whether what was under way was done, nobody knows; with another connection it may
    /// succeed.
    Lost,
    /// Ended on purpose, by somebody or by a time-out of the server's. Whether the same would end so again, only
    /// who set it knows.
    Cancelled,
    /// Will not succeed without anybody's help.
    Permanent,
}

impl Class {
    /// The class of a SQLSTATE.
    pub fn of(code: &SqlState) -> Self {
        match code.code() {
            "40001" | "40P01" => Self::Conflict,
            "55P03" | "55006" => Self::Busy,
            "57P03" | "08001" | "08004" => Self::Unavailable,
            "08P01" => Self::Permanent,
            "57P01" | "57P02" | "57P05" | "40003" => Self::Lost,
            "57014" | "25P03" | "25P04" => Self::Cancelled,
            other if other.starts_with("53") => Self::Unavailable,
            other if other.starts_with("08") => Self::Lost,
            _ => Self::Permanent,
        }
    }

    /// Whether the same may succeed later, without anybody's help.
    pub fn is_transient(self) -> bool {
        !matches!(self, Self::Cancelled | Self::Permanent)
    }

    /// Whether the same will fail again, until somebody changes something.
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::Permanent)
    }
}

/// Tells the [`Class`] of an error: of tokio-postgres' own, and of all of this module.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{Classify, PoolError, TimeoutType};
///
/// let error = PoolError::Timeout(TimeoutType::Wait);
/// assert!(error.is_transient());
/// assert!(PoolError::Closed.is_permanent());
/// ```
pub trait Classify {
    /// What it means.
    fn class(&self) -> Class;

    /// Whether the connection on which it happened cannot be used any more.
    fn ends_connection(&self) -> bool;

    /// [`Class::is_transient`].
    fn is_transient(&self) -> bool {
        self.class().is_transient()
    }

    /// [`Class::is_permanent`].
    fn is_permanent(&self) -> bool {
        self.class().is_permanent()
    }
}

impl Classify for PgError {
    fn class(&self) -> Class {
        if let Some(code) = self.code() {
            return Class::of(code);
        }
        if self.is_closed() || is_unexpected(self) {
            return Class::Lost;
        }
        match io_cause(self) {
            Some(error) if is_transient_io(error) => Class::Lost,
            _ => Class::Permanent,
        }
    }

    fn ends_connection(&self) -> bool {
        match self.as_db_error() {
            Some(said) => {
                let last_word = matches!(
                    said.parsed_severity(),
                    Some(Severity::Fatal | Severity::Panic)
                );
                last_word || ends_connection(said.code())
            }
            None => self.class() == Class::Lost,
        }
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        Error::class(self)
    }

    fn ends_connection(&self) -> bool {
        Error::ends_connection(self)
    }
}

impl Classify for PoolError {
    fn class(&self) -> Class {
        match self {
            Self::Timeout(_) => Class::Unavailable,
            Self::Backend(error) => error.class(),
            Self::PostCreateHook(error) => class_of_hook(error),
            Self::Closed | Self::NoRuntimeSpecified => Class::Permanent,
        }
    }

    /// No: there is no connection.
    fn ends_connection(&self) -> bool {
        false
    }
}

impl Classify for AcquireError {
    fn class(&self) -> Class {
        match self.reason() {
            Reason::Backend(error) => error.class(),
            Reason::PostCreateHook(error) => class_of_hook(error),
            Reason::Closed | Reason::NoRuntimeSpecified => Class::Permanent,
            _ => Class::Unavailable,
        }
    }

    /// No: there is no connection.
    fn ends_connection(&self) -> bool {
        false
    }
}

impl Classify for RunError {
    fn class(&self) -> Class {
        RunError::class(self)
    }

    fn ends_connection(&self) -> bool {
        RunError::ends_connection(self)
    }
}

/// What an error means that ended a connect: whatever broke, nothing had been asked yet.
pub(super) fn class_of_connect(cause: &PgError) -> Class {
    match cause.class() {
        // Whoever answers in another language is no PostgreSQL, and will not be one later.
        Class::Lost if is_unexpected(cause) => Class::Permanent,
        Class::Lost => Class::Unavailable,
        other => other,
    }
}

fn class_of_hook(error: &HookError) -> Class {
    match error {
        managed::HookError::Backend(error) => error.class(),
        _ => Class::Permanent,
    }
}

/// Those after which the server closes, whatever their severity.
fn ends_connection(code: &SqlState) -> bool {
    let code = code.code();
    let named = matches!(
        code,
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "25P04"
    );
    named || code.starts_with("08")
}

/// tokio-postgres' name for an answer that it did not expect, which it says in no other way.
fn is_unexpected(error: &PgError) -> bool {
    error.source().is_none() && error.to_string() == "unexpected message from server"
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

    /// The rows of the table above: codes, class, what becomes of the connection.
    fn table() -> Vec<(Vec<String>, String, String)> {
        let rows = include_str!("class.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("/// | `"));
        let rows = rows.map(|row| {
            let cells: Vec<_> = row.split('|').map(|cell| cell.replace('`', "")).collect();
            let cell = |at: usize| cells[at].trim().to_owned();
            let codes = cells[0].split(',').map(|code| code.trim().to_owned());
            (codes.collect(), cell(2), cell(3))
        });
        rows.collect()
    }

    #[test]
    fn the_table_is_what_the_code_does() {
        let rows = table();
        assert_eq!(rows.len(), 23, "a row was added, or cannot be read");
        for (codes, class, connection) in rows {
            for code in codes {
                // A class of SQLSTATEs is shown by one of it that has no row of its own.
                let state = SqlState::from_code(&format!("{code:0<4}9")[..5]);
                let state = if code.len() == 5 {
                    SqlState::from_code(&code)
                } else {
                    state
                };
                assert_eq!(format!("{:?}", Class::of(&state)), class, "{code}");
                let gone = if ends_connection(&state) {
                    "gone"
                } else {
                    "good"
                };
                assert_eq!(gone, connection, "{code}");
            }
        }
    }

    #[test]
    fn every_code_that_the_code_names_has_a_row() {
        let named: Vec<_> = table().into_iter().flat_map(|row| row.0).collect();
        let text = include_str!("class.rs");
        let code = &text[text.find("pub fn of(").unwrap()..text.find("mod tests").unwrap()];
        let mut quoted = code.split('"').skip(1).step_by(2);
        let stray = quoted.find(|text| text.len() <= 5 && !named.iter().any(|row| row == text));
        assert_eq!(stray, None);
    }

    #[test]
    fn no_class_is_transient_and_permanent() {
        use Class::{Busy, Cancelled, Conflict, Lost, Permanent, Unavailable};
        for class in [Conflict, Busy, Unavailable, Lost] {
            assert!(class.is_transient() && !class.is_permanent());
        }
        assert!(Permanent.is_permanent() && !Permanent.is_transient());
        assert!(!Cancelled.is_permanent() && !Cancelled.is_transient());
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
