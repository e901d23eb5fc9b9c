//! What a session can leave behind, and how it is undone.

use super::RecyclingMethod;
use super::recycling::{CLEAN, forgets_statements};

/// What is undone in a session when its connection comes back, in the background: neither who gives it back nor who
/// gets it waits for it.
///
/// What a session can leave behind, and what is left of it for the next user (`x`):
///
/// | left behind | `None` | `Targeted` | `DiscardAll` |
/// | --- | --- | --- | --- |
/// | an open or failed transaction, a running query, a copy | | | |
/// | `SET`: a time-out, `application_name`, `search_path` | x | | |
/// | `SET ROLE`, `SET SESSION AUTHORIZATION` | x | | |
/// | `LISTEN` | x | | |
/// | advisory locks of the session | x | | |
/// | temporary tables | x | | |
/// | cursors `WITH HOLD` | x | | |
/// | `currval` of sequences | x | | |
/// | `PREPARE` | x | x | |
/// | statements in the [cache](super::StatementCache) | x (kept on purpose) | x (kept on purpose) | |
///
/// The first row is not of this setting: it never is for the next user. A `SET` is undone to what the connection
/// began with, `options` and `application_name` of the configuration included.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{Manager, RecyclingMethod, Reset, tokio_postgres::NoTls};
///
/// let config: millpond::postgres::tokio_postgres::Config = "host=localhost user=alice".parse()?;
/// let manager = Manager::new(config.clone(), NoTls).reset(Reset::Targeted);
/// // Only what others would wait for:
/// let locks = Reset::Custom("SELECT pg_catalog.pg_advisory_unlock_all()".to_owned());
/// let manager = Manager::new(config, NoTls).reset(locks);
/// assert_eq!(Reset::from(RecyclingMethod::Clean), Reset::Targeted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum Reset {
    /// Nothing. The default, as in deadpool-postgres.
    #[default]
    None,
    /// What [`RecyclingMethod::Clean`] undoes: all but prepared statements.
    Targeted,
    /// `DISCARD ALL`. The statement cache of the connection is cleared with it.
    ///
    /// It also takes away the statements by which tokio-postgres looks up types that it does not know yet: a
    /// connection that has looked up one can then look up no other. Prefer `Targeted` where enums, domains or
    /// composite types are used.
    DiscardAll,
    /// This SQL, in one message. If it fails, the connection is closed.
    ///
    /// Where it contains `DISCARD` or `DEALLOCATE`, the statement cache of the connection is cleared with it.
    Custom(String),
}

impl Reset {
    /// The SQL that is run.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Targeted => Some(CLEAN),
            Self::DiscardAll => Some("DISCARD ALL"),
            Self::Custom(sql) => Some(sql),
        }
    }

    /// Whether the server forgets prepared statements by it.
    pub(super) fn forgets_statements(&self) -> bool {
        match self {
            Self::None | Self::Targeted => false,
            Self::DiscardAll => true,
            Self::Custom(sql) => forgets_statements(sql),
        }
    }
}

/// The same, in the background on return, as what deadpool-postgres does before a get.
impl From<RecyclingMethod> for Reset {
    fn from(method: RecyclingMethod) -> Self {
        match method {
            RecyclingMethod::Fast | RecyclingMethod::Verified => Self::None,
            RecyclingMethod::Clean => Self::Targeted,
            RecyclingMethod::Custom(sql) => Self::Custom(sql),
        }
    }
}
