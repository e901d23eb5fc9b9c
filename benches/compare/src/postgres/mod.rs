//! The same work on connections to a real PostgreSQL, by the pools that have a driver.

mod clients;
mod recovery;
mod site;
#[cfg(feature = "sqlx")]
mod sqlx;
mod traffic;

pub(crate) use self::site::Site;

use crate::measure::{Measure, Outcome};
use crate::work::Effort;
use std::future::Future;
use tokio::runtime::Builder;

/// Connections of each pool.
pub(super) const CONNECTIONS: usize = 8;

/// What is done on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerWork {
    /// `SELECT 1`.
    Select { tasks: usize },
    /// pgbench's simple-update: a transaction of five statements, each a round trip.
    Update { tasks: usize },
    /// Every connection is terminated; how long until as many work again.
    Recovery,
}

pub(crate) const ALL: [ServerWork; 7] = [
    ServerWork::Select { tasks: 8 },
    ServerWork::Select { tasks: 64 },
    ServerWork::Select { tasks: 512 },
    ServerWork::Update { tasks: 8 },
    ServerWork::Update { tasks: 64 },
    ServerWork::Update { tasks: 512 },
    ServerWork::Recovery,
];

/// Those with a driver. "unchecked": told not to ask the server at each check-out, which the two before do by default.
pub(crate) const POOLS: &[&str] = &[
    "millpond",
    "deadpool",
    "bb8",
    "bb8-unchecked",
    "mobc",
    "mobc-unchecked",
    #[cfg(feature = "sqlx")]
    "sqlx",
    #[cfg(feature = "sqlx")]
    "sqlx-unchecked",
];

impl ServerWork {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Select { tasks } => format!("select-{tasks}"),
            Self::Update { tasks } => format!("update-{tasks}"),
            Self::Recovery => "recovery".to_owned(),
        }
    }

    pub(crate) fn title(self) -> String {
        match self {
            Self::Select { tasks } => format!("`SELECT 1`, 8 connections, {tasks} tasks"),
            Self::Update { tasks } => {
                format!("pgbench's simple-update, 8 connections, {tasks} tasks")
            }
            Self::Recovery => "All 8 connections terminated".to_owned(),
        }
    }

    pub(crate) fn measures(self) -> &'static [Measure] {
        match self {
            Self::Select { .. } | Self::Update { .. } => {
                const {
                    &[
                        Measure::less("µs each"),
                        Measure::less("p50 ms"),
                        Measure::less("p99 ms"),
                        Measure::less("p99.9 ms"),
                        Measure::less("% of it in `get`"),
                    ]
                }
            }
            Self::Recovery => {
                const {
                    &[
                        Measure::less("ms until 8 work"),
                        Measure::less("errors seen"),
                    ]
                }
            }
        }
    }
}

/// A pool of connections.
pub(super) trait Clients: Sized + Send + Sync + 'static {
    type Held<'a>: Send
    where
        Self: 'a;

    /// A pool of [`CONNECTIONS`] to `url`.
    fn of(url: &str, checks: Checks) -> impl Future<Output = Self> + Send;

    fn get(&self) -> impl Future<Output = Result<Self::Held<'_>, String>> + Send;

    /// Has the server do it, by the simple protocol, and says how many rows came.
    fn query(
        held: &mut Self::Held<'_>,
        sql: String,
    ) -> impl Future<Output = Result<usize, String>> + Send;
}

/// What a pool does at check-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    /// What it does by default.
    ByDefault,
    /// No round trip.
    No,
}

/// Does it, in a process that does nothing else.
pub(crate) fn run(work: ServerWork, pool: &str, effort: Effort, url: &str) -> Outcome {
    let (pool, checks) = match pool.strip_suffix("-unchecked") {
        Some(pool) => (pool, Checks::No),
        None => (pool, Checks::ByDefault),
    };
    match pool {
        "millpond" => by::<clients::Millpond>(work, checks, effort, url),
        "deadpool" => by::<clients::Deadpool>(work, checks, effort, url),
        "bb8" => by::<clients::Bb8>(work, checks, effort, url),
        "mobc" => by::<clients::Mobc>(work, checks, effort, url),
        #[cfg(feature = "sqlx")]
        "sqlx" => by::<sqlx::Sqlx>(work, checks, effort, url),
        _ => Outcome::fault(format!("there is no pool {pool} with a driver")),
    }
}

fn by<C: Clients>(work: ServerWork, checks: Checks, effort: Effort, url: &str) -> Outcome {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build();
    runtime.expect("a runtime needs little").block_on(async {
        let pool = C::of(url, checks).await;
        let done = match work {
            ServerWork::Select { tasks } => {
                traffic::run(pool, traffic::Kind::Select, tasks, effort).await
            }
            ServerWork::Update { tasks } => {
                traffic::run(pool, traffic::Kind::Update, tasks, effort).await
            }
            ServerWork::Recovery => recovery::run(pool).await,
        };
        done.unwrap_or_else(Outcome::fault)
    })
}
