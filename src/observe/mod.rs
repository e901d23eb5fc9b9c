//! Seeing the pool: what it looks like now, who holds its objects, what has happened, and how well it is.
//! Observers read; they never steer.
//!
//! | question | answer |
//! | --- | --- |
//! | What does it look like now? | [`Snapshot`], one atomic load |
//! | Who holds its objects, since when, from which line of code? | [`Checkout`] |
//! | What has happened since the start, and how long did it take? | [`Stats`], with [`Histogram`]s |
//! | How well is it, and why not better? | [`Health`], by [`Thresholds`]; [`HealthWatch`] waits for a change |
//! | What happens, as it happens? | a [`Listener`] |
//! | The same for every kind of pool, for exporters | [`Observe`] and [`Pools`] |
//! | Under which names is it exported? | [`names`] |
#![cfg_attr(
    any(feature = "metrics", feature = "opentelemetry"),
    doc = "| How does it get to Prometheus or OpenTelemetry? | [`export`] |"
)]

#[cfg_attr(
    not(feature = "managed"),
    expect(dead_code, reason = "what other pools do not count")
)]
mod checkout;
#[cfg(feature = "managed")]
pub(crate) mod clock;
#[cfg(feature = "managed")]
pub(crate) mod counters;
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
pub mod export;
mod health;
#[cfg_attr(
    not(feature = "managed"),
    expect(dead_code, reason = "what other pools do not count")
)]
pub(crate) mod histogram;
#[cfg(feature = "managed")]
pub(crate) mod judge;
#[cfg(feature = "managed")]
pub(crate) mod leaks;
mod listener;
pub mod names;
mod observer;
mod pools;
#[cfg(feature = "managed")]
pub(crate) mod registry;
mod snapshot;
mod stats;
#[cfg(feature = "managed")]
pub(crate) mod trace;
#[cfg(feature = "managed")]
pub(crate) mod vigil;

pub use self::checkout::Checkout;
#[cfg(feature = "managed")]
pub use self::clock::HandClock;
pub use self::health::{Finding, Health, Level, Thresholds, Trouble};
pub use self::histogram::Histogram;
pub use self::listener::Listener;
pub use self::observer::{IdleBounds, Kind, Observe, State};
pub use self::pools::{Listed, Pools};
pub use self::snapshot::Snapshot;
pub use self::stats::{CloseReason, Closed, Gets, Phase, Stats, TimedOut};
#[cfg(feature = "managed")]
pub use self::vigil::HealthWatch;
