//! The server that tests run on, whoever runs it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio_postgres::Config;

use crate::builder::Builder;
use crate::client::{ask, ask_value};
use crate::cluster::Cluster;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::external::{self, External};
use crate::log;
use crate::postmaster::Stop;

/// A running PostgreSQL server: a private one that we started, or an external one that a URL leads to.
///
/// A private server ends, with its files, when this value and all its [`Database`]s are dropped, and also when the
/// process ends in any other way: a panic, `exit`, Ctrl-C, SIGKILL.
#[derive(Debug)]
pub struct Server {
    running: Arc<Running>,
}

/// A server together with what it told when we first connected.
#[derive(Debug)]
pub(crate) struct Running {
    kind: Kind,
    version: String,
    version_num: u32,
}

#[derive(Debug)]
enum Kind {
    External(Box<External>),
    Private(Box<Cluster>),
}

impl Server {
    /// The server of this process: found by [`find`](Server::find) once, and then the same for all.
    ///
    /// # Errors
    ///
    /// As [`find`](Server::find), at each call with the same error.
    pub fn shared() -> std::result::Result<&'static Server, &'static Error> {
        static SHARED: OnceLock<Result<Server>> = OnceLock::new();
        SHARED.get_or_init(Server::find).as_ref()
    }

    /// The external server of `TEST_DATABASE_URL`, else of `DATABASE_URL`, else a new private one.
    ///
    /// # Errors
    ///
    /// A variable is set, but does not lead to a server on which we may create databases; or, none being set, as
    /// [`Builder::start`].
    pub fn find() -> Result<Server> {
        match external::told()? {
            Some((origin, url)) => Server::on_external(External::connect(origin, &url)?),
            None => Server::private(),
        }
    }

    /// The external server at `url`, checked by one connection.
    ///
    /// # Errors
    ///
    /// It is no PostgreSQL URL, nobody answers within 10 s, or its user may not create databases.
    pub fn from_url(url: &str) -> Result<Server> {
        Server::on_external(External::connect("the URL", url)?)
    }

    /// A new private server with the usual settings.
    ///
    /// # Errors
    ///
    /// As [`Builder::start`].
    pub fn private() -> Result<Server> {
        Server::builder().start()
    }

    /// Describes a private server with settings of its own.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A new, empty database with a name of its own, in about 0.05 s.
    ///
    /// # Errors
    ///
    /// The server does not answer, or refuses.
    pub fn database(&self) -> Result<Database> {
        Database::create(&self.running)
    }

    /// The URL of the database `name` on this server, with the password if there is one.
    pub fn url(&self, name: &str) -> String {
        self.running.url(name)
    }

    /// How to connect to the database `name` on this server: by TCP on a private one.
    pub fn config(&self, name: &str) -> Config {
        self.running.config(name)
    }

    /// What the server says it is, such as `15.18 (Debian 15.18-0+deb12u1)`.
    pub fn version(&self) -> &str {
        &self.running.version
    }

    /// The version as PostgreSQL's `server_version_num`: 150018 for 15.18.
    pub fn version_num(&self) -> u32 {
        self.running.version_num
    }

    /// Whether it is a private one, on which faults may be tried.
    pub fn is_private(&self) -> bool {
        self.running.private().is_ok()
    }

    /// Runs one statement on a connection of our own, and returns the first value of the first row as text.
    ///
    /// # Errors
    ///
    /// The server cannot be reached within 10 s, refuses the statement, or takes more than 30 s.
    pub fn query(&self, sql: &str) -> Result<Option<String>> {
        ask_value(&self.running.admin(), sql)
    }

