//! The simulated run: it follows from its seed alone, and finds what is planted.

use async_trait::async_trait;
use millpond_lab::data::{Run, Verdict};
use millpond_lab::simulated::{Around, Outcome, simulate};
use millpond_lab::subject::{Lease, Look, Refusal, Subject};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn run(hours: u32, seed: u64, around: Option<Around>) -> Outcome {
    let outcome = simulate(hours, seed, around, &CancellationToken::new()).unwrap();
    for check in &outcome.run.checks {
        let holds = if check.holds {
            "holds"
        } else {
            "DOES NOT HOLD"
        };
        println!("{holds}: {}: {} ({})", check.name, check.found, check.bound);
    }
    println!("{:?}, {:?}", outcome.run.verdict, outcome.run.notes);
    outcome
}

fn figure(run: &Run, name: &str) -> f64 {
    let mut figures = run.figures.iter();
    figures.find(|figure| figure.name == name).unwrap().value
}

#[test]
fn the_same_seed_is_the_same_run() {
    let (first, again) = (run(2, 42, None), run(2, 42, None));
    assert_eq!(first.run.verdict, Verdict::Passed);
    assert!(first.simulated >= Duration::from_secs(2 * 3_600));
    assert!(figure(&first.run, "served") > 1_000.0);
    assert_eq!(first.digest, again.digest);
    assert_eq!(first.simulated, again.simulated);
    assert_ne!(first.digest, run(1, 43, None).digest);
}

/// A pool with something wrong at every so-many-th get.
struct Planted {
    pool: Arc<dyn Subject>,
    gets: AtomicUsize,
    defect: Defect,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// A connection is never given back.
    Leak,
    /// A caller is never woken.
    LostWakeUp,
    /// A caller is told late.
    Late,
    /// It counts one that is not there.
    Miscount,
}

fn planted(pool: Arc<dyn Subject>, defect: Defect) -> Arc<dyn Subject> {
    Arc::new(Planted {
        pool,
        gets: AtomicUsize::new(0),
        defect,
    })
}

#[async_trait]
impl Subject for Planted {
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let nth = self.gets.fetch_add(1, Ordering::Relaxed);
        let got = self.pool.get(within, caller).await;
        if nth % 300 != 299 {
            return got;
        }
        match self.defect {
            Defect::Leak => {
                std::mem::forget(got);
                Err(Refusal::TimedOut)
            }
            Defect::LostWakeUp => std::future::pending().await,
            Defect::Late => {
                tokio::time::sleep(within + Duration::from_millis(20)).await;
                got
            }
            Defect::Miscount => got,
        }
    }

    fn look(&self) -> Look {
        let mut look = self.pool.look();
        if self.defect == Defect::Miscount && self.gets.load(Ordering::Relaxed) > 300 {
            look.size = look.size.map(|size| size + 1);
        }
        look
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// Runs with the defect, of which this check must tell.
fn finds(around: Around, name: &str) {
    let run = run(1, 1, Some(around)).run;
    assert_eq!(run.verdict, Verdict::Failed);
    let mut checks = run.checks.iter();
    let check = checks.find(|check| check.name == name).unwrap();
    assert!(!check.holds, "{check:?}");
}

#[test]
fn it_finds_a_leak() {
    finds(|pool| planted(pool, Defect::Leak), "CAP: nothing is lost");
}

#[test]
fn it_finds_a_lost_wake_up() {
    finds(|pool| planted(pool, Defect::LostWakeUp), "nobody is stuck");
}

#[test]
fn it_finds_one_who_is_told_late() {
    finds(
        |pool| planted(pool, Defect::Late),
        "no get outlasts its bound",
    );
}

#[test]
fn it_finds_a_count_that_is_wrong() {
    finds(
        |pool| planted(pool, Defect::Miscount),
        "ACC: pool and server agree",
    );
}
