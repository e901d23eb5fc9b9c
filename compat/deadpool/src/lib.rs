//! [millpond] under deadpool's name: what is here is all of it, and all of it is millpond's.
//!
//! For `[patch.crates-io]`, so that crates which were written for deadpool 0.13 are built on millpond without
//! touching a line of them:
//!
//! ```toml
//! [patch.crates-io]
//! deadpool = { path = "millpond/compat/deadpool" }
//! ```
//!
//! `PARITY.md` beside this crate's manifest goes through deadpool item by item.

#[cfg(feature = "rt_async-std_1")]
#[expect(deprecated, reason = "deadpool has it")]
pub use millpond::_RT_ASYNC_STD_1_DEPRECATED;
#[cfg(feature = "unmanaged")]
pub use millpond::unmanaged;
pub use millpond::{Runtime, Status};
#[cfg(feature = "managed")]
pub use millpond::{managed, managed_reexports};
