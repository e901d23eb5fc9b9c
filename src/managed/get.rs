//! The way of a get: claim, or stand in line and perhaps connect; check; out.

use super::alarm::Alarm;
use super::attempt::Attempt;
use super::check::{Doubtful, Owed, Timed};
use super::connect::Connect;
use super::core::Core;
use super::errors::TimeoutType;
use super::gate::Approach;
use super::held::Held;
use super::slot::Slot;
use super::upkeep::Fitness;
use super::{Manager, PoolError, Priority, Timeouts};
use crate::engine::budget::Allowance;
use crate::engine::wake::{first_panic, resume};
use crate::engine::{Claim, End, Enter, Finish, GiveBack, Leave, Place, Placed, Turn};
use crate::observe::trace;
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Why a get failed, before it is told in deadpool's words or in ours.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// One of deadpool's reasons.
    Error(PoolError<E>),
    /// The line is full.
    Shed,
    /// It would have had to wait for longer than it may.
    Overloaded { retry_after: Duration },
    /// Making objects is suspended, and nothing of the pool is out that could come back.
    Unavailable {
        why: Option<String>,
        retry_after: Duration,
        /// The same in the manager's words.
        error: Option<E>,
    },
}

impl<E> Failure<E> {
    /// In deadpool's words, which know no full line.
    pub(crate) fn into_pool_error(self) -> PoolError<E> {
        match self {
            Self::Error(error) => error,
            Self::Shed | Self::Overloaded { .. } => PoolError::Timeout(TimeoutType::Wait),
            Self::Unavailable {
                error: Some(error), ..
            } => PoolError::Backend(error),
            Self::Unavailable { .. } => PoolError::Timeout(TimeoutType::Create),
        }
    }
}

/// What a get comes to.
pub(crate) type Obtained<M> = Result<Box<Slot<M>>, Failure<<M as Manager>::Error>>;

impl<M: Manager> Core<M> {
    /// [`obtain`](Self::obtain) with bounds that are not the pool's own, which `build` has looked at.
    pub(crate) async fn obtain_within(
        self: &Arc<Self>,
        timeouts: &Timeouts,
        attempt: &mut Attempt<'_, M>,
    ) -> Obtained<M> {
        if self.runtime.is_none() && timeouts.need_runtime() {
            return Err(Failure::Error(PoolError::NoRuntimeSpecified));
        }
        self.obtain(timeouts, attempt).await
    }

    /// The whole way of a get, up to the slot that its object lives in. `attempt` is told how it goes.
    #[inline]
    pub(crate) async fn obtain(
        self: &Arc<Self>,
        timeouts: &Timeouts,
        attempt: &mut Attempt<'_, M>,
    ) -> Obtained<M> {
        let owed = 'line: {
            if self.gate.is_some() && !self.lets_in(attempt)? {
                break 'line None;
            }
            let mut doubtful = match self.engine.claim() {
                Claim::Object(slot) => Doubtful::new(slot),
                Claim::Empty => break 'line None,
                Claim::Closed => return Err(Failure::Error(PoolError::Closed)),
            };
            match self.fitness(doubtful.slot()) {
                Fitness::Check => {}
                Fitness::Good => return Ok(doubtful.pass_unchecked()),
                Fitness::Worn(reason) => break 'line Some(doubtful.discard(reason)),
            }
            let slot = doubtful.slot();
            let began = self.check_begins();
            attempt.phase = TimeoutType::Recycle;
            // Without hooks and without a bound there is nothing around the manager's own check: to build a
            // future around it would cost this path more than one of its atomic operations.
            let good = if self.bare_recycle && timeouts.recycle.is_none() {
                let check = pin!(self.manager.recycle(&mut slot.object, &slot.metrics));
                Timed::new(self, check).await.is_ok()
            } else {
                self.check(slot, timeouts).await
            };
            if good {
                return Ok(doubtful.pass());
            }
            let owed = doubtful.destroy();
            self.suspect_others(began);
            Some(owed)
        };
        // One place for all that wait: each would make the way of those who do not longer. The getter is no part of the
        // waiting, which would have room for it twice.
        let mut getter = Getter::new(self, timeouts, attempt, owed);
        let waiting = pin!(getter.obtain_in_line());
        trace::waiting(|| self.name(), Aside(waiting)).await
    }
}

/// What most who might wait for it never do: its way is kept out of theirs.
struct Aside<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for Aside<'_, F> {
    type Output = F::Output;

    #[cold]
    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

/// What came of standing in line.
enum Got<M: Manager> {
    /// Our own connect: fresh, not to be checked.
    Made(Box<Slot<M>>),
    /// An object that was idle, or came back.
    Used(Box<Slot<M>>),
}

type Ended<M> = Result<Got<M>, Failure<<M as Manager>::Error>>;

