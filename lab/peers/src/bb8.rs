//! bb8-postgres. By default an empty query at each check-out.

use crate::peer::{Held, Peer, at_most, bounded, count, counted, known};
use bb8::{Pool, RunError};
use bb8_postgres::PostgresConnectionManager;
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec};
use std::time::Duration;
use tokio_postgres::{Config, NoTls};

#[derive(Clone)]
pub(crate) struct Bb8(Pool<PostgresConnectionManager<NoTls>>);

impl Peer for Bb8 {
    const NAME: &'static str = "bb8";
    const PACKAGES: &'static [&'static str] = &["bb8", "bb8-postgres"];
    const KEEPS: bool = true;
    const BUILT: &'static str = "`Pool::builder`, `max_size`, `min_idle`; its `connection_timeout` is one for the \
                                 whole pool (30 s), so Tokio's `timeout` bounds each get, which then is dropped. \
                                 Counts no connects under way, has no health; who waits is its `pending_gets`. It \
                                 is closed by dropping it, and a connection of `get_owned`, the only one that can \
                                 be kept for long, keeps it.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let builder = Pool::builder()
            .max_size(count(spec.max_size)?)
            .min_idle(count(spec.kept)?)
            .connection_timeout(at_most(spec));
        let manager = PostgresConnectionManager::new(config, NoTls);
        Ok(Self(builder.build(manager).await?))
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        let get = async {
            self.0.get_owned().await.map_err(|error| match error {
                RunError::TimedOut => Refusal::TimedOut,
                RunError::User(error) => Refusal::Failed(error.into()),
            })
        };
        let client = bounded(within, get).await?;
        Ok(Held::boxed(client, |client| client))
    }

    fn look(&self) -> Look {
        let (now, max) = (self.0.state(), self.0.config().max_size);
        let done = now.statistics.completed_gets();
        let waiting = now.statistics.get_started.checked_sub(done);
        Look {
            waiting: waiting.and_then(known),
            ..counted(max, now.connections, now.idle_connections)
        }
    }
}
