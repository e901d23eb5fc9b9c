//! Get an idle object and give it back, on one thread. Nothing is looked at but the object itself: the floor is a
//! few dozen nanoseconds, and every check would be a part of it.

use super::audit::audit;
use super::{Effort, on_one_thread};
use crate::clock::{Begun, Took};
use crate::item::{Item, Maker};
use crate::measure::Outcome;
use crate::pools::Peer;
use crossbeam_queue::ArrayQueue;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

const STEPS: u64 = 30_000;

pub(super) fn run<P: Peer>(objects: usize, effort: Effort) -> Outcome {
    on_one_thread().block_on(async {
        let maker = Maker::new(None);
        let max_size = objects.max(16);
        let pool = P::of(maker.clone(), max_size).await;
        if let Err(error) = fill(&pool, objects).await {
            return Outcome::fault(error);
        }
        let steps = effort.of(STEPS);
        let mut figures = [f64::NAN; 2];
        for part in [steps / 10 + objects as u64, steps] {
            match time(&pool, part).await {
                Ok(took) => figures = took.each(part),
                Err(error) => return Outcome::fault(error),
            }
        }
        Outcome::of(figures, audit(&pool, &maker.books, max_size, 0).await)
    })
}

/// Has so many made, and lets them lie.
async fn fill<P: Peer>(pool: &P, objects: usize) -> Result<(), String> {
    let mut all = Vec::with_capacity(objects);
    for _ in 0..objects {
        all.push(pool.get().await?);
    }
    Ok(())
}

async fn time<P: Peer>(pool: &P, steps: u64) -> Result<Took, String> {
    let begun = Begun::now();
    for _ in 0..steps {
        let held = pool.get().await?;
        black_box::<&Item>(&held);
    }
    Ok(begun.took())
}

/// The floor of the floors: what a pool with a count must do, one compare-and-swap and a pop to get, a push and one
/// add to return.
pub(crate) fn floor(objects: usize, effort: Effort) -> Outcome {
    let maker = Maker::new(None);
    let idle = ArrayQueue::new(objects.max(16));
    let count = AtomicU64::new(objects as u64);
    (0..objects).for_each(|_| idle.push(maker.made()).expect("room"));
    let one = || {
        let seen = count.load(Ordering::Relaxed);
        count
            .compare_exchange(seen, seen - 1, Ordering::Acquire, Ordering::Relaxed)
            .expect("alone");
        let item = idle.pop().expect("counted");
        black_box::<&Item>(&item);
        idle.push(item).expect("room");
        count.fetch_add(1, Ordering::Release);
    };
    let steps = effort.of(STEPS);
    (0..steps / 10 + objects as u64).for_each(|_| one());
    let begun = Begun::now();
    (0..steps).for_each(|_| one());
    Outcome::of(begun.took().each(steps), maker.books.faults(objects))
}
