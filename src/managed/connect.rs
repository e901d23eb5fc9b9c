//! Making an object, with an owner or without one.

use super::alarm::Alarm;
use super::core::Core;
use super::errors::TimeoutType;
use super::hooks::apply;
use super::slot::Slot;
use super::{Manager, PoolError};
use crate::engine::budget::{Allowance, Draw, Drawn};
use crate::engine::wake::{first_panic, resume};
use crate::observe::CloseReason;
use crate::time::bounded;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a connect may go on that nobody bounded and nobody waits for: long enough for a slow
/// handshake, short enough that a black hole does not hold a reservation for ever.
pub(crate) const UNOWNED_BOUND: Duration = Duration::from_secs(10);

/// How long a connect gives those that are being tidied: about as long as one takes on a fast network, so that who
/// begins later loses little, and an untidy return costs no connection.
const HOLD: Duration = Duration::from_millis(5);

type Making<M> = Pin<Box<dyn Future<Output = Made<M>> + Send>>;

/// How a connect ended.
pub(crate) type Made<M> = Result<Box<Slot<M>>, PoolError<<M as Manager>::Error>>;

/// A getter's own connect. It stands for a reservation in the engine, which its getter ends; or, when the
/// getter is gone or served, [`disown`](Self::disown).
pub(crate) struct Connect<M: Manager> {
    /// `None` once it ended, and while it is polled: a panic inside leaves nothing to poll again.
    stage: Option<Stage<M>>,
    core: Arc<Core<M>>,
    create: Option<Duration>,
    #[cfg(feature = "rt_tokio_1")]
    background: Option<background::Background>,
}

/// How far it is.
enum Stage<M: Manager> {
    /// Objects are being made fit for the next user: one of them will most likely be there first.
    Holds(Alarm, Option<Allowance>),
    /// It has no place in the budget of its pool yet, and may have asked for one.
    Draws(Option<Draw>),
    Makes(Making<M>),
}

impl<M: Manager> Connect<M> {
    /// Begins to make an object; `create` bounds [`Manager::create`], as in deadpool. In a pool with a budget, and
    /// without an allowance of it, it waits for one first, which no bound of its own limits. Who `may_hold` gives those
    /// that are being tidied a moment before.
    pub(crate) fn new(
        core: &Arc<Core<M>>,
        create: Option<Duration>,
        allowance: Option<Allowance>,
        may_hold: bool,
    ) -> Self {
        let mut connect = Self {
            stage: None,
            core: Arc::clone(core),
            create,
            #[cfg(feature = "rt_tokio_1")]
            background: None,
        };
        connect.stage = Some(
            match may_hold && core.runtime.is_some() && core.is_tidying() {
                true => Stage::Holds(Alarm::default(), allowance),
                false => connect.set_out(allowance),
            },
        );
        connect
    }

    fn set_out(&mut self, allowance: Option<Allowance>) -> Stage<M> {
        match (&self.core.account, allowance) {
            (Some(_), None) => Stage::Draws(None),
            (_, allowance) => Stage::Makes(self.begin(allowance)),
        }
    }

