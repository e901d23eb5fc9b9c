//! Which errors say that a prepared statement no longer fits the database, and may fit again once it is
//! prepared anew.
//!
//! | error | what has happened |
//! |---|---|
//! | 0A000 from `RevalidateCachedQuery` | its result has other columns or types: `ALTER TABLE`, `DROP TYPE` |
//! | 26000 | it is gone: `DEALLOCATE ALL`, `DISCARD ALL`, another server behind a PgBouncer |
//! | XX000 "cache lookup failed for …" | a type of its own is gone, and another one has its name |
//! | 42883, 42804, WrongType | perhaps: a column or a type has changed |
//! | 22P02 | perhaps, where types of other than PostgreSQL's own are used: a value of an enum has another name |
//!
//! 0A000 alone is too broad: it is also the code of what PostgreSQL cannot do. "Perhaps" is settled by
//! preparing anew and comparing the types.

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{Type, WrongType};
use tokio_postgres::{Error as PgError, Statement};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stale {
    /// It does not fit.
    Surely,
    /// It does not, if it has other types when it is prepared anew.
    Perhaps,
}

impl Stale {
    /// What an error says about the statement that it came from.
    pub(super) fn judge(error: &PgError, statement: &Statement) -> Option<Self> {
        match error.as_db_error() {
            Some(answer) => Self::by_code(answer, || uses_own_types(statement)),
            // Nothing was sent: a parameter's type is not the statement's.
            None => is_wrong_type(error).then_some(Self::Perhaps),
        }
    }

    /// Whether an error says so of whatever statement it came from.
    pub(super) fn is_told_by(error: &PgError) -> bool {
        let answer = error.as_db_error();
        answer.and_then(|answer| Self::by_code(answer, || false)) == Some(Self::Surely)
    }

    fn by_code(answer: &DbError, own_types: impl Fn() -> bool) -> Option<Self> {
        match answer.code().code() {
            "0A000" => (answer.routine() == Some("RevalidateCachedQuery")).then_some(Self::Surely),
            "26000" => Some(Self::Surely),
            // Messages of this class are not translated.
            "XX000" => answer
                .message()
                .starts_with("cache lookup failed for ")
                .then_some(Self::Surely),
            "42883" | "42804" => Some(Self::Perhaps),
            "22P02" => own_types().then_some(Self::Perhaps),
            _ => None,
        }
    }

    /// Whether it is worth trying again with `anew` what failed with `before`.
    pub(super) fn is_settled(self, before: &Statement, anew: &Statement) -> bool {
        self == Self::Surely || !types(before).eq(types(anew))
    }
}

fn is_wrong_type(error: &PgError) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<WrongType>())
}

fn uses_own_types(statement: &Statement) -> bool {
    types(statement).any(|each| Type::from_oid(each.oid()).is_none())
}

/// The types of its parameters, and then of its columns.
fn types(statement: &Statement) -> impl Iterator<Item = &Type> {
    let columns = statement.columns().iter().map(|column| column.type_());
    statement.params().iter().chain(columns)
}

/// Where the session was in a transaction, the first error ended it, and the second only says so.
pub(super) fn sooner_if_in_failed_transaction(first: PgError, second: PgError) -> PgError {
    match second.code() {
        Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => first,
        _ => second,
    }
}
