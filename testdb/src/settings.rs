//! The settings of one private server, and the files that tell them to it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// Settings by name, each once.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pairs: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn usual() -> Settings {
        let pairs = USUAL.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings {
            pairs: pairs.into(),
        }
    }

    /// Sets `name`, and checks that it is a name, that it is not ours, and that a file can tell the value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let name = name.to_ascii_lowercase();
        let wellformed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(wellformed) {
            return Err(Error::new(format!(
                "{name:?} is no name of a PostgreSQL setting"
            )));
        }
        if OURS.contains(&name.as_str()) {
            return Err(Error::new(format!(
                "the setting {name} is not free: millpond-testdb chooses it"
            )));
        }
        if value.contains(['\n', '\r', '\0']) {
            return Err(Error::new(format!(
                "the value of the setting {name} has more than one line"
            )));
        }
        self.put(&name, value);
        Ok(())
    }

    /// Sets `name`, whatever it is.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        match self.pairs.iter_mut().find(|(each, _)| each == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.pairs.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Writes them where the server in `data` reads them, after what `initdb` wrote.
    pub(crate) fn write(&self, data: &Path) -> Result<()> {
        let mut text = String::new();
        for (name, value) in &self.pairs {
            let value = value.replace('\\', "\\\\").replace('\'', "''");
            let _to_memory = writeln!(text, "{name} = '{value}'");
        }
        // The file stays the account's own, since it is rewritten in place.
        write(&data.join(FILE), &text)
    }
}

/// Demands a password of those who come by TCP, and none of those who come by the socket, as we do.
pub(crate) fn demand_password(data: &Path) -> Result<()> {
    write(&data.join("pg_hba.conf"), PASSWORD_BY_TCP)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)
        .map_err(|e| Error::new(format!("cannot write {}", path.display())).because(e))
}

/// A file that PostgreSQL reads after postgresql.conf, so its lines win.
const FILE: &str = "postgresql.auto.conf";

/// Nothing has to survive a crash of the machine; small, and many connections.
const USUAL: [(&str, &str); 7] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "200"),
    ("shared_buffers", "32MB"),
    ("max_wal_size", "512MB"),
    ("password_encryption", "scram-sha-256"),
];

/// The settings by which we find the server again.
const OURS: [&str; 7] = [
    "port",
    "listen_addresses",
    "unix_socket_directories",
    "data_directory",
    "hba_file",
    "external_pid_file",
    "logging_collector",
];

const PASSWORD_BY_TCP: &str = "\
local all         all              trust
local replication all              trust
host  all         all 127.0.0.1/32 scram-sha-256
host  replication all 127.0.0.1/32 scram-sha-256
";