    /// Drives it.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Made<M>> {
        let mut stage = self.stage.take().expect("not polled after its end");
        if let Stage::Holds(mut over, allowance) = stage {
            let waits = self.core.is_tidying()
                && over
                    .poll(self.core.runtime, Some(HOLD), context)
                    .is_pending();
            if waits {
                self.stage = Some(Stage::Holds(over, allowance));
                return Poll::Pending;
            }
            stage = self.set_out(allowance);
        }
        let mut making = match stage {
            Stage::Holds(..) => unreachable!("it has set out"),
            Stage::Makes(making) => making,
            Stage::Draws(draw) => match self.core.advance(draw, context.waker()) {
                Drawn::Allowance(allowance) => self.begin(Some(allowance)),
                Drawn::Later(draw) => {
                    self.stage = Some(Stage::Draws(Some(draw)));
                    return Poll::Pending;
                }
            },
        };
        let made = making.as_mut().poll(context);
        if made.is_pending() {
            self.stage = Some(Stage::Makes(making));
        }
        made
    }

    /// Whether it has not begun, since the budget has nothing for it yet, or something may be there sooner.
    pub(crate) fn draws(&self) -> bool {
        matches!(self.stage, Some(Stage::Draws(_) | Stage::Holds(..)))
    }

    /// Whether it has not begun, and now may not: the pool was paused, or fewer may connect.
    pub(crate) fn must_wait(&self) -> bool {
        self.draws() && self.core.connects_too_many()
    }

    fn begin(&mut self, allowance: Option<Allowance>) -> Making<M> {
        #[cfg(feature = "rt_tokio_1")]
        {
            self.background = background::Background::find(self.core.runtime, self.create);
        }
        Box::pin(make(Arc::clone(&self.core), self.create, allowance))
    }

    /// Its getter is gone or served: it goes on in the background where there is one and it has begun, else it is
    /// dropped; either way its reservation is ended.
    pub(crate) fn disown(self) {
        let making = match self.stage {
            Some(Stage::Makes(making)) => Some(making),
            Some(Stage::Draws(_) | Stage::Holds(..)) | None => None,
        };
        let unowned = Unowned {
            making,
            slot: None,
            core: Some(self.core),
        };
        #[cfg(feature = "rt_tokio_1")]
        if let Some(background) = self.background.filter(|_| unowned.is_wanted()) {
            return background.run(unowned);
        }
        drop(unowned);
    }
}

async fn make<M: Manager>(
    core: Arc<Core<M>>,
    create: Option<Duration>,
    allowance: Option<Allowance>,
) -> Made<M> {
    core.keep_watch();
    let started = core.clock.now();
    let panicked = Panicked(&core);
    let made = make_uncounted(&core, create, allowance).await;
    panicked.not();
    match &made {
        Ok(_) => core.made_in(core.since(started)),
        Err(error) => core.not_made(error),
    }
    made
}

/// The allowance, first to come, is last to go: after what is half made.
async fn make_uncounted<M: Manager>(
    core: &Arc<Core<M>>,
    create: Option<Duration>,
    allowance: Option<Allowance>,
) -> Made<M> {
    let generation = core.generation();
    let object = match bounded(core.runtime, create, core.manager.create()).await {
        None => return Err(PoolError::Timeout(TimeoutType::Create)),
        Some(Err(error)) => return Err(PoolError::Backend(error)),
        Some(Ok(object)) => object,
    };
    let slot = Slot::new(object, Arc::clone(core), generation, allowance);
    let mut unproved = Unproved(Some(slot));
    let slot = unproved.0.as_mut().expect("just put in");
    apply(&core.hooks.post_create, slot)
        .await
        .map_err(PoolError::PostCreateHook)?;
    Ok(unproved.0.take().expect("just used"))
}

/// Counts a connect that ends in a panic. One that is dropped was given up, which is no failure.
struct Panicked<'a, M: Manager>(&'a Core<M>);

impl<M: Manager> Panicked<'_, M> {
    fn not(self) {
        std::mem::forget(self);
    }
}

impl<M: Manager> Drop for Panicked<'_, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.counters.create_failures.add_one();
        }
    }
}

/// A new object that its hooks have not passed yet: dropped, it is destroyed. It is not counted as an
/// object yet, so nothing is owed for it; its reservation is ended by whoever drives the connect.
struct Unproved<M: Manager>(Option<Box<Slot<M>>>);

impl<M: Manager> Drop for Unproved<M> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            resume(Core::destroy(slot, None));
        }
    }
}

/// A connect that no getter owns, and its reservation. Dropped, both are ended, in this order.
pub(crate) struct Unowned<M: Manager> {
    making: Option<Making<M>>,
    slot: Option<Box<Slot<M>>>,
    /// `None` once the reservation is ended.
    core: Option<Arc<Core<M>>>,
}

impl<M: Manager> Unowned<M> {
    /// Begins to make an object for the pool, if there is room that nobody in line wants, nor anybody in line for
    /// the pool's budget.
    pub(crate) fn reserve(core: &Arc<Core<M>>) -> Option<Self> {
        let allowance = match &core.account {
            Some(account) => Some(account.try_draw()?),
            None => None,
        };
        Self::reserve_on(core, allowance)
    }

