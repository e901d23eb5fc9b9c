//! A real PostgreSQL for programs that are told of it by their environment.

use crate::failure::Failure;
use crate::workspace::Workspace;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A database of testdb's, there until this is dropped, or this process ends.
#[derive(Debug)]
pub(super) struct Database {
    testdb: Child,
    url: String,
}

impl Database {
    /// Has testdb find, start or fetch a server, and make a database.
    pub(super) fn new(here: &Workspace) -> Result<Self, Failure> {
        let failed = |error| Failure::io("testdb", &error);
        let mut run = here.cargo("run --quiet --package millpond-testdb --bin testdb -- run");
        run.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut testdb = run.spawn().map_err(failed)?;
        let mut url = String::new();
        if let Some(output) = testdb.stdout.take() {
            BufReader::new(output).read_line(&mut url).map_err(failed)?;
        }
        let database = Self {
            testdb,
            url: url.trim().to_owned(),
        };
        match database.name() {
            "" => Err(Failure::new("testdb has no database to give")),
            _ => Ok(database),
        }
    }

    /// Names it in the environment of a program, as deadpool-postgres' tests read it, and nothing else that
    /// begins as they do.
    pub(super) fn name_in(&self, command: &mut Command) {
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG__") {
                command.env_remove(name);
            }
        }
        command.env("PG__URL", &self.url);
        command.env("PG__DBNAME", self.name());
    }

    fn name(&self) -> &str {
        let path = self.url.split('?').next().unwrap_or_default();
        path.rsplit_once('/').map_or("", |(_, name)| name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The end of its input is what testdb waits for.
        drop(self.testdb.stdin.take());
        if let Err(error) = self.testdb.wait() {
            eprintln!("warning: testdb may be left behind: {error}");
        }
    }
}
