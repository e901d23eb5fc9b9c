use crate::error::saying;
use crate::{
    ChannelBinding, CreatePoolError, LoadBalanceHosts, Manager, ManagerConfig, Pool, PoolBuilder,
    PoolConfig, Runtime, SslMode, TargetSessionAttrs,
};
use millpond::managed::Settings;
use millpond::postgres;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config as PgConfig, Error as PgError, Socket};

/// [`millpond::postgres::Config`], making pools of this crate's [`Manager`]; see there for each field.
#[derive(Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Config {
    /// A URL or a connection string, read first.
    pub url: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database, which must be named here or in the URL.
    pub dbname: Option<String>,
    /// Settings of the session, as command line options.
    pub options: Option<String>,
    /// The name by which the server knows these connections.
    pub application_name: Option<String>,
    /// Whether TLS is used.
    pub ssl_mode: Option<SslMode>,
    /// One host.
    pub host: Option<String>,
    /// More hosts, tried in turn.
    pub hosts: Option<Vec<String>>,
    /// The address of the one host.
    pub hostaddr: Option<IpAddr>,
    /// The addresses of the hosts.
    pub hostaddrs: Option<Vec<IpAddr>>,
    /// One port, for all hosts.
    pub port: Option<u16>,
    /// The ports of the hosts.
    pub ports: Option<Vec<u16>>,
    /// A bound on the TCP connect to each address.
    pub connect_timeout: Option<Duration>,
    /// Whether the kernel asks a silent server for signs of life.
    pub keepalives: Option<bool>,
    /// After which silence it begins to ask.
    pub keepalives_idle: Option<Duration>,
    /// What the server must allow.
    pub target_session_attrs: Option<TargetSessionAttrs>,
    /// Whether authentication is bound to the TLS session.
    pub channel_binding: Option<ChannelBinding>,
    /// In which order hosts are tried.
    pub load_balance_hosts: Option<LoadBalanceHosts>,

    /// How the manager works.
    pub manager: Option<ManagerConfig>,

    /// How the pool is set up.
    pub pool: Option<PoolConfig>,
}

impl Config {
    /// Nothing but defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// [`millpond::postgres::Config::create_pool`].
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or a time-out is set and no `runtime` whose timer could keep it.
    pub fn create_pool<T>(&self, runtime: Option<Runtime>, tls: T) -> Result<Pool, CreatePoolError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let mut builder = self.builder(tls).map_err(CreatePoolError::Config)?;
        if let Some(runtime) = runtime {
            builder = builder.runtime(runtime);
        }
        builder.build().map_err(CreatePoolError::Build)
    }

    /// [`millpond::postgres::Config::builder`].
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn builder<T>(&self, tls: T) -> Result<PoolBuilder, ConfigError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let ours = self.ours();
        let manager = ours
            .create_manager(tls)
            .map_err(|error| self.wrong(error))?;
        let builder = Pool::builder(Manager::from(manager)).config(self.get_pool_config());
        ours.set_up(builder).map_err(|error| self.wrong(error))
    }

    /// What tokio-postgres is told.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn get_pg_config(&self) -> Result<PgConfig, ConfigError> {
        self.ours()
            .get_pg_config()
            .map_err(|error| self.wrong(error))
    }

    /// How the manager works.
    #[must_use]
    pub fn get_manager_config(&self) -> ManagerConfig {
        self.ours().get_manager_config()
    }

    /// How the pool is set up.
    #[must_use]
    pub fn get_pool_config(&self) -> PoolConfig {
        self.ours().get_pool_config()
    }

    fn ours(&self) -> postgres::Config {
        let mut ours = postgres::Config::new();
        ours.url.clone_from(&self.url);
        ours.user.clone_from(&self.user);
        ours.password.clone_from(&self.password);
        ours.dbname.clone_from(&self.dbname);
        ours.options.clone_from(&self.options);
        ours.application_name.clone_from(&self.application_name);
        ours.ssl_mode = self.ssl_mode;
        ours.host.clone_from(&self.host);
        ours.hosts.clone_from(&self.hosts);
        ours.hostaddr = self.hostaddr;
        ours.hostaddrs.clone_from(&self.hostaddrs);
        ours.port = self.port;
        ours.ports.clone_from(&self.ports);
        ours.connect_timeout = self.connect_timeout;
        ours.keepalives = self.keepalives;
        ours.keepalives_idle = self.keepalives_idle;
        ours.target_session_attrs = self.target_session_attrs;
        ours.channel_binding = self.channel_binding;
        ours.load_balance_hosts = self.load_balance_hosts;
        ours.manager.clone_from(&self.manager);
        ours.pool = self.pool;
        ours
    }

    /// What tokio-postgres itself says of a wrong URL; where it finds nothing wrong, what millpond says.
    fn wrong(&self, error: postgres::ConfigError) -> ConfigError {
        match error {
            postgres::ConfigError::InvalidUrl(reason) => {
                let url = self.url.as_deref().map(Settings::strip_url);
                let read = url.map(|url| url.parse::<PgConfig>());
                let said = read.and_then(Result::err).unwrap_or_else(|| {
                    saying(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        reason.to_string(),
                    ))
                });
                ConfigError::InvalidUrl(said)
            }
            postgres::ConfigError::DbnameMissing => ConfigError::DbnameMissing,
            postgres::ConfigError::DbnameEmpty => ConfigError::DbnameEmpty,
            postgres::ConfigError::Tls(reason) => ConfigError::InvalidUrl(saying(io::Error::new(
                io::ErrorKind::Unsupported,
                reason.to_string(),
            ))),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ours().fmt(f)
    }
}

/// What is wrong with a [`Config`].
#[derive(Debug)]
pub enum ConfigError {
    /// `url` cannot be read.
    InvalidUrl(PgError),
    /// No database is named.
    DbnameMissing,
    /// The name of the database is empty.
    DbnameEmpty,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(error) => write!(f, "url cannot be read: {error}"),
            Self::DbnameMissing => {
                f.write_str("no database is named, neither by dbname nor by url")
            }
            Self::DbnameEmpty => f.write_str("the name of the database is empty"),
        }
    }
}

impl std::error::Error for ConfigError {}
