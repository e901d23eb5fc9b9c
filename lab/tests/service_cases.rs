//! The cases that drive a service: millpond passes, and each planted flaw is found, by the check that is there for it.

use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::cases::{self, Case};
use millpond_lab::data::{Run, Scale, Verdict};
use millpond_lab::ground::Ground;
use millpond_lab::pools::Millpond;
use millpond_lab::runner;
use millpond_lab::site::Site;
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Work};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// They measure times: one after the other.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn millpond_passes_both() {
    let _alone = ALONE.lock().await;
    let site = Site::find(false).await.unwrap();
    for name in ["pressure", "degradation"] {
        let run = drive(name, Arc::new(Millpond), &site).await;
        assert!(run.passed(), "{name}: {:?}", missed(&run));
        assert!(run.headline().is_some());
        assert!(!run.marks.is_empty() && !run.timelines.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_flaw_is_found() {
    let _alone = ALONE.lock().await;
    let site = Site::find(false).await.unwrap();
    let find = async |case, flaw, check: &str| {
        let run = drive(case, Arc::new(Planted(flaw)), &site).await;
        let missed = missed(&run);
        assert_eq!(run.verdict, Verdict::Failed, "{case}, {flaw:?}: {missed:?}");
        assert!(
            missed.iter().any(|missed| missed.starts_with(check)),
            "{case}, {flaw:?}: {missed:?}"
        );
    };
    let late = "who is turned away hears of it within his budget";
    let hangs = "who is served is served within his budget";
    tokio::join!(
        find("pressure", Flaw::TellsLate, late),
        find("pressure", Flaw::Hangs, hangs),
    );
    let lessens = "few errors outside of them";
    tokio::join!(
        find("degradation", Flaw::LosesWhoTimesOut, lessens),
        find("degradation", Flaw::LosesWhoGoesAway, lessens),
        find("degradation", Flaw::StaysSmall, lessens),
    );
}

async fn drive(case: &str, maker: Arc<dyn Maker>, site: &Site) -> Run {
    let stop = CancellationToken::new();
    let ground = Ground::new(maker, site.clone(), Scale::Short, 7, stop);
    let case: Arc<dyn Case> = cases::all()
        .into_iter()
        .find(|other| other.name() == case)
        .unwrap();
    runner::one(&case, &ground).await
}

/// What does not hold, with what was found.
fn missed(run: &Run) -> Vec<String> {
    let missed = run.checks.iter().filter(|check| !check.holds);
    missed
        .map(|check| format!("{}: {} where {}", check.name, check.found, check.bound))
        .collect()
}

/// What is wrong with a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Who asked for a bound hears after twice as long that there is nothing.
    TellsLate,
    /// Bounds are not looked at.
    Hangs,
    /// Each that times out takes places of the pool with him.
    LosesWhoTimesOut,
    /// Each that goes away while he waits takes some with him.
    LosesWhoGoesAway,
    /// After a line of some length, the pool never has more than it keeps.
    StaysSmall,
}

const LONG: usize = 16;
/// So many that a spike of any kind is enough.
const LOST: usize = 3;

/// Makes pools with it.
#[derive(Debug)]
struct Planted(Flaw);

/// Such a pool: millpond, with places before it.
struct Flawed {
    flaw: Flaw,
    pool: Arc<dyn Subject>,
    places: Arc<Places>,
    most: usize,
    kept: usize,
}

struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// So many are not given back.
    owed: AtomicUsize,
    fell: AtomicUsize,
}

#[async_trait]
impl Maker for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn version(&self) -> String {
        format!("{:?}", self.0)
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let mut inner = spec.clone();
        inner.shed = false;
        inner.wait = Duration::from_secs(3_600);
        Ok(Arc::new(Flawed {
            flaw: self.0,
            pool: Millpond.make(&inner).await?,
            places: Arc::new(Places {
                free: Arc::new(Semaphore::new(spec.max_size)),
                waiting: AtomicUsize::new(0),
                owed: AtomicUsize::new(0),
                fell: AtomicUsize::new(0),
            }),
            most: spec.max_size,
            kept: spec.kept,
        }))
    }
}

#[async_trait]
impl Subject for Flawed {
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let bound = match self.flaw {
            Flaw::TellsLate => 2 * within,
            Flaw::Hangs => Duration::from_secs(3_600),
            Flaw::LosesWhoTimesOut | Flaw::LosesWhoGoesAway | Flaw::StaysSmall => within,
        };
        let begun = Instant::now();
        let place = self.place(bound).await?;
        let left = bound
            .saturating_sub(begun.elapsed())
            .max(Duration::from_millis(1));
        let lease = self.pool.get(left, caller).await?;
        Ok(Box::new(Taken {
            lease,
            _place: place,
        }))
    }

    fn look(&self) -> Look {
        let waiting = self.places.waiting.load(Ordering::Relaxed);
        let look = self.pool.look();
        Look {
            waiting: look.waiting.map(|count| count + waiting),
            ..look
        }
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

impl Flawed {
    async fn place(&self, bound: Duration) -> Result<Place, Refusal> {
        let places = &self.places;
        let mut line = InLine {
            before: places.waiting.fetch_add(1, Ordering::Relaxed),
            places,
            lost: LOST * usize::from(self.flaw == Flaw::LosesWhoGoesAway),
        };
        if self.flaw == Flaw::StaysSmall
            && line.before >= LONG
            && places.fell.fetch_add(1, Ordering::Relaxed) == 0
        {
            places
                .owed
                .fetch_add(self.most - self.kept, Ordering::Relaxed);
        }
        let got = timeout(bound, Arc::clone(&places.free).acquire_owned()).await;
        line.lost = LOST * usize::from(self.flaw == Flaw::LosesWhoTimesOut && got.is_err());
        match got {
            Ok(permit) => Ok(Place {
                permit: Some(permit.expect("it is never closed")),
                places: Arc::clone(places),
            }),
            Err(_) => Err(Refusal::TimedOut),
        }
    }
}

/// One in line.
struct InLine<'a> {
    /// How many were there before him.
    before: usize,
    places: &'a Places,
    /// How many places are lost when he leaves it.
    lost: usize,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.places.waiting.fetch_sub(1, Ordering::Relaxed);
        self.places.owed.fetch_add(self.lost, Ordering::Relaxed);
    }
}

struct Place {
    permit: Option<OwnedSemaphorePermit>,
    places: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let less = |owed: usize| owed.checked_sub(1);
        let owed = &self.places.owed;
        if owed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
        {
            self.permit.take().expect("it is there").forget();
        }
    }
}

struct Taken {
    lease: Box<dyn Lease>,
    _place: Place,
}

#[async_trait]
impl Lease for Taken {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        self.lease.work(work).await
    }
}
