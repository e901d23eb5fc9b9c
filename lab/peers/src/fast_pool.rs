//! fast_pool, with a manager of tokio-postgres' as its documentation says that one is written.

use crate::peer::{Held, Peer, count, known, opened};
use fast_pool::{Manager, Pool};
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec};
use std::time::Duration;
use tokio_postgres::{Client, Config, NoTls};

#[derive(Clone)]
pub(crate) struct FastPool(Pool<Clients>);

/// It asks the server at each check-out, as the managers of bb8 and mobc do.
pub(crate) struct Clients(Config);

/// A pool's own words, or the driver's.
#[derive(Debug)]
pub(crate) enum Trouble {
    Pool(String),
    Driver(tokio_postgres::Error),
}

impl From<&str> for Trouble {
    fn from(words: &str) -> Self {
        Self::Pool(words.to_owned())
    }
}

impl Manager for Clients {
    type Connection = Client;
    type Error = Trouble;

    async fn connect(&self) -> Result<Client, Trouble> {
        let (client, connection) = self.0.connect(NoTls).await.map_err(Trouble::Driver)?;
        // It ends with its client, and tells that of its end.
        tokio::spawn(connection);
        Ok(client)
    }

    async fn check(&self, client: &mut Client) -> Result<(), Trouble> {
        let asked = client.simple_query("").await;
        asked.map(drop).map_err(Trouble::Driver)
    }
}

impl Peer for FastPool {
    const NAME: &'static str = "fast_pool";
    const PACKAGES: &'static [&'static str] = &["fast_pool"];
    const BUILT: &'static str = "`Pool::new` with a manager that asks the server at each check-out (it has none of its \
                                 own for PostgreSQL), `set_max_open`, `set_max_idle_conns` alike; `get_timeout(bound)`. \
                                 It makes no connection before one is asked for: as many as are to be kept are taken \
                                 and given back first. Has no health. It is closed by dropping it.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let pool = Pool::new(Clients(config));
        let many = u64::from(count(spec.max_size)?);
        pool.set_max_open(many);
        pool.set_max_idle_conns(many);
        opened(Self(pool), spec).await
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        match self.0.get_timeout(Some(within)).await {
            Ok(client) => Ok(Held::boxed(client, |client| client)),
            Err(Trouble::Pool(words)) if words == "get_timeout" => Err(Refusal::TimedOut),
            Err(Trouble::Pool(words)) => Err(Refusal::Failed(words.into())),
            Err(Trouble::Driver(error)) => Err(Refusal::Failed(error.into())),
        }
    }

    fn look(&self) -> Look {
        let now = self.0.state();
        Look {
            max: known(now.max_open),
            // What is being made is not among its connections yet.
            size: known(now.connections + now.connecting),
            connecting: known(now.connecting),
            in_use: known(now.in_use),
            idle: known(now.idle),
            waiting: known(now.waits),
            health: None,
        }
    }
}
