//! What the pools of a list have counted, for whoever collects figures: the `metrics` facade and with it a
//! Prometheus page (feature `metrics`), and OpenTelemetry (feature `opentelemetry`).
//!
//! Both read the list [`Pools`](super::Pools) when somebody collects, and add nothing to the way of a get. Name,
//! unit, help and labels of everything are those of the table [`names`](super::names), and nothing else is
//! exported. What they have in common:
//!
//! * Every value of a label is there from the start, with 0, so that a rate sees the first of its kind.
//! * A figure that a kind of pool does not have is absent, not 0.
//! * A pool that takes the name of one that is gone counts on from there: no counter falls.
//! * A histogram gets what was added since it was read last, each duration as the middle of its bucket: at most
//!   3.2 % off. Of one histogram at most 4,194,304 durations are told at a time, and the rest the next time, so
//!   that a pool that nobody has asked for long does not flood whoever asks again.
//! * What a pool counted between the last reading and its end is not told.
//!
//! The repository's `docs/metrics.md` has the table, and ten lines for each of the two.

#[cfg(feature = "metrics")]
mod facade;
mod figures;
mod ledger;
#[cfg(feature = "opentelemetry")]
mod otel;

#[cfg(feature = "metrics")]
pub use self::facade::Metrics;
#[cfg(feature = "opentelemetry")]
pub use self::otel::register_opentelemetry;
