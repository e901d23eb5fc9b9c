//! The names of channels, and sending a notification.

use super::Error;
use tokio_postgres::Client as PgClient;
use tokio_postgres::types::{ToSql, Type};

/// Sends a notification to whoever listens on `channel`: at once, or when the transaction that is open is committed.
/// One round trip, without a statement that would be kept.
///
/// The name is taken as it is: `Orders` is not `orders`, which is what `NOTIFY Orders` without quotes is sent to.
///
/// # Errors
///
/// The name is none: empty, longer than 63 bytes, or with a zero byte. Else as of
/// [`tokio_postgres::Client::query_typed`]; the server refuses a payload of 8,000 bytes and more.
///
/// # Cancel safety
///
/// If the future is dropped, nobody knows whether it was sent.
///
/// # Examples
///
/// ```no_run
/// # async fn example(pool: &millpond::postgres::Pool) -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = pool.get().await?;
/// millpond::postgres::notify(&client, "orders", "4711").await?;
///
/// let tx = client.transaction().await?;
/// millpond::postgres::notify(tx.client(), "orders", "4712").await?;
/// tx.commit().await?;
/// # Ok(())
/// # }
/// ```
pub async fn notify(on: &PgClient, channel: &str, payload: &str) -> Result<(), Error> {
    check(channel)?;
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&channel, Type::TEXT), (&payload, Type::TEXT)];
    let sent = on.query_typed("SELECT pg_notify($1, $2)", &parameters);
    sent.await?;
    Ok(())
}

/// Whether a channel can be called so.
pub(super) fn check(name: &str) -> Result<(), Error> {
    let why = match name {
        "" => "is empty",
        _ if name.len() > LONGEST => "is longer than 63 bytes",
        _ if name.contains('\0') => "has a zero byte in it",
        _ => return Ok(()),
    };
    Err(Error::channel(format!(
        "the name of a channel {why}: {name:?}"
    )))
}

/// `LISTEN` or `UNLISTEN` on each, in one message.
pub(super) fn each<'a>(verb: &str, names: impl IntoIterator<Item = &'a String>) -> String {
    let statements = names
        .into_iter()
        .map(|name| format!("{verb} {};", quoted(name)));
    statements.collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// PostgreSQL's `NAMEDATALEN`, less the byte that ends it: a longer name would be cut, and notifications to it refused.
const LONGEST: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_and_nothing_in_it_ends_the_quotes() {
        let names = [r#"a"; DROP TABLE t; --"#.to_owned(), "B".to_owned()];
        assert_eq!(
            each("LISTEN", &names),
            r#"LISTEN "a""; DROP TABLE t; --";LISTEN "B";"#
        );
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for name in ["", "a\0b", &"ä".repeat(32)] {
            let error = check(name).unwrap_err();
            assert!(
                error.to_string().starts_with("the name of a channel "),
                "{error}"
            );
        }
        assert!(check(&"a".repeat(63)).is_ok());
    }
}
