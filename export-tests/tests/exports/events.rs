//! What is told through `tracing`: which event, at which level, with which fields; and that a pool which is well
//! keeps quiet.

use crate::pools::{Scripted, Step, now, waiting};
use millpond::managed::{Acquire, Pool, PoolBuilder, Timeouts};
use millpond::observe::Thresholds;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber, subscriber};

/// An event or a span, with its fields as text.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    level: Level,
    target: &'static str,
    name: &'static str,
    fields: BTreeMap<&'static str, String>,
}

/// Writes everything down, whatever its level.
#[derive(Clone, Default)]
pub(crate) struct Scribe(Arc<Mutex<Vec<Told>>>);

impl Told {
    fn of(metadata: &'static Metadata<'static>, record: impl FnOnce(&mut Self)) -> Self {
        let mut told = Self {
            level: *metadata.level(),
            target: metadata.target(),
            name: metadata.name(),
            fields: BTreeMap::new(),
        };
        record(&mut told);
        told
    }

    /// The names of its fields but for the message.
    fn keys(&self) -> Vec<&'static str> {
        let keys = self.fields.keys().copied();
        keys.filter(|key| *key != "message").collect()
    }

    #[track_caller]
    fn is(&self, level: Level, target: &str, message: &str) {
        assert_eq!((self.level, self.target), (level, target), "{self:?}");
        assert!(self.fields["message"].starts_with(message), "{self:?}");
        assert_eq!(self.fields["pool"], "main", "{self:?}");
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("millpond")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(Told::of(span.metadata(), |told| span.record(told)));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(Told::of(event.metadata(), |told| event.record(told)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Scribe {
    fn write(&self, told: Told) {
        self.0.lock().expect("no panic").push(told);
    }

    /// What was told since this was asked last.
    pub(crate) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// The one thing that was told since this was asked last.
    #[track_caller]
    fn one(&self) -> Told {
        let told = self.told();
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].clone()
    }
}

/// A pool of this name, and what it tells to a scribe; all of it on this thread, which runs no background task.
fn listening<T>(
    build: impl FnOnce(PoolBuilder<Scripted>) -> PoolBuilder<Scripted>,
    scene: impl AsyncFnOnce(Pool<Scripted>, &Scribe) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let scribe = Scribe::default();
    subscriber::with_default(scribe.clone(), || {
        let builder = Pool::builder(Scripted::default()).name("main").max_size(1);
        let pool = build(builder).build().expect("it builds");
        runtime.block_on(scene(pool, &scribe))
    })
}

#[test]
fn a_pool_that_is_well_says_nothing_above_debug_and_no_event_at_all() {
    listening(
        |builder| builder.max_size(4),
        async |pool, scribe| {
            for _ in 0..3 {
                drop(pool.get().await.expect("made, then idle"));
            }
            assert!(scribe.told().iter().all(|told| told.level == Level::DEBUG));
            let health = pool.health();
            assert!(health.findings.is_empty(), "{health}");
            drop(pool.get().await);
            pool.resize(2);
            pool.close();
            drop(pool);
            assert!(scribe.told().is_empty());
        },
    );
}

#[test]
fn what_waits_is_a_span_that_names_the_pool() {
    listening(
        |builder| builder,
        async |pool, scribe| {
            let held = pool.get().await.expect("made");
            let span = scribe.one();
            assert_eq!(
                (span.level, span.target),
                (Level::DEBUG, "millpond::acquire")
            );
            assert_eq!((span.name, span.keys()), ("millpond.wait", vec!["pool"]));
            assert_eq!(span.fields["pool"], "main");
            let mut getter = waiting(&pool);
            assert_eq!(scribe.one().name, "millpond.wait");
            drop(held);
            drop(now(&mut getter).expect("it came back"));
            assert!(scribe.told().is_empty(), "a short wait is no event");
        },
    );
}

#[test]
fn a_failed_connect_is_a_warning_with_what_the_manager_says() {
    listening(
        |builder| builder,
        async |pool, scribe| {
            pool.manager().create(Step::Fail);
            assert!(pool.get().await.is_err());
            let told = scribe.told();
            let [_span, failed] = &told[..] else {
                panic!("{told:?}")
            };
            failed.is(
                Level::WARN,
                "millpond::connect",
                "an object could not be made",
            );
            assert_eq!(failed.keys(), ["pool", "why"]);
            assert_eq!(failed.fields["why"], "no such server");
        },
    );
}

#[test]
fn a_leak_is_a_warning_by_file_and_line_and_a_note_when_it_comes_back() {
    listening(
        |builder| builder.leak_threshold(Some(Duration::from_nanos(1))),
        async |pool, scribe| {
            let how = Acquire::new().label("nightly report");
            let line = line!() + 1;
            let held = pool.acquire(&how).await.expect("made");
            scribe.told();
            let _ = pool.health();
            let told = scribe.told();
            let leak = told.iter().find(|told| told.target == "millpond::leak");
            let leak = leak.unwrap_or_else(|| panic!("{told:?}"));
            leak.is(
                Level::WARN,
                "millpond::leak",
                "an object is held for long: ",
            );
            let file = file!().rsplit('/').next().expect("a name");
            assert!(leak.fields["file"].ends_with(file), "{leak:?}");
            assert_eq!(leak.fields["line"], line.to_string());
            assert_eq!(leak.fields["label"], "nightly report");
            let keys = ["file", "held_ms", "label", "line", "object", "pool"];
            assert_eq!(leak.keys(), keys, "nobody runs in a task here");
            let _ = pool.health();
            let again = scribe.told();
            assert!(
                again.iter().all(|told| told.target != "millpond::leak"),
                "{again:?}"
            );
            drop(held);
            let back = scribe.one();
            back.is(
                Level::INFO,
                "millpond::leak",
                "an object that was held for long came back",
            );
            assert_eq!(back.keys(), ["file", "held_ms", "line", "object", "pool"]);
        },
    );
}

#[test]
fn a_leak_in_a_task_names_the_task_and_what_is_left_behind_is_told() {
    listening(
        |builder| builder.leak_threshold(Some(Duration::from_nanos(1))),
        async |pool, scribe| {
            let getter = pool.clone();
            let task = tokio::spawn(async move {
                std::mem::forget(getter.get().await.expect("made"));
                tokio::task::id().to_string()
            });
            let task = task.await.expect("no panic");
            scribe.told();
            let _ = pool.health();
            let told = scribe.told();
            let leak = told.iter().find(|told| told.target == "millpond::leak");
            assert_eq!(leak.expect("a leak").fields["task"], task);
            drop(pool);
            let left = scribe.one();
            left.is(
                Level::WARN,
                "millpond::leak",
                "the pool is gone and an object is still out",
            );
            assert_eq!(left.keys(), ["file", "held_ms", "line", "object", "pool"]);
        },
    );
}

#[test]
fn health_that_falls_is_a_warning_and_that_comes_back_a_note() {
    let mut at_once = Thresholds::default();
    at_once.calm = Duration::ZERO;
    listening(
        |builder| builder.health_thresholds(at_once),
        async |pool, scribe| {
            let held = pool.get().await.expect("made");
            scribe.told();
            let _ = pool.health();
            let _ = pool.health();
            let worse = scribe.one();
            worse.is(Level::WARN, "millpond::health", "critical: 1 of 1 in use");
            assert_eq!(
                (worse.keys(), &*worse.fields["level"]),
                (vec!["level", "pool"], "critical")
            );
            drop(held);
            let _ = pool.health();
            let better = scribe.one();
            better.is(Level::INFO, "millpond::health", "healthy");
        },
    );
}

#[test]
fn a_slow_get_and_one_that_ran_out_of_time_are_told_to_who_debugs() {
    const SLOW: Duration = Duration::from_millis(110);
    listening(
        |builder| builder.runtime(millpond::Runtime::Tokio1),
        async |pool, scribe| {
            let held = pool.get().await.expect("made");
            scribe.told();
            let line = line!() + 1;
            let mut getter = Box::pin(pool.get());
            assert!(now(&mut getter).is_none());
            // The pool's clock is not Tokio's: this time really passes.
            tokio::time::sleep(SLOW).await;
            drop(held);
            let held = getter.await.expect("in time");
            let told = scribe.told();
            let [_span, slow] = &told[..] else {
                panic!("{told:?}")
            };
            slow.is(Level::DEBUG, "millpond::acquire", "a get had to wait");
            assert_eq!(slow.keys(), ["file", "line", "pool", "waited_ms"]);
            assert_eq!(slow.fields["line"], line.to_string());
            let waited: u64 = slow.fields["waited_ms"].parse().expect("milliseconds");
            assert!(waited >= 100, "{slow:?}");

            let short = Timeouts::wait_millis(5);
            assert!(pool.timeout_get(&short).await.is_err());
            let told = scribe.told();
            let [_span, late] = &told[..] else {
                panic!("{told:?}")
            };
            late.is(Level::DEBUG, "millpond::acquire", "a get ran out of time");
            assert_eq!(late.keys(), ["phase", "pool", "waited_ms"]);
            assert_eq!(late.fields["phase"], "Wait");
            drop(held);
        },
    );
}

/// Panics whatever it is told, but for what is asked of it before.
struct Bomb;

impl Subscriber for Bomb {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("millpond")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        panic!("an event");
    }

    fn enter(&self, _: &Id) {
        panic!("a span is entered");
    }

    fn exit(&self, _: &Id) {
        panic!("a span is left");
    }

    fn try_close(&self, _: Id) -> bool {
        panic!("a span is over");
    }
}

#[test]
fn a_subscriber_that_panics_loses_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let pool = Pool::builder(Scripted::default())
        .max_size(2)
        .leak_threshold(Some(Duration::from_nanos(1)))
        .build()
        .expect("it builds");
    subscriber::with_default(Bomb, || {
        runtime.block_on(async {
            pool.manager().create(Step::Fail);
            assert!(pool.get().await.is_err());
            let held = [pool.get().await, pool.get().await];
            let mut getter = waiting(&pool);
            let _ = pool.health();
            drop(held);
            drop(now(&mut getter).expect("it came back"));
            let _ = pool.health();
            let state = pool.snapshot();
            assert_eq!((state.size, state.idle, state.waiting), (2, 2, 0));
            assert_eq!(pool.stats().gets.ended(), 4);
        });
    });
}
