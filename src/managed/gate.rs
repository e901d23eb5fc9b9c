//! The gate of a pool that keeps a reserve: who needs a ticket, and how one stands there for it. The protocol is the
//! engine's (`engine/gate.rs`).

use super::alarm::Alarm;
use super::attempt::Attempt;
use super::core::Core;
use super::errors::TimeoutType;
use super::get::Failure;
use super::{Manager, Object, PoolBuilder, PoolError};
use crate::engine::gate;
use crate::engine::state::MAX_SIZE;
use crate::engine::{Claim, End, Engine, Enter, Finish, GiveBack, Leave, Place, Turn};
use crate::tether::{Tied, give_home};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Whom a pool's [reserve](super::PoolBuilder::reserve) is kept for. In a pool without one all are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Priority {
    /// Not for these.
    #[default]
    Normal,
    /// For these: heartbeats, health checks, whatever must go on when all else waits.
    High,
}

/// The gate of a managed pool.
pub(crate) type Gate = gate::Gate<Pass>;

/// What a gate keeps: a pass owns one count on its gate, from when it is made until it is gone, so neither a get nor
/// a return touches it.
pub(crate) struct Pass(Arc<Gate>);

impl Tied for Pass {
    type Core = Gate;

    #[inline]
    fn core(&self) -> &Arc<Gate> {
        &self.0
    }

    #[inline]
    fn engine(gate: &Gate) -> &Engine<Self> {
        gate.tickets()
    }
}

/// A pass in somebody's hand, or none. Dropped, it goes back to its gate, or to the first who stands there.
#[derive(Default)]
pub(crate) struct Ticket(Option<Pass>);

impl Ticket {
    /// The ticket, and none is left here.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }
}

impl From<Pass> for Ticket {
    fn from(pass: Pass) -> Self {
        Self(Some(pass))
    }
}

impl Drop for Ticket {
    #[inline]
    fn drop(&mut self) {
        if let Some(pass) = self.0.take() {
            give_back(pass);
        }
    }
}

fn give_back(pass: Pass) {
    if let GiveBack::Retire(pass, debt) = give_home(pass) {
        let gate = Arc::clone(&pass.0);
        gate.end(pass, debt);
    }
}

/// One who stands before the pool: at its gate, or with a ticket that it was given there. Dropped when it has its
/// place in the pool's own line, or needs none.
pub(crate) struct Approach<'a, M: Manager> {
    core: &'a Core<M>,
    gate: &'a Arc<Gate>,
}

impl<'a, M: Manager> Approach<'a, M> {
    fn new(core: &'a Core<M>, gate: &'a Arc<Gate>) -> Self {
        gate.come();
        Self { core, gate }
    }
}

impl<M: Manager> Drop for Approach<'_, M> {
    fn drop(&mut self) {
        self.gate.gone_by(&self.core.engine);
    }
}

impl<M: Manager> Core<M> {
    /// Whether a get may go in at once; it takes a ticket if it needs one and one is free.
    pub(crate) fn lets_in(&self, attempt: &mut Attempt<'_, M>) -> Result<bool, Failure<M::Error>> {
        let Some(gate) = self.gate_for(attempt) else {
            return Ok(true);
        };
        match gate.tickets().claim() {
            Claim::Object(pass) => attempt.ticket = pass.into(),
            Claim::Empty => return Ok(false),
            Claim::Closed => return Err(Failure::Error(PoolError::Closed)),
        }
        Ok(true)
    }

    /// Whether a get has to stand at the gate.
    pub(crate) fn keeps_out(&self, attempt: &Attempt<'_, M>) -> bool {
        self.gate_for(attempt).is_some()
    }

    /// The gate, for who needs a ticket and has none.
    fn gate_for(&self, attempt: &Attempt<'_, M>) -> Option<&Arc<Gate>> {
        let may_enter = attempt.priority == Priority::High || attempt.ticket.0.is_some();
        self.gate.as_ref().filter(|_| !may_enter)
    }

    /// Stands at the gate until there is a ticket, if the get needs one. Says whether it has waited there, and so is
    /// no newcomer to the pool.
    pub(crate) async fn pass_gate(
        &self,
        attempt: &mut Attempt<'_, M>,
        wait: Option<Duration>,
        wait_over: &mut Alarm,
    ) -> Result<Option<Approach<'_, M>>, Failure<M::Error>> {
        let Some(gate) = self.gate_for(attempt) else {
            return Ok(None);
        };
        let approach = Approach::new(self, gate);
        let mut stood = false;
        let mut stander = Stander { gate, place: None };
        let patient = wait != Some(Duration::ZERO);
        let ticket = poll_fn(|context| {
            let said = stander.advance(patient, context);
            if said.is_ready() {
                return said;
            }
            stood = true;
            let late = wait_over.poll(self.runtime, wait, context);
            late.map(|()| Err(too_late()))
        });
        attempt.ticket = ticket.await?;
        Ok(stood.then_some(approach))
    }
}

