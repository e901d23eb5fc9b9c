//! millpond's pool: of PostgreSQL connections, built as its documentation says, and of whatever another manager makes.

use crate::Failure;
use crate::data;
use crate::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Target, Work};
use async_trait::async_trait;
use millpond::Runtime;
use millpond::managed::{Acquire, AcquireError, Drain, Manager, Object, Pool, Reason};
use millpond::observe::{Level, Pools};
use millpond::postgres;
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::{ManagerConfig, RecyclingMethod};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Makes them.
#[derive(Debug)]
pub struct Millpond;

/// A pool of millpond's, and how work is done with what its manager `M` makes: `W`.
pub struct Own<M: Manager, W> {
    pool: Pool<M>,
    leak_threshold: Option<Duration>,
    works: PhantomData<fn() -> W>,
}

/// Does work with the objects of a manager.
#[async_trait]
pub trait Works<M: Manager>: 'static {
    /// See [`Lease::work`].
    async fn work(object: &mut Object<M>, work: Work) -> Result<(), Failure>;
}

impl<M: Manager, W> Own<M, W> {
    /// A pool that was built as `spec` asks.
    pub fn new(pool: Pool<M>, spec: &Spec) -> Self {
        Self {
            pool,
            leak_threshold: spec.leak_threshold,
            works: PhantomData,
        }
    }
}

#[async_trait]
impl Maker for Millpond {
    fn name(&self) -> &'static str {
        "millpond"
    }

    fn version(&self) -> String {
        // All crates of this repository have one version.
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn built(&self) -> &'static str {
        "`Pool::builder`, `max_size`, `min_idle`, `build_ready`; `Acquire::deadline` bounds each get."
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let Target::Postgres(config) = &spec.target else {
            return Err("this pool is for PostgreSQL".into());
        };
        let mut config = (**config).clone();
        config.application_name(&spec.name);
        let builder = match spec.careful {
            false => postgres::Pool::builder(postgres::Manager::new(config, NoTls)),
            true => careful(config),
        };
        let pool = builder
            .name(&spec.name)
            .max_size(spec.max_size)
            .min_idle(spec.kept)
            .leak_threshold(spec.leak_threshold)
            .wait_timeout(Some(spec.wait))
            .shed_overload(spec.shed)
            .runtime(Runtime::Tokio1)
            .build_ready()
            .await?;
        Ok(Arc::new(Own::<_, Clients>::new(pool, spec)))
    }
}

/// With everything against outages.
fn careful(config: tokio_postgres::Config) -> postgres::PoolBuilder {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Verified,
    };
    let manager = postgres::Manager::from_config(config, NoTls, recycling);
    postgres::Pool::builder(manager.connect_bound(2_000 * MS))
        .recycle_timeout(Some(500 * MS))
        .keepalive(Some(500 * MS))
        .connect_backoff(50 * MS, 500 * MS)
        .breaker(3)
}

const MS: Duration = Duration::from_millis(1);

#[async_trait]
impl<M, W> Subject for Own<M, W>
where
    M: Manager,
    M::Type: Sync,
    M::Error: std::error::Error + Send + Sync,
    W: Works<M>,
{
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let how = Acquire::new().deadline(within).on_behalf_of(caller);
        match self.pool.acquire(&how).await {
            Ok(object) => Ok(Box::new(Taken::<M, W>(object, PhantomData))),
            Err(error) => Err(refusal(error)),
        }
    }

    fn look(&self) -> Look {
        look(&self.pool)
    }

    fn leaks(&self) -> Option<Vec<String>> {
        let threshold = self.leak_threshold?;
        let late = self.pool.checkouts().into_iter();
        let late = late.filter(|checkout| checkout.held >= threshold);
        Some(late.map(|checkout| checkout.to_string()).collect())
    }

    fn list(&self, pools: &Pools) -> Option<String> {
        Some(pools.list(&self.pool))
    }

    async fn close(&self) {
        self.pool.close();
        // Not `closed`, which waits for those that are held too.
        while self.pool.snapshot().size > self.pool.snapshot().in_use {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn drain(&self, within: Duration) -> Result<(), Failure> {
        Ok(self.pool.drain(Drain::Serve, within).await?)
    }
}

/// What a pool of millpond's says of itself.
pub(crate) fn look<M: Manager>(pool: &Pool<M>) -> Look {
    let now = pool.snapshot();
    Look {
        max: Some(now.max_size),
        size: Some(now.size),
        connecting: Some(now.connecting),
        in_use: Some(now.in_use),
        idle: Some(now.idle),
        waiting: Some(now.waiting),
        health: Some(match pool.health().level {
            Level::Healthy => data::Level::Healthy,
            Level::Warning => data::Level::Warning,
            Level::Critical => data::Level::Critical,
        }),
    }
}

/// Why it gave none.
pub(crate) fn refusal<E>(error: AcquireError<E>) -> Refusal
where
    E: std::error::Error + Send + Sync + 'static,
{
    match error.reason() {
        Reason::Deadline(_) | Reason::Timeout(_) => Refusal::TimedOut,
        Reason::LineFull => Refusal::Shed(None),
        Reason::Overloaded { retry_after } | Reason::Unavailable { retry_after, .. } => {
            Refusal::Shed(Some(*retry_after))
        }
        Reason::Closed => Refusal::Closed,
        _ => Refusal::Failed(error.into()),
    }
}

impl<M: Manager, W> fmt::Debug for Own<M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.pool.snapshot())
    }
}

struct Taken<M: Manager, W>(Object<M>, PhantomData<fn() -> W>);

#[async_trait]
impl<M, W> Lease for Taken<M, W>
where
    M: Manager,
    M::Type: Sync,
    W: Works<M>,
{
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        W::work(&mut self.0, work).await
    }
}

/// Work with connections to PostgreSQL.
struct Clients;

#[async_trait]
impl Works<postgres::Manager> for Clients {
    async fn work(client: &mut postgres::Client, work: Work) -> Result<(), Failure> {
        work.judge(client.simple_query(&work.statement()).await)
    }
}
