//! A PgBouncer before a server, for tests of what a pooler changes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::account::Account;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log;
use crate::package;
use crate::port::{self, HOST};
use crate::process::{POLL, signal, wait_at_most};

/// A running PgBouncer that passes everybody on to one [`Database`]. It ends, with its files, when it is dropped, and also
/// when the process ends in any other way, as a private [`Server`](crate::Server) does.
///
/// Its program is that of the variable `PGBOUNCER`, of `PATH` and the usual places, else Debian's package, fetched into
/// `target/` without installing it. It runs as the account that private servers run as.
///
/// ```
/// use millpond_testdb::{PgBouncer, Server};
///
/// let server = Server::shared().unwrap_or_else(|e| panic!("{e}"));
/// let db = server.database()?;
/// let bouncer = PgBouncer::before(&db).setting("pool_mode", "transaction").start()?;
/// assert_eq!(bouncer.config().get_dbname(), Some(db.name()));
/// # Ok::<(), millpond_testdb::Error>(())
/// ```
#[derive(Debug)]
pub struct PgBouncer {
    // Dropped in this order: the process before its files.
    _process: Process,
    home: Home,
    config: Config,
    version: String,
}

/// Describes a [`PgBouncer`].
#[derive(Debug)]
#[must_use = "nothing is started before `start`"]
pub struct PgBouncerBuilder<'a> {
    database: &'a Database,
    settings: BTreeMap<String, String>,
}

impl PgBouncer {
    /// Describes one before this database: in session mode, without a bound on its clients, and with at most 20
    /// connections to the server.
    pub fn before(database: &Database) -> PgBouncerBuilder<'_> {
        let usual = [
            ("pool_mode", "session"),
            ("max_client_conn", "1000"),
            ("default_pool_size", "20"),
        ];
        let settings = usual.map(|(name, value)| (name.to_owned(), value.to_owned()));
        PgBouncerBuilder {
            database,
            settings: settings.into(),
        }
    }

    /// How to connect to its database, by TCP.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// The directory of its settings, which is in its command line as the data directory is in that of a server.
    pub fn data_dir(&self) -> PathBuf {
        self.home.data()
    }

    /// Its version, such as `1.18.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it can pass the names of statements on: from 1.21 on, and only if `max_prepared_statements` is set.
    pub fn can_know_statements(&self) -> bool {
        can_know_statements(&self.version)
    }
}

impl PgBouncerBuilder<'_> {
    /// A setting of the section `[pgbouncer]` of its file: `("default_pool_size", "2")`.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts it, and waits until it accepts.
    ///
    /// # Errors
    ///
    /// There is no program, and it cannot be fetched; the database is not reached by TCP; or it does not start, and then
    /// the end of its log is told.
    pub fn start(mut self) -> Result<PgBouncer> {
        let program = package::pgbouncer()?;
        let account = Account::find()?;
        account.reaches(program.dir()).map_err(|why| {
            Error::new(format!("{} cannot run", program.path.display())).because(why)
        })?;
        let version = version(&account, &program)?;
        if can_know_statements(&version) {
            // Some do so unasked.
            let unless_told = self.settings.entry("max_prepared_statements".to_owned());
            unless_told.or_insert_with(|| "0".to_owned());
        }
        let home = Home::create(&account)?;
        for _ in 0..TRIES {
            let port = port::free_one()?;
            self.furnish(&account, &home, port)?;
            if let Some(process) = Process::start(&account, &program, &home, port)? {
                return Ok(PgBouncer {
                    _process: process,
                    home,
                    config: self.config(port),
                    version,
                });
            }
        }
        Err(Error::new(format!(
            "{TRIES} ports that were free were taken before PgBouncer had them"
        ))
        .evidence(log::tail(&home.log(), 0)))
    }

    /// Its file, which holds the server's password: for its account alone.
    fn furnish(&self, account: &Account, home: &Home, port: u16) -> Result<()> {
        let text = self.text(port)?;
        let data = home.data();
        let cannot = |e| Error::new(format!("cannot furnish {}", data.display())).because(e);
        fs::create_dir_all(&data).map_err(cannot)?;
        let file = settings_in(&data);
        fs::write(&file, text).map_err(cannot)?;
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&file, private).map_err(cannot)?;
        account.give(&file)?;
        account.give(&data)
    }

    fn text(&self, port: u16) -> Result<String> {
        let to = self.database.config();
        let (Some(Host::Tcp(host)), Some(user)) = (to.get_hosts().first(), to.get_user()) else {
            return Err(Error::new(
                "PgBouncer is tried before a server that is reached by TCP, as a user that is named",
            ));
        };
        let mut text = format!("[databases]\n{} = host={host}", self.database.name());
        for (name, value) in [
            (
                "port",
                Some(
                    to.get_ports()
                        .first()
                        .map_or(5432, |port| *port)
                        .to_string(),
                ),
            ),
            ("user", Some(user.to_owned())),
            (
                "password",
                to.get_password()
                    .map(|p| String::from_utf8_lossy(p).into_owned()),
            ),
        ] {
            if let Some(value) = value {
                let _never_fails = write!(text, " {name}='{}'", value.replace('\'', "''"));
            }
        }
        // `any`: whoever comes is let in, and comes to the server as the user above.
        let ours = format!(
            "listen_addr = {HOST}\nlisten_port = {port}\nauth_type = any\nunix_socket_dir ="
        );
        let _never_fails = write!(text, "\n\n[pgbouncer]\n{ours}\n");
        for (name, value) in &self.settings {
            let _never_fails = writeln!(text, "{name} = {value}");
        }
        Ok(text)
    }

    fn config(&self, port: u16) -> Config {
        let mut config = Config::new();
        config.host(HOST).port(port).dbname(self.database.name());
        config.user("anybody");
        config
    }
}

