//! PostgreSQL: a [`Manager`] over [`tokio_postgres`], with deadpool-postgres' names.
//!
//! ```text
//! Config → Manager → create: the route (route.rs: credentials) → host by host (search.rs, hosts.rs, roles.rs)
//!                  → connect (connect.rs, tls.rs) → a task drives it (driver.rs)
//!                    under watch (entry.rs, negotiate.rs, wired.rs, frames.rs, wire.rs, watch.rs)
//!                  → tidy on return (tidy.rs, reset.rs, cancel.rs), recycle, probe (manager.rs) → Client (client.rs) → Transaction (transaction.rs)
//!                  → statements: kept (kept.rs), seen through (orphans.rs), cleaned up (lost.rs), healed (cached.rs)
//! run (run.rs), transaction (transact.rs, commit.rs): attempt after attempt (course.rs, retry.rs)
//! listen (listener.rs) → a task (listening.rs) with a connection of its own → what it hears (mailbox.rs)
//! ```
//!
//! What is different from deadpool-postgres:
//!
//! * Connecting as a whole is bounded ([`Manager::connect_bound`], 10 s), each of several hosts by its
//!   share: a server that accepts and stays silent is an error, and the next host gets its turn.
//! * An [`Error`] prints its whole chain of causes in one line, with the SQLSTATE and what it was on the
//!   way to. No password is part of any error, `Debug` or message.
//! * Where a session stands is read from the wire, at no cost ([`ClientWrapper::is_watched`]). A connection that comes
//!   back in a transaction is rolled back, and what still runs on it is cancelled to its end, in the background:
//!   [`Returns`]. What else its session leaves behind is undone there too, by choice: [`Reset`].
//! * A [`CancelToken`]'s cancel is over when the server has acted on it. A commit that the server turned into a rollback
//!   is an error, by choice: [`Manager::strict_commit`].
//! * A connection that has ended leaves its pool at once, also while it lies idle, and says
//!   [why](ClientWrapper::ending).
//! * A dropped client says goodbye to its server: [`Ending`] tells how that is bounded.
//! * `target_session_attrs`, `channel_binding` and `load_balance_hosts` of [`Config`] take effect.
//!   deadpool-postgres ignores them, so a configuration that reached a standby there may be refused here.
//! * Roles are followed: [`Manager::target_session_attrs`]; and a first host that is back is used again:
//!   [`Manager::fail_back`].
//! * Credentials may be asked for at each connect: [`Manager::credentials`].
//! * TLS that verifies the server is built in, behind the features `postgres-rustls` and `postgres-native-tls`:
//!   `Tls`, and `sslmode=verify-full` in a URL.
//! * A server that has gone without a word is found out within a minute, by keepalives.
//! * A connection lives 30 min at most, and 10 min idle, where it is asked every 2 min; the first that fails its check
//!   puts the other idle ones under suspicion; 8 are made at once at most
//!   ([`Defaults::server`](crate::managed::Defaults::server)).
//! * [`Pool::transaction`] and [`Pool::run`] do something with a connection, and again where that helps ([`Retry`]);
//!   [`Pool::listen`] hears notifications, also after an outage ([`Listener`]).
//! * Errors are told apart: those that may pass, those that will not, those that end the connection ([`Class`]).
//! * The pool's name is the connections' `application_name` ([`Manager::service`]), and time-outs that the server keeps
//!   are durations ([`SessionSettings`]).
//! * A statement cache keeps the 256 statements that were used last, not every one since the start
//!   ([`Manager::statement_cache_size`]).
//! * A prepare whose caller is gone goes on in the background, so that the server keeps no statement that
//!   nobody can close. Inside a transaction, or within a query that is given as a text, it cannot: what it left is
//!   closed when the connection comes back.
//! * A statement that no longer fits the database, after an `ALTER TABLE` or a `DEALLOCATE ALL`, fails once
//!   and is prepared anew for the next use, or heals at once in
//!   [`query_cached`](ClientWrapper::query_cached) and its like.
//!
//! Connections live on the Tokio runtime on which they were made; its I/O and its timer must be on, as in
//! `#[tokio::main]`.
//!
//! # Examples
//!
//! ```no_run
//! use millpond::Runtime;
//! use millpond::postgres::{Config, tokio_postgres::NoTls};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::new();
//! config.url = Some("postgres://alice@localhost/shop".to_owned());
//! let pool = config.create_pool(Some(Runtime::Tokio1), NoTls)?;
//!
//! let client = pool.get().await?;
//! let row = client.query_one_cached("SELECT 1 + $1", &[&2_i32]).await?;
//! assert_eq!(row.get::<_, i32>(0), 3);
//! # Ok(())
//! # }
//! ```