fn too_late<E>() -> Failure<E> {
    Failure::Error(PoolError::Timeout(TimeoutType::Wait))
}

/// One in the line of a gate. Dropped, it leaves the line, and a ticket that it was given goes to the next.
struct Stander<'a> {
    gate: &'a Arc<Gate>,
    place: Option<Place<Pass>>,
}

impl Stander<'_> {
    /// Takes its place in line, if it must, and hears what the line has for it.
    fn advance<E>(
        &mut self,
        patient: bool,
        context: &mut Context<'_>,
    ) -> Poll<Result<Ticket, Failure<E>>> {
        let tickets = self.gate.tickets();
        let closed = || Failure::Error(PoolError::Closed);
        if self.place.is_none() {
            match tickets.enter(End::Back, patient, None, context.waker()) {
                Enter::Object(pass) => return Poll::Ready(Ok(pass.into())),
                Enter::WouldWait => return Poll::Ready(Err(too_late())),
                Enter::Shed => return Poll::Ready(Err(Failure::Shed)),
                Enter::Closed => return Poll::Ready(Err(closed())),
                Enter::Wait(place) => self.place = Some(place),
                Enter::Connect(place) => {
                    if let Some(ticket) = self.make(place) {
                        return Poll::Ready(Ok(ticket));
                    }
                }
            }
        }
        loop {
            let mut place = self.place.take().expect("in line until it ends");
            match tickets.poll(&mut place, context.waker()) {
                Turn::Object(pass) => return Poll::Ready(Ok(pass.into())),
                Turn::Dismissed => return Poll::Ready(Err(too_late())),
                Turn::Closed => return Poll::Ready(Err(closed())),
                Turn::Pending => {
                    self.place = Some(place);
                    return Poll::Pending;
                }
                Turn::Connect => {
                    if let Some(ticket) = self.make(place) {
                        return Poll::Ready(Ok(ticket));
                    }
                }
            }
        }
    }

    /// There may be one more ticket: makes it. `None`: no more, or it has been given one meanwhile; its place in
    /// line says.
    fn make(&mut self, place: Place<Pass>) -> Option<Ticket> {
        match self
            .gate
            .tickets()
            .finish(&place, Pass(Arc::clone(self.gate)))
        {
            Finish::Mine(pass) => return Some(pass.into()),
            Finish::Elsewhere(GiveBack::Kept) => {}
            Finish::Elsewhere(GiveBack::Retire(pass, debt)) | Finish::Surplus(pass, debt) => {
                self.gate.end(pass, debt);
            }
        }
        self.place = Some(place);
        None
    }
}

impl Drop for Stander<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            match self.gate.tickets().leave(&place) {
                Leave::Object(pass) => give_back(pass),
                Leave::Gone => {}
            }
        }
    }
}

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    /// Keeps so many slots for gets with [`Priority::High`]: heartbeats, health checks, what must go on when all else
    /// waits. All other gets together have `max_size` less that many, first come, first served; those beyond wait, even
    /// beside an idle object. Default: 0.
    ///
    /// A get with priority stands in the same line as those that were let in before it, but never waits for one of
    /// them to give its object back, as long as no more than `value` with priority have one: at most for a connect, a
    /// check or a close that is under way. It may take any slot, not only a reserved one, so those with
    /// priority can use the whole pool.
    ///
    /// [`Snapshot::held_back`](crate::observe::Snapshot::held_back) says how many wait although the pool may have
    /// something idle. A [`resize`](super::Pool::resize) to no more than the reserve leaves one slot to all.
    ///
    /// # Panics
    ///
    /// [`build`](Self::build) panics if this is not less than `max_size`: nobody without priority would ever be
    /// served. ([`Settings`](super::Settings) say so in an error. [`BuildError`](super::BuildError) is deadpool's,
    /// whose one variant is matched exhaustively.)
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::managed::{Acquire, Manager, Metrics, Pool, Priority, RecycleResult};
    /// # struct Numbers;
    /// # impl Manager for Numbers {
    /// #     type Type = u64;
    /// #     type Error = std::convert::Infallible;
    /// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
    /// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(2).reserve(1).build().unwrap();
    /// let ordinary = pool.get().await.unwrap();
    /// assert!(pool.acquire(&Acquire::new().try_only()).await.is_err());
    ///
    /// let heartbeat = Acquire::new().priority(Priority::High).label("heartbeat");
    /// let object = pool.acquire(&heartbeat).await.unwrap();
    /// assert_eq!(pool.snapshot().in_use, 2);
    /// # drop((ordinary, object));
    /// # }
    /// ```
    pub fn reserve(mut self, value: usize) -> Self {
        self.options.reserve = value;
        self
    }

    pub(super) fn check_reserve(&self) {
        let (reserve, most) = (self.options.reserve, self.config.max_size.min(MAX_SIZE));
        assert!(
            reserve == 0 || reserve < most,
            "reserve = {reserve} of max_size = {most}: nobody without priority would ever be served; lower it, or \
             raise max_size"
        );
    }
}
