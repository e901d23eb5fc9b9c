//! r2d2-postgres: a pool that blocks, on threads for what blocks. By default an empty query at each check-out.

use crate::peer::{Peer, count, counted};
use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec, Work};
use r2d2::{Pool, PooledConnection};
use r2d2_postgres::PostgresConnectionManager;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio_postgres::{Config, NoTls};

type Manager = PostgresConnectionManager<NoTls>;

#[derive(Clone)]
pub(crate) struct R2d2(Pool<Manager>);

/// None while it is in use on a thread, and after a use that was dropped half-way: it comes back when that has ended.
struct Taken(Option<Home>);

/// A connection that must not be given back where nobody may block: that connects anew if it has broken.
struct Home(Option<PooledConnection<Manager>>);

impl Peer for R2d2 {
    const NAME: &'static str = "r2d2";
    const PACKAGES: &'static [&'static str] = &["r2d2", "r2d2_postgres"];
    const KEEPS: bool = true;
    const BUILT: &'static str = "`Pool::builder`, `max_size`, `min_idle`; `get_timeout(bound)`, which blocks, as does all \
                                 work with its connections: on Tokio's threads for that, so whoever gives up goes, and his \
                                 thread stays until its bound. Counts no connects under way and nobody who waits, has no \
                                 health. It is closed by dropping it.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let builder = Pool::builder()
            .max_size(count(spec.max_size)?)
            .min_idle(Some(count(spec.kept)?))
            .connection_timeout(spec.wait);
        let manager = PostgresConnectionManager::new(config.into(), NoTls);
        Ok(Self(spawn_blocking(move || builder.build(manager)).await??))
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        let (pool, asked) = (self.0.clone(), Instant::now());
        let got = spawn_blocking(move || {
            // It may have waited for its thread.
            let left = within.saturating_sub(asked.elapsed());
            pool.get_timeout(left).map(|client| Home(Some(client)))
        });
        match got.await.map_err(|error| Refusal::Failed(error.into()))? {
            Ok(home) => Ok(Box::new(Taken(Some(home)))),
            // It has one error, and no word for a time that has passed.
            Err(_) if asked.elapsed() >= within => Err(Refusal::TimedOut),
            Err(error) => Err(Refusal::Failed(error.into())),
        }
    }

    fn look(&self) -> Look {
        let now = self.0.state();
        counted(self.0.max_size(), now.connections, now.idle_connections)
    }

    async fn close(self) {
        // What closes a connection waits for its end. A panic of it is nobody's but its own.
        let _ = spawn_blocking(move || drop(self)).await;
    }
}

#[async_trait]
impl Lease for Taken {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        let mut home = self.0.take().ok_or("the connection is still in use")?;
        let used = spawn_blocking(move || {
            let client = home.0.as_mut().ok_or("the connection is gone")?;
            let answer = client.simple_query(&work.statement());
            Ok::<_, Failure>((home, work.judge(answer)))
        });
        let (home, outcome) = used.await??;
        self.0 = Some(home);
        outcome
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let client = self.0.take();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(client))),
            Err(_) => drop(client),
        }
    }
}
