//! Our own questions to a server: one connection for each, on a thread with a runtime of its own, so that it may be
//! asked for from anywhere, an async runtime included.

use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::error::{Error, Result};

/// The rows of an answer, as text.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// Asks one question after the other, each of them one statement, and returns the rows of the last.
pub(crate) fn ask(config: &Config, questions: &[&str]) -> Result<Rows> {
    let asked = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|e| Error::new("cannot start a runtime").because(e))?;
        runtime.block_on(connect_and_ask(config, questions))
    };
    std::thread::scope(|scope| match scope.spawn(asked).join() {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Like [`ask`], for an answer of one value.
pub(crate) fn ask_value(config: &Config, question: &str) -> Result<Option<String>> {
    let rows = ask(config, &[question])?;
    Ok(rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next())
        .flatten())
}

async fn connect_and_ask(config: &Config, questions: &[&str]) -> Result<Rows> {
    let mut config = config.clone();
    config.application_name(OUR_NAME);
    let failed = || Error::new(format!("cannot connect to {}", whereabouts(&config)));
    let (client, connection) = match tokio::time::timeout(TO_CONNECT, config.connect(NoTls)).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(e)) => return Err(failed().because(e)),
        Err(_) => {
            return Err(failed().because(format!("no answer within {} s", TO_CONNECT.as_secs())));
        }
    };
    let driver = tokio::spawn(connection);
    let mut rows = Rows::new();
    for question in questions {
        rows = ask_one(&client, question).await?;
    }
    drop(client);
    // Its end tells that the server knows of ours, so that a database is no longer in use by us.
    let _answered_already = driver.await;
    Ok(rows)
}

async fn ask_one(client: &Client, question: &str) -> Result<Rows> {
    let failed = || Error::new(format!("`{}` failed", shown(question)));
    let messages = match tokio::time::timeout(TO_ANSWER, client.simple_query(question)).await {
        Ok(Ok(messages)) => messages,
        Ok(Err(e)) => return Err(failed().because(e)),
        Err(_) => {
            return Err(failed().because(format!("no answer within {} s", TO_ANSWER.as_secs())));
        }
    };
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    };
    Ok(messages
        .into_iter()
        .filter_map(row)
        .map(|row| {
            (0..row.len())
                .map(|i| row.get(i).map(str::to_owned))
                .collect()
        })
        .collect())
}

/// A question as errors show it: without the password that one may hold.
fn shown(question: &str) -> &str {
    match question.to_ascii_lowercase().find(" password ") {
        Some(at) => &question[..at],
        None => question,
    }
}

/// Where `config` leads, without its password.
pub(crate) fn whereabouts(config: &Config) -> String {
    use tokio_postgres::config::Host;
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(i, host)| {
            let port = ports.get(i).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(dir) => format!("{}/.s.PGSQL.{port}", dir.display()),
            }
        })
        .collect();
    let user = config.get_user().unwrap_or("(none told)");
    let database = config.get_dbname().unwrap_or("(none told)");
    format!(
        "{}, database {database:?}, as user {user:?}",
        hosts.join(",")
    )
}

/// `text` as a string in SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The `application_name` of our own connections.
const OUR_NAME: &str = "millpond-testdb";
const TO_CONNECT: Duration = Duration::from_secs(10);
const TO_ANSWER: Duration = Duration::from_secs(30);
