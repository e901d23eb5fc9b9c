//! One object, and a line of getters, each in a task of its own: what it costs to hand the object from one to the
//! next, the switch from task to task included.

use super::audit::audit;
use super::{Effort, on_one_thread};
use crate::clock::Begun;
use crate::item::Maker;
use crate::measure::Outcome;
use crate::pools::Peer;
use std::sync::Arc;
use tokio::task::{JoinSet, yield_now};

pub(super) fn run<P: Peer>(getters: usize, effort: Effort) -> Outcome {
    let lines = match effort {
        Effort::Full => 20_000 / getters,
        Effort::Quick => 10_000 / getters,
        Effort::Least => 1,
    };
    on_one_thread().block_on(async {
        let maker = Maker::new(None);
        let pool = Arc::new(P::of(maker.clone(), 1).await);
        let mut sum = [0.0; 2];
        // The first is not counted: what it allocates may be used again.
        for line in 0..=lines {
            let held = match pool.get().await {
                Ok(held) => held,
                Err(error) => return Outcome::fault(error),
            };
            let mut all = JoinSet::new();
            for _ in 0..getters {
                all.spawn(use_once(Arc::clone(&pool)));
            }
            // On one thread every task has had its turn once this has had it thrice.
            for _ in 0..3 {
                yield_now().await;
            }
            let begun = Begun::now();
            drop(held);
            while let Some(ended) = all.join_next().await {
                if let Err(error) = ended.map_err(|e| e.to_string()).and_then(|done| done) {
                    return Outcome::fault(error);
                }
            }
            if line > 0 {
                let each = begun.took().each(getters as u64);
                sum = [sum[0] + each[0], sum[1] + each[1]];
            }
        }
        let uses = getters as u64 * (lines as u64 + 1);
        let faults = audit(&*pool, &maker.books, 1, uses).await;
        Outcome::of(sum.map(|sum| sum / lines as f64), faults)
    })
}

async fn use_once<P: Peer>(pool: Arc<P>) -> Result<(), String> {
    let held = pool.get().await?;
    drop(held.in_hand());
    Ok(())
}
