//! Getters that give up: every second get is dropped after one to three polls, wherever it is by then.

use super::audit::audit;
use super::{Effort, on_two};
use crate::clock::Begun;
use crate::item::Maker;
use crate::measure::Outcome;
use crate::pools::Peer;
use std::sync::Arc;
use tokio::task::{JoinSet, yield_now};

const TASKS: u64 = 64;
const OBJECTS: usize = 4;

pub(super) fn run<P: Peer>(effort: Effort) -> Outcome {
    on_two().block_on(async {
        let maker = Maker::new(None);
        let pool = Arc::new(P::of(maker.clone(), OBJECTS).await);
        let steps = effort.of(40_000).div_ceil(TASKS);
        let begun = Begun::now();
        let mut all = JoinSet::new();
        for seed in 0..TASKS {
            all.spawn(give_up_often(Arc::clone(&pool), steps, seed));
        }
        let mut uses = 0;
        while let Some(ended) = all.join_next().await {
            match ended.map_err(|e| e.to_string()).and_then(|done| done) {
                Ok(of_one) => uses += of_one,
                Err(error) => return Outcome::fault(error),
            }
        }
        let figures = begun.took().each(steps * TASKS);
        Outcome::of(figures, audit(&*pool, &maker.books, OBJECTS, uses).await)
    })
}

/// How many of the gets were served.
async fn give_up_often<P: Peer>(pool: Arc<P>, steps: u64, seed: u64) -> Result<u64, String> {
    let mut uses = 0;
    for step in 0..steps {
        let gives_up = (step + seed) % 2 == 0;
        let polls = (step / 2 + seed) % 3;
        let held = tokio::select! {
            biased;
            got = pool.get() => got?,
            () = yields(polls), if gives_up => continue,
        };
        {
            let _hand = held.in_hand();
            yield_now().await;
        }
        uses += 1;
    }
    Ok(uses)
}

async fn yields(polls: u64) {
    for _ in 0..polls {
        yield_now().await;
    }
}
