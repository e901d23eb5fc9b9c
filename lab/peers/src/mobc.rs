//! mobc-postgres. By default an empty query at each check-out.

use crate::peer::{Held, Peer, count, counted, opened};
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Refusal, Spec};
use mobc::{Error, Pool, State};
use mobc_postgres::PgConnectionManager;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tokio_postgres::{Config, NoTls};

#[derive(Clone)]
pub(crate) struct Mobc(Pool<PgConnectionManager<NoTls>>);

impl Peer for Mobc {
    const NAME: &'static str = "mobc";
    const PACKAGES: &'static [&'static str] = &["mobc", "mobc-postgres"];
    const BUILT: &'static str = "`Pool::builder`, `max_open`, and `max_idle` alike, as it would else keep 2; \
                                 `get_timeout(bound)`. It makes no connection before one is asked for: as many as \
                                 are to be kept are taken and given back first. Counts no connects under way and \
                                 nobody who waits now (its `wait_count` is of all who ever did), has no health. It \
                                 is closed by dropping it, and each of its connections keeps it.";

    async fn of(config: Config, spec: &Spec) -> Result<Self, Failure> {
        let many = u64::from(count(spec.max_size)?);
        let builder = Pool::builder().max_open(many).max_idle(many);
        opened(
            Self(builder.build(PgConnectionManager::new(config, NoTls))),
            spec,
        )
        .await
    }

    async fn take(&self, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
        match self.0.get_timeout(within).await {
            Ok(connection) => Ok(Held::boxed(connection, |connection| connection)),
            Err(Error::Timeout) => Err(Refusal::TimedOut),
            Err(Error::PoolClosed) => Err(Refusal::Closed),
            Err(error) => Err(Refusal::Failed(error.into())),
        }
    }

    fn look(&self) -> Look {
        let now = self.state();
        now.map_or_else(Look::default, |now| {
            counted(now.max_open, now.connections, now.idle)
        })
    }
}

impl Mobc {
    /// It says so behind a lock that has to be waited for: a look does not, but tries for a moment.
    fn state(&self) -> Option<State> {
        let mut context = Context::from_waker(Waker::noop());
        (0..TRIES).find_map(|_| match pin!(self.0.state()).poll(&mut context) {
            Poll::Ready(state) => Some(state),
            Poll::Pending => {
                thread::yield_now();
                None
            }
        })
    }
}

const TRIES: usize = 100;
