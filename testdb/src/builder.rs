//! How a private server is to be.

use crate::cluster::{Cluster, Password};
use crate::error::Result;
use crate::programs::Programs;
use crate::server::Server;
use crate::settings::Settings;

/// Describes a private server; made by [`Server::builder`].
#[derive(Debug)]
#[must_use = "nothing is started before `start`"]
pub struct Builder {
    settings: Vec<(String, String)>,
    password: Option<Password>,
    programs: Option<Programs>,
    files: Vec<(String, String)>,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            settings: Vec::new(),
            password: None,
            programs: None,
            files: Vec::new(),
        }
    }

    /// Sets one of PostgreSQL's settings, as a line of its `postgresql.conf` does: `setting("max_connections", "20")`.
    ///
    /// Defaults that differ from PostgreSQL's own: `fsync`, `synchronous_commit` and `full_page_writes` are off, since
    /// nothing has to survive a crash of the machine; `max_connections` is 200; `shared_buffers` is 32 MB.
    pub fn setting(mut self, name: &str, value: &str) -> Builder {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Demands this password (SCRAM-SHA-256) of everybody who comes by TCP, and gives it to the role `postgres`.
    /// Without this call nobody is asked for one.
    pub fn password_auth(mut self, password: &str) -> Builder {
        self.password = Some(Password(password.to_owned()));
        self
    }

    /// Lays a file with this name and text into the data directory, for the server's account alone to read: a
    /// certificate and its key for `ssl`, or a `pg_hba.conf` of one's own, which must let us in by the socket.
    pub fn file(mut self, name: &str, text: &str) -> Builder {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Runs these programs instead of those that [`Programs::find_or_fetch`] finds: another version, for example.
    pub fn programs(mut self, programs: Programs) -> Builder {
        self.programs = Some(programs);
        self
    }

    /// Starts the server, in about 0.1 s once this machine has a template, and waits until it answers.
    ///
    /// # Errors
    ///
    /// There is no PostgreSQL and none can be fetched; a setting is none; a file's name is not that of a file in that
    /// very directory; or the server does not start within 30 s, and
    /// then the end of its log is part of the error.
    pub fn start(self) -> Result<Server> {
        let mut settings = Settings::usual();
        for (name, value) in &self.settings {
            settings.set(name, value)?;
        }
        let programs = match self.programs {
            Some(programs) => programs,
            None => Programs::find_or_fetch()?,
        };
        let cluster = Cluster::start(programs, settings, self.password, &self.files)?;
        Server::on_cluster(cluster)
    }
}
