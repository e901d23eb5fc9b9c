/// How a connection is checked before it is handed out again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum RecyclingMethod {
    /// Whether the connection has ended, as far as is known here: no round trip. The default, as in
    /// deadpool-postgres.
    ///
    /// An end that the network did not report is not seen; the first query meets it.
    #[default]
    Fast,

    /// [`Fast`](Self::Fast), and one round trip to prove that the server answers.
    Verified,

    /// [`Verified`](Self::Verified), and what the last user left behind in the session is undone:
    ///
    /// ```sql
    /// CLOSE ALL;
    /// SET SESSION AUTHORIZATION DEFAULT;
    /// RESET ALL;
    /// UNLISTEN *;
    /// SELECT pg_advisory_unlock_all();
    /// DISCARD TEMP;
    /// DISCARD SEQUENCES;
    /// ```
    ///
    /// That is `DISCARD ALL` without what would throw away prepared statements. It costs every get a round trip;
    /// [`Reset::Targeted`](super::Reset::Targeted) does the same in the background.
    Clean,

    /// [`Fast`](Self::Fast), and then this SQL, which must not fail.
    ///
    /// Where it contains `DISCARD ALL`, `DISCARD PLANS` or `DEALLOCATE`, the connection's statement cache
    /// is cleared after it, since the server has forgotten the statements.
    Custom(String),
}

impl RecyclingMethod {
    /// The SQL that is run on a connection before it is handed out again.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Fast => None,
            Self::Verified => Some(""),
            Self::Clean => Some(CLEAN),
            Self::Custom(sql) => Some(sql),
        }
    }

    /// Whether its SQL makes the server forget prepared statements.
    pub(super) fn forgets_statements(&self) -> bool {
        matches!(self, Self::Custom(sql) if forgets_statements(sql))
    }
}

/// Whether this SQL makes the server forget prepared statements.
pub(super) fn forgets_statements(sql: &str) -> bool {
    let mut words = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .any(|word| word.eq_ignore_ascii_case("deallocate") || word.eq_ignore_ascii_case("discard"))
}

/// How a [`Manager`](super::Manager) works: deadpool-postgres' type, field by field.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct ManagerConfig {
    /// How a connection is checked before it is handed out again.
    pub recycling_method: RecyclingMethod,
}

/// `DISCARD ALL`, statement by statement, but for `DEALLOCATE ALL` and `DISCARD PLANS`.
pub(super) const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";
