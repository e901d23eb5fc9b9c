use super::{Checkout, CloseReason, Health, Phase};
use std::time::Duration;

/// Is told what happens in a pool, as it happens.
///
/// A pool without a listener pays nothing for it. One with a listener calls it on the way of each get and
/// return: keep it short, and never wait in it. It is called from many tasks at once and never with a lock of
/// the pool's held; it may look at the pool, and what it does steers nothing. A panic in it ends where it is
/// called, after the panic hook has reported it.
///
/// # Examples
///
/// ```
/// use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
/// use millpond::observe::{CloseReason, Listener};
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use std::sync::Arc;
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
///
/// #[derive(Default)]
/// struct Farewells(AtomicUsize);
///
/// impl Listener for Farewells {
///     fn closed(&self, _: CloseReason) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let farewells = Arc::new(Farewells::default());
/// let pool: Pool<Numbers> =
///     Pool::builder(Numbers).listener(farewells.clone()).build().unwrap();
/// drop(pool.get().await.unwrap());
/// pool.close();
/// assert_eq!(farewells.0.load(Ordering::Relaxed), 1);
/// # }
/// ```
pub trait Listener: Send + Sync {
    /// A get has its object, after it had waited for it: no time at all for one that was idle.
    fn acquired(&self, _waited: Duration) {}

    /// An object comes back, or is taken out for good, after it was held.
    fn returned(&self, _held: Duration) {}

    /// A get ran out of time.
    fn timed_out(&self, _phase: Phase, _waited: Duration) {}

    /// An object was made.
    fn created(&self, _took: Duration) {}

    /// An object could not be made. What the manager [says](crate::managed::Manager::describe) of it, where
    /// it says anything, or what else it was.
    fn create_failed(&self, _why: &str) {}

    /// A check that had to wait for something ended.
    fn checked(&self, _took: Duration) {}

    /// An object left the pool.
    fn closed(&self, _reason: CloseReason) {}

    /// An object has been held for longer than the leak threshold. Told once for each hold.
    fn leak_suspected(&self, _holder: &Checkout) {}

    /// An object that was reported as a leak came back after all.
    fn leak_returned(&self, _holder: &Checkout) {}

    /// The last handle of the pool is gone, and these objects were still out.
    fn left_behind(&self, _holders: &[Checkout]) {}

    /// The pool's health changed.
    fn health_changed(&self, _health: &Health) {}
}
