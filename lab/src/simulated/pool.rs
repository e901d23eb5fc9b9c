//! millpond's managed pool over a world: the manager, and the pool as the lab knows pools.

use super::world::{Event, Fault, Wire, World};
use crate::Failure;
use crate::pools::{look, refusal};
use crate::subject::{Lease, Look, Refusal, Subject, Work};
use async_trait::async_trait;
use millpond::Runtime;
use millpond::managed::{self, Acquire, Bell, Metrics, Object, RecycleError, RecycleResult};
use millpond::observe::{CloseReason, HandClock};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) struct Manager(World);

impl managed::Manager for Manager {
    type Type = Wire;
    type Error = Fault;

    async fn create(&self) -> Result<Wire, Fault> {
        self.0.connect().await
    }

    async fn recycle(&self, wire: &mut Wire, _: &Metrics) -> RecycleResult<Fault> {
        if wire.in_hand {
            self.0
                .violate(format!("ONCE: connection {} is in two hands", wire.id));
        }
        self.0.may_panic();
        wire.ask(Duration::ZERO)
            .await
            .map_err(RecycleError::Backend)
    }

    fn has_broken(&self, wire: &mut Wire) -> bool {
        wire.is_told()
    }

    fn hang(&self, bell: Bell) {
        self.0.hang(bell);
    }

    fn needs_tidying(&self, wire: &mut Wire) -> bool {
        wire.is_busy
    }

    async fn tidy(&self, wire: &mut Wire) -> RecycleResult<Fault> {
        self.0.may_panic();
        wire.ask(Duration::ZERO)
            .await
            .map_err(RecycleError::Backend)
    }

    fn closes_slowly(&self, wire: &mut Wire, reason: CloseReason) -> bool {
        reason != CloseReason::CheckFailed && !wire.is_told()
    }

    async fn close(&self, wire: Wire) {
        wire.goodbye().await;
    }

    fn defaults(&self) -> managed::Defaults {
        managed::Defaults::server()
    }

    fn describe(&self, error: &Fault) -> Option<String> {
        Some(error.to_string())
    }
}

/// The pool, with everything on that it has.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) pool: managed::Pool<Manager>,
    world: World,
}

impl Simulated {
    pub(super) fn new(world: &World, clock: &HandClock, most: usize, kept: usize) -> Self {
        let builder = managed::Pool::builder(Manager(world.clone()))
            .max_size(most)
            .min_idle(kept)
            .runtime(Runtime::Tokio1)
            .clock(clock)
            .create_timeout(Some(2_000 * MS))
            .recycle_timeout(Some(500 * MS))
            .max_connecting(4)
            .connect_backoff(50 * MS, 500 * MS)
            .breaker(3);
        let pool = builder.build().expect("its runtime is named");
        Self {
            pool,
            world: world.clone(),
        }
    }

    /// At rest, what was counted since the start adds up: each get ended once, and each object that was made lives or was
    /// closed for one reason.
    ///
    /// # Errors
    ///
    /// What does not add up.
    pub(super) fn books(&self) -> Result<(), String> {
        let (stats, now) = (self.pool.stats(), self.pool.snapshot());
        let gets = stats.gets;
        if gets.started != gets.ended() {
            return Err(format!("gets begun and ended: {gets:?}"));
        }
        let live = stats.created.checked_sub(stats.closed.total());
        if live != Some((now.size - now.connecting) as u64) {
            let (created, closed) = (stats.created, stats.closed);
            return Err(format!("made {created}, closed {closed:?}, now {now}"));
        }
        Ok(())
    }
}

#[async_trait]
impl Subject for Simulated {
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let how = Acquire::new().deadline(within).on_behalf_of(caller);
        let mut get = pin!(self.pool.acquire(&how));
        // A panic of the manager is that of the get: callers live on.
        let ended = std::future::poll_fn(|context| {
            match catch_unwind(AssertUnwindSafe(|| get.as_mut().poll(context))) {
                Ok(polled) => polled.map(Some),
                Err(_) => Poll::Ready(None),
            }
        })
        .await;
        match ended {
            Some(Ok(object)) => Ok(Box::new(Taken::new(object))),
            Some(Err(error)) => {
                self.world.note(Event::NotTaken, 0);
                Err(refusal(error))
            }
            None => {
                self.world.note(Event::NotTaken, 1);
                Err(Refusal::Failed("the manager panicked".into()))
            }
        }
    }

    fn look(&self) -> Look {
        look(&self.pool)
    }

    async fn close(&self) {
        self.pool.close();
        self.pool.closed().await;
    }
}

struct Taken(Object<Manager>);

impl Taken {
    fn new(mut object: Object<Manager>) -> Self {
        let world = object.world().clone();
        let id = object.id;
        if object.is_busy {
            world.violate(format!("connection {id} was handed out untidy"));
        }
        if std::mem::replace(&mut object.in_hand, true) {
            world.violate(format!("ONCE: connection {id} is in two hands"));
        }
        world.note(Event::Taken, id);
        Self(object)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.in_hand = false;
        self.0.world().note(Event::GivenBack, self.0.id);
    }
}

#[async_trait]
impl Lease for Taken {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        let takes = match work {
            Work::Ask | Work::Fail => Duration::ZERO,
            Work::Sleep(time) => time,
        };
        Ok(self.0.ask(takes).await?)
    }
}

const MS: Duration = Duration::from_millis(1);
