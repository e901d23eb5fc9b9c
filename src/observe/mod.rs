//! Seeing the pool: what it looks like now, who holds its objects, and under which names that is exported
//! ([`names`]). Observers read; they never steer.

mod checkout;
pub(crate) mod clock;
pub mod names;
pub(crate) mod registry;
mod snapshot;

pub use self::checkout::Checkout;
pub use self::snapshot::Snapshot;