/// A getter in line. Dropped at any point, it leaves nothing behind: see `Drop`.
///
/// It lies in the future of its get, which is no larger for it: what it may need and most do not is boxed.
struct Getter<'g, 'a, M: Manager> {
    core: &'g Arc<Core<M>>,
    timeouts: &'g Timeouts,
    attempt: &'g mut Attempt<'a, M>,
    /// What is owed for the dead object that it was served before.
    owed: Option<Owed<M>>,
    /// It comes from the gate, and has no place in the pool yet.
    approach: Option<Approach<'g, M>>,
    place: Option<Place<Box<Slot<M>>>>,
    connect: Option<Box<Connect<M>>>,
    /// The bound on what it waits for. One timer for all of its waiting for others: being served a dead object starts
    /// no fresh bound.
    over: Alarm,
}

impl<'g, 'a, M: Manager> Getter<'g, 'a, M> {
    fn new(
        core: &'g Arc<Core<M>>,
        timeouts: &'g Timeouts,
        attempt: &'g mut Attempt<'a, M>,
        owed: Option<Owed<M>>,
    ) -> Self {
        Self {
            core,
            timeouts,
            attempt,
            owed,
            approach: None,
            place: None,
            connect: None,
            over: Alarm::default(),
        }
    }

    /// The rest of the way for a getter that found nothing idle, or only a dead object, for which it still
    /// owes.
    async fn obtain_in_line(&mut self) -> Obtained<M> {
        let core = self.core;
        self.attempt.stands_in_line();
        // Who has an object in mind whose room is owed for has been let in before.
        if self.owed.is_none() {
            core.admit(self.timeouts, self.attempt)?;
        }
        if core.keeps_out(self.attempt) {
            let passed = core.pass_gate(self.attempt, self.timeouts.wait, &mut self.over);
            self.approach = Box::pin(passed).await?;
        }
        loop {
            let slot = match poll_fn(|context| self.poll(context)).await? {
                Got::Made(slot) => {
                    self.attempt.made_it();
                    return Ok(slot);
                }
                Got::Used(slot) => slot,
            };
            self.attempt.phase = TimeoutType::Recycle;
            let mut doubtful = Doubtful::new(slot);
            // If it is worn or dead, its getter goes on where it was: at the head of the line, or of what is idle.
            let owed = match core.fitness(doubtful.slot()) {
                Fitness::Good => return Ok(doubtful.pass_unchecked()),
                Fitness::Worn(reason) => doubtful.discard(reason),
                Fitness::Check => {
                    let began = core.check_begins();
                    let slot = doubtful.slot();
                    // What stands around the manager's own check is boxed: most pools have nothing there, and all who
                    // wait would carry the room for it.
                    let good = if core.bare_recycle && self.timeouts.recycle.is_none() {
                        let check = pin!(core.manager.recycle(&mut slot.object, &slot.metrics));
                        Timed::new(core, check).await.is_ok()
                    } else {
                        Box::pin(core.check(slot, self.timeouts)).await
                    };
                    if good {
                        return Ok(doubtful.pass());
                    }
                    let owed = doubtful.destroy();
                    core.suspect_others(began);
                    owed
                }
            };
            self.owed = Some(owed);
        }
    }

    /// Waits for an object or for its own connect, whichever comes first (P4).
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended<M>> {
        if let Poll::Ready(ended) = self.advance(context) {
            return Poll::Ready(ended);
        }
        let (phase, bound) = match &self.connect {
            // The connect keeps its own bound, and says what it died of.
            Some(connect) if !connect.draws() => {
                self.attempt.phase = TimeoutType::Create;
                return Poll::Pending;
            }
            _ if self.waits() => (TimeoutType::Wait, self.timeouts.wait),
            // In line for the outcome of a connect that nobody owns.
            _ => (TimeoutType::Create, self.timeouts.create),
        };
        self.attempt.phase = phase;
        let late = self.over.poll(self.core.runtime, bound, context);
        late.map(|()| Err(Failure::Error(PoolError::Timeout(phase))))
    }

