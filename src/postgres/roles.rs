//! The role of a server: what it says of itself, whether that is what was asked for, and how it is followed.
//!
//! From version 14 on a server reports it with each connection, and again when it changes, with the next
//! answer: that costs nothing. An older one, or one behind a PgBouncer, is asked.

use super::TargetSessionAttrs;
use crate::engine::sync::{Arc, AtomicU8, Ordering};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{Client as PgClient, Connection, Error as PgError, SimpleQueryMessage};

/// What a server is, as far as a session sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// It replays what another one writes.
    pub(super) standby: bool,
    /// The session does not write unless it says so.
    pub(super) read_only: bool,
}

/// Whether a server is what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wanted,
    /// Good enough while there is no better one.
    SecondBest,
    Wrong,
}

impl Role {
    /// What the server has reported; `None` if it does not report.
    fn reported<S, T>(connection: &Connection<S, T>) -> Option<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let is_on = |name| connection.parameter(name).map(|value| value == "on");
        Some(Self {
            standby: is_on("in_hot_standby")?,
            read_only: is_on("default_transaction_read_only")?,
        })
    }

    /// Asks the server as much as `attrs` needs.
    pub(super) async fn ask(client: &PgClient, attrs: TargetSessionAttrs) -> Result<Self, PgError> {
        let answer = client.simple_query(attrs.question()).await?;
        Ok(attrs.read(&answer))
    }
}

impl TargetSessionAttrs {
    /// Whether a server of this role is what was asked for.
    pub(super) fn judge(self, role: Role) -> Verdict {
        let Role { standby, read_only } = role;
        let wanted = match self {
            Self::Any => true,
            Self::ReadWrite => !standby && !read_only,
            Self::ReadOnly => standby || read_only,
            Self::Primary => !standby,
            Self::Standby | Self::PreferStandby => standby,
        };
        match wanted {
            true => Verdict::Wanted,
            false if self == Self::PreferStandby => Verdict::SecondBest,
            false => Verdict::Wrong,
        }
    }

    /// Whether a server is asked for that is written to.
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::ReadWrite | Self::Primary)
    }

    /// The query whose second column tells what this needs to know. The first one is 1, as a sign of life.
    pub(super) fn question(self) -> &'static str {
        match self {
            Self::Any => "SELECT 1",
            Self::ReadWrite | Self::ReadOnly => {
                "SELECT 1, pg_catalog.current_setting('transaction_read_only')"
            }
            Self::Primary | Self::Standby | Self::PreferStandby => {
                "SELECT 1, pg_catalog.pg_is_in_recovery()"
            }
        }
    }

    /// What an answer to [`question`](Self::question) tells: enough to [`judge`](Self::judge), and no more.
    pub(super) fn read(self, answer: &[SimpleQueryMessage]) -> Role {
        let said = value(answer, 1);
        let in_recovery = matches!(self, Self::Primary | Self::Standby | Self::PreferStandby);
        Role {
            standby: in_recovery && said == Some("t"),
            read_only: !in_recovery && said == Some("on"),
        }
    }
}

/// A value of the row of an answer.
pub(super) fn value(answer: &[SimpleQueryMessage], column: usize) -> Option<&str> {
    answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(column).ok().flatten(),
        _ => None,
    })
}

/// What is known of the role behind one connection, now: its driver writes, everybody reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading(Arc<AtomicU8>);

impl Reading {
    pub(super) fn role(&self) -> Option<Role> {
        // ORDERING(role read): Relaxed; a reading of its own, of which nothing else depends.
        let bits = self.0.load(Ordering::Relaxed);
        (bits & KNOWN != 0).then_some(Role {
            standby: bits & STANDBY != 0,
            read_only: bits & READ_ONLY != 0,
        })
    }

    fn write(&self, role: Role) {
        let bits = [
            (true, KNOWN),
            (role.standby, STANDBY),
            (role.read_only, READ_ONLY),
        ];
        let bits = bits.iter().filter(|(set, _)| *set).map(|(_, bit)| bit);
        // ORDERING(role written): Relaxed; see `role read`.
        self.0.store(bits.sum(), Ordering::Relaxed);
    }
}

/// The connection, driven as ever, and a reading of its server's role, which is renewed whenever it was driven.
pub(super) fn follow<S, T>(
    mut connection: Connection<S, T>,
) -> (impl Future<Output = Result<(), PgError>>, Reading)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let reading = Reading::default();
    let look = {
        let reading = reading.clone();
        move |connection: &_| {
            if let Some(role) = Role::reported(connection) {
                reading.write(role);
            }
        }
    };
    look(&connection);
    let driven = poll_fn(move |context| {
        let polled = Pin::new(&mut connection).poll(context);
        if polled.is_pending() {
            look(&connection);
        }
        polled
    });
    (driven, reading)
}

/// What is wrong with a server for who asked for `attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) attrs: TargetSessionAttrs,
    pub(super) role: Role,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = match self.role {
            Role { standby: true, .. } => "a standby",
            Role {
                read_only: true, ..
            } => "read-only",
            _ => "a primary",
        };
        write!(
            f,
            "the server is {is}, and target_session_attrs={}",
            self.attrs
        )
    }
}

const KNOWN: u8 = 1;
const STANDBY: u8 = 2;
const READ_ONLY: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use TargetSessionAttrs::*;

    #[test]
    fn each_demand_judges_each_role() {
        use Verdict::*;
        let role = |standby, read_only| Role { standby, read_only };
        // A primary, one that is read-only, a standby, one whose sessions are read-only as well.
        let roles = [
            role(false, false),
            role(false, true),
            role(true, false),
            role(true, true),
        ];
        for (attrs, verdicts) in [
            (Any, [Wanted, Wanted, Wanted, Wanted]),
            (ReadWrite, [Wanted, Wrong, Wrong, Wrong]),
            (ReadOnly, [Wrong, Wanted, Wanted, Wanted]),
            (Primary, [Wanted, Wanted, Wrong, Wrong]),
            (Standby, [Wrong, Wrong, Wanted, Wanted]),
            (PreferStandby, [SecondBest, SecondBest, Wanted, Wanted]),
        ] {
            assert_eq!(roles.map(|role| attrs.judge(role)), verdicts, "{attrs}");
        }
    }

    #[test]
    fn a_reading_tells_what_was_written() {
        let reading = Reading::default();
        assert_eq!(reading.role(), None);
        for standby in [false, true] {
            for read_only in [false, true] {
                let role = Role { standby, read_only };
                reading.write(role);
                assert_eq!(reading.role(), Some(role));
            }
        }
    }
}
