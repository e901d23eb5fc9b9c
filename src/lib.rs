//! A connection pool for asynchronous Rust.

#[cfg(not(millpond_loom))]
#[expect(unreachable_pub, reason = "public for the models, under loom")]
mod engine;
#[cfg(millpond_loom)]
#[doc(hidden)]
pub mod engine;

#[cfg(all(feature = "managed", not(millpond_loom)))]
pub mod managed;
#[cfg(all(feature = "managed", not(millpond_loom)))]
pub mod observe;
#[cfg(all(feature = "postgres", not(millpond_loom)))]
pub mod postgres;

#[cfg(not(millpond_loom))]
pub use deadpool_runtime::Runtime;

/// deadpool's view of a pool's counts; exact at one instant here.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// The most objects that may exist, as it was asked for; 0 when closed.
    pub max_size: usize,
    /// Objects that exist.
    pub size: usize,
    /// Objects that lie idle.
    pub available: usize,
    /// Getters that stand in line, those that connect included.
    pub waiting: usize,
}
