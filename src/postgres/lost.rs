//! Statements at the server that nobody here can name any more, and how they are closed.
//!
//! A prepare that is dropped half way inside a transaction cannot go on without it (`orphans.rs` says why).
//! Nor can a query that is given as a text, which tokio-postgres prepares and runs in one go. That they are lost is
//! written down, and when the connection comes back, the server is asked for its statements, and told to close
//! those that were lost. Nobody asks on the connections that lost nothing.

use super::StatementCache;
use std::any::type_name;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client as PgClient, Error as PgError, Statement};

/// What was lost on a connection.
#[derive(Clone, Default)]
pub(super) struct Lost {
    /// Of statements whose texts are known.
    texts: Vec<Box<str>>,
    /// And others.
    others: bool,
}

impl Lost {
    pub(super) fn add(&mut self, query: Option<&str>) {
        match query {
            Some(query) if self.texts.iter().any(|text| **text == *query) => {}
            Some(query) => self.texts.push(query.into()),
            None => self.others = true,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && !self.others
    }
}

/// A statement that the server may have by now, under a name that nobody here knows yet. Dropped, it is lost.
pub(super) struct Unnamed<'a> {
    cache: &'a StatementCache,
    query: Option<&'a str>,
    unnamed: bool,
}

impl<'a> Unnamed<'a> {
    /// Of this text, where it is known.
    pub(super) fn of(cache: &'a StatementCache, query: Option<&'a str>) -> Self {
        Self {
            cache,
            query,
            unnamed: true,
        }
    }

    /// Of a query that is given as a text, and prepared for this one use; or of none, where it is a statement.
    pub(super) fn within<T: ?Sized>(cache: &'a StatementCache) -> Self {
        // Not by the rest of another one, which would be dropped here, and lost.
        Self {
            cache,
            query: None,
            unnamed: type_name::<T>() != type_name::<Statement>(),
        }
    }

    /// The prepare came to an end: the statement is known by its name, or there is none; unless it failed
    /// after that.
    pub(super) fn ended<T>(mut self, outcome: &Result<T, PgError>) {
        self.unnamed &= outcome.as_ref().err().is_some_and(fails_after_parse);
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

/// The name that tokio-postgres gave a statement, which only its `Debug` tells.
pub(super) fn name_of(statement: &Statement) -> Option<String> {
    let told = format!("{statement:?}");
    let (_, name) = told.split_once("name: \"")?;
    let (name, _) = name.split_once('"')?;
    Some(name.to_owned())
}

/// Closes at the server what was lost, and not what has one of the names that are `kept`; says whether nothing is
/// left.
///
/// A prepare that was dropped while it looked up a type may have lost one of tokio-postgres' own statements,
/// which is there twice then. Which of the two it still uses, it does not tell.
pub(super) async fn close(
    client: &PgClient,
    lost: &Lost,
    kept: &[String],
) -> Result<bool, PgError> {
    let texts: Vec<&str> = lost.texts.iter().map(|text| &**text).collect();
    let rows = client
        .query_typed(
            LEFT_BEHIND,
            &[
                (&texts, Type::TEXT_ARRAY),
                (&lost.others, Type::BOOL),
                (&kept, Type::TEXT_ARRAY),
            ],
        )
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

/// What has a name of those that tokio-postgres gives, and nobody keeps; and whether one of its own statements,
/// for types of other than PostgreSQL's own, is there twice.
const LEFT_BEHIND: &str = r"
    WITH given AS (
        SELECT name, statement,
            statement ~ '^SELECT [^;]*\sFROM pg_catalog\.pg_(type|enum|attribute)\s' AS lookup
        FROM pg_catalog.pg_prepared_statements
        WHERE NOT from_sql AND name ~ '^s[0-9]+$'
    ), judged AS (
        SELECT name, name <> ALL ($3) AND (statement = ANY ($1) OR $2 AND NOT lookup) AS lost,
            lookup AND count(*) OVER (PARTITION BY statement) > 1 AS twice
        FROM given
    )
    SELECT CASE WHEN lost THEN name END AS name, twice FROM judged WHERE lost OR twice";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::statements::BOUND;

    fn ends<T: ?Sized>(end: impl FnOnce(Unnamed<'_>)) -> bool {
        let cache = StatementCache::new(BOUND);
        end(Unnamed::within::<T>(&cache));
        cache.has_lost_any()
    }

    #[test]
    fn only_a_text_whose_query_did_not_end_is_lost() {
        let good = |unnamed: Unnamed<'_>| unnamed.ended(&Ok(()));
        assert!(!ends::<Statement>(good));
        assert!(!ends::<str>(good));
        assert!(
            !ends::<Statement>(|unnamed| drop(unnamed)),
            "its name is known"
        );
        assert!(ends::<str>(|unnamed| drop(unnamed)));
    }
}
