use super::params::Extras;
use super::verified::{CAN_VERIFY, Demand};
use super::{
    ChannelBinding, CreatePoolError, Error, LoadBalanceHosts, Manager, ManagerConfig, Pool,
    PoolBuilder, PoolConfig, Runtime, SslMode, TargetSessionAttrs, hosts, url,
};
use crate::managed::{self, Settings};
use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config as PgConfig, NoTls, Socket};

/// Everything that a pool is made from, to be read from a file or the environment: deadpool-postgres'
/// type, field by field.
///
/// What is `None` is left to the URL, and then to tokio-postgres. `Debug` shows no password.
///
/// # Examples
///
/// ```
/// use millpond::postgres::Config;
///
/// let mut config = Config::new();
/// config.host = Some("db.example".to_owned());
/// config.dbname = Some("shop".to_owned());
/// config.user = Some("alice".to_owned());
/// assert_eq!(config.get_pg_config()?.get_dbname(), Some("shop"));
/// # Ok::<(), millpond::postgres::ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Config {
    /// A URL (`postgres://user:password@host:port/dbname?option=value`) or a connection string
    /// (`host=… user=…`), read first. The other fields override it, but for those of hosts, addresses and
    /// ports, which come on top of its own.
    ///
    /// Parameters of a URL that begin with `pool_` set the pool, on top of [`pool`](Self::pool):
    /// `?pool_max_size=20&pool_max_lifetime=30m`; see [`Settings`].
    pub url: Option<String>,
    /// The user. Default: the environment variable `USER`.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database, which must be named here or in the URL.
    pub dbname: Option<String>,
    /// Settings of the session, as command line options: `-c statement_timeout=5s`.
    pub options: Option<String>,
    /// The name by which the server knows these connections, in `pg_stat_activity` for example. The server
    /// cuts it to 63 bytes.
    pub application_name: Option<String>,
    /// Whether TLS is used. Default: [`SslMode::Prefer`], which is plain text where a server offers no TLS or no
    /// connector was given.
    pub ssl_mode: Option<SslMode>,
    /// The file with the authorities that may have signed the server's certificate; `system` for those that the
    /// machine trusts, which is the default. Where it, a certificate or a key is named, here or in the URL, the
    /// connector must be the one that `tls` makes; others are refused.
    pub ssl_root_cert: Option<PathBuf>,
    /// The file with the certificate that is shown to a server that asks for one.
    pub ssl_cert: Option<PathBuf>,
    /// The file with the key of that certificate.
    pub ssl_key: Option<PathBuf>,
    /// One host: a name, an address, or the directory of a Unix socket. Default, where nobody names any:
    /// `/run/postgresql`, `/var/run/postgresql` and `/tmp`; 127.0.0.1 where there are no such sockets.
    pub host: Option<String>,
    /// More hosts, tried in turn.
    pub hosts: Option<Vec<String>>,
    /// The address of the one host, so that its name is not looked up.
    pub hostaddr: Option<IpAddr>,
    /// The addresses of the hosts: as many as there are hosts.
    pub hostaddrs: Option<Vec<IpAddr>>,
    /// One port, for all hosts. Default: 5432.
    pub port: Option<u16>,
    /// The ports of the hosts: one for all, or as many as there are hosts.
    pub ports: Option<Vec<u16>>,
    /// A bound on the TCP connect to each address; see [`Manager::connect_bound`] for the whole.
    pub connect_timeout: Option<Duration>,
    /// Whether the kernel asks a silent server for signs of life. Default: yes.
    pub keepalives: Option<bool>,
    /// After which silence it begins to ask. Default: 30 s, where tokio-postgres' own would be 2 hours.
    pub keepalives_idle: Option<Duration>,
    /// How long it waits for each answer. Default: 10 s.
    pub keepalives_interval: Option<Duration>,
    /// How many answers may fail to come before the connection is given up. Default: 3.
    pub keepalives_retries: Option<u32>,
    /// How long the kernel goes on sending what the server does not confirm, before it gives the connection up; on
    /// Linux. Default: the system's own, a quarter of an hour or so; 15 s is a good first try.
    ///
    /// In a [`url`](Self::url) it is a number of **seconds**, as tokio-postgres reads it, where libpq reads
    /// milliseconds: what is 5 s there, `tcp_user_timeout=5000`, is 83 minutes here. This field cannot be misread.
    pub tcp_user_timeout: Option<Duration>,
    /// What the server must be. Default: [`TargetSessionAttrs::Any`].
    pub target_session_attrs: Option<TargetSessionAttrs>,
    /// Whether authentication is bound to the TLS session. Default: [`ChannelBinding::Prefer`].
    pub channel_binding: Option<ChannelBinding>,
    /// In which order hosts are tried. Default: [`LoadBalanceHosts::Disable`], as they are given.
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

    /// Makes a pool. Nothing is connected yet; [`builder`](Self::builder) and
    /// [`build_ready`](PoolBuilder::build_ready) do that too.
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

    /// Begins to build a pool: hooks and a runtime can still be added.
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
        let manager = self.create_manager(tls)?;
        self.set_up(Pool::builder(manager).config(self.get_pool_config()))
    }

    /// Makes the manager alone, to tell it what no file can: [`Manager::credentials`], for example. A pool of it,
    /// with what this configuration says of pools:
    ///
    /// ```
    /// use millpond::Runtime;
    /// use millpond::postgres::{Config, Credentials, Pool, tokio_postgres::NoTls};
    ///
    /// let mut config = Config::new();
    /// config.url = Some("postgres://alice@localhost/shop?pool_max_size=20".to_owned());
    /// let manager = config.create_manager(NoTls)?.credentials(async || {
    ///     std::env::var("SHOP_TOKEN").map(Credentials::password)
    /// });
    /// let builder = Pool::builder(manager).config(config.get_pool_config());
    /// let pool = config.set_up(builder)?.runtime(Runtime::Tokio1).build()?;
    /// assert_eq!(pool.status().max_size, 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn create_manager<T>(&self, tls: T) -> Result<Manager, ConfigError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (attrs, demand) = self.beyond()?;
        demand.is_met_by(&tls).map_err(ConfigError::Tls)?;
        let manager = Manager::from_config(self.get_pg_config()?, tls, self.get_manager_config());
        Ok(match attrs {
            Some(attrs) => manager.target_session_attrs(attrs),
            None => manager,
        })
    }

    /// Puts the `pool_…` parameters of the URL on top of what a builder was told, for a manager of one's own.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn set_up<M, W>(
        &self,
        builder: managed::PoolBuilder<M, W>,
    ) -> Result<managed::PoolBuilder<M, W>, ConfigError>
    where
        M: managed::Manager,
        W: From<managed::Object<M>>,
    {
        let Some(url) = self.url.as_deref() else {
            return Ok(builder);
        };
        // Without one of them, even what Settings would refuse stays as it is: deadpool takes any max_size.
        if Settings::strip_url(url) == url {
            return Ok(builder);
        }
        let set = builder.to_settings().with_url(url);
        let set = set.and_then(|(settings, _)| builder.settings(settings));
        set.map_err(|error| ConfigError::InvalidUrl(Error::url(error.to_string())))
    }

    /// What tokio-postgres is told. The `pool_…` parameters of the URL are left out, and not looked at. Of
    /// [`target_session_attrs`](Self::target_session_attrs) it knows three; of the others it is told the nearest, and
    /// a manager of one's own the exact one by [`Manager::target_session_attrs`]. `sslmode=verify-full` is `require`
    /// to it; to verify is the business of the connector that goes with it.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn get_pg_config(&self) -> Result<PgConfig, ConfigError> {
        let mut config = match &self.url {
            Some(text) => url::read(text).map_err(ConfigError::InvalidUrl)?.0,
            None => PgConfig::new(),
        };
        self.apply_identity(&mut config)?;
        self.apply_hosts(&mut config);
        self.apply_transport(&mut config);
        if !CAN_VERIFY {
            // Nobody here could make a connector that does what is demanded.
            let (_, demand) = self.beyond()?;
            demand.is_met_by(&NoTls).map_err(ConfigError::Tls)?;
        }
        Ok(config)
    }

    /// What is said beyond tokio-postgres' configuration.
    fn beyond(&self) -> Result<(Option<TargetSessionAttrs>, Demand), ConfigError> {
        let told = match &self.url {
            Some(text) => url::read(text).map_err(ConfigError::InvalidUrl)?.1,
            None => Extras::default(),
        };
        let attrs = self.target_session_attrs.or(told.target_session_attrs);
        Ok((attrs, Demand::of(self, &told)))
    }

    /// The connector that verifies what this configuration demands: `sslmode` (`verify-full` where it demands less),
    /// `sslrootcert`, `sslcert` and `sslkey`, from the URL or from fields. Unlike libpq's, it looks for no files of
    /// its own below `~/.postgresql`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Tls`], which names the file that cannot be read; and as [`get_pg_config`](Self::get_pg_config).
    #[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
    pub fn tls(&self) -> Result<super::Tls, ConfigError> {
        self.beyond()?.1.connector().map_err(ConfigError::Tls)
    }

    /// How the manager works.
    #[must_use]
    pub fn get_manager_config(&self) -> ManagerConfig {
        self.manager.clone().unwrap_or_default()
    }

    /// How the pool is set up.
    #[must_use]
    pub fn get_pool_config(&self) -> PoolConfig {
        self.pool.unwrap_or_default()
    }

    fn apply_identity(&self, config: &mut PgConfig) -> Result<(), ConfigError> {
        if let Some(user) = given(self.user.as_deref()) {
            config.user(user);
        }
        if given(config.get_user()).is_none() {
            if let Ok(user) = env::var("USER") {
                config.user(user);
            }
        }
        if let Some(password) = &self.password {
            config.password(password);
        }
        if let Some(dbname) = given(self.dbname.as_deref()) {
            config.dbname(dbname);
        }
        match config.get_dbname() {
            None => return Err(ConfigError::DbnameMissing),
            Some("") => return Err(ConfigError::DbnameEmpty),
            Some(_) => {}
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        if let Some(name) = &self.application_name {
            config.application_name(name);
        }
        if let Some(attrs) = self.target_session_attrs {
            config.target_session_attrs(attrs.into());
        }
        Ok(())
    }

    fn apply_hosts(&self, config: &mut PgConfig) {
        for host in self.host.iter().chain(self.hosts.iter().flatten()) {
            config.host(host);
        }
        for address in self.hostaddr.iter().chain(self.hostaddrs.iter().flatten()) {
            config.hostaddr(*address);
        }
        for port in self.port.iter().chain(self.ports.iter().flatten()) {
            config.port(*port);
        }
        if hosts::count(config) == 0 {
            apply_default_hosts(config);
        }
        if let Some(order) = self.load_balance_hosts {
            config.load_balance_hosts(order.into());
        }
    }

    fn apply_transport(&self, config: &mut PgConfig) {
        if let Some(mode) = self.ssl_mode {
            config.ssl_mode(mode.into());
        }
        if let Some(binding) = self.channel_binding {
            config.channel_binding(binding.into());
        }
        if let Some(timeout) = self.connect_timeout {
            config.connect_timeout(timeout);
        }
        if let Some(keepalives) = self.keepalives {
            config.keepalives(keepalives);
        }
        if let Some(idle) = self.keepalives_idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = self.keepalives_interval {
            config.keepalives_interval(interval);
        }
        if let Some(retries) = self.keepalives_retries {
            config.keepalives_retries(retries);
        }
        if let Some(timeout) = self.tcp_user_timeout {
            config.tcp_user_timeout(timeout);
        }
    }
}

