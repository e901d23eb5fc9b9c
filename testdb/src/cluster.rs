//! A private server: its files, its processes, and what may be done to them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_postgres::Config;

use crate::account::Account;
use crate::client::{ask, ask_value, literal};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::port::{self, HOST};
use crate::postmaster::{Failure, Postmaster, Stop};
use crate::process::{POLL, pid_from, signal};
use crate::programs::Programs;
use crate::settings::{self, Settings};
use crate::standby;
use crate::template;

/// The fields are dropped in this order: the processes before the files.
#[derive(Debug)]
pub(crate) struct Cluster {
    state: Mutex<State>,
    home: Home,
    programs: Programs,
    account: Account,
    port: u16,
    password: Option<Password>,
}

#[derive(Debug)]
struct State {
    postmaster: Option<Postmaster>,
    settings: Settings,
    frozen: bool,
    frozen_backends: BTreeSet<i32>,
}

/// A password, which is not printed.
#[derive(Clone)]
pub(crate) struct Password(pub(crate) String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(password)")
    }
}

impl Cluster {
    pub(crate) fn start(
        programs: Programs,
        settings: Settings,
        password: Option<Password>,
        files: &[(String, String)],
    ) -> Result<Cluster> {
        let account = Account::find()?;
        let bin = programs.bin_dir();
        account.reaches(bin).map_err(|why| {
            Error::new(format!("the programs in {} cannot run", bin.display()))
                .because(why)
                .way_out("open that directory to all (chmod o+x), or set PG_BIN to programs in another place")
        })?;
        let home = Home::create(&account)?;
        template::lay(&programs, &account, &home)?;
        if password.is_some() {
            settings::demand_password(&home.data())?;
        }
        for (name, text) in files {
            home.lay_in_data(name, text, &account)?;
        }
        let cluster = Cluster::run(home, programs, account, settings, password)?;
        cluster.give_password()?;
        Ok(cluster)
    }

    /// Starts a standby of this one, with the settings that this one has now.
    pub(crate) fn standby(&self) -> Result<Cluster> {
        let home = Home::create(&self.account)?;
        standby::lay(self, &self.account, &home)?;
        let mut settings = self.state().settings.clone();
        settings.put("primary_conninfo", &standby::way_to(self));
        let programs = self.programs.clone();
        let password = self.password.clone();
        Cluster::run(home, programs, self.account.clone(), settings, password)
    }

    /// Starts a server on the data directory that lies in `home`.
    fn run(
        home: Home,
        programs: Programs,
        account: Account,
        mut settings: Settings,
        password: Option<Password>,
    ) -> Result<Cluster> {
        let socket_dir = home.socket_dir();
        settings.put("listen_addresses", HOST);
        settings.put("unix_socket_directories", &socket_dir.to_string_lossy());
        settings.put("logging_collector", "off");
        let (postmaster, port) =
            port::start_on_free_one(&programs, &account, &home, &mut settings)?;
        let state = State {
            postmaster: Some(postmaster),
            settings,
            frozen: false,
            frozen_backends: BTreeSet::new(),
        };
        Ok(Cluster {
            state: Mutex::new(state),
            home,
            programs,
            account,
            port,
            password,
        })
    }

