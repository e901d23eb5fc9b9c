//! Seeing the pool: what it looks like now, and who holds its objects. Observers read; they never steer.

mod checkout;
pub(crate) mod clock;
pub mod names;
pub(crate) mod registry;
mod snapshot;

pub use self::checkout::Checkout;
pub use self::snapshot::Snapshot;
