//! Several pools under one cap: what a pool has to do with its budget, and the budget's public face.

use super::core::Core;
use super::slot::Slot;
use super::{Manager, Object, PoolBuilder};
use crate::engine::Claim;
use crate::engine::budget::{self, Account, Allowance, Counts, Demand, Draw, Drawn, Member, Share};
use crate::engine::wake::contain;
use crate::observe::CloseReason;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

/// How many objects several pools may have together: one `max_connections` at the server, and a pool for each
/// tenant.
///
/// A handle: clones are the same budget. Pools of different managers may share one
/// ([`PoolBuilder::budget`]). Each keeps its own `max_size`; whoever makes an object for one of them needs a place
/// in the budget first, and the place is free again when the object is gone.
///
/// * **No more than `max`** live or are being made, over all pools. One that was
///   [taken](Object::take) out of its pool is not counted any more.
/// * **A free place is never kept from who waits.** It goes to the pool that waits and has fewest, in turn where
///   several have as few, and within a pool to who came first.
/// * **What lies idle is claimed by who waits elsewhere**: it is closed at once, from the pool that has most, down to
///   its [`min_idle`](PoolBuilder::min_idle). Spare objects are made only of places that nobody wants.
/// * **Busy pools share**: what comes back to a pool that has at least two more than another that waits is closed
///   for that one. With one more it is kept, so that two busy pools come to rest. A pool that has nothing at all is
///   let in after a few such returns, also where that leaves another with nothing.
///
/// Who waits for a place stands in its pool's line all the while, and is served by what comes back there, if that is
/// sooner. The wait is bounded as all waiting is: by [`Timeouts::wait`](super::Timeouts::wait) and the deadline of
/// an [`acquire`](super::Pool::acquire); the bound on making an object begins with its making. Who would not wait
/// is refused where nothing is free and nothing idle can be closed.
///
/// A budget does not keep its pools; one that is dropped or closed has left it with its last object.
///
/// # Examples
///
/// ```
/// use millpond::managed::{Budget, Manager, Metrics, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let budget = Budget::new(3);
/// let tenant = || Pool::<Numbers>::builder(Numbers).max_size(3).budget(&budget);
/// let (red, blue) = (tenant().build().unwrap(), tenant().build().unwrap());
///
/// // One takes it all, and gives it back.
/// let held = (red.get().await, red.get().await, red.get().await);
/// assert_eq!((red.snapshot().size, budget.snapshot().in_use), (3, 3));
/// drop(held);
///
/// // What lies idle there now makes room for the other.
/// let _number = blue.get().await.unwrap();
/// assert_eq!((red.snapshot().size, blue.snapshot().size), (2, 1));
/// assert_eq!(budget.snapshot().in_use, 3);
/// # }
/// ```
#[derive(Clone)]
pub struct Budget(Arc<budget::Budget>);

/// All counts of a [`Budget`] at one instant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BudgetSnapshot {
    /// The most objects that all pools together may have.
    pub max: usize,
    /// How many they have, those being made included: more than `max` only after it was lowered.
    pub in_use: usize,
    /// How many wait for a place.
    pub waiting: usize,
    /// Which pool has how many, in the order in which they came to the budget.
    pub pools: Vec<BudgetShare>,
}

/// What one pool has of a [`Budget`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BudgetShare {
    /// The pool's [name](super::Pool::name); `None`: it is gone, and what is left of it is being closed or made.
    pub name: Option<String>,
    /// Its objects, those being made included.
    pub in_use: usize,
    /// How many wait there for a place.
    pub waiting: usize,
}

impl Budget {
    /// A budget of `max` objects. With 0, none can be made until it is [resized](Self::resize).
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(budget::Budget::new(max))
    }

    /// Changes the maximum. Growing lets those who wait connect at once. Shrinking closes what lies idle beyond it
    /// before this returns, spare objects too, and what is in use when it comes back.
    pub fn resize(&self, max: usize) {
        self.0.resize(max);
    }

    /// All counts at one instant. Takes the budget's lock.
    #[must_use]
    pub fn snapshot(&self) -> BudgetSnapshot {
        BudgetSnapshot::of(self.0.counts())
    }

    /// One more pool.
    pub(crate) fn open(&self) -> Arc<Account> {
        self.0.open()
    }
}

impl BudgetSnapshot {
    fn of(counts: Counts) -> Self {
        Self {
            max: counts.max,
            in_use: counts.in_use,
            waiting: counts.waiting,
            pools: counts.shares.into_iter().map(BudgetShare::of).collect(),
        }
    }
}

