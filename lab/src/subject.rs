//! A pool under test, whoever wrote it: what the cases know of it.

use crate::Failure;
use crate::data::Level;
use crate::site::Kind;
use async_trait::async_trait;
use millpond::observe::Pools;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Makes pools of one kind.
#[async_trait]
pub trait Maker: Send + Sync + 'static {
    /// What `--pools` calls it.
    fn name(&self) -> &'static str;

    /// Its version, for the report.
    fn version(&self) -> String;

    /// On what kind of database its pools are.
    fn on(&self) -> Kind {
        Kind::Postgresql
    }

    /// The version of the database, where that is a library that the pool brings along.
    fn library(&self) -> Option<String> {
        None
    }

    /// How it is built here, and what of it has no figure; for whoever compares it with another.
    fn built(&self) -> &'static str {
        ""
    }

    /// Whether its pools keep connections ready that nobody has asked for yet ([`Spec::kept`]).
    fn keeps(&self) -> bool {
        true
    }

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
    /// Everything that this kind of pool has against outages is on, and set for a second rather than for minutes:
    /// checks before a connection is handed out and while it lies idle, bounds on connecting, pauses between connects
    /// that fail.
    pub careful: bool,
    /// Whether a get is to be turned away at once whose bound would pass before its turn comes, by a pool that can.
    pub shed: bool,
}

impl Spec {
    /// The same, with everything [against outages](Self::careful).
    #[must_use]
    pub fn careful(mut self) -> Self {
        self.careful = true;
        self
    }

    /// The same, with connections that lead elsewhere.
    #[must_use]
    pub fn to(mut self, target: Target) -> Self {
        self.target = target;
        self
    }
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

    /// Puts it on a list, where millpond's exporters find it: under which name. `None` if they cannot look at it.
    fn list(&self, _pools: &Pools) -> Option<String> {
        None
    }

    /// Closes it, and waits until all is closed that is not held.
    async fn close(&self);

    /// Ends it in good order: who waits is served, what is held is waited for, no longer than `within`.
    ///
    /// # Errors
    ///
    /// Not everything came back in time: who still holds what, if the pool knows.
    async fn drain(&self, within: Duration) -> Result<(), Failure> {
        match timeout(within, self.close()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(format!("the pool is not closed after {within:?}").into()),
        }
    }
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

impl Work {
    /// The statement that does it on PostgreSQL.
    pub fn statement(self) -> Cow<'static, str> {
        match self {
            Self::Ask => "SELECT 1".into(),
            Self::Sleep(time) => format!("SELECT pg_sleep({})", time.as_secs_f64()).into(),
            Self::Fail => "SELECT 1/0".into(),
        }
    }

    /// Whether it was done, if that is what its statement came to: who asks to be refused must be.
    ///
    /// # Errors
    ///
    /// It was not.
    pub fn judge<T, E: Into<Failure>>(self, answer: Result<T, E>) -> Result<(), Failure> {
        match (self, answer) {
            (Self::Fail, Ok(_)) => Err("the server did what it should have refused".into()),
            (Self::Fail, Err(_)) | (_, Ok(_)) => Ok(()),
            (_, Err(error)) => Err(error.into()),
        }
    }
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
        self.at_rest_but(0)
    }

    /// Whether nobody waits or connects, and so many connections are held that will never come back, as far as the pool
    /// can say.
    pub fn at_rest_but(&self, forgotten: usize) -> bool {
        self.in_use.is_none_or(|count| count == forgotten)
            && self.waiting.is_none_or(|count| count == 0)
            && self.connecting.is_none_or(|count| count == 0)
    }

    /// In use, of the most there may be: in per cent.
    pub fn utilisation(&self) -> Option<f64> {
        Some(self.in_use? as f64 * 100.0 / self.max? as f64)
    }
}

impl fmt::Display for Look {
    /// `8 of 8 in use, 0 idle, 0 connecting, 3 waiting`, with a `?` for what the pool does not tell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |count: Option<usize>| count.map_or("?".to_owned(), |count| count.to_string());
        write!(
            f,
            "{} of {} in use, {} idle, {} connecting, {} waiting",
            say(self.in_use),
            say(self.max),
            say(self.idle),
            say(self.connecting),
            say(self.waiting)
        )
    }
}
