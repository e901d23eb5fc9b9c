//! Each pool of another project as the cases see it, on a real PostgreSQL.

use millpond_lab::Failure;
use millpond_lab::data::Scale;
use millpond_lab::ground::Ground;
use millpond_lab::site::Site;
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Target, Work};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const MOST: usize = 3;
const KEPT: usize = 2;
const SOON: Duration = Duration::from_secs(20);

async fn take(pool: &dyn Subject, within: Duration) -> Result<Box<dyn Lease>, Refusal> {
    pool.get(within, Location::caller()).await
}

fn spec(maker: &Arc<dyn Maker>, site: &Site) -> Spec {
    let ground = Ground::new(
        Arc::clone(maker),
        site.clone(),
        Scale::Short,
        7,
        CancellationToken::new(),
    );
    ground.spec("test", MOST, KEPT)
}

/// Waits until the server has as many connections of that name.
async fn until_there_are(site: &Site, name: &str, good: impl Fn(usize) -> bool) {
    let mut last = 0;
    let seen = timeout(SOON, async {
        loop {
            last = site.count(name).await.expect("the server answers");
            if good(last) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    let seen = seen.await;
    assert!(seen.is_ok(), "{name}: the server still has {last}");
}

#[test]
fn they_are_all_that_the_lab_knows_of() {
    let names: Vec<_> = millpond_lab_peers::all()
        .iter()
        .map(|maker| maker.name())
        .collect();
    let known = millpond_lab::PEERS.iter().copied();
    let built: Vec<_> = known
        .filter(|name| cfg!(feature = "sqlx") || *name != "sqlx")
        .collect();
    assert_eq!(names, built);
}

#[test]
fn their_versions_are_those_they_were_built_with() {
    for maker in millpond_lab_peers::all() {
        let (name, version) = (maker.name(), maker.version());
        assert!(
            version.starts_with(|first: char| first.is_ascii_digit()),
            "{name}: {version}"
        );
        assert!(!version.contains("unknown"), "{name}: {version}");
        assert!(
            maker.built().ends_with('.'),
            "{name} does not say how it is built"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_serves_and_looks_and_closes() -> Result<(), Failure> {
    let site = Site::find(false).await?;
    for maker in millpond_lab_peers::all() {
        let (name, spec) = (maker.name(), spec(&maker, &site));
        let pool = maker.make(&spec).await?;
        until_there_are(&site, &spec.name, |count| count >= KEPT).await;
        let mut held = Vec::new();
        for _ in 0..MOST {
            let lease = take(&*pool, SOON).await;
            held.push(lease.map_err(|refusal| format!("{name}: {refusal}"))?);
        }
        for lease in &mut held {
            lease.work(Work::Ask).await?;
            lease.work(Work::Fail).await?;
            lease.work(Work::Sleep(Duration::from_millis(1))).await?;
        }
        until_there_are(&site, &spec.name, |count| count == MOST).await;
        let look = pool.look();
        assert_eq!(look.max, Some(MOST), "{name}");
        assert!(
            look.in_use.is_none_or(|count| count == MOST),
            "{name}: {look}"
        );
        let excess = take(&*pool, Duration::from_millis(50)).await;
        assert!(
            matches!(excess, Err(Refusal::TimedOut)),
            "{name} let one more in"
        );
        drop(held);
        // Some give back in the background.
        let back = take(&*pool, SOON).await;
        back.map_err(|refusal| format!("{name}: {refusal}"))?
            .work(Work::Ask)
            .await?;
        timeout(SOON, pool.close()).await?;
        until_there_are(&site, &spec.name, |count| count == 0).await;
        let late = take(&*pool, Duration::from_millis(50)).await;
        assert!(matches!(late, Err(Refusal::Closed)), "{name} is not closed");
    }
    Ok(())
}

/// In the order of [`Look`]'s fields: max, size, connecting, in use, idle, waiting, health.
const KNOWN: [(&str, [bool; 7]); 7] = [
    ("deadpool", [true, true, false, true, true, true, false]),
    ("bb8", [true, true, false, true, true, true, false]),
    ("mobc", [true, true, false, true, true, false, false]),
    ("sqlx", [true, true, false, true, true, false, false]),
    ("qp", [true, false, false, true, false, false, false]),
    ("fast_pool", [true, true, true, true, true, true, false]),
    ("r2d2", [true, true, false, true, true, false, false]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pool_does_not_count_is_unknown() -> Result<(), Failure> {
    let site = Site::find(false).await?;
    for maker in millpond_lab_peers::all() {
        let (name, pool) = (maker.name(), maker.make(&spec(&maker, &site)).await?);
        let Look {
            max,
            size,
            connecting,
            in_use,
            idle,
            waiting,
            health,
        } = pool.look();
        let counts = [max, size, connecting, in_use, idle, waiting].map(|count| count.is_some());
        let known = KNOWN.iter().find(|(known, _)| *known == name);
        let (_, known) = known.ok_or("each has a row of its own")?;
        assert_eq!([&counts[..], &[health.is_some()]].concat(), known, "{name}");
        pool.close().await;
        assert_eq!(pool.look().size.unwrap_or(0), 0, "{name} is closed");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_is_an_error_and_no_pool() -> Result<(), Failure> {
    let site = Site::find(false).await?;
    for maker in millpond_lab_peers::all() {
        let mut spec = spec(&maker, &site);
        let mut nowhere = tokio_postgres::Config::new();
        // Nobody listens on the port that is for "nothing".
        nowhere
            .host("127.0.0.1")
            .port(9)
            .user("nobody")
            .dbname("nothing");
        spec.target = Target::Postgres(Box::new(nowhere));
        spec.wait = Duration::from_millis(500);
        // Those that try for as long as they may are given no more.
        let made = timeout(Duration::from_secs(2), maker.make(&spec)).await;
        assert!(
            !matches!(made, Ok(Ok(_))),
            "{} says that it is ready",
            maker.name()
        );
    }
    Ok(())
}