    fn give_password(&self) -> Result<()> {
        let Some(Password(password)) = &self.password else {
            return Ok(());
        };
        let question = format!("ALTER ROLE postgres PASSWORD {}", literal(password));
        ask(&self.admin(), &[&question]).map(drop)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn socket_dir(&self) -> PathBuf {
        self.home.socket_dir()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.home.log()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.data()
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// How to come by TCP, as users do.
    pub(crate) fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host(HOST)
            .port(self.port)
            .user(ROLE)
            .dbname(database);
        if let Some(Password(password)) = &self.password {
            config.password(password);
        }
        config
    }

    /// How to come by the socket, without a password.
    pub(crate) fn socket_config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.socket_dir())
            .port(self.port)
            .user(ROLE)
            .dbname(database);
        config
    }

    /// How we come for our own questions.
    pub(crate) fn admin(&self) -> Config {
        self.socket_config("postgres")
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let password = match &self.password {
            Some(Password(password)) => format!(":{}", percent_encoded(password)),
            None => String::new(),
        };
        format!(
            "postgres://{ROLE}{password}@{HOST}:{}/{}",
            self.port,
            percent_encoded(database)
        )
    }

    /// Whether it would answer a question now.
    pub(crate) fn answers(&self) -> bool {
        let mut state = self.state();
        let frozen = state.frozen;
        !frozen && state.postmaster.as_mut().is_some_and(Postmaster::is_alive)
    }

    pub(crate) fn stop(&self, how: Stop) -> Result<()> {
        self.state().stop(how)
    }

    pub(crate) fn start_again(&self) -> Result<()> {
        self.start_in(&mut self.state())
    }

    fn start_in(&self, state: &mut State) -> Result<()> {
        if state.postmaster.as_mut().is_some_and(Postmaster::is_alive) {
            return Ok(());
        }
        let deadline = Instant::now() + FOR_THE_SAME_PORT;
        loop {
            match Postmaster::start(&self.programs, &self.account, &self.home) {
                Ok(postmaster) => {
                    state.postmaster = Some(postmaster);
                    return Ok(());
                }
                Err(Failure::Other(e)) => return Err(e),
                Err(Failure::PortTaken) if Instant::now() >= deadline => {
                    return Err(Error::new(format!(
                        "port {} of a stopped server was taken by somebody else",
                        self.port
                    )));
                }
                Err(Failure::PortTaken) => std::thread::sleep(BETWEEN_TRIES),
            }
        }
    }

    pub(crate) fn restart(&self, how: Stop) -> Result<()> {
        let mut state = self.state();
        state.stop(how)?;
        self.start_in(&mut state)
    }

    /// Sets `name`: by a reload, or by a fast restart if it is one of the settings that need one.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<()> {
        let mut state = self.state();
        let before = state.settings.clone();
        let running = state.postmaster.is_some();
        state.settings.set(name, value)?;
        self.apply(&mut state, name).inspect_err(|_| {
            state.settings = before;
            let restored = state.settings.write(&self.home.data());
            let _first_error_counts = restored.and_then(|()| match running {
                true => self.start_in(&mut state),
                false => Ok(()),
            });
        })
    }

    fn apply(&self, state: &mut State, name: &str) -> Result<()> {
        state.settings.write(&self.home.data())?;
        if !state.postmaster.as_mut().is_some_and(Postmaster::is_alive) {
            return Ok(());
        }
        let admin = self.admin();
        let name = literal(&name.to_ascii_lowercase());
        let needs_restart =
            format!("SELECT context = 'postmaster' FROM pg_settings WHERE lower(name) = {name}");
        if ask_value(&admin, &needs_restart)?.as_deref() == Some("t") {
            state.stop(Stop::Fast)?;
            return self.start_in(state);
        }
        let wrong = format!(
            "SELECT error FROM pg_file_settings WHERE lower(name) = {name} AND error IS NOT NULL"
        );
        if let Some(why) = ask_value(&admin, &wrong)? {
            return Err(Error::new(format!("PostgreSQL refuses the setting {name}")).because(why));
        }
        reload(&admin)
    }

    /// Stops the time of all its processes: connections stay, and nobody answers.
    pub(crate) fn freeze(&self) -> Result<()> {
        let mut state = self.state();
        state.running()?.signal_all(Signal::STOP)?;
        state.frozen = true;
        Ok(())
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        let mut state = self.state();
        state.running()?.signal_all(Signal::CONT)?;
        state.frozen = false;
        state.frozen_backends.clear();
        Ok(())
    }

    pub(crate) fn freeze_backend(&self, pid: i32) -> Result<()> {
        let mut state = self.state();
        signal_backend(state.running()?, pid, Signal::STOP)?;
        state.frozen_backends.insert(pid);
        Ok(())
    }

    pub(crate) fn thaw_backend(&self, pid: i32) -> Result<()> {
        let mut state = self.state();
        signal_backend(state.running()?, pid, Signal::CONT)?;
        state.frozen_backends.remove(&pid);
        Ok(())
    }

    pub(crate) fn kill_backend(&self, pid: i32) -> Result<()> {
        signal_backend(self.state().running()?, pid, Signal::KILL)
    }

    /// Thaws the frozen backends of one database, which could not end otherwise.
    pub(crate) fn thaw_backends_of(&self, database: &str) -> Result<()> {
        if self.state().frozen_backends.is_empty() {
            return Ok(());
        }
        let question = format!(
            "SELECT pid FROM pg_stat_activity WHERE datname = {}",
            literal(database)
        );
        for row in ask(&self.admin(), &[&question])? {
            let pid = row
                .into_iter()
                .next()
                .flatten()
                .and_then(|pid| pid.parse().ok());
            if let Some(pid) = pid.filter(|pid| self.state().frozen_backends.contains(pid)) {
                self.thaw_backend(pid)?;
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics with the lock leaves a state that is still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn running(&mut self) -> Result<&Postmaster> {
        self.postmaster
            .as_mut()
            .and_then(|postmaster| postmaster.is_alive().then_some(&*postmaster))
            .ok_or_else(|| Error::new("the server is stopped"))
    }

    fn stop(&mut self, how: Stop) -> Result<()> {
        self.frozen = false;
        self.frozen_backends.clear();
        if let Some(postmaster) = &mut self.postmaster {
            postmaster.stop(how)?;
        }
        self.postmaster = None;
        Ok(())
    }
}

fn signal_backend(postmaster: &Postmaster, pid: i32, which: Signal) -> Result<()> {
    let backend = pid_from(&pid.to_string());
    let children = postmaster.children()?;
    match backend.filter(|backend| children.contains(backend)) {
        Some(backend) => signal(backend, which)
            .map_err(|e| Error::new(format!("cannot signal backend {pid}")).because(e)),
        None => Err(Error::new(format!(
            "process {pid} is no backend of this server"
        ))),
    }
}

/// Has the server read its settings again, and waits until a new connection has them.
fn reload(admin: &Config) -> Result<()> {
    const LOADED: &str = "SELECT pg_conf_load_time()";
    let before = ask_value(admin, LOADED)?;
    ask(admin, &["SELECT pg_reload_conf()"])?;
    let deadline = Instant::now() + TO_RELOAD;
    while ask_value(admin, LOADED)? == before {
        if Instant::now() >= deadline {
            return Err(Error::new("the server did not read its settings again"));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The superuser that `initdb` makes.
pub(crate) const ROLE: &str = "postgres";
const FOR_THE_SAME_PORT: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(100);
const TO_RELOAD: Duration = Duration::from_secs(5);
