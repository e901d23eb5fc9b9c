//! Chaos: its plans, a short run, and what is left out where the server is to be spared.

use millpond_lab::cases::Case;
use millpond_lab::chaos::{Chaos, Ill, Plan};
use millpond_lab::data::{MarkKind, Run, Scale, Verdict};
use millpond_lab::ground::Ground;
use millpond_lab::harm::Harm;
use millpond_lab::pools::Millpond;
use millpond_lab::site::Site;
use millpond_lab::{Failure, runner};
use millpond_testdb::{Server, Stop};
use millpond_testkit::proxy::Kind;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn run(plan: Plan, site: Site) -> Run {
    println!("{plan}");
    let stop = CancellationToken::new();
    let ground = Ground::new(Arc::new(Millpond), site, Scale::Short, plan.seed(), stop);
    let case: Arc<dyn Case> = Arc::new(Chaos::new(plan));
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

#[test]
fn a_plan_follows_from_its_seed_alone() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let plan = Plan::drawn(7, minutes(5));
    assert_eq!(plan, Plan::drawn(7, minutes(5)));
    assert_ne!(plan, Plan::drawn(8, minutes(5)));
    // One that is shorter is how it begins.
    let short = Plan::drawn(7, minutes(1));
    assert!(short.episodes().len() > 5);
    assert_eq!(plan.episodes()[..short.episodes().len()], *short.episodes());
    assert!(plan.takes() >= minutes(5) && plan.takes() < minutes(6));
    let text = plan.to_string();
    assert!(text.contains("drawn from the seed 7"), "{text}");
    assert_eq!(text.lines().count(), 1 + plan.episodes().len());
}

#[test]
fn everything_is_drawn_sooner_or_later() {
    let plan = Plan::drawn(1, Duration::from_secs(6_000));
    let ills: Vec<_> = plan.episodes().iter().flat_map(|it| &it.ills).collect();
    let has = |is: fn(&Ill) -> bool| assert!(ills.iter().any(|ill| is(ill)));
    has(|ill| matches!(ill, Ill::Cut));
    has(|ill| matches!(ill, Ill::Terminated));
    has(|ill| matches!(ill, Ill::Killed));
    has(|ill| matches!(ill, Ill::Server(Harm::Stopped(Stop::Fast))));
    has(|ill| matches!(ill, Ill::Server(Harm::Stopped(Stop::Immediate))));
    has(|ill| matches!(ill, Ill::Server(Harm::Frozen)));
    has(|ill| matches!(ill, Ill::Server(Harm::Full { .. })));
    has(|ill| matches!(ill, Ill::Server(Harm::Shrunk { .. })));
    let kind = |is: fn(&Kind) -> bool| {
        let on_the_way = |ill: &&&Ill| matches!(ill, Ill::Way(fault) if is(&fault.kind));
        assert!(ills.iter().find(on_the_way).is_some());
    };
    kind(|kind| matches!(kind, Kind::Latency { .. }));
    kind(|kind| matches!(kind, Kind::Bandwidth { .. }));
    kind(|kind| matches!(kind, Kind::Stall));
    kind(|kind| matches!(kind, Kind::BlackHole));
    kind(|kind| matches!(kind, Kind::HalfOpen));
    kind(|kind| matches!(kind, Kind::Reset));
    kind(|kind| matches!(kind, Kind::SlowHandshake { .. }));
    kind(|kind| matches!(kind, Kind::Refuse));
    // Two at once too.
    assert!(plan.episodes().iter().any(|it| it.ills.len() == 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_seconds_of_it() -> Result<(), Failure> {
    let plan = Plan::drawn(1, Duration::from_secs(20));
    let episodes = plan.episodes().len();
    let run = run(plan, Site::start().await?).await;
    assert_eq!(run.verdict, Verdict::Passed);
    let faults = |mark: &&millpond_lab::data::Mark| mark.kind == MarkKind::Fault;
    assert_eq!(run.marks.iter().filter(faults).count(), episodes);
    assert!(run.groups.iter().any(|group| group.name == "leavers"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_to_be_spared_is_spared() -> Result<(), Failure> {
    let site = Site::start().await?.spared();
    let started = "SELECT pg_postmaster_start_time()";
    let before = site.query(started.to_owned()).await?;
    let plan = Plan::drawn(1, Duration::from_secs(8));
    let at_the_server = plan.episodes().iter().flat_map(|it| &it.ills);
    let count = at_the_server.filter(|ill| ill.is_at_the_server()).count();
    assert!(count > 0);
    let run = run(plan, site.clone()).await;
    assert_eq!(run.verdict, Verdict::Passed);
    let told = format!("{count} ills at the server were left out");
    assert!(run.notes.iter().any(|note| note.starts_with(&told)));
    assert_eq!(site.query(started.to_owned()).await?, before);
    Ok(())
}

/// The program itself, on a server that somebody else has started.
#[test]
fn the_program_hurts_no_server_that_is_not_its_own() {
    let server = Server::private().unwrap();
    let started = || server.query("SELECT pg_postmaster_start_time()").unwrap();
    let before = started();
    let ran = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["run", "recovery", "--out"])
        .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/spared"))
        .env("TEST_DATABASE_URL", server.url("postgres"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    println!("{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(1));
    assert!(said.contains("recovery, millpond: skipped"));
    assert!(said.contains("the server was not started for this run"));
    assert_eq!(started(), before);
}
