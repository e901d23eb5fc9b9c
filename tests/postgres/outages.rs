//! Outages of a real server: while one lasts, callers keep their deadlines and few connects run; afterwards the
//! pool is whole within a second, though nobody asks it for anything.

use crate::ground::{SECRET, local};
use crate::weather::{
    CONNECTING, Callers, DEADLINE, Log, MS, NAME, SPARE, careful, careful_within, pids, soon,
    terminate_all, whole_again, whole_pool,
};
use millpond::managed::Acquire;
use millpond::observe::Trouble;
use millpond::postgres::{Pool, tokio_postgres::NoTls};
use millpond_testdb::{Server, Stop};
use millpond_testkit::proxy::{Fault, Proxy};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// After an outage callers are served as ever, and nothing was lost by it.
async fn all_well(server: &Server, pool: &Pool) {
    let tally = Callers::patient(pool, 8).end_after(300 * MS).await;
    assert!(tally.served > 0 && tally.broken == 0, "{tally:?}");
    assert_eq!(tally.refused.values().sum::<usize>(), 0, "{tally:?}");
    whole_again(server, pool, &BTreeSet::new()).await;
    let (gets, now) = (pool.stats().gets, pool.snapshot());
    assert_eq!(gets.started, gets.ended(), "{gets:?}");
    let (in_use, connecting, waiting) = (now.in_use, now.connecting, now.waiting);
    assert_eq!((in_use, connecting, waiting), (0, 0, 0), "{now}");
    let created = pool.stats().created;
    assert_eq!(created, pool.stats().closed.total() + now.size as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_and_started_again() {
    for how in [Stop::Fast, Stop::Immediate] {
        let server = Server::private().unwrap();
        let pool = whole_pool(&server, careful(server.config("postgres"), 8)).await;
        let old = pids(&server);
        let callers = Callers::start(&pool, 12);
        tokio::time::sleep(100 * MS).await;
        server.stop(how).unwrap();
        let tally = callers.end_after(1_000 * MS).await;
        assert!(
            tally.served > 0 && tally.refused("unavailable") > 0,
            "{tally:?}"
        );
        assert!(tally.retry_after <= 500 * MS, "{tally:?}");
        assert!(pool.stats().create_failures <= 20, "{:?}", pool.stats());

        server.start().unwrap();
        soon(whole_again(&server, &pool, &old).await);
        all_well(&server, &pool).await;
    }
}

/// Those who go on asking meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load() {
    for how in [Stop::Fast, Stop::Immediate] {
        let server = Server::private().unwrap();
        let pool = whole_pool(&server, careful(server.config("postgres"), 8)).await;
        let callers = Callers::start(&pool, 24);
        tokio::time::sleep(100 * MS).await;
        server.restart(how).unwrap();
        let tally = callers.end_after(1_000 * MS).await;
        assert!(tally.served > 100, "{tally:?}");
        soon(whole_again(&server, &pool, &BTreeSet::new()).await);
        all_well(&server, &pool).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_are_terminated_are_replaced() {
    let server = Server::private().unwrap();
    let pool = whole_pool(&server, careful(server.config("postgres"), 8)).await;
    let old = terminate_all(&server);
    assert_eq!(old.len(), SPARE);
    soon(whole_again(&server, &pool, &old).await);
    assert!(pool.stats().closed.broken >= SPARE as u64);
    assert_eq!(pool.stats().create_failures, 0);
    all_well(&server, &pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server() {
    let server = Server::private().unwrap();
    let pool = whole_pool(&server, careful(server.config("postgres"), 8)).await;
    let callers = Callers::start(&pool, 12);
    tokio::time::sleep(100 * MS).await;
    server.freeze().unwrap();
    let began = Instant::now();
    let got = pool.acquire(&Acquire::new().deadline(DEADLINE)).await;
    assert!(got.is_err(), "nobody answers");
    assert!(began.elapsed() < DEADLINE + 500 * MS);
    let tally = callers.end_after(1_000 * MS).await;
    assert!(tally.refused.values().sum::<usize>() > 0, "{tally:?}");

    server.thaw().unwrap();
    soon(whole_again(&server, &pool, &BTreeSet::new()).await);
    all_well(&server, &pool).await;
}

/// Five places, of which others have three: the pool would like to have more than the other two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_full() {
    let server = Server::builder()
        .setting("max_connections", "8")
        .setting("superuser_reserved_connections", "3")
        .start()
        .unwrap();
    server.query("CREATE ROLE alice LOGIN").unwrap();
    let mut config = server.config("postgres");
    config.user("alice");
    let mut others = Vec::new();
    for _ in 0..3 {
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        others.push(client);
    }
    let log = Log::from_here(&server);
    let pool = careful(config, 20).build().unwrap();
    let tally = Callers::start(&pool, 12).end_after(2_000 * MS).await;
    assert!(tally.served > 100 && tally.broken == 0, "{tally:?}");
    // Each who met the refusal is one; all others were served by what came back.
    let refused = tally.refused.values().sum::<usize>();
    assert_eq!(refused, tally.refused("backend"), "{tally:?}");
    log.no_storm("FATAL");
    assert!(log.count("FATAL") > 0, "it was full");
    assert_eq!(pids(&server).len(), 2);

    drop(others);
    soon(whole_again(&server, &pool, &BTreeSet::new()).await);
    // One of the five stays for those who come.
    let held = pool.get().await.unwrap();
    assert!(held.simple_query("SELECT 1").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_wrong_for_a_while() {
    let server = Server::builder().password_auth(SECRET).start().unwrap();
    let pool = whole_pool(&server, careful(local(server.port().unwrap()), 8)).await;
    let log = Log::from_here(&server);
    server
        .query("ALTER ROLE postgres PASSWORD 'another'")
        .unwrap();
    let old = terminate_all(&server);
    let callers = Callers::start(&pool, 12);
    tokio::time::sleep(1_000 * MS).await;
    let health = pool.health();
    let mut troubles = health.findings.iter().map(|found| &found.trouble);
    assert!(
        troubles.any(|trouble| *trouble == Trouble::BreakerOpen),
        "{health}"
    );
    let began = Instant::now();
    assert!(pool.get().await.is_err());
    assert!(began.elapsed() < 500 * MS, "at once");
    let tally = callers.end_after(500 * MS).await;
    assert!(tally.refused("unavailable") > 100, "{tally:?}");
    let cause = "password authentication failed for user \"postgres\" (SQLSTATE 28P01)";
    assert!(
        tally.told.iter().all(|why| why.ends_with(cause)),
        "{tally:?}"
    );
    assert!(
        tally.retry_after > Duration::ZERO && tally.retry_after <= 500 * MS,
        "{tally:?}"
    );
    log.no_storm("password authentication failed");

    let right = format!("ALTER ROLE postgres PASSWORD '{SECRET}'");
    server.query(&right).unwrap();
    soon(whole_again(&server, &pool, &old).await);
    assert!(!pool.health().to_string().contains("breaker"));
    all_well(&server, &pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_on_the_way() {
    let server = Server::private().unwrap();
    let way = Proxy::start(("127.0.0.1", server.port().unwrap())).unwrap();
    let builder = careful_within(local(way.port()), 8, 400 * MS);
    let pool = whole_pool(&server, builder).await;
    let old = pids(&server);
    way.set(Fault::black_hole());
    let before = way.counts().accepted;
    let began = Instant::now();
    let tally = Callers::start(&pool, 12).end_after(2_000 * MS).await;
    // Connects take 400 ms in vain each; then there is a pause, and one tries.
    let most = 2 * CONNECTING as u64 + began.elapsed().as_millis() as u64 / 400;
    let came = way.counts().accepted - before;
    println!("{came} connects into the black hole");
    assert!((2..=most).contains(&came), "{came} > {most}");
    assert_eq!(tally.served, 0, "{tally:?}");

    way.heal();
    soon(whole_again(&server, &pool, &old).await);
    all_well(&server, &pool).await;
}

/// Looks without a pause how many connections of the pool the server has, until `time` is over.
async fn most_seen(server: &Server, time: Duration) -> (usize, BTreeSet<i32>) {
    let (client, connection) = server.config("postgres").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let question = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
    let question = client.prepare(question).await.unwrap();
    let (began, mut most, mut all) = (Instant::now(), 0, BTreeSet::new());
    while began.elapsed() < time {
        let rows = client.query(&question, &[&NAME]).await.unwrap();
        most = most.max(rows.len());
        all.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    (most, all)
}

/// The pool never has more than six (that is looked at all the while); the server may still be ending one that
/// has said goodbye while another one comes, of which there are never more than may connect at once.
fn not_too_many(seen: usize) {
    assert!(seen <= 6 + CONNECTING, "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_grow_old_are_replaced() {
    let server = Server::private().unwrap();
    let builder = careful(server.config("postgres"), 6).max_lifetime(Some(400 * MS));
    let pool = whole_pool(&server, builder).await;
    let callers = Callers::patient(&pool, 4);
    let (most, all) = most_seen(&server, 2_000 * MS).await;
    println!("at most {most} at once, {} in all", all.len());
    let tally = callers.end_after(Duration::ZERO).await;
    not_too_many(most);
    assert!(all.len() > 2 * 6, "{all:?}");
    assert_eq!(tally.refused.values().sum::<usize>(), 0, "{tally:?}");
    assert_eq!(tally.broken, 0, "{tally:?}");
    assert!(pool.stats().closed.lifetime > 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_refresh_all_connections_are_others() {
    let server = Server::private().unwrap();
    let pool = whole_pool(&server, careful(server.config("postgres"), 6)).await;
    let callers = Callers::patient(&pool, 4);
    let old = pids(&server);
    let (seen, ()) = tokio::join!(most_seen(&server, 1_000 * MS), async {
        for _ in 0..3 {
            tokio::time::sleep(200 * MS).await;
            pool.refresh();
        }
    });
    println!("at most {} at once, {} in all", seen.0, seen.1.len());
    let tally = callers.end_after(Duration::ZERO).await;
    not_too_many(seen.0);
    assert_eq!(tally.broken, 0, "{tally:?}");
    assert_eq!(tally.refused.values().sum::<usize>(), 0, "{tally:?}");
    soon(whole_again(&server, &pool, &old).await);
    all_well(&server, &pool).await;
}
