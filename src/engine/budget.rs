//! A budget: how many objects several pools may have together.
//!
//! ```text
//! draw        one is free → an allowance
//!             else (locked) join the account's line, wanted+1; reclaim; the allowance comes when one is free
//! free        (locked) the account that waits and has fewest gets it; wake after the lock
//! came home   (an object was just counted idle) wanted > 0 → reclaim
//! reclaim     while more are wanted than are leaving: some pool closes an idle object
//! ```
//!
//! Who is about to make an object draws an allowance first; it lives as long as the object. All of this stands
//! beside a connect or a close, so one lock around plain data is enough ([`ledger`]); only the look of an object
//! that comes home is on a quicker way, and that is one read-modify-write of one number.
//!
//! The story of one who begins to wait while an object comes home elsewhere: the one raises `wanted` and then
//! looks at the pools, the other counts its object idle and then looks at `wanted`, both by a
//! read-modify-write. If the raise comes first, the other sees it, and looks for something to close itself. If it
//! comes second, it has read what the other wrote, so whoever looks after it finds the object idle. Neither can
//! miss the other, and no order of all things (`SeqCst`) is needed for it.
//!
//! Several may look at once. Each has a [`Demand`], which counts as an allowance on its way, so that no more is
//! closed than is wanted. Who finds nothing takes its demand back, and looks again if there was news meanwhile: of
//! somebody who was content that another was looking.

mod ledger;

use self::ledger::Ledger;
pub use self::ledger::Share;
use super::sync::{Arc, AtomicUsize, CachePadded, Mutex, Ordering};
use super::waiter::{Phase, Waiter};
use super::wake::{WakeList, drop_contained};
use std::fmt;
use std::sync::Weak;
use std::task::Waker;

/// How many objects several pools may have together.
pub struct Budget {
    /// [`Ledger::wanted`], as of the last time that the lock was held.
    wanted: CachePadded<AtomicUsize>,
    ledger: Mutex<Ledger>,
}

/// A pool that draws on a budget.
pub trait Member: Send + Sync {
    /// Closes an object that lies idle and that it can do without, and gives the demand to its
    /// [allowance](Allowance::leave); gives it back where there is none.
    fn close_idle<'a>(&self, demand: Demand<'a>) -> Option<Demand<'a>>;

    /// What it is called.
    fn name(&self) -> String;
}

/// A pool's account with a budget. Dropped, it has left.
pub struct Account {
    budget: Arc<Budget>,
    number: usize,
}

/// The right to have one object. Dropped, it is the next one's.
pub struct Allowance {
    account: Arc<Account>,
    /// Whether it was asked back.
    leaving: bool,
}

/// Somebody who waits for an allowance. Dropped, it does not any more, and what it was given goes to the next.
pub struct Draw {
    /// `None`: it has its allowance.
    account: Option<Arc<Account>>,
    waiter: Arc<Waiter<()>>,
    /// The waker that stands in the line, as far as the one who waits knows.
    waker: Waker,
}

/// What came of asking for an allowance.
#[derive(Debug)]
#[must_use]
pub enum Drawn {
    /// Here it is.
    Allowance(Allowance),
    /// It comes later.
    Later(Draw),
}

/// An object is to be closed for others. Dropped, it is not.
#[derive(Debug)]
#[must_use]
pub struct Demand<'a> {
    budget: &'a Budget,
    /// The news when the search began.
    news: u64,
    /// More are out than there may be: what pools keep ready must go as well.
    over: bool,
}

/// All counts of a budget at one instant.
#[derive(Debug)]
pub struct Counts {
    /// How many allowances may be out.
    pub max: usize,
    /// How many are.
    pub in_use: usize,
    /// How many wait for one.
    pub waiting: usize,
    /// The same by account.
    pub shares: Vec<Share>,
}