    /// One step: hear what the line has, then drive the own connect, until neither has news.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Ended<M>> {
        if self.place.is_none() {
            if let Some(ended) = self.enter(context) {
                return Poll::Ready(ended);
            }
        }
        loop {
            if let Some(ended) = self.hear(context) {
                return Poll::Ready(ended);
            }
            if self
                .connect
                .as_ref()
                .is_some_and(|connect| connect.must_wait())
            {
                self.put_off();
                continue;
            }
            let Some(connect) = &mut self.connect else {
                return Poll::Pending;
            };
            let made = match catch_unwind(AssertUnwindSafe(|| connect.poll(context))) {
                Ok(Poll::Pending) if connect.draws() && !self.waits() => {
                    Err(PoolError::Timeout(TimeoutType::Wait))
                }
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(made)) => made,
                Err(panic) => self.panicked(panic),
            };
            self.connect = None;
            let ended = match made {
                Ok(slot) => self.finish(slot),
                Err(error) => self.fail(error),
            };
            if let Some(ended) = ended {
                return Poll::Ready(ended);
            }
        }
    }

    /// Takes its place in line, if it must.
    fn enter(&mut self, context: &mut Context<'_>) -> Option<Ended<M>> {
        if !self.waits() {
            // Each connect of another's that it waits for has its whole bound.
            self.over = Alarm::default();
        }
        let mut owed = self.owed.take();
        let debt = owed.as_mut().and_then(Owed::take);
        let end = match (&owed, &self.approach) {
            (Some(_), _) => End::Front,
            (None, Some(_)) => End::Through,
            (None, None) => End::Back,
        };
        let waker = context.waker();
        let entered = self.core.engine.enter(end, self.waits(), debt, waker);
        // Not before: whoever counts those that wait must not miss it.
        self.approach = None;
        match entered {
            Enter::Object(slot) => Some(Ok(Got::Used(slot))),
            Enter::WouldWait => Some(err(PoolError::Timeout(TimeoutType::Wait))),
            Enter::Shed => Some(Err(Failure::Shed)),
            Enter::Closed => Some(err(PoolError::Closed)),
            Enter::Wait(place) => {
                self.place = Some(place);
                None
            }
            Enter::Connect(place) => {
                self.place = Some(place);
                let allowance = owed.as_mut().and_then(Owed::take_allowance);
                self.begin_to_connect(allowance);
                None
            }
        }
    }

    /// Unless it has a priority or would rather go than wait, it gives those that are being tidied a moment before.
    fn begin_to_connect(&mut self, allowance: Option<Allowance>) {
        let holds = self.attempt.priority == Priority::Normal && self.waits();
        let connect = Connect::new(self.core, self.timeouts.create, allowance, holds);
        self.connect = Some(Box::new(connect));
    }

    /// Whether it waits for others.
    fn waits(&self) -> bool {
        self.timeouts.wait != Some(Duration::ZERO)
    }

    /// Hears what the line has for it.
    fn hear(&mut self, context: &mut Context<'_>) -> Option<Ended<M>> {
        let place = self.place.as_mut().expect("in line until it ends");
        let ended = match self.core.engine.poll(place, context.waker()) {
            Turn::Pending => return None,
            Turn::Connect => {
                self.begin_to_connect(None);
                return None;
            }
            Turn::Object(slot) => Ok(slot),
            Turn::Closed => Err(Failure::Error(PoolError::Closed)),
            Turn::Dismissed => Err(Failure::Error(PoolError::Timeout(TimeoutType::Wait))),
        };
        self.place = None;
        let Some(connect) = self.connect.take() else {
            return Some(ended.map(Got::Used));
        };
        // Served while connecting, or closed: the connect goes on without us, or ends.
        let ended = ended.map(Held::new);
        connect.disown();
        Some(ended.map(|held| Got::Used(held.keep())))
    }

    /// Its own connect made an object. `None`: look at the line again.
    fn finish(&mut self, slot: Box<Slot<M>>) -> Option<Ended<M>> {
        let place = self.place.as_ref().expect("in line until it ends");
        match self.core.engine.finish(place, slot) {
            Finish::Mine(slot) => {
                let held = Held::new(slot);
                self.place = None;
                return Some(Ok(Got::Made(held.keep())));
            }
            Finish::Elsewhere(GiveBack::Kept) => self.core.came_home(),
            Finish::Elsewhere(GiveBack::Retire(slot, debt)) | Finish::Surplus(slot, debt) => {
                Core::retire_unwanted(slot, debt);
            }
        }
        None
    }

    /// It has not begun to connect, and nobody begins now: it waits on where it stands, without a reservation.
    fn put_off(&mut self) {
        let place = self.place.as_ref().expect("in line until it ends");
        self.core.engine.put_off(place);
        self.connect = None;
    }

    /// Its own connect panicked: the reservation ends as after an error, the panic goes on.
    fn panicked(&mut self, panic: Box<dyn Any + Send>) -> ! {
        self.connect = None;
        if let Some(place) = self.place.take() {
            let told = first_panic(None, || {
                if self.core.engine.fail(&place) == Placed::Told {
                    self.place = Some(place);
                }
            });
            drop(told);
        }
        resume_unwind(panic)
    }

    /// Its own connect failed. `None`: the line has something better.
    fn fail(&mut self, error: PoolError<M::Error>) -> Option<Ended<M>> {
        let place = self.place.as_ref().expect("in line until it ends");
        match self.core.engine.fail(place) {
            Placed::Told => None,
            Placed::Gone => {
                self.place = None;
                Some(err(error))
            }
        }
    }
}

impl<M: Manager> Drop for Getter<'_, '_, M> {
    #[inline]
    fn drop(&mut self) {
        if self.place.is_some() || self.connect.is_some() {
            self.leave();
        }
    }
}

impl<M: Manager> Getter<'_, '_, M> {
    /// Cancelled, timed out or panicked: it leaves the line, what it was handed goes to the next, and its
    /// connect goes on without it or is ended. Each step is taken whatever happens in the others.
    #[cold]
    fn leave(&mut self) {
        let mut panic = None;
        if let Some(place) = self.place.take() {
            panic = first_panic(panic, || match self.core.engine.leave(&place) {
                Leave::Object(slot) => drop(Held::new(slot)),
                Leave::Gone => {}
            });
        }
        if let Some(connect) = self.connect.take() {
            panic = first_panic(panic, || connect.disown());
        }
        resume(panic);
    }
}

fn err<M: Manager>(error: PoolError<M::Error>) -> Ended<M> {
    Err(Failure::Error(error))
}
