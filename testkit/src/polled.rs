//! Futures that a test polls by hand, and that know whether they were woken.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use tokio::runtime::Handle;

/// What wakes a [`Polled`]: it counts.
#[derive(Debug, Default)]
pub struct Flag {
    woken: AtomicBool,
    wakes: AtomicUsize,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

impl Flag {
    /// How often it was woken.
    pub fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }
}

/// A future in a test's hand: polled when the test says so, and never in between. Dropped, it is cancelled.
///
/// With it a test decides every order of events by hand, and needs neither tasks nor sleeps.
///
/// ```
/// use millpond::managed::Pool;
/// use millpond_testkit::{Polled, World};
///
/// let pool: Pool<World> = Pool::builder(World::default()).max_size(1).build()?;
/// let held = Polled::of(pool.get()).ready()?;
/// let mut first = Polled::of(pool.get()).waits();
/// let mut second = Polled::of(pool.get()).waits();
///
/// drop(held);
/// assert!(!second.is_woken());
/// let served = first.woken_ready()?;
/// second.pending();
/// # drop(served);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Polled<'a, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
    flag: Arc<Flag>,
    runtime: Option<Handle>,
}

impl<'a, T> Polled<'a, T> {
    /// Not polled yet. It is polled within the runtime that this is called in, if there is one.
    pub fn of(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self::new(Handle::try_current().ok(), future)
    }

    /// Not polled yet. It is polled within `runtime`.
    pub fn new(runtime: Option<Handle>, future: impl Future<Output = T> + Send + 'a) -> Self {
        Self {
            future: Some(Box::pin(future)),
            flag: Arc::default(),
            runtime,
        }
    }

    /// Polls it once.
    ///
    /// # Panics
    ///
    /// It has ended before, or panics now.
    pub fn poll(&mut self) -> Poll<T> {
        self.flag.woken.store(false, Ordering::Release);
        self.poll_with(&Waker::from(Arc::clone(&self.flag)))
    }

    /// Polls it once with a waker of the test's own.
    ///
    /// # Panics
    ///
    /// As [`poll`](Polled::poll).
    pub fn poll_with(&mut self, waker: &Waker) -> Poll<T> {
        let _inside = self.runtime.as_ref().map(Handle::enter);
        let future = self.future.as_mut().expect("polled after its end");
        let polled = future.as_mut().poll(&mut Context::from_waker(waker));
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }

    /// Polls it: it must be pending.
    ///
    /// # Panics
    ///
    /// It is ready.
    #[track_caller]
    pub fn pending(&mut self) {
        assert!(self.poll().is_pending(), "ready where it should wait");
    }

    /// Polls it for the first time: it must be pending.
    ///
    /// # Panics
    ///
    /// It is ready.
    #[track_caller]
    pub fn waits(mut self) -> Self {
        self.pending();
        self
    }

    /// Polls it: it must be ready.
    ///
    /// # Panics
    ///
    /// It is pending.
    #[track_caller]
    pub fn ready(&mut self) -> T {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("pending where it should be ready"),
        }
    }

    /// It must have been woken, and be ready.
    ///
    /// # Panics
    ///
    /// Nobody woke it since it was last polled, or it is pending.
    #[track_caller]
    pub fn woken_ready(&mut self) -> T {
        assert!(self.is_woken(), "nobody woke it");
        self.ready()
    }

    /// Polls it: it must panic.
    ///
    /// # Panics
    ///
    /// It does not.
    #[track_caller]
    pub fn panics(&mut self) {
        let polled = catch_unwind(AssertUnwindSafe(|| drop(self.poll())));
        assert!(polled.is_err(), "no panic where one was scripted");
        self.future = None;
    }

    /// Whether it was woken since it was last polled.
    pub fn is_woken(&self) -> bool {
        self.flag.woken.load(Ordering::Acquire)
    }

    /// Whether it has ended.
    pub fn is_done(&self) -> bool {
        self.future.is_none()
    }

    /// From the next poll on it has another waker. Returns the old one's flag.
    pub fn change_waker(&mut self) -> Arc<Flag> {
        std::mem::take(&mut self.flag)
    }

    /// Drops the future.
    ///
    /// # Errors
    ///
    /// What that panics with.
    pub fn cancel(mut self) -> std::thread::Result<()> {
        let future = self.future.take();
        catch_unwind(AssertUnwindSafe(|| drop(future)))
    }

    /// Never polls and never drops it.
    pub fn forget(mut self) {
        std::mem::forget(self.future.take());
    }
}

impl<T> fmt::Debug for Polled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled")
            .field("is_done", &self.is_done())
            .field("is_woken", &self.is_woken())
            .finish_non_exhaustive()
    }
}