    /// The same, with a place in the budget, where the pool has one.
    pub(crate) fn reserve_on(core: &Arc<Core<M>>, allowance: Option<Allowance>) -> Option<Self> {
        core.engine.reserve().then(|| Self {
            making: Some(Box::pin(make(Arc::clone(core), None, allowance))),
            slot: None,
            core: Some(Arc::clone(core)),
        })
    }

    /// Makes the object within `bound`, and keeps it until it is [put in](Self::put_in).
    pub(crate) async fn make(
        &mut self,
        bound: Duration,
    ) -> Result<&mut Slot<M>, PoolError<M::Error>> {
        let making = self.making.as_mut().expect("made once");
        let runtime = self.core.as_ref().and_then(|core| core.runtime);
        let made = bounded(runtime, Some(bound), making).await;
        self.making = None;
        Ok(self
            .slot
            .insert(made.unwrap_or_else(|| Err(self.too_late()))?))
    }

    /// The bound on it ran out: a failure like any other, which the connect itself could not count.
    fn too_late(&self) -> PoolError<M::Error> {
        let error = PoolError::Timeout(TimeoutType::Create);
        if let Some(core) = &self.core {
            core.not_made(&error);
        }
        error
    }

    /// The object goes to the front of the line, or becomes idle.
    pub(crate) fn put_in(mut self) {
        if let Some((slot, core)) = self.slot.take().zip(self.core.take()) {
            core.made(slot);
            // More may be missing, and may be made now: that waits for no round.
            core.keeper.nudge();
        }
    }

    #[cfg(feature = "rt_tokio_1")]
    fn is_wanted(&self) -> bool {
        self.making.is_some()
            && self
                .core
                .as_ref()
                .is_some_and(|core| !core.snapshot().closed)
    }
}

impl<M: Manager> Drop for Unowned<M> {
    fn drop(&mut self) {
        let Some(core) = self.core.take() else { return };
        let panic = first_panic(None, || drop(self.making.take()));
        let panic = panic.or(self.slot.take().and_then(|slot| {
            // Made, and then its proof failed or was cut short.
            core.counters.check_failures.add_one();
            Core::destroy(slot, Some(CloseReason::CheckFailed))
        }));
        resume(first_panic(panic, || core.engine.give_up()));
    }
}

#[cfg(feature = "rt_tokio_1")]
mod background {
    use super::{Manager, UNOWNED_BOUND, Unowned};
    use crate::Runtime;
    use std::time::Duration;
    use tokio::runtime::Handle;
    use tokio::time::{Instant, timeout_at};

    /// Where and until when a connect may go on without its getter.
    pub(super) struct Background {
        runtime: Handle,
        deadline: Option<Instant>,
    }

    impl Background {
        /// Only where the pool was told its runtime, and is used within it.
        pub(super) fn find(runtime: Option<Runtime>, bound: Option<Duration>) -> Option<Self> {
            let Some(Runtime::Tokio1) = runtime else {
                return None;
            };
            Some(Self {
                runtime: Handle::try_current().ok()?,
                // None: further away than the clock can say.
                deadline: Instant::now().checked_add(bound.unwrap_or(UNOWNED_BOUND)),
            })
        }

        /// Lets it go on to its end. On a runtime that shuts down it is dropped instead.
        pub(super) fn run<M: Manager>(self, unowned: Unowned<M>) {
            self.runtime.spawn(unowned.run(self.deadline));
        }
    }

    impl<M: Manager> Unowned<M> {
        /// An error is nobody's any more: dropping `self` ends the reservation.
        async fn run(mut self, deadline: Option<Instant>) {
            let Some(making) = &mut self.making else {
                return;
            };
            let made = match deadline {
                Some(deadline) => timeout_at(deadline, making).await,
                None => Ok(making.await),
            };
            match made {
                Ok(Ok(slot)) => {
                    self.slot = Some(slot);
                    self.put_in();
                }
                Ok(Err(_)) => {}
                // Given up, which is nobody's failure; but whoever connects next should know.
                Err(_) => {
                    if let Some(core) = &self.core {
                        core.connect_failed();
                    }
                }
            }
        }
    }
}
