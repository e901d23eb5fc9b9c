//! What a pool shows of itself.

use super::core::Core;
use super::{Manager, Object, Pool};
use crate::observe::{
    Checkout, Health, HealthWatch, IdleBounds, Kind, Listed, Observe, Snapshot, State, Stats,
};
use std::borrow::Cow;
use std::future::Future;
use std::sync::{Arc, Weak};

impl<M: Manager, W: From<Object<M>>> Pool<M, W> {
    /// What the pool is called: its [name](super::PoolBuilder::name), or what the manager
    /// [is connected to](Manager::target).
    pub fn name(&self) -> Cow<'_, str> {
        self.core.name()
    }

    /// What has happened since the pool was built: gets by how they ended, objects made and closed by reason,
    /// checks, and how long it all took.
    ///
    /// # Progress
    ///
    /// Takes no lock that a get or a return would need; some 50 ns for each object.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// How well the pool is, and why not better, by its
    /// [thresholds](super::PoolBuilder::health_thresholds).
    ///
    /// "Lately" reaches back over the last 5 to 10 s, or to when the health was asked for before that: while
    /// somebody [watches](Self::watch_health) it or listens, the pool asks twice a second by itself
    /// (with `Runtime::Tokio1`).
    #[must_use]
    pub fn health(&self) -> Health {
        self.core.look_for_leaks();
        self.core.health()
    }

    /// Waits for the health to change. While somebody does, the pool looks twice a second
    /// (with `Runtime::Tokio1`; otherwise whenever it is asked).
    #[must_use]
    pub fn watch_health(&self) -> HealthWatch {
        let watch = self.core.vigil.watch();
        self.core.keep_watch();
        watch
    }

    /// What the pool does in the background for those who look at it, to be spawned on a runtime that is not
    /// Tokio; with `Runtime::Tokio1` the pool does so by itself. It looks for leaks and at the health twice a
    /// second, and ends when nothing is left of the pool, which it does not keep open.
    ///
    /// Without a [`Runtime`](crate::Runtime) it looks once, and waits for ever.
    pub fn watch(&self) -> impl Future<Output = ()> + Send + 'static {
        super::keeper::keep(Arc::downgrade(&self.core))
    }
}

impl<M: Manager> Observe for Core<M> {
    fn name(&self) -> Cow<'_, str> {
        Self::name(self)
    }

    fn kind(&self) -> Kind {
        match self.upkeep.max_idle {
            Some(0) => Kind::Unpooled,
            _ => Kind::Managed,
        }
    }

    fn idle_bounds(&self) -> IdleBounds {
        IdleBounds {
            max: self.upkeep.max_idle,
            min: Some(self.upkeep.min_idle),
        }
    }

    fn target(&self) -> Option<String> {
        Some(self.manager.target().into_owned())
    }

    fn state(&self) -> State {
        if Self::snapshot(self).closed {
            State::Closed
        } else if self.counters.created.read() == 0 {
            State::NotConnected
        } else {
            State::Open
        }
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Some(Self::snapshot(self))
    }

    fn stats(&self) -> Option<Stats> {
        Some(Self::stats(self))
    }

    fn checkouts(&self) -> Option<Vec<Checkout>> {
        Some(self.registry.checkouts(&self.clock))
    }

    fn leaks_suspected(&self) -> Option<usize> {
        self.leaks.threshold()?;
        Some(self.leaks.count(&self.registry, &self.clock))
    }

    fn health(&self) -> Option<Health> {
        self.look_for_leaks();
        Some(Self::health(self))
    }
}

impl<M: Manager, W: From<Object<M>>> Observe for Pool<M, W> {
    fn name(&self) -> Cow<'_, str> {
        self.core.name()
    }

    fn kind(&self) -> Kind {
        self.core.kind()
    }

    fn target(&self) -> Option<String> {
        Observe::target(&*self.core)
    }

    fn state(&self) -> State {
        self.core.state()
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Observe::snapshot(&*self.core)
    }

    fn idle_bounds(&self) -> IdleBounds {
        self.core.idle_bounds()
    }

    fn stats(&self) -> Option<Stats> {
        Observe::stats(&*self.core)
    }

    fn checkouts(&self) -> Option<Vec<Checkout>> {
        Observe::checkouts(&*self.core)
    }

    fn leaks_suspected(&self) -> Option<usize> {
        self.core.leaks_suspected()
    }

    fn health(&self) -> Option<Health> {
        Observe::health(&*self.core)
    }
}

impl<M: Manager, W: From<Object<M>>> Listed for Pool<M, W> {
    fn listed_name(&self) -> Cow<'_, str> {
        self.core.name()
    }

    fn listed(&self) -> Weak<dyn Observe> {
        let weak: Weak<Core<M>> = Arc::downgrade(&self.core);
        weak
    }
}
