//! The ways by which a connection is made, and so by which it is watched.

use crate::tls::Watch;
use millpond::Runtime;
use millpond::postgres::tokio_postgres::config::{SslMode, SslNegotiation};
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{ConfigConnectImpl, Manager, ManagerConfig, Pool, PoolBuilder};
use millpond_testdb::Database;
use std::pin::pin;
use std::task::{Context, Waker};

/// By which way a connection is made, and so whether it is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Tcp,
    Address,
    Socket,
    /// With a connector, as for TLS.
    Connector,
    /// In a way of the user's own: the pool has to ask.
    Foreign,
}

impl By {
    pub(crate) const ALL: [Self; 5] = [
        Self::Tcp,
        Self::Address,
        Self::Socket,
        Self::Connector,
        Self::Foreign,
    ];

    pub(crate) fn is_watched(self) -> bool {
        self != Self::Foreign
    }

    pub(crate) fn config(self, db: &Database) -> PgConfig {
        match self {
            Self::Tcp | Self::Foreign => db.config(),
            Self::Socket => db.socket_config().unwrap(),
            Self::Connector => {
                let mut config = db.config();
                config.ssl_mode(SslMode::Require);
                config.ssl_negotiation(SslNegotiation::Direct);
                config
            }
            Self::Address => {
                let named = db.config();
                let mut config = PgConfig::new();
                config.hostaddr([127, 0, 0, 1].into());
                config.port(named.get_ports()[0]).dbname(db.name());
                config.user(named.get_user().unwrap());
                config
            }
        }
    }

    pub(crate) fn manager(self, db: &Database) -> Manager {
        let config = self.config(db);
        match self {
            Self::Foreign => {
                let connect = ConfigConnectImpl { tls: NoTls };
                Manager::from_connect(config, connect, ManagerConfig::default())
            }
            Self::Connector => Manager::new(config, Watch::default()),
            _ => Manager::new(config, NoTls),
        }
    }

    pub(crate) fn pool(self, db: &Database) -> Pool {
        of(self.manager(db)).build().unwrap()
    }
}

/// A pool of one.
pub(crate) fn of(manager: Manager) -> PoolBuilder {
    Pool::builder(manager).max_size(1).runtime(Runtime::Tokio1)
}

/// Polls a future once and drops it.
pub(crate) fn begin(future: impl Future) {
    let future = pin!(future);
    let _ = future.poll(&mut Context::from_waker(Waker::noop()));
}
