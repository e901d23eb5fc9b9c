//! The first process of a private server: started, waited for until it is ready, signalled, stopped.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::account::Account;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log;
use crate::process::{POLL, children, signal, wait_at_most};
use crate::programs::Programs;

/// How a server is told to stop; the names are PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Lets the clients that are there finish, and waits for them.
    Smart,
    /// Ends every connection with SQLSTATE 57P01 and stops cleanly.
    Fast,
    /// Ends every connection without a word, as a crash does; the next start recovers.
    Immediate,
}

/// A running postmaster. Dropped, it is stopped at once.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
    ended: bool,
}

/// Why a start failed.
pub(crate) enum Failure {
    /// Somebody else has the port.
    PortTaken,
    Other(Error),
}

impl Postmaster {
    /// Starts it on the files in `home`, and waits until it is ready for connections.
    pub(crate) fn start(
        programs: &Programs,
        account: &Account,
        home: &Home,
    ) -> std::result::Result<Postmaster, Failure> {
        let log = home.open_log().map_err(Failure::Other)?;
        let since = log.metadata().map_or(0, |meta| meta.len());
        let program = programs.program("postgres");
        let cannot = |e| {
            Failure::Other(Error::new(format!("cannot start {}", program.display())).because(e))
        };
        let mut command = account.command(&program);
        command
            .arg(format!("-D{}", home.data().display()))
            .stdout(log.try_clone().map_err(cannot)?)
            .stderr(log)
            .process_group(0);
        let child = command.spawn().map_err(cannot)?;
        let mut postmaster = Postmaster {
            child,
            ended: false,
        };
        postmaster.wait_until_ready(home, since)?;
        Ok(postmaster)
    }

    fn wait_until_ready(&mut self, home: &Home, since: u64) -> std::result::Result<(), Failure> {
        let deadline = Instant::now() + TO_START;
        let evidence = || log::tail(&home.log(), since);
        while !self.is_ready(&home.data()) {
            let ended = self.child.try_wait();
            if let Ok(Some(status)) = ended {
                self.ended = true;
                return Err(match evidence() {
                    text if text.contains("could not create any TCP/IP sockets") => {
                        Failure::PortTaken
                    }
                    text if text.contains("lock file \"") && text.contains(".s.PGSQL.") => {
                        Failure::PortTaken
                    }
                    text => Failure::Other(
                        Error::new("PostgreSQL did not start")
                            .because(status.to_string())
                            .evidence(text),
                    ),
                });
            }
            if Instant::now() >= deadline {
                let waited = format!("PostgreSQL was not ready after {} s", TO_START.as_secs());
                return Err(Failure::Other(Error::new(waited).evidence(evidence())));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Whether its own `postmaster.pid` says so, in the eighth line.
    fn is_ready(&self, data: &Path) -> bool {
        let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let own = lines.next() == Some(self.child.id().to_string().as_str());
        own && lines.nth(6).is_some_and(|line| line.trim_end() == "ready")
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has not ended by itself.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.ended = self.ended || !matches!(self.child.try_wait(), Ok(None));
        !self.ended
    }

    /// Its backends and other children.
    pub(crate) fn children(&self) -> Result<Vec<Pid>> {
        children(self.pid())
            .map_err(|e| Error::new("cannot list the server's processes").because(e))
    }

    /// Signals all its processes, itself first: then it starts no other meanwhile.
    pub(crate) fn signal_all(&self, which: Signal) -> Result<()> {
        self.signal(which)?;
        for child in self.children()? {
            signal(child, which).map_err(|e| cannot_signal(child, e))?;
        }
        Ok(())
    }

    pub(crate) fn signal(&self, which: Signal) -> Result<()> {
        signal(self.pid(), which).map_err(|e| cannot_signal(self.pid(), e))
    }

    /// Stops it, frozen or not, and waits until its processes are gone.
    pub(crate) fn stop(&mut self, how: Stop) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        self.signal(match how {
            Stop::Smart => Signal::TERM,
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        })?;
        self.signal_all(Signal::CONT)?;
        let ended = wait_at_most(&mut self.child, TO_STOP);
        match ended.map_err(|e| Error::new("cannot wait for the server").because(e))? {
            Some(_) => {
                self.ended = true;
                Ok(())
            }
            None => Err(Error::new(format!(
                "the server had not stopped {how:?} after {} s",
                TO_STOP.as_secs()
            ))),
        }
    }

    /// The last resort: no process of it may stay behind.
    fn kill(&mut self) -> Result<()> {
        self.signal_all(Signal::KILL)?;
        self.child
            .wait()
            .map_err(|e| Error::new("cannot wait for the server").because(e))?;
        Ok(())
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if let Err(e) = self.stop(Stop::Immediate).or_else(|_| self.kill()) {
            eprintln!("millpond-testdb: a server could not be stopped: {e}");
        }
    }
}

fn cannot_signal(pid: Pid, e: std::io::Error) -> Error {
    Error::new(format!("cannot signal process {}", pid.as_raw_pid())).because(e)
}

/// How long a start may take, recovery included.
const TO_START: Duration = Duration::from_secs(30);
/// How long a stop may take. PostgreSQL itself kills what has not ended 5 s after an immediate one.
const TO_STOP: Duration = Duration::from_secs(20);
