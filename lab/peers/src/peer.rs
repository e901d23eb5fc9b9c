//! What is alike in all of them: how a pool of another project becomes one that a case can drive.

use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Target, Work};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::{Client, Config};

/// A pool of another project.
pub(crate) trait Peer: Clone + Send + Sync + 'static {
    /// What `--pools` calls it.
    const NAME: &'static str;
    /// The packages that it is of, its own first.
    const PACKAGES: &'static [&'static str];
    /// Whether it keeps connections ready that nobody has asked for yet.
    const KEEPS: bool = false;
    /// How it is built, in words.
    const BUILT: &'static str;

    /// A pool as `spec` asks, whose connections lead where `config` says.
    fn of(config: Config, spec: &Spec) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// See [`Subject::get`].
    fn take(
        &self,
        within: Duration,
    ) -> impl Future<Output = Result<Box<dyn Lease>, Refusal>> + Send;

    /// See [`Subject::look`].
    fn look(&self) -> Look;

    /// Ends it. A pool that cannot be told to ends when nobody has it any more: nobody can get at it after this, and
    /// whoever holds a connection of it is the last who has.
    fn close(self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Makes pools of one kind.
pub(crate) struct Peers<P>(PhantomData<fn() -> P>);

impl<P: Peer> Peers<P> {
    pub(crate) fn maker() -> Arc<dyn Maker> {
        Arc::new(Self(PhantomData))
    }
}

#[async_trait]
impl<P: Peer> Maker for Peers<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn version(&self) -> String {
        let versions = P::PACKAGES.iter().enumerate().map(|(number, package)| {
            let version = version(package).unwrap_or("of an unknown version");
            match number {
                0 => version.to_owned(),
                _ => format!("{package} {version}"),
            }
        });
        versions.collect::<Vec<_>>().join(", ")
    }

    fn keeps(&self) -> bool {
        P::KEEPS
    }

    fn built(&self) -> &'static str {
        P::BUILT
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let Target::Postgres(config) = &spec.target else {
            return Err(format!("{} is built for PostgreSQL here", P::NAME).into());
        };
        let mut config = (**config).clone();
        config.application_name(&spec.name);
        Ok(Arc::new(Open(Mutex::new(Some(P::of(config, spec).await?)))))
    }
}

/// The version of a package, as it is in this program.
fn version(package: &str) -> Option<&'static str> {
    let named = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = include_str!("../Cargo.lock").split_once(&named)?;
    Some(rest.split_once('"')?.0)
}

/// A pool, until it is closed.
struct Open<P>(Mutex<Option<P>>);

impl<P: Peer> Open<P> {
    fn pool(&self) -> MutexGuard<'_, Option<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<P: Peer> Subject for Open<P> {
    async fn get(
        &self,
        within: Duration,
        _: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let pool = self.pool().clone().ok_or(Refusal::Closed)?;
        pool.take(within).await
    }

    fn look(&self) -> Look {
        self.pool().as_ref().map_or_else(Look::default, P::look)
    }

    async fn close(&self) {
        let pool = self.pool().take();
        if let Some(pool) = pool {
            pool.close().await;
        }
    }
}

/// Opens as many connections as `spec` wants kept: for a pool that makes none before it is asked for one.
pub(crate) async fn opened<P: Peer>(pool: P, spec: &Spec) -> Result<P, Failure> {
    let mut held = Vec::new();
    while held.len() < spec.kept {
        let taken = pool.take(spec.wait).await;
        held.push(
            taken.map_err(|refusal| format!("{}: the first connections: {refusal}", P::NAME))?,
        );
    }
    drop(held);
    Ok(pool)
}

/// The bound of one get, for a pool that has a bound for all of them alone.
pub(crate) async fn bounded<T>(
    within: Duration,
    get: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    timeout(within, get).await.unwrap_or(Err(Refusal::TimedOut))
}

/// The longest of `spec`'s bound and the pool's own: a case that names a longer one for a get must not run into it.
pub(crate) fn at_most(spec: &Spec) -> Duration {
    spec.wait.max(Duration::from_secs(30))
}

/// A connection by tokio-postgres, and how to get at it.
pub(crate) struct Held<T> {
    taken: T,
    client: fn(&T) -> &Client,
}

impl<T: Send + 'static> Held<T> {
    pub(crate) fn boxed(taken: T, client: fn(&T) -> &Client) -> Box<dyn Lease> {
        Box::new(Self { taken, client })
    }
}

#[async_trait]
impl<T: Send> Lease for Held<T> {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        let client = (self.client)(&self.taken);
        work.judge(client.simple_query(&work.statement()).await)
    }
}

/// The size of a pool, for a builder that counts in `u32`.
pub(crate) fn count(many: usize) -> Result<u32, Failure> {
    u32::try_from(many).map_err(|_| format!("a pool of {many} is too large").into())
}

/// A count of a pool, if it is one: `None` for what cannot be.
pub(crate) fn known(count: impl TryInto<usize>) -> Option<usize> {
    count.try_into().ok()
}

/// The look of a pool that counts its connections and those of them that lie ready: the others are held. Read at two
/// moments, they may be less than none; that is no count.
pub(crate) fn counted(
    max: impl TryInto<usize>,
    size: impl TryInto<usize>,
    idle: impl TryInto<usize>,
) -> Look {
    let (size, idle) = (known(size), known(idle));
    Look {
        max: known(max),
        size,
        in_use: size
            .zip(idle)
            .and_then(|(size, idle)| size.checked_sub(idle)),
        idle,
        ..Look::default()
    }
}
