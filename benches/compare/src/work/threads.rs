//! r2d2, which blocks its caller: the same work by threads, as far as one would give it to so many.

use super::spawned::{Fared, Stages, held_figures};
use super::{Effort, Work, cold};
use crate::clock::Begun;
use crate::counting::allocations;
use crate::item::{Item, Maker};
use crate::measure::Outcome;
use r2d2::{ManageConnection, Pool};
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

impl ManageConnection for Maker {
    type Connection = Item;
    type Error = Infallible;

    fn connect(&self) -> Result<Item, Infallible> {
        if let Some(takes) = self.takes {
            thread::sleep(takes);
        }
        Ok(self.made())
    }

    fn is_valid(&self, _: &mut Item) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Item) -> bool {
        false
    }
}

/// Does the work, if it is one for threads.
pub(crate) fn run(work: Work, effort: Effort) -> Outcome {
    match work {
        Work::Alone => alone(1, effort),
        Work::Sized { objects } => alone(objects, effort),
        Work::Spawned { tasks, objects } => spawned(tasks, objects, effort),
        Work::Held { tasks, objects } => held(tasks, objects, effort),
        Work::Cold => cold_start(),
        Work::Allocations => per_get(effort),
        Work::Line { .. } => Outcome::unfit("a thread for each of them"),
        Work::Storm => Outcome::unfit("a thread cannot give up half-way"),
    }
}

/// Made when they are asked for, as those of the others. It cannot be without a limit in time: its 30 s stand.
fn pool(maker: &Maker, max_size: usize) -> Pool<Maker> {
    let max_size = u32::try_from(max_size).expect("a few thousand");
    let builder = Pool::builder().max_size(max_size).min_idle(Some(0));
    let built = builder.build(maker.clone());
    built.expect("nothing is made yet")
}

fn get(pool: &Pool<Maker>) -> r2d2::PooledConnection<Maker> {
    pool.get().expect("within 30 s")
}

fn alone(objects: usize, effort: Effort) -> Outcome {
    let maker = Maker::new(None);
    let max_size = objects.max(16);
    let pool = pool(&maker, max_size);
    drop((0..objects).map(|_| get(&pool)).collect::<Vec<_>>());
    let steps = effort.of(30_000);
    let mut figures = [f64::NAN; 2];
    for part in [steps / 10 + objects as u64, steps] {
        let begun = Begun::now();
        for _ in 0..part {
            black_box::<&Item>(&get(&pool));
        }
        figures = begun.took().each(part);
    }
    Outcome::of(figures, audit(&pool, &maker, max_size, 0))
}

fn spawned(tasks: usize, objects: usize, effort: Effort) -> Outcome {
    let maker = Maker::new(None);
    let pool = pool(&maker, objects);
    let steps = effort.of(60_000).div_ceil(tasks as u64);
    let begun = Begun::now();
    thread::scope(|scope| {
        for _ in 0..tasks {
            scope.spawn(|| (0..steps).for_each(|_| drop(get(&pool).in_hand())));
        }
    });
    let done = steps * tasks as u64;
    let figures = begun.took().each(done);
    Outcome::of(figures, audit(&pool, &maker, objects, done))
}

fn held(tasks: usize, objects: usize, effort: Effort) -> Outcome {
    let maker = Maker::new(None);
    let pool = pool(&maker, objects);
    let stages = Arc::new(Stages::default());
    let (took, fared) = thread::scope(|scope| {
        let one = || scope.spawn(|| hold_over_yields(&pool, &stages));
        let all: Vec<_> = (0..tasks).map(|_| one()).collect();
        thread::sleep(effort.lasting(Duration::from_millis(20)));
        stages.measuring.store(true, Relaxed);
        let begun = Begun::now();
        thread::sleep(effort.lasting(Duration::from_millis(200)));
        stages.over.store(true, Relaxed);
        let took = begun.took();
        let fared = all.into_iter().map(|one| one.join().expect("no panic"));
        (took, fared.collect::<Vec<_>>())
    });
    let uses = fared.iter().map(|one| one.uses).sum();
    let counts: Vec<_> = fared.iter().map(|one| one.waits.len()).collect();
    let waits = fared.into_iter().flat_map(|one| one.waits).collect();
    let mut faults = audit(&pool, &maker, objects, uses);
    let starved = counts.iter().filter(|count| **count == 0).count();
    if starved > 0 {
        faults.push(format!("{starved} of {tasks} threads got nothing at all"));
    }
    Outcome::of(held_figures(took, waits, &counts), faults)
}

fn hold_over_yields(pool: &Pool<Maker>, stages: &Stages) -> Fared {
    let mut fared = Fared::default();
    while !stages.over.load(Relaxed) {
        let start = Instant::now();
        let held = get(pool);
        let waited = start.elapsed();
        let hand = held.in_hand();
        thread::yield_now();
        drop(hand);
        drop(held);
        fared.uses += 1;
        if stages.measuring.load(Relaxed) {
            fared.waits.push(waited.as_nanos() as u64);
        }
    }
    fared
}

fn cold_start() -> Outcome {
    let maker = Maker::new(Some(cold::MAKING));
    let pool = pool(&maker, cold::OBJECTS);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cold::CALLERS {
            scope.spawn(|| {
                let held = get(&pool);
                let _hand = held.in_hand();
                thread::yield_now();
            });
        }
    });
    let time = start.elapsed().as_secs_f64() * 1e3;
    let made = maker.books.made() as f64;
    let faults = audit(&pool, &maker, cold::OBJECTS, cold::CALLERS as u64);
    Outcome::of([time, made], faults)
}

fn per_get(effort: Effort) -> Outcome {
    let maker = Maker::new(None);
    let pool = pool(&maker, 1);
    (0..10).for_each(|_| drop(get(&pool)));
    let steps = effort.of(5_000);
    let before = allocations();
    (0..steps).for_each(|_| drop(get(&pool)));
    let each = (allocations() - before) as f64 / steps as f64;
    let mut outcome = Outcome::of([each], audit(&pool, &maker, 1, 0));
    outcome.figures.extend([None, None]);
    outcome
}

/// As for the others.
fn audit(pool: &Pool<Maker>, maker: &Maker, max_size: usize, uses: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let all: Vec<_> = (0..max_size)
        .map_while(|_| pool.get_timeout(Duration::from_secs(3)).ok())
        .collect();
    if all.len() < max_size {
        let lost = max_size - all.len();
        faults.push(format!("{lost} of {max_size} objects lost"));
    } else if pool.get_timeout(Duration::from_millis(5)).is_ok() {
        faults.push(format!("more than {max_size} objects to be had"));
    }
    let counted: u64 = all.iter().map(|held| held.uses()).sum();
    let counted = counted + maker.books.uses_of_the_gone();
    if faults.is_empty() && counted != uses {
        faults.push(format!("{counted} uses of objects, {uses} gets"));
    }
    faults.extend(maker.books.faults(max_size));
    faults
}
