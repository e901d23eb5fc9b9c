//! What a pool does for those who look at it: it looks for leaks, judges its health, and tells its listener.
//! None of it is on the way of a get that finds an object idle.

use super::core::Core;
use super::{HookError, Manager, PoolError, TimeoutType};
use crate::engine::slot::Holding;
use crate::engine::sync::Mutex;
use crate::engine::wake::contain;
use crate::observe::judge::Sight;
use crate::observe::{Checkout, Health, Listener, Phase, Stats, trace};
use std::time::Duration;

impl<M: Manager> Core<M> {
    /// The time since a raw reading, in nanoseconds.
    pub(crate) fn since(&self, raw: u64) -> u64 {
        self.clock.nanos_between(raw, self.clock.now())
    }

    /// The time since the pool was built.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.since(self.built))
    }

    /// Tells the listener, if there is one. A panic of its ends here.
    #[inline]
    pub(crate) fn tell(&self, tell: impl FnOnce(&dyn Listener)) {
        if let Some(listener) = &self.listener {
            contain(|| tell(&**listener));
        }
    }

    /// An object was made.
    pub(crate) fn made_in(&self, ns: u64) {
        self.counters.created.add_one();
        self.counters.times().connected(ns);
        self.tell(|listener| listener.created(Duration::from_nanos(ns)));
        self.connect_went_well();
    }

    /// A check ended that had to wait for something.
    #[cold]
    pub(crate) fn checked_since(&self, since: u64) {
        let took = self.since(since);
        self.counters.times().checked(took);
        self.tell(|listener| listener.checked(Duration::from_nanos(took)));
    }

    /// An object was not made.
    pub(crate) fn not_made(&self, error: &PoolError<M::Error>) {
        self.counters.create_failures.add_one();
        let why = match error {
            PoolError::Backend(error) => self.manager.describe(error),
            PoolError::PostCreateHook(HookError::Backend(error)) => self.manager.describe(error),
            PoolError::PostCreateHook(HookError::Message(message)) => Some(message.to_string()),
            PoolError::Timeout(_) => Some("it took longer than its bound".to_owned()),
            PoolError::Closed | PoolError::NoRuntimeSpecified => None,
        };
        trace::connect_failed(|| self.name(), why.as_deref());
        self.tell(|listener| listener.create_failed(why.as_deref().unwrap_or("no reason told")));
        self.last_failure.write(self.clock.now(), why);
        self.connect_failed();
    }

    /// What the pool is called.
    pub(crate) fn name(&self) -> std::borrow::Cow<'_, str> {
        match &self.name {
            Some(name) => name.into(),
            None => self.manager.target(),
        }
    }

    /// All figures since the start.
    pub(crate) fn stats(&self) -> Stats {
        self.counters.read(&self.registry)
    }

    /// Looks at the pool's health, and tells who wants to know if it changed.
    pub(crate) fn health(&self) -> Health {
        self.judge(self.stats())
    }

    /// The same, of figures that were read just now.
    pub(crate) fn judge(&self, stats: Stats) -> Health {
        let snapshot = self.snapshot();
        let sight = Sight {
            in_use: snapshot.in_use,
            max_size: snapshot.max_size,
            waiting: snapshot.waiting,
            closed: snapshot.closed,
            time_outs: stats.gets.timed_out.total(),
            ended: stats.gets.ended(),
            created: stats.created,
            create_failures: stats.create_failures,
            wait_time: stats.wait_time,
            leaks: self.leaks.count(&self.registry, &self.clock),
            wait_bound: self.config.timeouts.wait,
            breaker_open: self.breaker_is_open(),
        };
        let (health, changed) = self.vigil.judge(self.now(), &sight);
        if changed {
            trace::health_changed(|| self.name(), &health);
            self.tell(|listener| listener.health_changed(&health));
        }
        health
    }

    /// Tells of holds that have become too long.
    pub(crate) fn look_for_leaks(&self) {
        if self.leaks.threshold().is_none() {
            return;
        }
        for holder in self.leaks.find(&self.registry, &self.clock) {
            self.tell_leak(&holder);
        }
    }

    fn tell_leak(&self, holder: &Checkout) {
        self.counters.leaks.add_one();
        trace::leak_suspected(|| self.name(), holder);
        self.tell(|listener| listener.leak_suspected(holder));
    }

    /// A hold that was too long has ended.
    #[cold]
    pub(crate) fn leak_ended(&self, holding: Holding, held: Duration) {
        let told = self.leaks.came_back(&holding);
        let holder = Checkout::of(holding, held);
        if !told {
            self.tell_leak(&holder);
        }
        trace::leak_returned(|| self.name(), &holder);
        self.tell(|listener| listener.leak_returned(&holder));
    }

    /// The last handle goes: what is still out is named.
    pub(crate) fn tell_left_behind(&self) {
        if self.leaks.threshold().is_none() && self.listener.is_none() {
            return;
        }
        let holders = self.registry.checkouts(&self.clock);
        if !holders.is_empty() {
            trace::left_behind(|| self.name(), &holders);
            self.tell(|listener| listener.left_behind(&holders));
        }
    }

    /// For getters that stand in line: without a background task they look for leaks themselves.
    pub(crate) fn look_for_leaks_sometimes(&self) {
        if self.leaks.threshold().is_some()
            && self.keeper.is_due(self.now().as_nanos(), self.look_pause())
        {
            self.look_for_leaks();
        }
    }
}

/// The last failure to make an object: when, and what the manager said of it.
#[derive(Debug)]
pub(crate) struct LastFailure(Mutex<Option<(u64, Option<String>)>>);

impl LastFailure {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn write(&self, at: u64, why: Option<String>) {
        let before = self.0.lock().replace((at, why));
        drop(before);
    }

    /// When it was, and why.
    pub(crate) fn read(&self) -> Option<(u64, Option<String>)> {
        self.0.lock().clone()
    }
}

/// The Tokio task that runs now; 0 where there is none.
#[cfg(feature = "rt_tokio_1")]
#[inline]
pub(crate) fn task() -> u64 {
    use std::hash::{Hash, Hasher};

    /// What an [`Id`](tokio::task::Id) consists of is told by its hash alone.
    struct Number(u64);

    impl Hasher for Number {
        fn write(&mut self, bytes: &[u8]) {
            let mut number = [0; 8];
            let length = bytes.len().min(8);
            number[..length].copy_from_slice(&bytes[..length]);
            self.0 = u64::from_ne_bytes(number);
        }

        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }

        fn finish(&self) -> u64 {
            self.0
        }
    }

    let Some(id) = tokio::task::try_id() else {
        return 0;
    };
    let mut number = Number(0);
    id.hash(&mut number);
    number.finish()
}

/// Without Tokio there is no task to tell of.
#[cfg(not(feature = "rt_tokio_1"))]
pub(crate) fn task() -> u64 {
    0
}

impl From<TimeoutType> for Phase {
    fn from(phase: TimeoutType) -> Self {
        match phase {
            TimeoutType::Wait => Self::Wait,
            TimeoutType::Create => Self::Create,
            TimeoutType::Recycle => Self::Recycle,
        }
    }
}

#[cfg(all(test, feature = "rt_tokio_1"))]
mod tests {
    #[tokio::test]
    async fn a_task_is_named_as_tokio_names_it() {
        assert_eq!(super::task(), 0, "the runtime's own thread runs no task");
        let named = tokio::spawn(async { (super::task(), tokio::task::id().to_string()) });
        let (number, id) = named.await.unwrap();
        assert_eq!(number.to_string(), id);
    }
}
