//! What a pool can be told beyond deadpool's configuration.

use super::storm::Caution;
use super::upkeep::Upkeep;
use super::{Manager, Object, PoolBuilder};
use crate::observe::clock::Clock;
use crate::observe::{HandClock, Listener, Thresholds};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// See the methods of [`PoolBuilder`] of the same names.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    pub(crate) leak_threshold: Option<Duration>,
    pub(crate) thresholds: Thresholds,
    pub(crate) listener: Option<Arc<dyn Listener>>,
    pub(crate) upkeep: Upkeep,
    pub(crate) caution: Caution,
    pub(crate) max_waiters: Option<usize>,
    pub(crate) shed_overload: bool,
    pub(crate) clock: Option<Clock>,
}

/// What a manager suggests for pools of its objects ([`Manager::defaults`]). Whatever a builder is told goes
/// before it.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Defaults {
    upkeep: Upkeep,
}

impl Defaults {
    /// Everything off, as in deadpool.
    pub fn none() -> Self {
        Self::default()
    }

    /// For connections to a server:
    ///
    /// | knob | default | why |
    /// | --- | --- | --- |
    /// | [`max_lifetime`](PoolBuilder::max_lifetime) | 30 min, up to a tenth less | HikariCP's: a server's memory for old sessions grows, and what is behind a name moves |
    /// | [`idle_timeout`](PoolBuilder::idle_timeout) | 10 min | HikariCP's and PgBouncer's: what a peak needed is given back |
    /// | [`suspicion`](PoolBuilder::suspicion) | on | a dead server is paid for once, not once for each connection |
    pub fn server() -> Self {
        Self {
            upkeep: Upkeep {
                max_lifetime: Some(Duration::from_secs(30 * 60)),
                idle_timeout: Some(Duration::from_secs(10 * 60)),
                suspicion: true,
                ..Upkeep::default()
            },
        }
    }

    /// And [`keepalive`](PoolBuilder::keepalive), for what is worth knowing about an idle object soon.
    pub fn keepalive(mut self, value: Duration) -> Self {
        self.upkeep.keepalive = Some(value);
        self
    }
}

impl Options {
    pub(crate) fn by_default(defaults: Defaults) -> Self {
        Self {
            upkeep: defaults.upkeep,
            ..Self::default()
        }
    }
}

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    /// What the pool is called: in [`Pools`](crate::observe::Pools), by exporters, in events.
    ///
    /// Default: what the manager [is connected to](Manager::target).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Holds longer than this are reported, each once: to the [`listener`](Self::listener), in
    /// [`stats`](super::Pool::stats), as a [trouble](crate::observe::Trouble::LeakSuspected) of the pool's
    /// health, and as a `tracing` event where that feature is on. When such an object comes back after all,
    /// that is told too. [`checkouts`](super::Pool::checkouts) says which task holds what.
    ///
    /// With `Runtime::Tokio1` a small task of the pool's looks every quarter of this time, at most twice a
    /// second; otherwise whoever asks for the health, or has to stand in line, looks, and
    /// [`watch`](super::Pool::watch) is there to be spawned.
    ///
    /// Default: `None`, as in HikariCP: nobody can tell a leak from a long use but you. 30 s is a good first
    /// try for a service whose requests end within 10 s.
    pub fn leak_threshold(mut self, threshold: Option<Duration>) -> Self {
        self.options.leak_threshold = threshold;
        self
    }

    /// Lets the pool read a clock that is turned by hand: for tests of what happens over time. Timers stay those
    /// of the runtime.
    pub fn clock(mut self, clock: &HandClock) -> Self {
        self.options.clock = Some(clock.clock());
        self
    }

    /// By which rules the pool's [health](super::Pool::health) is judged.
    pub fn health_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.options.thresholds = thresholds;
        self
    }

    /// Is told what happens in the pool. A pool without one pays nothing for it. One: a listener that tells
    /// several is a few lines.
    pub fn listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.options.listener = Some(listener);
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("leak_threshold", &self.leak_threshold)
            .field("thresholds", &self.thresholds)
            .field("listener", &self.listener.is_some())
            .field("upkeep", &self.upkeep)
            .field("caution", &self.caution)
            .field("max_waiters", &self.max_waiters)
            .field("shed_overload", &self.shed_overload)
            .finish()
    }
}