impl Budget {
    /// A budget of so many allowances, on which nobody draws yet.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            wanted: CachePadded::new(AtomicUsize::new(0)),
            ledger: Mutex::new(Ledger::new(max)),
        })
    }

    /// Opens an account.
    pub fn open(self: &Arc<Self>) -> Arc<Account> {
        let number = self.ledger.lock().open();
        let budget = Arc::clone(self);
        Arc::new(Account { budget, number })
    }

    /// Changes how many there are. What is out beyond that is closed where it lies idle, and else when it comes
    /// back.
    pub fn resize(&self, max: usize) {
        self.change(|ledger| ledger.max = max);
        self.reclaim(None);
    }

    /// What everybody has now.
    pub fn counts(&self) -> Counts {
        let ledger = self.ledger.lock();
        Counts {
            max: ledger.max,
            in_use: ledger.in_use,
            waiting: ledger.waiting,
            shares: ledger.shares(),
        }
    }

    /// Puts `step` in force, gives out what is free, unlocks and wakes.
    fn change<R>(&self, step: impl FnOnce(&mut Ledger) -> R) -> R {
        let mut wakes = WakeList::default();
        let mut ledger = self.ledger.lock();
        let result = step(&mut ledger);
        ledger.grant(&mut wakes);
        // ORDERING(wanted told): Acquire pairs with `wanted asked`: what was counted idle before that look is found
        // by the search that follows. It is a swap, since a mere store would not see the look. Nothing is released:
        // who reads that something is wanted takes the lock.
        self.wanted.swap(ledger.wanted(), Ordering::Acquire);
        drop(ledger);
        wakes.wake();
        result
    }

    /// Has idle objects closed while more are wanted than are on their way; `only` this account's at first, where
    /// nothing can have changed for the others.
    fn reclaim(&self, mut only: Option<usize>) {
        let mut search = self.begin_search(only);
        while let Some((demand, members)) = search {
            let mut left = Some(demand);
            for member in members {
                let Some(demand) = left.take() else { break };
                left = match member.upgrade() {
                    Some(member) => {
                        let left = member.close_idle(demand);
                        // It may be the last that holds it: whatever its end does, ends here.
                        drop_contained(member);
                        left
                    }
                    None => Some(demand),
                };
            }
            if let Some(demand) = left {
                if !demand.withdraw() {
                    return;
                }
                only = None;
            }
            search = self.demand(&mut self.ledger.lock(), only);
        }
    }

    /// There is news: of one more who waits, or of one more that lies idle. Who is content that enough others search
    /// has told them in the same step: else it could come between their beginning and its own.
    fn begin_search(&self, only: Option<usize>) -> Option<Search<'_>> {
        let mut ledger = self.ledger.lock();
        ledger.news += 1;
        self.demand(&mut ledger, only)
    }

    /// One more has to be closed, if so, and where to look for it.
    fn demand(&self, ledger: &mut Ledger, only: Option<usize>) -> Option<Search<'_>> {
        if ledger.wanted() <= ledger.leaving {
            return None;
        }
        let over = ledger.over() > ledger.leaving;
        ledger.leaving += 1;
        let demand = Demand {
            budget: self,
            news: ledger.news,
            over,
        };
        Some((demand, ledger.members(only)))
    }
}

/// Something to be closed, and who may have it.
type Search<'a> = (Demand<'a>, Vec<Weak<dyn Member>>);

impl Account {
    /// The budget that it is with.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Says whose account it is: who may be asked to close what lies idle.
    pub fn introduce(&self, member: Weak<dyn Member>) {
        self.budget.ledger.lock().introduce(self.number, member);
    }

    /// Takes an allowance if one is free.
    pub fn try_draw(self: &Arc<Self>) -> Option<Allowance> {
        let free = self.budget.ledger.lock().take(self.number);
        free.then(|| self.allowance())
    }

    /// Takes an allowance, or waits for one; idle objects of others are closed for it at once. Wakes `waker` when
    /// it is there.
    pub fn draw(self: &Arc<Self>, waker: &Waker) -> Drawn {
        if let Some(allowance) = self.try_draw() {
            return Drawn::Allowance(allowance);
        }
        let mut draw = Draw {
            account: None,
            waiter: Arc::new(Waiter::new()),
            waker: waker.clone(),
        };
        let (waiter, waker) = (Arc::clone(&draw.waiter), waker.clone());
        self.budget
            .change(|ledger| ledger.join(self.number, waiter, waker));
        draw.account = Some(Arc::clone(self));
        self.budget.reclaim(None);
        match draw.waiter.phase() {
            Phase::Object => Drawn::Allowance(draw.receive()),
            _ => Drawn::Later(draw),
        }
    }

