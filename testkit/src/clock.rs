//! A clock that a test turns by hand, so that it tests a time-out of an hour at once.
//!
//! It is tokio's, which can stand still. [`Clock`] has a runtime of its own, for tests that poll by hand; in a test that
//! runs on a stopped clock itself (`#[tokio::test(start_paused = true)]`), [`advance`] and [`settle`] do the same.

use crate::polled::Polled;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;

/// A runtime of one thread, on a clock that stands still until it is [advanced](Clock::advance).
///
/// What runs on it runs in the calls of this type and at no other time. A pool needs
/// `Runtime::Tokio1` for its time-outs (the feature `rt_tokio_1` of millpond), and its futures are polled
/// [inside](Clock::polled):
///
/// ```
/// use millpond::Runtime;
/// use millpond::managed::{Pool, Timeouts};
/// use millpond_testkit::{Clock, Step, World};
/// use std::time::Duration;
///
/// let (clock, world) = (Clock::new(), World::default());
/// world.create.then(Step::Never);
/// let pool: Pool<World> = Pool::builder(world)
///     .create_timeout(Some(Duration::from_secs(60)))
///     .runtime(Runtime::Tokio1)
///     .build()?;
///
/// let mut getter = clock.polled(pool.get()).waits();
/// clock.advance(Duration::from_secs(59));
/// getter.pending();
/// clock.advance(Duration::from_secs(1));
/// assert!(getter.woken_ready().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Clock(Runtime);

impl Clock {
    /// One that stands still.
    ///
    /// # Panics
    ///
    /// No runtime can be had.
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        Self(runtime.expect("a runtime of one thread"))
    }

    /// Its runtime: to spawn tasks on, or to be inside of.
    pub fn handle(&self) -> Handle {
        self.0.handle().clone()
    }

    /// A future that is polled inside.
    pub fn polled<'a, T>(&self, future: impl Future<Output = T> + Send + 'a) -> Polled<'a, T> {
        Polled::new(Some(self.handle()), future)
    }

    /// What it shows.
    pub fn now(&self) -> Instant {
        let _inside = self.0.enter();
        Instant::now()
    }

    /// Moves it, and lets what is due happen, as [`advance`] does.
    pub fn advance(&self, time: Duration) {
        self.0.block_on(advance(time));
    }

    /// Lets every task on it run as far as it can, without moving it.
    pub fn settle(&self) {
        self.0.block_on(settle());
    }

    /// Runs a future to its end. Whenever it waits for time alone, the clock moves to the next thing that is due by
    /// itself, as tokio's stopped clock does.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Moves the stopped clock of the runtime that this is called in, and lets what is due happen: timers fire, and the tasks
/// that wait for them run as far as they can.
///
/// # Panics
///
/// The clock does not stand still, or there is none.
pub async fn advance(time: Duration) {
    tokio::time::advance(time).await;
    settle().await;
}

/// Lets every other task of a runtime of one thread run as far as it can without time or the outside world.
///
/// It is meant for the tasks of a pool, and goes round often enough for chains of tasks that wake one another.
pub async fn settle() {
    for _ in 0..ROUNDS {
        tokio::task::yield_now().await;
    }
}

const ROUNDS: usize = 64;
