//! Futures that a test polls by hand, and that know whether they were woken.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use tokio::runtime::Handle;

/// A waker that counts.
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
    pub fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }
}

/// A future in a test's hand. Dropped, it is cancelled.
pub struct Polled<'a, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
    flag: Arc<Flag>,
    runtime: Option<Handle>,
}

impl<'a, T> Polled<'a, T> {
    /// Not polled yet. It is polled within `runtime`.
    pub fn new(runtime: Option<Handle>, future: impl Future<Output = T> + Send + 'a) -> Self {
        Self {
            future: Some(Box::pin(future)),
            flag: Arc::default(),
            runtime,
        }
    }

    /// Polls it once with its flag.
    pub fn poll(&mut self) -> Poll<T> {
        self.flag.woken.store(false, Ordering::Release);
        self.poll_with(&Waker::from(Arc::clone(&self.flag)))
    }

    /// Polls it once with any waker.
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
    #[track_caller]
    pub fn pending(&mut self) {
        assert!(self.poll().is_pending(), "ready where it should wait");
    }

    /// Polled for the first time: it must be pending.
    #[track_caller]
    pub fn waits(mut self) -> Self {
        self.pending();
        self
    }

    /// Polls it: it must be ready.
    #[track_caller]
    pub fn ready(&mut self) -> T {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("pending where it should be ready"),
        }
    }

    /// It must have been woken, and be ready.
    #[track_caller]
    pub fn woken_ready(&mut self) -> T {
        assert!(self.is_woken(), "nobody woke it");
        self.ready()
    }

    /// Polls it: it must panic.
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

    pub fn is_done(&self) -> bool {
        self.future.is_none()
    }

    /// From the next poll on it has another waker. Returns the old one's flag.
    pub fn change_waker(&mut self) -> Arc<Flag> {
        std::mem::take(&mut self.flag)
    }

    /// Drops the future; what that panics with is handed back.
    pub fn cancel(mut self) -> std::thread::Result<()> {
        let future = self.future.take();
        catch_unwind(AssertUnwindSafe(|| drop(future)))
    }

    /// Never polls and never drops it.
    pub fn forget(mut self) {
        std::mem::forget(self.future.take());
    }
}
