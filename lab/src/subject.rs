//! A pool under test, whoever wrote it: what the cases know of it.

use crate::Failure;
use crate::data::Level;
use async_trait::async_trait;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Makes pools of one kind.
#[async_trait]
pub trait Maker: Send + Sync + 'static {
    /// What `--pools` calls it.
    fn name(&self) -> &'static str;

    /// Its version, for the report.
    fn version(&self) -> String;

    /// A pool that has not been used yet, ready as far as this kind of pool can be.
    ///
    /// # Errors
    ///
    /// It cannot be made, or not as `spec` asks: which, and why.
    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure>;
}

impl fmt::Debug for dyn Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a pool is to be made. All kinds are made alike, as far as each can.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Where its connections lead.
    pub target: Target,
    /// What its connections call themselves at the server: `application_name`.
    pub name: String,
    /// The most connections.
    pub max_size: usize,
    /// How many are kept, wanted or not; the rest is made on demand.
    pub kept: usize,
    /// The bound of a get that names none.
    pub wait: Duration,
    /// An object that is held for longer is told of as leaked, by a pool that can.
    pub leak_threshold: Option<Duration>,
}

/// Where connections lead.
#[derive(Clone, Debug)]
pub enum Target {
    /// A PostgreSQL database, or a proxy before it.
    Postgres(Box<tokio_postgres::Config>),
    /// A database in a file.
    Sqlite(std::path::PathBuf),
}

/// A pool.
#[async_trait]
pub trait Subject: Send + Sync + 'static {
    /// Takes a connection, and waits for it no longer than the bound. `caller` is who takes it, for a pool that
    /// remembers. Dropped half-way, it must leave nothing behind: that is what the lab is about.
    ///
    /// # Errors
    ///
    /// There was none within the bound, or none could be made.
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal>;

    /// What the pool says of itself now. Never waits.
    fn look(&self) -> Look;

    /// Who has held a connection for longer than the leak threshold, as the pool names him: `file:line` and how long.
    /// `None` if it keeps no such list.
    fn leaks(&self) -> Option<Vec<String>> {
        None
    }

    /// Closes it, and waits until all is closed that is not held.
    async fn close(&self);
}

impl fmt::Debug for dyn Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.look())
    }
}

/// A connection that was taken. Dropping it gives it back.
#[async_trait]
pub trait Lease: Send {
    /// Does `work` with it.
    ///
    /// # Errors
    ///
    /// The server or the connection failed.
    async fn work(&mut self, work: Work) -> Result<(), Failure>;
}

/// What is done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The smallest question: `SELECT 1`.
    Ask,
    /// Blocking work that takes so long: in the server where it can sleep (`pg_sleep`), else in the client, which holds
    /// the connection meanwhile.
    Sleep(Duration),
    /// A statement that the server refuses: the connection stays good.
    Fail,
}

/// Why there was no connection.
#[derive(Debug)]
pub enum Refusal {
    /// Its bound passed.
    TimedOut,
    /// Turned away at once: the line is full, or could not serve it in time. When it may come again, if the pool says.
    Shed(Option<Duration>),
    /// The pool is closed.
    Closed,
    /// Connecting or checking failed.
    Failed(Failure),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("timed out"),
            Self::Shed(_) => f.write_str("turned away"),
            Self::Closed => f.write_str("closed"),
            Self::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}

/// What a pool says of itself. `None` is "unknown": this kind has no such figure. Never a guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The most connections.
    pub max: Option<usize>,
    /// Connections that exist, or are being made.
    pub size: Option<usize>,
    /// Of these, those that are being made.
    pub connecting: Option<usize>,
    /// Of these, those that are held.
    pub in_use: Option<usize>,
    /// Of these, those that lie ready.
    pub idle: Option<usize>,
    /// Who waits.
    pub waiting: Option<usize>,
    /// How it feels.
    pub health: Option<Level>,
}

impl Look {
    /// Connections that exist.
    pub fn live(&self) -> Option<usize> {
        Some(self.size? - self.connecting.unwrap_or(0))
    }

    /// Whether nobody holds, waits or connects, as far as the pool can say.
    pub fn at_rest(&self) -> bool {
        [self.in_use, self.waiting, self.connecting]
            .iter()
            .all(|count| count.unwrap_or(0) == 0)
    }
}
