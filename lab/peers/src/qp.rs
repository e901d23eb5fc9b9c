//! qp, by qp-postgres. It looks whether a connection has ended, and asks nobody.

use crate::peer::{Held, Peer, bounded, opened};
use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec};
use qp::Pool;
use qp::resource::Manage;
use qp_postgres::PgConnManager;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::{Client, Config, Error, NoTls};

/// It lends connections for as long as it is borrowed itself, and a case keeps them for as long as it likes: so each
/// pool is there as long as the program. Its connections are not: see [`Ending`].
#[derive(Clone)]
pub(crate) struct Qp(&'static Pool<Ending>);

/// qp-postgres' manager, which makes no connection any more, and finds fault with each, once the pool is to end.
pub(crate) struct Ending {
    theirs: PgConnManager<NoTls>,
    over: AtomicBool,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum Never {
    Over,
    Failed(Error),
}

#[async_trait]
impl Manage for Ending {
    type Output = Client;
    type Error = Never;

    async fn try_create(&self) -> Result<Client, Never> {
        if self.is_over() {
            return Err(Never::Over);
        }
        self.theirs.try_create().await.map_err(Never::Failed)
    }

    async fn validate(&self, client: &Client) -> bool {
        !self.is_over() && self.theirs.validate(client).await
    }
}

impl Ending {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Peer for Qp {
    const NAME: &'static str = "qp";
    const PACKAGES: &'static [&'static str] = &["qp", "qp-postgres"];
    const BUILT: &'static str = "`Pool::new` with qp-postgres' manager; it knows no bound, so Tokio's `timeout` bounds \
                                 each get. It makes no connection before one is asked for: as many as are to be kept are \
                                 taken and given back first. Of its figures only the most and what is not held: it has \
                                 no count of its connections, of who waits, no health. It cannot be closed: it is made \
                                 to find fault with every connection that lies ready.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let manager = Ending {
            theirs: PgConnManager::new(config, NoTls),
            over: AtomicBool::new(false),
        };
        let pool = Box::leak(Box::new(Pool::new(manager, spec.max_size)));
        opened(Self(pool), spec).await
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        let get = async {
            self.0.acquire().await.map_err(|error| match error {
                Never::Over => Refusal::Closed,
                Never::Failed(error) => Refusal::Failed(error.into()),
            })
        };
        let client = bounded(within, get).await?;
        Ok(Held::boxed(client, |client| client))
    }

    fn look(&self) -> Look {
        let max = self.0.max_size();
        Look {
            max: Some(max),
            // Its `size` is how many more can be had, connected or not.
            in_use: max.checked_sub(self.0.size()),
            ..Look::default()
        }
    }

    async fn close(self) {
        self.0.manager().over.store(true, Ordering::Release);
        // Throws every one away that lies there, and then cannot make one.
        let _ = self.0.acquire().await;
    }
}

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over => f.write_str("the pool is to end"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}