    /// Runs one statement on a connection of our own, and returns the rows as text.
    ///
    /// # Errors
    ///
    /// As [`query`](Server::query).
    pub fn query_rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        ask(&self.running.admin(), &[sql])
    }

    pub(crate) fn on_cluster(cluster: Cluster) -> Result<Server> {
        Server::of(Kind::Private(Box::new(cluster)))
    }

    fn on_external(external: External) -> Result<Server> {
        Server::of(Kind::External(Box::new(external)))
    }

    fn of(kind: Kind) -> Result<Server> {
        let mut running = Running {
            kind,
            version: String::new(),
            version_num: 0,
        };
        let question =
            "SELECT current_setting('server_version'), current_setting('server_version_num')";
        let answer = ask(&running.admin(), &[question])?
            .into_iter()
            .flatten()
            .flatten();
        if let [version, number] = answer.collect::<Vec<_>>().as_slice() {
            running.version.clone_from(version);
            running.version_num = number.parse().unwrap_or_default();
        }
        Ok(Server {
            running: Arc::new(running),
        })
    }
}

/// What only a private server knows and allows. On an external one each of these fails, and says why.
impl Server {
    /// The port of 127.0.0.1 that it listens on, the same after a restart.
    ///
    /// # Errors
    ///
    /// The server is not private.
    pub fn port(&self) -> Result<u16> {
        Ok(self.running.private()?.port())
    }

    /// The directory of its Unix socket, for `host=` in a connection string.
    ///
    /// # Errors
    ///
    /// The server is not private.
    pub fn socket_dir(&self) -> Result<PathBuf> {
        Ok(self.running.private()?.socket_dir())
    }

    /// Its data directory.
    ///
    /// # Errors
    ///
    /// The server is not private.
    pub fn data_dir(&self) -> Result<PathBuf> {
        Ok(self.running.private()?.data())
    }

    /// The directory of the programs that it runs: `psql` and `pgbench` may lie there too.
    ///
    /// # Errors
    ///
    /// The server is not private.
    pub fn bin_dir(&self) -> Result<&Path> {
        Ok(self.running.private()?.programs().bin_dir())
    }

    /// The file that it logs to, which is removed with it.
    ///
    /// # Errors
    ///
    /// The server is not private.
    pub fn log_path(&self) -> Result<PathBuf> {
        Ok(self.running.private()?.log())
    }

    /// The last 30 lines of its log.
    ///
    /// # Errors
    ///
    /// The server is not private.
    pub fn log_tail(&self) -> Result<String> {
        Ok(log::tail(&self.running.private()?.log(), 0))
    }

    /// A standby of this server, in about 0.5 s: a private server of its own, which replays what this one writes and
    /// allows reading only, until it is [promoted](Server::promote). It outlives this one.
    ///
    /// # Errors
    ///
    /// The server is not private or is stopped, there is no program `pg_basebackup` beside `postgres`, or the standby
    /// does not start within 30 s.
    pub fn standby(&self) -> Result<Server> {
        Server::on_cluster(self.running.private()?.standby()?)
    }

    /// Makes a standby a primary, and waits until it is one. What was connected to it stays connected.
    ///
    /// # Errors
    ///
    /// The server is not private, is no standby, or does not become a primary within 20 s.
    pub fn promote(&self) -> Result<()> {
        self.running.private()?;
        match self.query("SELECT pg_promote(true, 20)")?.as_deref() {
            Some("t") => Ok(()),
            _ => Err(Error::new("the standby was not promoted within 20 s")),
        }
    }

    /// Stops it and waits until its processes are gone. A stopped server stays stopped without an error.
    ///
    /// # Errors
    ///
    /// The server is not private, or has not stopped after 20 s: [`Stop::Smart`] waits for its clients.
    pub fn stop(&self, how: Stop) -> Result<()> {
        self.running.private()?.stop(how)
    }

    /// Starts it again, on the same port, and waits until it is ready. A running server runs on without an error.
    ///
    /// # Errors
    ///
    /// The server is not private, does not start within 30 s, or its port has been taken for 5 s.
    pub fn start(&self) -> Result<()> {
        self.running.private()?.start_again()
    }