/// The process. Dropped, it is stopped.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Starts it and waits until it accepts; `None` if somebody else has its port.
    fn start(
        account: &Account,
        program: &package::Program,
        home: &Home,
        port: u16,
    ) -> Result<Option<Process>> {
        let log = home.open_log()?;
        let since = log.metadata().map_or(0, |meta| meta.len());
        let cannot = |e| Error::new(format!("cannot start {}", program.path.display())).because(e);
        let mut command = program.command(account);
        command
            // The watchdog knows its own by this word of their command lines.
            .arg0(format!("pgbouncer -D{}", home.data().display()))
            .arg(settings_in(&home.data()))
            .stdout(log.try_clone().map_err(cannot)?)
            .stderr(log)
            .process_group(0);
        let mut process = Process(command.spawn().map_err(cannot)?);
        let deadline = Instant::now() + TO_START;
        loop {
            if let Ok(Some(status)) = process.0.try_wait() {
                let text = log::tail(&home.log(), since);
                return match text.contains("in use") {
                    true => Ok(None),
                    false => Err(Error::new("PgBouncer did not start")
                        .because(status.to_string())
                        .evidence(text)),
                };
            }
            // Its log tells that the one who accepts is not somebody else.
            let up = log::tail(&home.log(), since).contains("process up");
            if up && TcpStream::connect((HOST, port)).is_ok() {
                return Ok(Some(process));
            }
            if Instant::now() >= deadline {
                let waited = format!("PgBouncer was not ready after {} s", TO_START.as_secs());
                return Err(Error::new(waited).evidence(log::tail(&home.log(), since)));
            }
            std::thread::sleep(POLL);
        }
    }

    fn stop(&mut self) -> std::io::Result<()> {
        if self.0.try_wait()?.is_some() {
            return Ok(());
        }
        signal(Pid::from_child(&self.0), Signal::TERM)?;
        if wait_at_most(&mut self.0, TO_STOP)?.is_none() {
            self.0.kill()?;
            self.0.wait()?;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(e) = self.stop() {
            eprintln!("millpond-testdb: a PgBouncer could not be stopped: {e}");
        }
    }
}

/// `PgBouncer 1.18.0`, and then what it was built with.
fn version(account: &Account, program: &package::Program) -> Result<String> {
    let mut command: Command = program.command(account);
    let output = command.arg("--version").output();
    let failed = || Error::new(format!("`{} --version` failed", program.path.display()));
    let output = output.map_err(|e| failed().because(e))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = told
        .split_whitespace()
        .nth(1)
        .filter(|_| output.status.success());
    version.map(str::to_owned).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        failed().evidence(told.clone() + &said)
    })
}

fn can_know_statements(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(1), Some(21))
}

fn settings_in(data: &Path) -> PathBuf {
    data.join("pgbouncer.ini")
}

const TRIES: u32 = 5;
const TO_START: Duration = Duration::from_secs(30);
const TO_STOP: Duration = Duration::from_secs(5);
