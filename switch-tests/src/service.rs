//! The service as a process.

use crate::http::{self, Answer, Asked};
use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use tokio_postgres::config::{Config, Host};

/// A running service. It ends when this is dropped, and also when this process ends in any other way.
#[derive(Debug)]
pub struct Service {
    shell: Child,
    address: SocketAddr,
}

impl Service {
    /// Starts `program` on a database, configured by its environment, and waits until it listens. What it has to
    /// complain of is added to a log beside it.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn start(program: &Path, database: &Config, name: &str, settings: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", LOOK_AFTER, "sh"]).arg(program);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG__") {
                shell.env_remove(name);
            }
        }
        shell.env("LISTEN", "127.0.0.1:0");
        shell.envs(named(database));
        shell.env("PG__APPLICATION_NAME", name);
        shell.envs(settings.iter().copied());
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let log = program.with_extension("log");
        let errors = File::options().create(true).append(true).open(&log);
        shell.stderr(errors.unwrap_or_else(|error| panic!("{}: {error}", log.display())));
        // Ctrl-C reaches every process of the group that the terminal shows; not this one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut shell = shell.spawn().expect("a shell can be run");
        let mut line = String::new();
        if let Some(output) = shell.stdout.take() {
            let read = BufReader::new(output).read_line(&mut line);
            read.expect("the service can be heard");
        }
        let address = line.trim().strip_prefix("listening on ");
        let address = address.and_then(|address| address.parse().ok());
        let address = address
            .unwrap_or_else(|| panic!("it does not listen: see the end of {}", log.display()));
        Self { shell, address }
    }

    /// Asks it, and waits for the answer.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn ask(&self, asked: &Asked) -> Answer {
        http::ask(self.address, asked).unwrap_or_else(|error| panic!("{asked}: {error}"))
    }

    /// Asks it, and goes away when `now` returns, without having heard the answer.
    ///
    /// # Panics
    ///
    /// If it cannot be asked.
    pub fn ask_and_go(&self, asked: &Asked, now: impl FnOnce()) {
        let connection = http::send(self.address, asked);
        let connection = connection.unwrap_or_else(|error| panic!("{asked}: {error}"));
        now();
        drop(connection);
    }

    /// Tells it to end, by SIGTERM, and waits until it has.
    ///
    /// # Panics
    ///
    /// If it does not end well.
    pub fn end(mut self) {
        let status = self.wait();
        assert!(status.success(), "the service ended with {status}");
    }

    fn wait(&mut self) -> ExitStatus {
        drop(self.shell.stdin.take());
        self.shell.wait().expect("a child can be waited for")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.wait();
    }
}

/// A database as deadpool-postgres reads it from the environment.
fn named(database: &Config) -> Vec<(&'static str, String)> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let host = database.get_hosts().first().map(|host| match host {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    });
    let password = database.get_password();
    let password = password.map(|password| String::from_utf8_lossy(password).into_owned());
    let fields = [
        ("PG__HOST", host),
        (
            "PG__PORT",
            database.get_ports().first().map(ToString::to_string),
        ),
        ("PG__USER", text(database.get_user())),
        ("PG__PASSWORD", password),
        ("PG__DBNAME", text(database.get_dbname())),
    ];
    let given = |(name, value): (&'static str, Option<String>)| value.map(|value| (name, value));
    fields.into_iter().filter_map(given).collect()
}

/// When its input ends, so does the program; then it says how that ended.
const LOOK_AFTER: &str = r#""$1" < /dev/null & service=$!
exec > /dev/null; cat; kill "$service" 2> /dev/null; wait "$service""#;
