//! Tasks on two workers that get an object and give it back: at once, or after a yield, where there are more of them
//! than objects.

use super::audit::audit;
use super::{Effort, on_two};
use crate::clock::{Begun, Took};
use crate::item::Maker;
use crate::measure::Outcome;
use crate::pools::Peer;
use millpond_benches::statistics::per_mille;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, yield_now};

pub(super) fn run<P: Peer>(tasks: usize, objects: usize, effort: Effort) -> Outcome {
    on_two().block_on(async {
        let maker = Maker::new(None);
        let pool = Arc::new(P::of(maker.clone(), objects).await);
        let steps = effort.of(60_000).div_ceil(tasks as u64);
        let (mut figures, mut uses) = ([f64::NAN; 2], 0);
        for part in [steps.div_ceil(10), steps] {
            let begun = Begun::now();
            let mut all = JoinSet::new();
            for _ in 0..tasks {
                all.spawn(use_often(Arc::clone(&pool), part));
            }
            while let Some(ended) = all.join_next().await {
                if let Err(error) = ended.map_err(|e| e.to_string()).and_then(|done| done) {
                    return Outcome::fault(error);
                }
            }
            let done = part * tasks as u64;
            figures = begun.took().each(done);
            uses += done;
        }
        let faults = audit(&*pool, &maker.books, objects, uses).await;
        Outcome::of(figures, faults)
    })
}

async fn use_often<P: Peer>(pool: Arc<P>, steps: u64) -> Result<(), String> {
    for _ in 0..steps {
        let held = pool.get().await?;
        drop(held.in_hand());
    }
    Ok(())
}

/// For a while; what is counted is how far each task came.
pub(super) fn run_held<P: Peer>(tasks: usize, objects: usize, effort: Effort) -> Outcome {
    on_two().block_on(async {
        let maker = Maker::new(None);
        let pool = Arc::new(P::of(maker.clone(), objects).await);
        let stages = Arc::new(Stages::default());
        let mut all = JoinSet::new();
        for _ in 0..tasks {
            all.spawn(hold_over_yields(Arc::clone(&pool), Arc::clone(&stages)));
        }
        tokio::time::sleep(effort.lasting(Duration::from_millis(20))).await;
        stages.measuring.store(true, Relaxed);
        let begun = Begun::now();
        tokio::time::sleep(effort.lasting(Duration::from_millis(200))).await;
        stages.over.store(true, Relaxed);
        let took = begun.took();
        let (mut waits, mut counts, mut uses) = (Vec::new(), Vec::new(), 0);
        while let Some(ended) = all.join_next().await {
            match ended.map_err(|e| e.to_string()).and_then(|done| done) {
                Ok(task) => {
                    uses += task.uses;
                    counts.push(task.waits.len());
                    waits.extend(task.waits);
                }
                Err(error) => return Outcome::fault(error),
            }
        }
        let mut faults = audit(&*pool, &maker.books, objects, uses).await;
        let figures = held_figures(took, waits, &counts);
        if counts.contains(&0) {
            let starved = counts.iter().filter(|count| **count == 0).count();
            faults.push(format!("{starved} of {tasks} tasks got nothing at all"));
        }
        Outcome::of(figures, faults)
    })
}

/// Which part of the time it is.
#[derive(Debug, Default)]
pub(super) struct Stages {
    pub(super) measuring: AtomicBool,
    pub(super) over: AtomicBool,
}

/// How a task fared.
#[derive(Debug, Default)]
pub(super) struct Fared {
    pub(super) uses: u64,
    /// How long each get took while it was measured, in nanoseconds.
    pub(super) waits: Vec<u64>,
}

async fn hold_over_yields<P: Peer>(pool: Arc<P>, stages: Arc<Stages>) -> Result<Fared, String> {
    let mut fared = Fared::default();
    while !stages.over.load(Relaxed) {
        let start = Instant::now();
        let held = pool.get().await?;
        let waited = start.elapsed();
        {
            let _hand = held.in_hand();
            yield_now().await;
        }
        drop(held);
        fared.uses += 1;
        if stages.measuring.load(Relaxed) {
            fared.waits.push(waited.as_nanos() as u64);
        }
    }
    Ok(fared)
}

/// Time and work for each, p50, p99, p99.9 and the longest wait, and the slowest task over the fastest.
pub(super) fn held_figures(took: Took, mut waits: Vec<u64>, counts: &[usize]) -> Vec<f64> {
    waits.sort_unstable();
    let at = |mille| per_mille(&waits, mille).map_or(f64::NAN, |ns| ns as f64 / 1e3);
    let (slowest, fastest) = (counts.iter().min(), counts.iter().max());
    let fairness = slowest.zip(fastest).map(|(s, f)| *s as f64 / *f as f64);
    let [each, work] = took.each(waits.len() as u64);
    let fairness = fairness.unwrap_or(f64::NAN);
    vec![each, work, at(500), at(990), at(999), at(1_000), fairness]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_tasks_that_waited() {
        let took = Took {
            passed: Duration::from_millis(2),
            worked: Duration::from_millis(3),
        };
        let waits = (1..=1_000).map(|us| us * 1_000).collect();
        let figures = held_figures(took, waits, &[250, 500, 250]);
        assert_eq!(
            figures,
            [2_000.0, 3_000.0, 500.0, 990.0, 999.0, 1_000.0, 0.5]
        );
    }
}
