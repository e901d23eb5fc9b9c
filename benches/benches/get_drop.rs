//! Getting an idle object and giving it back, on one thread: the floor, millpond, deadpool.
//!
//! The floor is what any pool with counts must do with these tools: one compare-and-swap and a pop to
//! get, a push and one add to return.

use criterion::{Criterion, criterion_group, criterion_main};
use crossbeam_queue::ArrayQueue;
use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

struct Numbers;

impl millpond::managed::Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
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
        Ok(7)
    }

    async fn recycle(
        &self,
        _: &mut u64,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

/// Polls a future that must be ready at once: no runtime between the pool and the clock.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an object was idle"),
    }
}

fn floor() -> impl FnMut() {
    let word = AtomicU64::new(1);
    let queue = ArrayQueue::new(64);
    queue.push(Box::new(7_u64)).expect("empty");
    move || {
        let idle = word.load(Ordering::Relaxed);
        word.compare_exchange(idle, idle - 1, Ordering::Acquire, Ordering::Relaxed)
            .expect("alone");
        let object = queue.pop().expect("counted");
        assert_eq!(*black_box(&object).as_ref(), 7);
        queue.push(object).expect("room");
        word.fetch_add(1, Ordering::Release);
    }
}

fn get_drop(c: &mut Criterion) {
    let mut group = c.benchmark_group("get_drop");
    let mut floor = floor();
    group.bench_function("floor", |b| b.iter(&mut floor));

    let pool: millpond::managed::Pool<Numbers> =
        millpond::managed::Pool::builder(Numbers).max_size(16).build().expect("builds");
    group.bench_function("millpond", |b| {
        b.iter(|| assert_eq!(**black_box(&now(pool.get()).expect("idle")), 7));
    });

    let pool: deadpool::managed::Pool<Numbers> =
        deadpool::managed::Pool::builder(Numbers).max_size(16).build().expect("builds");
    group.bench_function("deadpool", |b| {
        b.iter(|| assert_eq!(**black_box(&now(pool.get()).expect("idle")), 7));
    });
    group.finish();
}

criterion_group!(benches, get_drop);
criterion_main!(benches);
