use crate::error::theirs;
use crate::{ClientWrapper, Connect, ManagerConfig, Metrics, StatementCaches};
use millpond::managed::{self, Bell, RecycleError, RecycleResult};
use millpond::observe::CloseReason;
use millpond::postgres;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config as PgConfig, Error as PgError, Socket};

/// [`millpond::postgres::Manager`], with the error of tokio-postgres.
pub struct Manager {
    ours: postgres::Manager,
    /// The statement caches of all connections of this pool.
    pub statement_caches: StatementCaches,
}

impl Manager {
    /// [`millpond::postgres::Manager::new`].
    pub fn new<T>(pg_config: PgConfig, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        postgres::Manager::new(pg_config, tls).into()
    }

    /// [`millpond::postgres::Manager::from_config`].
    pub fn from_config<T>(pg_config: PgConfig, tls: T, config: ManagerConfig) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        postgres::Manager::from_config(pg_config, tls, config).into()
    }

    /// [`millpond::postgres::Manager::from_connect`].
    pub fn from_connect(
        pg_config: PgConfig,
        connect: impl Connect + 'static,
        config: ManagerConfig,
    ) -> Self {
        postgres::Manager::from_connect(pg_config, connect, config).into()
    }
}

/// What millpond's manager has beyond deadpool-postgres' is set there, before it comes here.
impl From<postgres::Manager> for Manager {
    fn from(ours: postgres::Manager) -> Self {
        Self {
            statement_caches: ours.statement_caches.clone(),
            ours,
        }
    }
}

impl managed::Manager for Manager {
    type Type = ClientWrapper;
    type Error = PgError;

    async fn create(&self) -> Result<ClientWrapper, PgError> {
        self.ours.create().await.map_err(theirs)
    }

    async fn recycle(
        &self,
        client: &mut ClientWrapper,
        metrics: &Metrics,
    ) -> RecycleResult<PgError> {
        let said = self.ours.recycle(client, metrics).await;
        said.map_err(|error| {
            tracing::warn!(target: "deadpool.postgres", "Connection could not be recycled: {error}");
            turned_down(error)
        })
    }

    fn detach(&self, client: &mut ClientWrapper) {
        self.ours.detach(client);
    }

    fn has_broken(&self, client: &mut ClientWrapper) -> bool {
        self.ours.has_broken(client)
    }

    fn hang(&self, bell: Bell) {
        self.ours.hang(bell);
    }

    fn needs_tidying(&self, client: &mut ClientWrapper) -> bool {
        self.ours.needs_tidying(client)
    }

    fn untidy_from(&self, client: &mut ClientWrapper, taken_at: &'static Location<'static>) {
        self.ours.untidy_from(client, taken_at);
    }

    async fn tidy(&self, client: &mut ClientWrapper) -> RecycleResult<PgError> {
        self.ours.tidy(client).await.map_err(turned_down)
    }

    fn closes_slowly(&self, client: &mut ClientWrapper, reason: CloseReason) -> bool {
        self.ours.closes_slowly(client, reason)
    }

    async fn close(&self, client: ClientWrapper) {
        self.ours.close(client).await;
    }

    async fn probe(&self, client: &mut ClientWrapper) -> RecycleResult<PgError> {
        self.ours.probe(client).await.map_err(turned_down)
    }

    fn target(&self) -> Cow<'static, str> {
        self.ours.target()
    }
}

fn turned_down(error: RecycleError<postgres::Error>) -> RecycleError<PgError> {
    match error {
        RecycleError::Message(message) => RecycleError::Message(message),
        RecycleError::Backend(error) => RecycleError::Backend(theirs(error)),
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ours.fmt(f)
    }
}
