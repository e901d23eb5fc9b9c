//! The four oracles of `graveyard.md`, one line each for a test.

use super::polled::Polled;
use super::scene::TestPool;
use super::world::World;
use millpond::managed::{PoolError, TimeoutType, Timeouts};
use std::collections::HashSet;
use std::time::Duration;

/// Take, make or fail, at once.
pub const NO_WAIT: Timeouts = Timeouts {
    wait: Some(Duration::ZERO),
    create: None,
    recycle: None,
};

/// CAP: `n` objects can be taken without waiting, the next get gives `Timeout(Wait)`.
#[track_caller]
pub fn cap(pool: &TestPool, n: usize) {
    let mut held = Vec::new();
    for nth in 0..n {
        match Polled::new(None, pool.timeout_get(&NO_WAIT)).ready() {
            Ok(hand) => held.push(hand),
            Err(error) => panic!("CAP: only {nth} of {n}: {error}; {}", pool.snapshot()),
        }
    }
    let ids: HashSet<_> = held.iter().map(|hand| hand.id).collect();
    assert_eq!(ids.len(), n, "CAP: {n} objects, all different");
    let next = Polled::new(None, pool.timeout_get(&NO_WAIT)).ready();
    assert!(
        matches!(next, Err(PoolError::Timeout(TimeoutType::Wait))),
        "CAP: beyond {n}: {next:?}; {}",
        pool.snapshot()
    );
}

/// ACC: the counts are those of what really exists, and agree with one another.
#[track_caller]
pub fn acc(pool: &TestPool) {
    let now = pool.snapshot();
    let status = pool.status();
    assert_eq!(
        now.size - now.connecting,
        pool.manager().live(),
        "ACC: size is what lives; {now:?}"
    );
    assert_eq!(now.idle + now.connecting + now.in_use, now.size, "{now:?}");
    assert!(now.waiting == 0 || now.idle == 0, "ACC: {now:?}");
    assert!(now.idle <= now.max_size, "ACC: {now:?}");
    assert_eq!(
        (status.size, status.available, status.waiting),
        (now.size - now.connecting, now.idle, now.waiting),
        "ACC: status is the same picture"
    );
    assert_eq!(now.closed, pool.is_closed());
}

/// ONCE: every object was detached and dropped once, and never in two hands.
#[track_caller]
pub fn once(pool: &TestPool) {
    once_in(pool.manager());
}

/// ONCE, where the pool is gone.
#[track_caller]
pub fn once_in(world: &World) {
    let book = world.book();
    assert_eq!(book.violations, [""; 0], "ONCE and LIM");
    for (id, life) in book.lives.iter().enumerate() {
        let gone = life.dropped == 1;
        assert!(
            life.detached == usize::from(gone || life.away) && life.dropped <= 1,
            "ONCE: object {id}: {life:?}"
        );
    }
}

/// LIM: live and connecting together never passed the limit.
#[track_caller]
pub fn lim(pool: &TestPool) {
    let book = pool.manager().book();
    assert_eq!(book.violations, [""; 0], "ONCE and LIM");
}

/// Nobody holds, waits or connects.
#[track_caller]
pub fn at_rest(pool: &TestPool) {
    let now = pool.snapshot();
    assert_eq!(
        (now.in_use, now.connecting, now.waiting),
        (0, 0, 0),
        "at rest: {now:?}"
    );
    assert_eq!(pool.manager().connecting(), 0, "a create is under way");
    assert!(now.size <= now.max_size, "{now:?}");
    assert!(pool.checkouts().is_empty(), "{:?}", pool.checkouts());
    books(pool);
}

/// At rest, what was counted since the start adds up: each get ended once, each object that was made lives or
/// was closed for one reason, and each hold ended.
#[track_caller]
pub fn books(pool: &TestPool) {
    let stats = pool.stats();
    let gets = stats.gets;
    assert_eq!(gets.started, gets.ended(), "BOOKS: {gets:?}");
    let live = stats.created.checked_sub(stats.closed.total());
    assert_eq!(live, Some(pool.manager().live() as u64), "BOOKS: {stats:?}");
    let held = [stats.wait_time.count(), stats.use_time.count()];
    assert_eq!(held, [gets.succeeded(); 2], "BOOKS: {stats:?}");
    assert_eq!(
        stats.connect_time.count(),
        stats.created,
        "BOOKS: {stats:?}"
    );
    assert_eq!(stats.check_time.count(), stats.checks, "BOOKS: {stats:?}");
}