mod application_name;
mod backoff;
mod cached;
mod cancel;
mod cause;
mod chain;
mod channel;
mod class;
mod client;
mod commit;
mod config;
mod connect;
mod course;
mod credentials;
mod driver;
mod ears;
mod entry;
mod error;
mod frames;
mod generic_client;
mod hosts;
mod keepalives;
mod keeping;
mod kept;
mod listener;
mod listening;
mod lost;
mod mailbox;
mod manager;
mod negotiate;
mod orphans;
mod params;
mod pgbouncer;
mod queries;
mod recycling;
mod refusal;
mod refusing;
mod reset;
mod retry;
mod returns;
mod roles;
mod route;
mod run;
mod run_error;
mod scout;
mod search;
mod seat;
mod session;
mod settings;
mod stale;
mod statements;
mod tidy;
#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
mod tls;
mod transact;
mod transaction;
mod url;
mod verdict;
mod verified;
mod watch;
mod wire;
mod wired;

pub use self::cancel::CancelToken;
pub use self::cause::Cause;
pub use self::channel::notify;
pub use self::class::{Class, Classify};
pub use self::client::ClientWrapper;
pub use self::config::{Config, ConfigError};
pub use self::connect::{ConfigConnectImpl, Connect};
pub use self::credentials::{CredentialError, CredentialProvider, Credentials};
pub use self::driver::Ending;
pub use self::error::Error;
pub use self::generic_client::GenericClient;
pub use self::listener::{Event, Gap, Listener, ListenerBuilder};
pub use self::manager::Manager;
pub use self::pgbouncer::PgBouncer;
pub use self::recycling::{ManagerConfig, RecyclingMethod};
pub use self::reset::Reset;
pub use self::retry::{Retry, Retrying};
pub use self::returns::Returns;
pub use self::run::Attempt;
pub use self::run_error::{RunError, RunFailure};
pub use self::session::SessionSettings;
pub use self::settings::{ChannelBinding, LoadBalanceHosts, SslMode, TargetSessionAttrs};
pub use self::statements::{StatementCache, StatementCaches};
#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
pub use self::tls::{Encrypted, Handshake, Tls, TlsOptions};
pub use self::transact::TransactionPlan;
pub use self::transaction::{Transaction, TransactionBuilder};
pub use crate::managed::reexports::*;
pub use crate::managed::{BuildError, QueueMode};
pub use tokio_postgres;

use crate::managed;

/// A pool of PostgreSQL connections.
pub type Pool = managed::Pool<Manager>;

/// A handle on a pool of PostgreSQL connections that does not keep it open.
pub type WeakPool = managed::WeakPool<Manager>;

/// A builder of pools of PostgreSQL connections.
pub type PoolBuilder = managed::PoolBuilder<Manager>;

/// Why a configuration did not become a pool of PostgreSQL connections.
pub type CreatePoolError = managed::CreatePoolError<ConfigError>;

/// Why a pool of PostgreSQL connections has none to give.
pub type PoolError = managed::PoolError<Error>;

/// Why a pool of PostgreSQL connections has none to give, with what it looked like.
pub type AcquireError = managed::AcquireError<Error>;

/// A PostgreSQL connection that was taken from its pool.
pub type Object = managed::Object<Manager>;

/// A PostgreSQL connection that was taken from its pool: the usual name.
pub type Client = Object;

/// A hook on a pool of PostgreSQL connections.
pub type Hook = managed::Hook<Manager>;

/// Why a hook turned a PostgreSQL connection down.
pub type HookError = managed::HookError<Error>;

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
