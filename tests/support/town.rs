//! Several pools of one scripted world, under one budget: LIM is the budget's.

use super::oracle::NO_WAIT;
use super::scene::{Got, TestBuilder, TestPool};
use super::{Hand, Polled, World};
use millpond::Runtime;
use millpond::managed::Budget;
use millpond_testkit::Clock;
use millpond_testkit::oracles::{assert_limit, assert_once};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Handle;

pub struct Town {
    pub world: World,
    pub budget: Budget,
    pub pools: Vec<TestPool>,
    clock: Option<Clock>,
}

impl Town {
    /// A budget of `max`, and a pool of each of these sizes.
    pub fn new<const N: usize>(max: usize, sizes: [usize; N]) -> Self {
        Self::built(max, &sizes, false, |_, builder| builder)
    }

    /// The same with tokio, on a clock that stands still until it is advanced.
    pub fn with_runtime<const N: usize>(
        max: usize,
        sizes: [usize; N],
        set: impl Fn(usize, TestBuilder) -> TestBuilder,
    ) -> Self {
        Self::built(max, &sizes, true, set)
    }

    pub fn built(
        max: usize,
        sizes: &[usize],
        runtime: bool,
        set: impl Fn(usize, TestBuilder) -> TestBuilder,
    ) -> Self {
        let (world, budget) = (World::default(), Budget::new(max));
        world.limit(max);
        let clock = runtime.then(Clock::new);
        let handle = clock.as_ref().map(Clock::handle);
        let inside = handle.as_ref().map(Handle::enter);
        let pool = |(nth, size): (usize, &usize)| {
            let mut builder = world.builder().max_size(*size).budget(&budget);
            builder = builder.name(format!("pool {nth}"));
            if clock.is_some() {
                builder = builder.runtime(Runtime::Tokio1);
            }
            set(nth, builder).build().unwrap()
        };
        let pools = sizes.iter().enumerate().map(pool).collect();
        drop(inside);
        Self {
            pools,
            world,
            budget,
            clock,
        }
    }

    pub fn handle(&self) -> Option<Handle> {
        self.clock.as_ref().map(Clock::handle)
    }

    /// A getter of one pool, not polled yet.
    #[track_caller]
    pub fn get(&self, pool: usize) -> Polled<'_, Got> {
        Polled::new(self.handle(), self.pools[pool].get())
    }

    /// A getter that would not wait.
    #[track_caller]
    pub fn try_get(&self, pool: usize) -> Got {
        Polled::new(None, self.pools[pool].timeout_get(&NO_WAIT)).ready()
    }

    /// What one comes to that would not wait, if it gets anything before it would have to wait for a call.
    pub fn try_get_now(&self, pool: usize) -> Option<Hand> {
        let mut getter = Polled::new(self.handle(), self.pools[pool].timeout_get(&NO_WAIT));
        match getter.poll() {
            Poll::Ready(got) => got.ok(),
            Poll::Pending => None,
        }
    }

    #[track_caller]
    pub fn hold(&self, pool: usize) -> Hand {
        self.get(pool).ready().unwrap()
    }

    #[track_caller]
    pub fn fill(&self, pool: usize, n: usize) -> Vec<Hand> {
        (0..n).map(|_| self.hold(pool)).collect()
    }

    /// Getters in line of one pool, each polled once.
    #[track_caller]
    pub fn queue(&self, pool: usize, n: usize) -> Vec<Polled<'_, Got>> {
        (0..n).map(|_| self.get(pool).waits()).collect()
    }

    /// How many objects each pool has, those included for which somebody has a reservation.
    pub fn sizes(&self) -> Vec<usize> {
        let size = |pool: &TestPool| pool.snapshot().size - pool.snapshot().connecting;
        self.pools.iter().map(size).collect()
    }

    /// What each pool has of the budget.
    pub fn shares(&self) -> Vec<usize> {
        let pools = self.budget.snapshot().pools;
        pools.iter().map(|share| share.in_use).collect()
    }

    pub fn settle(&self) {
        if let Some(clock) = &self.clock {
            clock.settle();
        }
    }

    pub fn advance(&self, time: Duration) {
        let clock = self.clock.as_ref().expect("a clock needs a runtime");
        clock.advance(time);
    }

    /// What the budget counts is what lives and what is being made, and nobody waits beside a free place, nor
    /// beside an object that lies idle elsewhere. Pools keep nothing ready.
    #[track_caller]
    pub fn adds_up(&self) {
        let now = self.budget.snapshot();
        assert_limit(&self.world);
        let book = self.world.book();
        assert_eq!(book.violations, [""; 0], "ONCE");
        assert_eq!(now.in_use, book.live + book.connecting, "{now:?}");
        drop(book);
        assert!(now.waiting == 0 || now.in_use >= now.max, "{now:?}");
        let share = |pool: &millpond::managed::BudgetShare| (pool.in_use, pool.waiting);
        let (held, waiting) = now
            .pools
            .iter()
            .map(share)
            .fold((0, 0), |sum, share| (sum.0 + share.0, sum.1 + share.1));
        assert_eq!((held, waiting), (now.in_use, now.waiting), "{now:?}");
        for (pool, share) in self.pools.iter().zip(&now.pools) {
            let for_others = now.waiting > share.waiting || now.in_use > now.max;
            let idle = pool.snapshot().idle;
            assert!(!for_others || idle == 0, "{idle} idle beside {now:?}");
        }
    }

    /// Everybody is done: the books of each pool and of the budget add up, each pool can have all of the budget, in
    /// turn, and no more.
    #[track_caller]
    pub fn all_well(&self) {
        self.settle();
        self.world.calm();
        self.adds_up();
        let max = self.budget.snapshot().max;
        for (nth, pool) in self.pools.iter().enumerate() {
            let now = pool.snapshot();
            assert_eq!(
                (now.in_use, now.connecting, now.waiting),
                (0, 0, 0),
                "{now:?}"
            );
            if now.closed {
                continue;
            }
            let most = max.min(now.max_size);
            let held: Vec<_> = (0..most).map(|_| self.try_get(nth).unwrap()).collect();
            assert!(self.try_get(nth).is_err(), "CAP: and no more");
            drop(held);
            self.adds_up();
        }
        let lives = self.pools.iter().map(|pool| {
            let stats = pool.stats();
            assert_eq!(stats.gets.started, stats.gets.ended(), "BOOKS: {stats:?}");
            stats.created - stats.closed.total()
        });
        assert_eq!(lives.sum::<u64>(), self.world.live() as u64, "BOOKS");
        assert_eq!(self.budget.snapshot().waiting, 0);
        assert_once(&self.world);
    }
}