/// Where Debian, others, and PostgreSQL itself put the socket.
#[cfg(unix)]
fn apply_default_hosts(config: &mut PgConfig) {
    for directory in ["/run/postgresql", "/var/run/postgresql", "/tmp"] {
        config.host_path(directory);
    }
}

#[cfg(not(unix))]
fn apply_default_hosts(config: &mut PgConfig) {
    config.host("127.0.0.1");
}

/// An empty text, as from an environment variable that is set to nothing, is none.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.url.as_deref().map(Redacted))
            .field("user", &self.user)
            .field("password", &self.password.as_deref().map(|_| Hidden))
            .field("dbname", &self.dbname)
            .field("options", &self.options)
            .field("application_name", &self.application_name)
            .field("ssl_mode", &self.ssl_mode)
            .field("ssl_root_cert", &self.ssl_root_cert)
            .field("ssl_cert", &self.ssl_cert)
            .field("ssl_key", &self.ssl_key)
            .field("host", &self.host)
            .field("hosts", &self.hosts)
            .field("hostaddr", &self.hostaddr)
            .field("hostaddrs", &self.hostaddrs)
            .field("port", &self.port)
            .field("ports", &self.ports)
            .field("connect_timeout", &self.connect_timeout)
            .field("keepalives", &self.keepalives)
            .field("keepalives_idle", &self.keepalives_idle)
            .field("keepalives_interval", &self.keepalives_interval)
            .field("keepalives_retries", &self.keepalives_retries)
            .field("tcp_user_timeout", &self.tcp_user_timeout)
            .field("target_session_attrs", &self.target_session_attrs)
            .field("channel_binding", &self.channel_binding)
            .field("load_balance_hosts", &self.load_balance_hosts)
            .field("manager", &self.manager)
            .field("pool", &self.pool)
            .finish()
    }
}

struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// A URL as what it leads to; one that cannot be read, not at all.
struct Redacted<'a>(&'a str);

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match url::read(self.0) {
            Ok((config, _)) => f.write_str(&hosts::target(&config)),
            Err(_) => Hidden.fmt(f),
        }
    }
}

/// What is wrong with a [`Config`]. No part of a URL is shown.
#[derive(Debug)]
pub enum ConfigError {
    /// `url` cannot be read, for this reason.
    InvalidUrl(Error),
    /// No database is named.
    DbnameMissing,
    /// The name of the database is empty.
    DbnameEmpty,
    /// What is demanded of TLS cannot be had, or not with this connector, for this reason.
    Tls(Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(reason) => write!(f, "url cannot be read: {reason}"),
            Self::DbnameMissing => {
                f.write_str("no database is named, neither by dbname nor by url")
            }
            Self::DbnameEmpty => f.write_str("the name of the database is empty"),
            Self::Tls(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {}
