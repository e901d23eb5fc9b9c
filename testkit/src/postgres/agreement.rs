//! Whether a pool and its server agree on how many connections there are.

use crate::oracles::{BOUND, PAUSE, demand_at, picture};
use millpond::managed::{Manager, Object, Pool};
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

/// ACC, by the server's own list: it has as many connections of this application's name to this database as the pool
/// counts. Within 30 s, since the server learns of an end after the pool does.
///
/// It asks on a connection of its own, without TLS. `server` leads to the server itself, and not through a
/// [`Proxy`](crate::proxy::Proxy) that may be at fault. The pool is not to be used meanwhile; what it still connects or
/// closes is waited for.
///
/// # Panics
///
/// They do not agree in time, or the server cannot be asked. The message shows both: the pool's counts and holders, and
/// every connection of the server's list with its state and its last statement.
#[track_caller]
pub fn assert_server_agrees<M: Manager, W: From<Object<M>>>(
    pool: &Pool<M, W>,
    server: &Config,
    application_name: &str,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    let mut server = server.clone();
    server.application_name("millpond-testkit");
    async move {
        let asked = agreement(pool, &server, application_name, BOUND);
        let said = match tokio::time::timeout(2 * BOUND, asked).await {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => Err(format!("the server cannot be asked: {}", chain(&error))),
            Err(_) => Err("the server does not answer".to_owned()),
        };
        demand_at(caller, said);
    }
}

async fn agreement<M: Manager, W: From<Object<M>>>(
    pool: &Pool<M, W>,
    server: &Config,
    name: &str,
    bound: Duration,
) -> Result<Result<(), String>, Error> {
    let (client, connection) = server.connect(NoTls).await?;
    let asking = tokio::spawn(connection);
    let begun = Instant::now();
    let said = loop {
        let before = pool.snapshot();
        let list = List::of(&client, name).await?;
        let now = pool.snapshot();
        let stands_still = before == now && now.connecting == 0;
        if stands_still && list.0.len() == now.size {
            break Ok(());
        }
        if begun.elapsed() > bound {
            let there = list.0.len();
            break Err(format!(
                "ACC: the pool counts {} connections, the server {there}\n{}\n  the server has of `{name}`:{list}",
                now.size,
                picture(pool),
            ));
        }
        tokio::time::sleep(PAUSE).await;
    };
    drop(client);
    // Its own goodbye, so that it is no connection that a next look would find.
    let _ = asking.await;
    Ok(said)
}

/// The server's list, a row for each connection.
struct List(Vec<String>);

impl List {
    async fn of(client: &Client, name: &str) -> Result<Self, Error> {
        // What is listed is a name as the server keeps it, which is cut to 63 bytes.
        let question = format!(
            "SELECT format('pid %s, %s for %s: %s', pid, state, clock_timestamp() - state_change, left(query, 60)) \
             FROM pg_stat_activity \
             WHERE application_name = {}::name::text AND datname = current_database() \
             AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid",
            quoted(name)
        );
        let answer = client.simple_query(&question).await?;
        let rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(Self(rows.collect()))
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(" none");
        }
        self.0.iter().try_for_each(|row| write!(f, "\n    {row}"))
    }
}

/// A literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An error with its causes, which tokio-postgres does not print.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::Server;
    use millpond::Runtime;
    use millpond::postgres::{Manager, Pool};

    #[tokio::test]
    async fn who_does_not_agree_is_shown_with_both_lists() {
        let server = Server::shared().unwrap_or_else(|e| panic!("{e}"));
        let db = server.database().unwrap();
        let mut config = db.config();
        config.application_name("a stranger");
        let pool = Pool::builder(Manager::new(config, NoTls))
            .runtime(Runtime::Tokio1)
            .build()
            .unwrap();
        let client = pool.get().await.unwrap();
        client.simple_query("SELECT 'by whom'").await.unwrap();
        let said = agreement(&pool, &db.config(), "a stranger", BOUND).await;
        assert_eq!(said.unwrap(), Ok(()));

        // Taken out of the pool it is not the pool's any more, but still the server's.
        let taken = millpond::postgres::Object::take(client);
        let said = agreement(&pool, &db.config(), "a stranger", Duration::ZERO).await;
        let said = said.unwrap().unwrap_err();
        for part in [
            "the pool counts 0 connections, the server 1",
            "0/",
            "has of `a stranger`:\n    pid ",
            "SELECT 'by whom'",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        drop(taken);
    }
}
