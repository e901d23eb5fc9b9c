//! Runs a case on a pool, as `lab run` does, and says what it came to.

use crate::defect::Defect;
use crate::mute::Mute;
use crate::pool::Planted;
use millpond_lab::cases::{self, Case};
use millpond_lab::data::{Run, Scale, Verdict};
use millpond_lab::ground::Ground;
use millpond_lab::pools::Millpond;
use millpond_lab::runner;
use millpond_lab::site::Site;
use millpond_lab::subject::Maker;
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// One at a time: what is measured is a pool, not its neighbour.
static TURN: Mutex<()> = Mutex::const_new(());
/// The server of all tests that wait for their turn; gone with the last of them.
static SITE: Mutex<Weak<Site>> = Mutex::const_new(Weak::new());

/// Runs the case of that name, in its short form.
pub(crate) async fn run(case: &str, maker: Arc<dyn Maker>) -> Run {
    let site = site().await;
    let _turn = TURN.lock().await;
    let case = cases::all().into_iter().find(|known| known.name() == case);
    let case = case.unwrap_or_else(|| panic!("there is no such case"));
    runner::one(&case, &ground(maker, &site)).await
}

/// Runs a case of a test's own, on the planted pool without a defect.
pub(crate) async fn run_own(case: Arc<dyn Case>) -> Run {
    let site = site().await;
    let _turn = TURN.lock().await;
    let maker = Planted::with(Defect::None);
    runner::one(&case, &ground(maker, &site)).await
}

fn ground(maker: Arc<dyn Maker>, site: &Site) -> Ground {
    let stop = CancellationToken::new();
    Ground::new(maker, site.clone(), Scale::Short, 7, stop)
}

async fn site() -> Arc<Site> {
    let mut kept = SITE.lock().await;
    if let Some(site) = kept.upgrade() {
        return site;
    }
    let site = Site::find(false).await.unwrap_or_else(|e| panic!("{e}"));
    let site = Arc::new(site);
    *kept = Arc::downgrade(&site);
    site
}

/// On a pool with this defect the case fails, and by these checks.
pub(crate) async fn fails_by(case: &str, defect: Defect, checks: &[&str]) {
    fails_on(case, defect, Planted::with(defect), checks).await;
}

/// The same on a pool that tells nothing of itself: by what can be seen from outside.
pub(crate) async fn fails_mute_by(case: &str, defect: Defect, checks: &[&str]) {
    fails_on(case, defect, Mute::over(Planted::with(defect)), checks).await;
}

async fn fails_on(case: &str, defect: Defect, maker: Arc<dyn Maker>, checks: &[&str]) {
    let run = run(case, maker).await;
    let failed = broken_checks(&run);
    assert_eq!(run.verdict, Verdict::Failed, "{defect:?}: {failed:#?}");
    for check in checks {
        assert!(
            failed.iter().any(|failed| failed.starts_with(check)),
            "{defect:?} fails, but not by {check:?}: {failed:#?}"
        );
    }
}

/// On millpond, and on the planted pool without a defect, the case passes: both runs.
pub(crate) async fn passes(case: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for maker in [Arc::new(Millpond), Planted::with(Defect::None)] {
        let run = run(case, maker).await;
        let failed = broken_checks(&run);
        assert_eq!(run.verdict, Verdict::Passed, "{}: {failed:#?}", run.pool);
        runs.push(run);
    }
    runs
}

fn broken_checks(run: &Run) -> Vec<String> {
    let broken = run.checks.iter().filter(|check| !check.holds);
    broken
        .map(|check| {
            format!(
                "{}: asked {}, found {}",
                check.name, check.bound, check.found
            )
        })
        .collect()
}
