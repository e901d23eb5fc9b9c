//! A pool on the scripted world, with a runtime or without one, and the few moves that all tests make.

use super::oracle::{acc, at_rest, cap, lim, once, once_in};
use super::{Fault, Gate, Hand, Polled, Step, Thing, World};
use millpond::Runtime;
use millpond::managed::{Acquire, AcquireError, Metrics, Pool, PoolBuilder, PoolError, Timeouts};
use millpond_testkit::Clock;
use std::time::Duration;
use tokio::runtime::Handle;

pub type TestPool = Pool<World, Hand>;
pub type TestBuilder = PoolBuilder<World, Hand>;
pub type Got = Result<Hand, PoolError<Fault>>;

/// A pool, its world, and the clock with the runtime that its background connects and its timers use, if it has one.
pub struct Scene {
    pub world: World,
    pub pool: TestPool,
    clock: Option<Clock>,
}

impl Scene {
    /// A pool without a runtime.
    pub fn new(max: usize) -> Self {
        Self::built(max, false, |builder| builder)
    }

    /// A pool with tokio, on a clock that stands still until it is advanced.
    pub fn with_runtime(max: usize) -> Self {
        Self::built(max, true, |builder| builder)
    }

    pub fn built(max: usize, runtime: bool, set: impl FnOnce(TestBuilder) -> TestBuilder) -> Self {
        let world = World::default();
        let builder = set(world.builder().max_size(max));
        Self::on(world, builder, max, runtime)
    }

    /// A pool without hooks.
    pub fn bare(max: usize, runtime: bool, set: impl FnOnce(TestBuilder) -> TestBuilder) -> Self {
        let world = World::default();
        let builder = set(Pool::builder(world.clone()).max_size(max));
        Self::on(world, builder, max, runtime)
    }

    fn on(world: World, mut builder: TestBuilder, max: usize, runtime: bool) -> Self {
        world.limit(max);
        let clock = runtime.then(Clock::new);
        if clock.is_some() {
            builder = builder.runtime(Runtime::Tokio1);
        }
        Self {
            pool: builder.build().unwrap(),
            world,
            clock,
        }
    }

    /// A pool without a runtime from a builder of a world whose limit is set.
    pub fn of(builder: TestBuilder) -> Self {
        let pool = builder.build().unwrap();
        Self {
            world: pool.manager().clone(),
            pool,
            clock: None,
        }
    }

    pub fn handle(&self) -> Option<Handle> {
        self.clock.as_ref().map(Clock::handle)
    }

    /// A getter, not polled yet.
    #[track_caller]
    pub fn get(&self) -> Polled<'_, Got> {
        self.polled(self.pool.get())
    }

    #[track_caller]
    pub fn get_within<'a>(&'a self, timeouts: &'a Timeouts) -> Polled<'a, Got> {
        self.polled(self.pool.timeout_get(timeouts))
    }

    #[track_caller]
    pub fn acquire<'a>(
        &'a self,
        how: &'a Acquire,
    ) -> Polled<'a, Result<Hand, AcquireError<Fault>>> {
        self.polled(self.pool.acquire(how))
    }

    pub fn polled<'a, T>(&self, future: impl Future<Output = T> + Send + 'a) -> Polled<'a, T> {
        Polled::new(self.handle(), future)
    }

    /// Takes an object that must be there, or made, at once.
    #[track_caller]
    pub fn hold(&self) -> Hand {
        self.get().ready().unwrap()
    }

    #[track_caller]
    pub fn fill(&self, n: usize) -> Vec<Hand> {
        (0..n).map(|_| self.hold()).collect()
    }

    /// Getters in line, each polled once.
    #[track_caller]
    pub fn queue(&self, n: usize) -> Vec<Polled<'_, Got>> {
        (0..n).map(|_| self.get().waits()).collect()
    }

    /// The next object that comes back needs tidying, which waits at a gate.
    pub fn untidy(&self, step: Step) -> Gate {
        let gate = Gate::new();
        self.world.untidy.then(Step::Err);
        self.world.tidy.then(Step::at_then(&gate, step));
        gate
    }

    /// Resizes; LIM holds connects that begin from now on to the new maximum.
    pub fn resize(&self, max: usize) {
        self.world.limit(max);
        self.pool.resize(max);
    }

    /// Takes those out of the pool that `keep` does not want, as [`Pool::retain`] does.
    pub fn retain(&self, mut keep: impl FnMut(&Thing) -> bool) -> Vec<Thing> {
        let predicate = |thing: &Thing, _: Metrics| {
            let kept = keep(thing);
            if !kept {
                thing.goes_away();
            }
            kept
        };
        self.pool.retain(predicate).removed
    }

    /// Lets the background tasks run as far as they can.
    pub fn settle(&self) {
        if let Some(clock) = &self.clock {
            clock.settle();
        }
    }

    /// Moves the clock, and lets the background tasks run.
    pub fn advance(&self, time: Duration) {
        let clock = self.clock.as_ref().expect("a clock needs a runtime");
        clock.advance(time);
    }

    /// The only handle of the pool; the scene keeps a closed stand-in, which is of another world.
    pub fn sole_handle(&mut self) -> TestPool {
        let stand_in = Self::new(0).pool;
        stand_in.close();
        std::mem::replace(&mut self.pool, stand_in)
    }

    /// Nothing is left of a pool whose handles are gone: no object, no connect, no hook, no manager.
    #[track_caller]
    pub fn all_freed(&self) {
        self.settle();
        let left = (self.world.live(), self.world.connecting());
        assert_eq!(left, (0, 0), "live, connecting");
        assert_eq!(self.world.handles(), 1, "the pool itself is still there");
        once_in(&self.world);
    }

    /// Ends the runtime, with the tasks in it.
    pub fn end_runtime(&mut self) {
        self.clock = None;
    }

    /// Polls those that were woken, gives back what they get, and when all is quiet one of `held`, until
    /// nothing moves. Returns how many were served.
    #[track_caller]
    pub fn drain(&self, waiters: &mut [Polled<'_, Got>], mut held: Vec<Hand>) -> usize {
        let mut served = 0;
        loop {
            self.settle();
            let mut moved = false;
            for waiter in waiters.iter_mut() {
                if !waiter.is_done() && waiter.is_woken() {
                    moved = true;
                    if let std::task::Poll::Ready(got) = waiter.poll() {
                        drop(got.unwrap());
                        served += 1;
                    }
                }
            }
            if !moved && held.pop().is_none() {
                return served;
            }
        }
    }

    /// All four oracles, with nobody in the pool.
    #[track_caller]
    pub fn all_well(&self, n: usize) {
        self.settle();
        self.world.calm();
        at_rest(&self.pool);
        acc(&self.pool);
        cap(&self.pool, n);
        at_rest(&self.pool);
        acc(&self.pool);
        once(&self.pool);
        lim(&self.pool);
    }

    /// Closed, and nothing is left.
    #[track_caller]
    pub fn all_gone(&self) {
        self.settle();
        let now = self.pool.snapshot();
        assert!(now.closed && now.size == 0 && now.waiting == 0, "{now:?}");
        assert_eq!(self.world.live(), 0, "objects outlive their pool");
        self.polled(self.pool.closed()).ready();
        once(&self.pool);
        lim(&self.pool);
    }
}
