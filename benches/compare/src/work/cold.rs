//! A hundred callers at once meet a pool that has nothing yet.

use super::audit::audit;
use super::on_two;
use crate::item::Maker;
use crate::measure::Outcome;
use crate::pools::Peer;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, yield_now};

pub(super) const CALLERS: usize = 100;
pub(super) const OBJECTS: usize = 16;
pub(super) const MAKING: Duration = Duration::from_millis(1);

pub(super) fn run<P: Peer>() -> Outcome {
    on_two().block_on(async {
        let maker = Maker::new(Some(MAKING));
        let pool = Arc::new(P::of(maker.clone(), OBJECTS).await);
        let start = Instant::now();
        let mut all = JoinSet::new();
        for _ in 0..CALLERS {
            all.spawn(hold_once(Arc::clone(&pool)));
        }
        while let Some(ended) = all.join_next().await {
            if let Err(error) = ended.map_err(|e| e.to_string()).and_then(|done| done) {
                return Outcome::fault(error);
            }
        }
        let time = start.elapsed().as_secs_f64() * 1e3;
        let made = maker.books.made();
        let faults = audit(&*pool, &maker.books, OBJECTS, CALLERS as u64).await;
        Outcome::of([time, made as f64], faults)
    })
}

async fn hold_once<P: Peer>(pool: Arc<P>) -> Result<(), String> {
    let held = pool.get().await?;
    let hand = held.in_hand();
    yield_now().await;
    drop(hand);
    Ok(())
}
