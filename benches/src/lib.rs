//! What the benchmarks share: one trivial manager for every pool, and one step of each contender.
//!
//! The floor is what any pool with counts must do with these tools: one compare-and-swap and a pop to
//! get, a push and one add to return.

#![forbid(unsafe_code)]

pub mod statistics;

use crossbeam_queue::ArrayQueue;
use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Makes the number seven, and never turns one down.
#[derive(Debug)]
pub struct Numbers;

/// What [`Numbers`] makes.
const SEVEN: u64 = 7;

impl millpond::managed::Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(SEVEN)
    }

    async fn recycle(
        &self,
        _: &mut u64,
        _: &millpond::managed::Metrics,
    ) -> millpond::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

impl deadpool::managed::Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(SEVEN)
    }

    async fn recycle(
        &self,
        _: &mut u64,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

/// Runs that many steps of one contender.
pub type Steps = Box<dyn FnMut(u64)>;

/// The floor.
pub fn floor() -> Steps {
    let word = AtomicU64::new(1);
    let queue = ArrayQueue::new(64);
    queue.push(Box::new(SEVEN)).expect("empty");
    Box::new(move |steps| {
        for _ in 0..steps {
            let idle = word.load(Ordering::Relaxed);
            word.compare_exchange(idle, idle - 1, Ordering::Acquire, Ordering::Relaxed)
                .expect("alone");
            let object = queue.pop().expect("counted");
            assert_eq!(**black_box(&object), SEVEN);
            queue.push(object).expect("room");
            word.fetch_add(1, Ordering::Release);
        }
    })
}

/// Gets an idle object from millpond and gives it back, as a task would: by `await`.
pub fn millpond() -> Steps {
    use millpond::managed::Pool;
    let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(16).build().expect("builds");
    Box::new(move |steps| {
        now(async {
            for _ in 0..steps {
                assert_eq!(**black_box(&pool.get().await.expect("idle")), SEVEN);
            }
        });
    })
}

/// The same from a pool that looks for leaks and has a listener: everything on that can be turned on.
pub fn watched() -> Steps {
    use millpond::managed::Pool;
    /// Hears everything, and does nothing about it.
    struct Ear;
    impl millpond::observe::Listener for Ear {}
    let pool: Pool<Numbers> = Pool::builder(Numbers)
        .max_size(16)
        .leak_threshold(Some(Duration::from_secs(30)))
        .listener(Arc::new(Ear))
        .build()
        .expect("builds");
    Box::new(move |steps| {
        now(async {
            for _ in 0..steps {
                assert_eq!(**black_box(&pool.get().await.expect("idle")), SEVEN);
            }
        });
    })
}

/// Reads the figures of a pool with so many slots, each of which has been used.
pub fn read_stats(slots: usize) -> Steps {
    use millpond::managed::Pool;
    let pool: Pool<Numbers> = Pool::builder(Numbers)
        .max_size(slots)
        .build()
        .expect("builds");
    const USES: usize = 20;
    for _ in 0..USES {
        let get = || now(pool.get()).expect("made, then idle");
        drop((0..slots).map(|_| get()).collect::<Vec<_>>());
    }
    Box::new(move |steps| {
        for _ in 0..steps {
            let stats = black_box(pool.stats());
            assert_eq!(stats.gets.succeeded(), (slots * USES) as u64);
        }
    })
}

/// Gets an idle object from deadpool and gives it back, as a task would: by `await`.
pub fn deadpool() -> Steps {
    use deadpool::managed::Pool;
    let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(16).build().expect("builds");
    Box::new(move |steps| {
        now(async {
            for _ in 0..steps {
                assert_eq!(**black_box(&pool.get().await.expect("idle")), SEVEN);
            }
        });
    })
}

/// A wait in millpond: a get that finds nothing, the object that comes back, the get that has it.
pub fn hand_over() -> Steps {
    use millpond::managed::Pool;
    let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(1).build().expect("builds");
    Box::new(move |steps| {
        let mut held = now(pool.get()).expect("made");
        for _ in 0..steps {
            let mut get = pin!(pool.get());
            assert!(is_pending(get.as_mut()), "the only object is out");
            drop(held);
            held = now(get).expect("handed over");
        }
    })
}

/// A wait in millpond that is given up.
pub fn cancelled_wait() -> Steps {
    use millpond::managed::Pool;
    let pool: Pool<Numbers> = Pool::builder(Numbers).max_size(1).build().expect("builds");
    Box::new(move |steps| {
        let _held = now(pool.get()).expect("made, then idle");
        for _ in 0..steps {
            assert!(is_pending(pin!(pool.get())), "the only object is out");
        }
    })
}

/// Polls it once.
fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

/// Polls a future that must be ready at once: no runtime between the pool and the clock.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an object was idle"),
    }
}
