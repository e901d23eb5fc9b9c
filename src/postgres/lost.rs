//! Statements at the server that nobody here can name any more, and how they are closed.
//!
//! A prepare that is dropped half way inside a transaction cannot go on without it (`orphans.rs` says why).
//! Its text is written down, and when the connection comes back, the server is asked for the statements of
//! that text, and told to close them. Nobody asks on the connections that lost nothing.

use super::StatementCache;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client as PgClient, Error as PgError};

/// A statement that the server may have by now, under a name that nobody here knows yet. Dropped, it is lost.
pub(super) struct Unnamed<'a> {
    cache: &'a StatementCache,
    query: &'a str,
    unnamed: bool,
}

impl<'a> Unnamed<'a> {
    pub(super) fn of(cache: &'a StatementCache, query: &'a str) -> Self {
        Self {
            cache,
            query,
            unnamed: true,
        }
    }

    /// The prepare came to an end: the statement is known by its name, or there is none; unless it failed
    /// after that.
    pub(super) fn ended<T>(mut self, outcome: &Result<T, PgError>) {
        self.unnamed = outcome.as_ref().err().is_some_and(fails_after_parse);
    }
}

impl Drop for Unnamed<'_> {
    fn drop(&mut self) {
        if self.unnamed {
            self.cache.lose(self.query);
        }
    }
}

/// Preparing ends with looking up the types of other than PostgreSQL's own, when the statement is there.
fn fails_after_parse(error: &PgError) -> bool {
    match error.code() {
        Some(code) => [
            SqlState::QUERY_CANCELED,
            SqlState::IN_FAILED_SQL_TRANSACTION,
            SqlState::INVALID_SQL_STATEMENT_NAME,
        ]
        .contains(code),
        None => !error.is_closed(),
    }
}

/// Closes the statements of these texts at the server; says whether nothing is left.
///
/// A prepare that was dropped while it looked up a type may have lost one of tokio-postgres' own statements,
/// which is there twice then. Which of the two it still uses, it does not tell.
pub(super) async fn close(client: &PgClient, texts: &[Box<str>]) -> Result<bool, PgError> {
    let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
    let rows = client
        .query_typed(LEFT_BEHIND, &[(&texts, Type::TEXT_ARRAY)])
        .await?;
    let mut names = Vec::new();
    for row in rows {
        if row.get("twice") {
            return Ok(false);
        }
        names.extend(row.get::<_, Option<&str>>("name").map(deallocate));
    }
    if !names.is_empty() {
        client.batch_execute(&names.concat()).await?;
    }
    Ok(true)
}

fn deallocate(name: &str) -> String {
    format!("DEALLOCATE {name};")
}

/// The names that tokio-postgres gives, with a text of ours; and whether one of its own statements for
/// types of other than PostgreSQL's own is there twice.
const LEFT_BEHIND: &str = r"
    WITH prepared AS (
        SELECT name, statement, statement = ANY ($1) AS lost,
            count(*) OVER (PARTITION BY statement) > 1
            AND statement ~ '^SELECT [^;]*\sFROM pg_catalog\.pg_(type|enum|attribute)\s' AS twice
        FROM pg_catalog.pg_prepared_statements
        WHERE NOT from_sql AND name ~ '^s[0-9]+$'
    )
    SELECT CASE WHEN lost THEN name END AS name, twice FROM prepared WHERE lost OR twice";