impl fmt::Display for BudgetSnapshot {
    /// `10/10 in use, 4 waiting`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            max,
            in_use,
            waiting,
            ..
        } = self;
        write!(f, "{in_use}/{max} in use, {waiting} waiting")
    }
}

impl BudgetShare {
    fn of(share: Share) -> Self {
        let member = share.member.and_then(|member| member.upgrade());
        Self {
            name: member.map(|member| member.name()),
            in_use: share.held,
            waiting: share.waiting,
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    /// Draws on `budget` for every object, beside the pool's own `max_size`: see there. Default: none, the pool is
    /// alone.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.options.budget = Some(budget.clone());
        self
    }
}

impl<M: Manager> Core<M> {
    /// Lets the budget know whom to ask for what lies idle.
    pub(crate) fn join_budget(self: &Arc<Self>) {
        if let Some(account) = &self.account {
            let member: Weak<Self> = Arc::downgrade(self);
            account.introduce(member);
        }
    }

    /// What its budget looks like, if it has one.
    pub(crate) fn budget_snapshot(&self) -> Option<BudgetSnapshot> {
        let account = self.account.as_ref()?;
        Some(BudgetSnapshot::of(account.budget().counts()))
    }

    /// Something was counted idle just now: it may be wanted elsewhere.
    pub(crate) fn came_home(&self) {
        if let Some(account) = &self.account {
            account.came_home();
        }
    }

    /// [`give_back`](Self::give_back), and a look at the budget after it.
    #[inline(never)]
    pub(crate) fn give_back_in_budget(slot: Box<Slot<M>>) {
        // With the slot goes the right to its core.
        let account = slot.core.account.clone();
        Self::give_home(slot);
        if let Some(account) = account {
            account.came_home();
        }
    }

    /// One step of a connect that waits for a place in the budget.
    pub(crate) fn advance(&self, draw: Option<Draw>, waker: &Waker) -> Drawn {
        let account = self.account.as_ref().expect("it has a budget");
        advance(account, draw, waker)
    }

    /// Whether more connect than may, or nobody may: those who only wait for a place in the budget are counted as
    /// connecting, and could begin late.
    pub(crate) fn connects_too_many(&self) -> bool {
        let state = self.engine.state();
        let cap = || {
            self.storm
                .as_ref()
                .map(|storm| storm.lock().cap(self.now()))
        };
        state.is_paused() || cap().is_some_and(|cap| state.connecting() > cap)
    }

    /// Waits for a place in the budget, where there is one.
    pub(crate) async fn draw(&self) -> Option<Allowance> {
        let account = self.account.as_ref()?;
        let mut draw: Option<Draw> = None;
        let allowance = poll_fn(
            |context| match advance(account, draw.take(), context.waker()) {
                Drawn::Allowance(allowance) => Poll::Ready(allowance),
                Drawn::Later(later) => {
                    draw = Some(later);
                    Poll::Pending
                }
            },
        );
        Some(allowance.await)
    }
}

/// Asks for a place in the budget, first or again.
fn advance(account: &Arc<Account>, draw: Option<Draw>, waker: &Waker) -> Drawn {
    match draw {
        None => account.draw(waker),
        Some(draw) => draw.poll(waker),
    }
}

impl<M: Manager> Slot<M> {
    /// Why its object, which came back, is closed for others, if so. `has_line`: else it would go to somebody in
    /// line.
    pub(crate) fn yields(&mut self, has_line: bool) -> Option<CloseReason> {
        let allowance = self.allowance.as_mut()?;
        allowance.yields(has_line).then_some(CloseReason::Surplus)
    }
}

impl<M: Manager> Member for Core<M> {
    fn close_idle<'a>(&self, demand: Demand<'a>) -> Option<Demand<'a>> {
        let kept = match demand.is_urgent() {
            true => 0,
            false => self.upkeep.min_idle,
        };
        if self.snapshot().idle <= kept {
            return Some(demand);
        }
        let Claim::Object(mut slot) = self.engine.claim() else {
            return Some(demand);
        };
        if let Some(allowance) = &mut slot.allowance {
            allowance.leave(demand);
        }
        // Whatever its end does: it is somebody else's get that runs here.
        contain(|| Self::retire(slot, CloseReason::Surplus));
        None
    }

    fn name(&self) -> String {
        Self::name(self).into_owned()
    }
}
