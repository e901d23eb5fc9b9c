//! deadpool-postgres. By default it looks whether a connection has ended, and asks nobody.

use crate::peer::{Held, Peer, counted, opened};
use deadpool_postgres::{
    Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec};
use std::time::Duration;
use tokio_postgres::{Config, NoTls};

#[derive(Clone)]
pub(crate) struct Deadpool(Pool);

impl Peer for Deadpool {
    const NAME: &'static str = "deadpool";
    const PACKAGES: &'static [&'static str] = &["deadpool", "deadpool-postgres"];
    const BUILT: &'static str = "`Pool::builder`, `max_size`; the bound of a get is each of its three `Timeouts`; \
                                 against outages `RecyclingMethod::Verified`, else its default. It makes no \
                                 connection before one is asked for: as many as are to be kept are taken and given \
                                 back first. Counts no connects under way, has no health.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let recycling_method = match spec.careful {
            false => RecyclingMethod::default(),
            true => RecyclingMethod::Verified,
        };
        let how = ManagerConfig { recycling_method };
        let builder = Pool::builder(Manager::from_config(config, NoTls, how));
        let builder = builder.max_size(spec.max_size);
        let pool = builder.runtime(Runtime::Tokio1).build()?;
        opened(Self(pool), spec).await
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        let within = Some(within);
        let bounds = Timeouts {
            wait: within,
            create: within,
            recycle: within,
        };
        match self.0.timeout_get(&bounds).await {
            Ok(object) => Ok(Held::boxed(object, |object| object)),
            Err(PoolError::Timeout(_)) => Err(Refusal::TimedOut),
            Err(PoolError::Closed) => Err(Refusal::Closed),
            Err(error) => Err(Refusal::Failed(error.into())),
        }
    }

    fn look(&self) -> Look {
        let now = self.0.status();
        Look {
            waiting: Some(now.waiting),
            ..counted(now.max_size, now.size, now.available)
        }
    }

    async fn close(self) {
        self.0.close();
    }
}
