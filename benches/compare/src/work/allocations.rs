//! What is allocated on the way of a get, of a wait, and of one that gives up.

use super::audit::audit;
use super::{Effort, on_one_thread};
use crate::counting::{allocations, bytes};
use crate::item::Maker;
use crate::measure::Outcome;
use crate::pools::Peer;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::task::yield_now;

pub(super) fn run<P: Peer>(effort: Effort) -> Outcome {
    let steps = effort.of(5_000);
    on_one_thread().block_on(async {
        let maker = Maker::new(None);
        let pool = P::of(maker.clone(), 1).await;
        let counted = async {
            // The first few warm it up.
            per_get(&pool, 10).await?;
            let get = per_get(&pool, steps).await?;
            per_wait(&pool, 10).await?;
            let wait = per_wait(&pool, steps).await?;
            left_by_the_cancelled(&pool, 10).await?;
            let left = left_by_the_cancelled(&pool, steps).await?;
            Ok::<_, String>([get, wait, left])
        };
        match counted.await {
            Ok(figures) => Outcome::of(figures, audit(&pool, &maker.books, 1, 0).await),
            Err(error) => Outcome::fault(error),
        }
    })
}

async fn per_get<P: Peer>(pool: &P, steps: u64) -> Result<f64, String> {
    let before = allocations();
    for _ in 0..steps {
        drop(pool.get().await?);
    }
    Ok((allocations() - before) as f64 / steps as f64)
}

async fn per_wait<P: Peer>(pool: &P, steps: u64) -> Result<f64, String> {
    let mut held = pool.get().await?;
    let before = allocations();
    for _ in 0..steps {
        let mut get = pin!(pool.get());
        if poll_once(get.as_mut()).await.is_some() {
            return Err("a get was served while the only object was out".to_owned());
        }
        drop(held);
        held = get.await?;
    }
    Ok((allocations() - before) as f64 / steps as f64)
}

/// Bytes, for each of those who gave up while the object was out.
async fn left_by_the_cancelled<P: Peer>(pool: &P, steps: u64) -> Result<f64, String> {
    let held = pool.get().await?;
    yield_now().await;
    let before = bytes();
    for _ in 0..steps {
        let mut get = pin!(pool.get());
        if poll_once(get.as_mut()).await.is_some() {
            return Err("a get was served while the only object was out".to_owned());
        }
    }
    yield_now().await;
    let left = bytes() - before;
    drop(held);
    Ok(left as f64 / steps as f64)
}

/// None if it is not ready yet.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
