//! One database of a test's own, dropped at its end.

use std::sync::Arc;

use tokio_postgres::Config;

use crate::client::{ask, ask_value, literal};
use crate::error::Result;
use crate::leftover;
use crate::server::Running;

/// A database with a name that nobody else has. It keeps its server running, and is dropped with the value.
///
/// Dropping it first ends the connections to it. On a private server that is stopped or frozen nothing is done: the
/// server itself will go.
#[derive(Debug)]
pub struct Database {
    server: Arc<Running>,
    name: String,
}

impl Database {
    pub(crate) fn create(server: &Arc<Running>) -> Result<Database> {
        let name = leftover::fresh_name();
        let strategy = server.fastest_strategy();
        ask(
            &server.admin(),
            &[&format!(
                "CREATE DATABASE {name} TEMPLATE template0{strategy}"
            )],
        )?;
        Ok(Database {
            server: Arc::clone(server),
            name,
        })
    }

    /// Its name: lower-case letters, digits and `_`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL that leads to it, with the password if there is one.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// How to connect to it: by TCP on a private server.
    pub fn config(&self) -> Config {
        self.server.config(&self.name)
    }

    /// How to connect to it by the Unix socket of a private server; `None` on an external one.
    pub fn socket_config(&self) -> Option<Config> {
        self.server
            .private()
            .ok()
            .map(|cluster| cluster.socket_config(&self.name))
    }

    /// Runs one statement in it, on a connection of our own, and returns the first value of the first row as text.
    ///
    /// Blocks its thread, and may be called from any, one of an async runtime included.
    ///
    /// # Errors
    ///
    /// The server cannot be reached within 10 s, refuses the statement, or takes more than 30 s.
    pub fn query(&self, sql: &str) -> Result<Option<String>> {
        ask_value(&self.server.admin_of(&self.name), sql)
    }

    /// Runs one statement in it, on a connection of our own, and returns the rows as text.
    ///
    /// # Errors
    ///
    /// As [`query`](Database::query).
    pub fn query_rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        ask(&self.server.admin_of(&self.name), &[sql])
    }

    /// How many connections to it have this `application_name`, seen from outside.
    ///
    /// A connection that a client closed is counted until the server has noticed.
    ///
    /// # Errors
    ///
    /// As [`query`](Database::query).
    pub fn count_connections(&self, application_name: &str) -> Result<usize> {
        let rows = ask(
            &self.server.admin(),
            &[&format!(
                "SELECT pid FROM pg_stat_activity WHERE datname = {} AND application_name = {} AND pid <> pg_backend_pid()",
                literal(&self.name),
                literal(application_name)
            )],
        )?;
        Ok(rows.len())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(e) = self.server.drop_database(&self.name) {
            eprintln!(
                "millpond-testdb: the database {} stays behind: {e}",
                self.name
            );
        }
    }
}