    /// Stops it and starts it again, on the same port.
    ///
    /// # Errors
    ///
    /// As [`stop`](Server::stop) and [`start`](Server::start).
    pub fn restart(&self, how: Stop) -> Result<()> {
        self.running.private()?.restart(how)
    }

    /// Sets one of PostgreSQL's settings, for new connections at once: by a reload, or by a fast restart if the setting
    /// needs one. A stopped server will start with it.
    ///
    /// # Errors
    ///
    /// The server is not private, or it refuses the setting, which then stays as it was.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        self.running.private()?.set(name, value)
    }

    /// Freezes it: connections stay open, new ones are taken by the kernel, and nobody answers.
    ///
    /// # Errors
    ///
    /// The server is not private, or is stopped.
    pub fn freeze(&self) -> Result<()> {
        self.running.private()?.freeze()
    }

    /// Lets all its processes go on.
    ///
    /// # Errors
    ///
    /// The server is not private, or is stopped.
    pub fn thaw(&self) -> Result<()> {
        self.running.private()?.thaw()
    }

    /// Freezes one backend, known by its `pg_backend_pid()`.
    ///
    /// # Errors
    ///
    /// The server is not private, or has no such backend.
    pub fn freeze_backend(&self, pid: i32) -> Result<()> {
        self.running.private()?.freeze_backend(pid)
    }

    /// Lets one backend go on.
    ///
    /// # Errors
    ///
    /// The server is not private, or has no such backend.
    pub fn thaw_backend(&self, pid: i32) -> Result<()> {
        self.running.private()?.thaw_backend(pid)
    }

    /// Kills one backend by SIGKILL. PostgreSQL takes that for a crash: it ends every other connection and recovers.
    ///
    /// # Errors
    ///
    /// The server is not private, or has no such backend.
    pub fn kill_backend(&self, pid: i32) -> Result<()> {
        self.running.private()?.kill_backend(pid)
    }
}

impl Running {
    pub(crate) fn private(&self) -> Result<&Cluster> {
        match &self.kind {
            Kind::Private(cluster) => Ok(cluster),
            Kind::External(_) => Err(Error::new(
                "this can be done on a private server only, and this one is external",
            )
            .way_out("use Server::private() or Server::builder() in this test")),
        }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        match &self.kind {
            Kind::Private(cluster) => cluster.url(database),
            Kind::External(external) => external.url(database),
        }
    }

    pub(crate) fn config(&self, database: &str) -> Config {
        match &self.kind {
            Kind::Private(cluster) => cluster.config(database),
            Kind::External(external) => external.config(database),
        }
    }

    /// How we come for our own questions.
    pub(crate) fn admin(&self) -> Config {
        match &self.kind {
            Kind::Private(cluster) => cluster.admin(),
            Kind::External(external) => external.admin(),
        }
    }

    /// How we come for our own questions about one database.
    pub(crate) fn admin_of(&self, database: &str) -> Config {
        match &self.kind {
            Kind::Private(cluster) => cluster.socket_config(database),
            Kind::External(external) => external.config(database),
        }
    }

    /// Copying a template's files is twice as fast as logging their pages, where there is that choice. It makes the
    /// server write a checkpoint, which we ask of our own only.
    pub(crate) fn fastest_strategy(&self) -> &'static str {
        match &self.kind {
            Kind::Private(_) if self.version_num >= 150_000 => " STRATEGY file_copy",
            _ => "",
        }
    }

    pub(crate) fn drop_database(&self, name: &str) -> Result<()> {
        if let Kind::Private(cluster) = &self.kind {
            if !cluster.answers() {
                return Ok(());
            }
            cluster.thaw_backends_of(name)?;
        }
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        let questions = match self.version_num {
            130_000.. => vec![format!("DROP DATABASE {name} WITH (FORCE)")],
            _ => vec![end, format!("DROP DATABASE {name}")],
        };
        let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
        ask(&self.admin(), &questions).map(drop)
    }
}
