//! What is told through `tracing`, where that feature is on. Quiet by default: a pool that is well says
//! nothing above `debug`. A subscriber that panics loses nothing: the panic ends here, after the panic hook has
//! reported it.
//!
//! | target | level | when |
//! | --- | --- | --- |
//! | `millpond::connect` | warn | an object could not be made |
//! | `millpond::leak` | warn | an object is held beyond the leak threshold; or was, when the last handle went |
//! | `millpond::leak` | info | one that was told came back after all |
//! | `millpond::health` | warn, info | the level of the health is another; it is healthy again |
//! | `millpond::acquire` | debug | a get had to wait for longer than 100 ms, or ran out of time |
//! | `millpond::acquire` | debug span `millpond.wait` | what a get does from the moment at which it has to wait |

#[cfg(feature = "tracing")]
mod told {
    use crate::engine::wake::contain;
    use crate::observe::{Checkout, Health, Level, Phase};
    use std::borrow::Cow;
    use std::future::poll_fn;
    use std::panic::Location;
    use std::pin::pin;
    use std::time::Duration;
    use tracing::Span;

    pub(crate) fn connect_failed<'a>(pool: impl Fn() -> Cow<'a, str>, why: Option<&str>) {
        contain(|| {
            tracing::warn!(
                target: "millpond::connect",
                pool = %pool(),
                why,
                "an object could not be made"
            );
        });
    }

    pub(crate) fn leak_suspected<'a>(pool: impl Fn() -> Cow<'a, str>, holder: &Checkout) {
        contain(|| {
            tracing::warn!(
                target: "millpond::leak",
                pool = %pool(),
                object = holder.id,
                file = holder.caller.file(),
                line = holder.caller.line(),
                task = holder.task,
                label = holder.label.as_deref(),
                held_ms = millis(holder.held),
                "an object is held for long: {holder}"
            );
        });
    }

    pub(crate) fn leak_returned<'a>(pool: impl Fn() -> Cow<'a, str>, holder: &Checkout) {
        contain(|| {
            tracing::info!(
                target: "millpond::leak",
                pool = %pool(),
                object = holder.id,
                file = holder.caller.file(),
                line = holder.caller.line(),
                held_ms = millis(holder.held),
                "an object that was held for long came back: {holder}"
            );
        });
    }

    pub(crate) fn left_behind<'a>(pool: impl Fn() -> Cow<'a, str>, holders: &[Checkout]) {
        for holder in holders {
            contain(|| {
                tracing::warn!(
                    target: "millpond::leak",
                    pool = %pool(),
                    object = holder.id,
                    file = holder.caller.file(),
                    line = holder.caller.line(),
                    held_ms = millis(holder.held),
                    "the pool is gone and an object is still out: {holder}"
                );
            });
        }
    }

    pub(crate) fn health_changed<'a>(pool: impl Fn() -> Cow<'a, str>, health: &Health) {
        let level = health.level.name();
        contain(|| {
            if health.level == Level::Healthy {
                tracing::info!(target: "millpond::health", pool = %pool(), level, "{health}");
            } else {
                tracing::warn!(target: "millpond::health", pool = %pool(), level, "{health}");
            }
        });
    }

    /// What a get does from the moment at which it has to wait: in a span of its own. Not by `Instrument`, which
    /// would lose what is in hand if a subscriber panics as the span is left.
    pub(crate) async fn waiting<'a, F: Future>(
        pool: impl Fn() -> Cow<'a, str>,
        waiting: F,
    ) -> F::Output {
        let mut span = Span::none();
        contain(|| {
            span = tracing::debug_span!(
                target: "millpond::acquire",
                "millpond.wait",
                pool = %pool()
            );
        });
        let mut waiting = pin!(waiting);
        let output = poll_fn(|context| {
            let mut inside = None;
            contain(|| inside = Some(span.enter()));
            let polled = waiting.as_mut().poll(context);
            contain(|| drop(inside));
            polled
        })
        .await;
        contain(|| drop(span));
        output
    }

    pub(crate) fn waited<'a>(
        pool: impl Fn() -> Cow<'a, str>,
        waited_ns: u64,
        caller: &Location<'_>,
    ) {
        let waited = Duration::from_nanos(waited_ns);
        if waited < SLOW {
            return;
        }
        contain(|| {
            tracing::debug!(
                target: "millpond::acquire",
                pool = %pool(),
                waited_ms = millis(waited),
                file = caller.file(),
                line = caller.line(),
                "a get had to wait"
            );
        });
    }

    pub(crate) fn timed_out<'a>(pool: impl Fn() -> Cow<'a, str>, phase: Phase, waited: Duration) {
        contain(|| {
            tracing::debug!(
                target: "millpond::acquire",
                pool = %pool(),
                ?phase,
                waited_ms = millis(waited),
                "a get ran out of time"
            );
        });
    }

    fn millis(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    const SLOW: Duration = Duration::from_millis(100);
}

#[cfg(not(feature = "tracing"))]
mod told {
    use crate::observe::{Checkout, Health, Phase};
    use std::borrow::Cow;
    use std::panic::Location;
    use std::time::Duration;

    pub(crate) fn connect_failed<'a>(_: impl Fn() -> Cow<'a, str>, _: Option<&str>) {}
    pub(crate) fn leak_suspected<'a>(_: impl Fn() -> Cow<'a, str>, _: &Checkout) {}
    pub(crate) fn leak_returned<'a>(_: impl Fn() -> Cow<'a, str>, _: &Checkout) {}
    pub(crate) fn left_behind<'a>(_: impl Fn() -> Cow<'a, str>, _: &[Checkout]) {}
    pub(crate) fn health_changed<'a>(_: impl Fn() -> Cow<'a, str>, _: &Health) {}
    pub(crate) fn waited<'a>(_: impl Fn() -> Cow<'a, str>, _: u64, _: &Location<'_>) {}

    pub(crate) fn waiting<'a, F: Future>(_: impl Fn() -> Cow<'a, str>, waiting: F) -> F {
        waiting
    }

    pub(crate) fn timed_out<'a>(_: impl Fn() -> Cow<'a, str>, _: Phase, _: Duration) {}
}

pub(crate) use told::*;
