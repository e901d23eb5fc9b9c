//! A connection pool for asynchronous Rust.

#[cfg(not(millpond_loom))]
mod engine;
#[cfg(millpond_loom)]
#[doc(hidden)]
pub mod engine;

#[cfg(all(feature = "managed", not(millpond_loom)))]
pub mod managed;

#[cfg(not(millpond_loom))]
pub use deadpool_runtime::Runtime;
