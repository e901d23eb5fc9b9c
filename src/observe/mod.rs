//! Seeing the pool: what it looks like now, and who holds its objects. Observers read; they never steer.

#[cfg(feature = "managed")]
mod checkout;
#[cfg(feature = "managed")]
pub(crate) mod clock;
#[cfg(feature = "managed")]
pub(crate) mod registry;
mod snapshot;

#[cfg(feature = "managed")]
pub use self::checkout::Checkout;
pub use self::snapshot::Snapshot;