    /// An object of this account was counted idle just now: if somebody elsewhere wants what it stands for, it is
    /// closed.
    pub fn came_home(&self) {
        // ORDERING(wanted asked): Release pairs with `wanted told`: the object is counted idle before. It is a
        // read-modify-write, since a load could overlook the one who waits while that one overlooks the object.
        if self.budget.wanted.fetch_add(0, Ordering::Release) > 0 {
            self.budget.reclaim(Some(self.number));
        }
    }

    fn allowance(self: &Arc<Self>) -> Allowance {
        Allowance {
            account: Arc::clone(self),
            leaving: false,
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let member = self.budget.ledger.lock().shut(self.number);
        drop(member);
    }
}

impl Allowance {
    /// Whether its object, which came back, is to be closed for others; `has_line`: somebody in line in its own
    /// pool would get it, else it would become idle. If so, the caller closes it.
    pub fn yields(&mut self, has_line: bool) -> bool {
        let budget = &self.account.budget;
        // ORDERING(wanted glanced at): Relaxed; who is overlooked here is met by the next that comes back, or, where
        // this one becomes idle, by `wanted asked`.
        if self.leaving || budget.wanted.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.leaving = budget.ledger.lock().yields(self.account.number, has_line);
        self.leaving
    }

    /// Its object is closed on `demand`.
    pub fn leave(&mut self, demand: Demand<'_>) {
        if self.leaving {
            return;
        }
        self.leaving = true;
        let mut ledger = demand.budget.ledger.lock();
        ledger.mark_leaving(self.account.number);
        drop(ledger);
        // It is paid when this allowance comes back.
        std::mem::forget(demand);
    }

    /// Its object is gone, and another is made in its place: not where there are too many.
    pub fn pass_on(self) -> Option<Self> {
        let over = self.account.budget.ledger.lock().over() > 0;
        (!over).then_some(self)
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let (number, leaving) = (self.account.number, self.leaving);
        self.account
            .budget
            .change(|ledger| ledger.free(number, leaving));
    }
}

impl Draw {
    /// Asks whether it is there, and has `waker` woken when it is.
    pub fn poll(mut self, waker: &Waker) -> Drawn {
        if self.waiter.phase() == Phase::Object || !self.is_woken_by(waker) {
            return Drawn::Allowance(self.receive());
        }
        Drawn::Later(self)
    }

    /// Has `waker` woken from now on; says no if it has been served.
    fn is_woken_by(&mut self, waker: &Waker) -> bool {
        self.waker.will_wake(waker) || self.replace_waker(waker)
    }

    #[cold]
    fn replace_waker(&mut self, waker: &Waker) -> bool {
        let (mine, fresh) = (waker.clone(), waker.clone());
        let account = self.account.as_ref().expect("it waits");
        let mut ledger = account.budget.ledger.lock();
        let old = ledger.wake_by(account.number, &self.waiter, fresh);
        drop(ledger);
        let waits = old.is_ok();
        drop_contained(old);
        drop_contained(std::mem::replace(&mut self.waker, mine));
        waits
    }

    /// It was served.
    fn receive(&mut self) -> Allowance {
        self.waiter.take();
        let account = self.account.take().expect("served once");
        Allowance {
            account,
            leaving: false,
        }
    }
}

impl Drop for Draw {
    fn drop(&mut self) {
        let Some(account) = self.account.take() else {
            return;
        };
        let waiter = &self.waiter;
        let left = account
            .budget
            .change(|ledger| ledger.leave(account.number, waiter));
        match left {
            Some(node) => drop_contained(node),
            // It was given one just before.
            None => drop(account.allowance()),
        }
    }
}

impl Demand<'_> {
    /// Whether what pools keep ready must go as well.
    pub fn is_urgent(&self) -> bool {
        self.over
    }

    /// Nothing was found. Says whether to look again.
    fn withdraw(self) -> bool {
        let mut ledger = self.budget.ledger.lock();
        ledger.leaving -= 1;
        let again = ledger.news != self.news;
        drop(ledger);
        std::mem::forget(self);
        again
    }
}

impl Drop for Demand<'_> {
    fn drop(&mut self) {
        self.budget.ledger.lock().leaving -= 1;
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        f.debug_struct("Budget")
            .field("max", &counts.max)
            .field("in_use", &counts.in_use)
            .field("waiting", &counts.waiting)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowance")
            .field("account", &self.account.number)
            .field("leaving", &self.leaving)
            .finish()
    }
}

impl fmt::Debug for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draw").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(millpond_loom, millpond_shuttle))))]
mod tests;
