//! A connection pool for asynchronous Rust: lock-free on its fast path, with counts that are exact at
//! every instant and a fair line of waiters.
//!
//! ```
//! use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
//!
//! struct Numbers;
//!
//! impl Manager for Numbers {
//!     type Type = u64;
//!     type Error = std::convert::Infallible;
//!
//!     async fn create(&self) -> Result<u64, Self::Error> {
//!         Ok(7)
//!     }
//!
//!     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> {
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(2).build().unwrap();
//! let number = pool.get().await.unwrap();
//! assert_eq!(*number, 7);
//! assert_eq!(pool.snapshot().in_use, 1);
//! # }
//! ```
//!
//! * [`managed`]: the pool of objects that a manager makes; deadpool's names, and more beside them.
//! * [`unmanaged`]: the pool of objects that you put in; deadpool's names as well.
#![cfg_attr(
    feature = "postgres",
    doc = "* [`postgres`]: the manager over tokio-postgres."
)]
//! * [`observe`]: what a pool looks like now, who holds its objects, what has happened and how well it is; for
//!   people, programs and exporters.
//!
//! Features: `managed` and `unmanaged` (default), `postgres`, `serde`, and the runtimes whose timers keep time-outs:
//! `rt_tokio_1`, `rt_smol_2`, `rt_async-std_1`. For whoever watches it: `tracing` (events and spans), `metrics` (the
//! facade, and so Prometheus), `opentelemetry`.

#[cfg(all(
    any(feature = "managed", feature = "unmanaged"),
    not(any(millpond_loom, millpond_shuttle))
))]
#[expect(unreachable_pub, reason = "public for the models, under a checker")]
#[cfg_attr(
    not(all(feature = "managed", feature = "unmanaged")),
    allow(
        dead_code,
        unused_imports,
        reason = "each of the two pools has moves of its own"
    )
)]
mod engine;
#[cfg(any(millpond_loom, millpond_shuttle))]
#[doc(hidden)]
#[allow(
    unreachable_pub,
    reason = "public for the models, which see some of it"
)]
pub mod engine;

#[cfg(all(feature = "managed", not(any(millpond_loom, millpond_shuttle))))]
pub mod managed;
#[cfg(all(
    any(feature = "managed", feature = "unmanaged"),
    not(any(millpond_loom, millpond_shuttle))
))]
pub mod observe;
#[cfg(all(feature = "postgres", not(any(millpond_loom, millpond_shuttle))))]
pub mod postgres;

#[cfg(all(feature = "unmanaged", not(any(millpond_loom, millpond_shuttle))))]
pub mod unmanaged;

#[cfg(all(
    any(feature = "managed", feature = "unmanaged"),
    not(any(millpond_loom, millpond_shuttle))
))]
mod tether;
#[cfg(all(
    any(feature = "managed", feature = "unmanaged"),
    not(any(millpond_loom, millpond_shuttle))
))]
mod time;

#[cfg(not(any(millpond_loom, millpond_shuttle)))]
pub use deadpool_runtime::Runtime;

/// As in deadpool, where it only exists to show that the feature is deprecated.
#[cfg(feature = "rt_async-std_1")]
#[deprecated(note = "async-std is no longer maintained: `rt_tokio_1` or `rt_smol_2` instead")]
pub const _RT_ASYNC_STD_1_DEPRECATED: () = ();

/// deadpool's view of a pool's counts; exact at one instant here.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// The most objects that may exist, as it was asked for; 0 when a managed pool is closed.
    pub max_size: usize,
    /// Objects that exist.
    pub size: usize,
    /// Objects that lie idle.
    pub available: usize,
    /// Getters that stand in line, those that connect included.
    pub waiting: usize,
}

/// How many objects a pool may hold that was not told: two for each logical processor, as in deadpool.
#[cfg(all(
    any(feature = "managed", feature = "unmanaged"),
    not(any(millpond_loom, millpond_shuttle))
))]
fn default_max_size() -> usize {
    2 * std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// The README's example is compiled with the tests.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// So is that of the guide to PgBouncer.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../docs/pgbouncer.md")]
struct BeforePgBouncer;

/// So are those of the guide from sqlx; the other guides name crates that only switch-tests knows.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../docs/from-sqlx.md")]
struct FromSqlx;
