//! The case `recovery` passes on pools that recover, and fails on each that does not, for the right reason.

mod mortal;

use millpond_lab::cases::{self, Case};
use millpond_lab::data::{Run, Scale, Verdict};
use millpond_lab::ground::Ground;
use millpond_lab::pools::Millpond;
use millpond_lab::site::Site;
use millpond_lab::subject::Maker;
use millpond_lab::{Failure, runner};
use mortal::Defect;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn recovery() -> Arc<dyn Case> {
    let mut all = cases::all().into_iter();
    all.find(|case| case.name() == "recovery").unwrap()
}

async fn run(case: Arc<dyn Case>, maker: impl Maker, site: Site) -> Run {
    let stop = CancellationToken::new();
    let ground = Ground::new(Arc::new(maker), site, Scale::Short, 1, stop);
    let run = runner::one(&case, &ground).await;
    for check in &run.checks {
        let holds = if check.holds {
            "holds"
        } else {
            "DOES NOT HOLD"
        };
        println!("{holds}: {}: {} ({})", check.name, check.found, check.bound);
    }
    println!("{:?}, {:?}", run.verdict, run.notes);
    run
}

/// The names of the checks that do not hold.
fn failed(run: &Run) -> Vec<&str> {
    assert_eq!(run.verdict, Verdict::Failed);
    let failed = run.checks.iter().filter(|check| !check.holds);
    failed.map(|check| check.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn millpond_recovers() -> Result<(), Failure> {
    let run = run(recovery(), Millpond, Site::start().await?).await;
    assert_eq!(run.verdict, Verdict::Passed);
    // Six blows, each of them seen, survived and told of.
    assert_eq!(run.marks.len(), 6);
    let again = |check: &&millpond_lab::data::Check| check.name.ends_with("healthy again");
    assert_eq!(run.checks.iter().filter(again).count(), 6);
    assert!(run.headline().is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_pool_that_recovers_passes_too() -> Result<(), Failure> {
    let site = Site::start().await?;
    let run = run(recovery(), mortal::Maker(Defect::Nothing), site).await;
    assert_eq!(run.verdict, Verdict::Passed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_hands_out_the_dead_for_ever_fails() -> Result<(), Failure> {
    let site = Site::start().await?;
    let case = cases::recovery_within(Duration::from_secs(5));
    let run = run(case, mortal::Maker(Defect::NeverRecovers), site).await;
    let failed = failed(&run);
    assert!(failed.contains(&"a fast restart: everybody is served again"));
    assert!(failed.contains(&"at the end all gets succeed (CAP)"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_storms_fails() -> Result<(), Failure> {
    let site = Site::start().await?;
    let run = run(recovery(), mortal::Maker(Defect::Storm), site).await;
    assert!(failed(&run).contains(&"a fast restart: no storm"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_waits_for_the_dead_fails() -> Result<(), Failure> {
    let site = Site::start().await?;
    let run = run(recovery(), mortal::Maker(Defect::WaitsForTheDead), site).await;
    assert!(failed(&run).contains(&"no get outlasts its bound"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_to_be_spared_is_not_asked() -> Result<(), Failure> {
    let site = Site::start().await?.spared();
    let started = "SELECT pg_postmaster_start_time()";
    let before = site.query(started.to_owned()).await?;
    let run = run(recovery(), Millpond, site.clone()).await;
    let Verdict::Skipped(why) = &run.verdict else {
        panic!("{:?}", run.verdict);
    };
    assert!(
        why.contains("--faults-on-a-server-that-is-not-ours"),
        "{why}"
    );
    let harm = site.harm(millpond_lab::harm::Harm::Frozen).await;
    assert!(harm.unwrap_err().to_string().contains("not to be hurt"));
    assert!(site.with_server(|_| Ok(())).await.is_none());
    assert_eq!(site.query(started.to_owned()).await?, before);
    Ok(())
}
