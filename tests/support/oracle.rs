//! The four oracles of `graveyard.md`, one line each for a test: those of `millpond-testkit`, on the pools of these
//! tests.

use super::scene::TestPool;
use millpond::managed::Timeouts;
use millpond_testkit::oracles::{assert_accounts, assert_at_rest, assert_limit, assert_live};
use std::time::Duration;

pub use millpond_testkit::oracles::{assert_cap as cap, assert_once as once_in};

/// Take, make or fail, at once.
pub const NO_WAIT: Timeouts = Timeouts {
    wait: Some(Duration::ZERO),
    create: None,
    recycle: None,
};

/// ACC: the counts are those of what really exists, and agree with one another. Nothing moves meanwhile.
#[track_caller]
pub fn acc(pool: &TestPool) {
    assert_accounts(pool);
    assert_live(pool, pool.manager().live());
    let (now, status) = (pool.snapshot(), pool.status());
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

/// LIM: live and connecting together never passed the limit.
#[track_caller]
pub fn lim(pool: &TestPool) {
    assert_limit(pool.manager());
}

/// Nobody holds, waits or connects, and what was counted since the start adds up.
#[track_caller]
pub fn at_rest(pool: &TestPool) {
    assert_at_rest(pool);
    assert_eq!(pool.manager().connecting(), 0, "a create is under way");
}
