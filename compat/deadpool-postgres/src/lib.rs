//! [`millpond::postgres`] under deadpool-postgres' name.
//!
//! For `[patch.crates-io]`, so that a program which was written for deadpool-postgres 0.14 is built on
//! millpond without touching a line of it:
//!
//! ```toml
//! [patch.crates-io]
//! deadpool-postgres = { path = "millpond/compat/deadpool-postgres" }
//! ```
//!
//! The work is done there. Two types are of this crate, because deadpool-postgres' signatures name the error
//! of tokio-postgres where millpond has one that tells more: a [`Manager`] that hands everything to
//! millpond's, and a [`Config`] that makes one. `PARITY.md` beside this crate's manifest goes through
//! deadpool-postgres item by item.

mod config;
mod error;
mod manager;

pub use self::config::{Config, ConfigError};
pub use self::manager::Manager;
pub use millpond::managed::reexports::*;
pub use millpond::postgres::{
    CancelToken, ChannelBinding, ClientWrapper, ConfigConnectImpl, Connect, GenericClient,
    LoadBalanceHosts, ManagerConfig, RecyclingMethod, SslMode, StatementCache, StatementCaches,
    TargetSessionAttrs, Transaction, TransactionBuilder,
};
pub use tokio_postgres;

millpond::managed_reexports!(
    "tokio_postgres",
    Manager,
    millpond::managed::Object<Manager>,
    tokio_postgres::Error,
    ConfigError
);

/// A PostgreSQL connection that was taken from its pool: the usual name.
pub type Client = Object;
