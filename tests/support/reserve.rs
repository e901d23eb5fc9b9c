//! Pools that keep some slots for a priority, and what must be true of them at rest.

use super::oracle::NO_WAIT;
use super::scene::{Got, Scene, TestBuilder};
use super::{Fault, Hand};
use millpond::managed::{Acquire, AcquireError, PoolError, Priority, Reason};

pub type Acquired = Result<Hand, AcquireError<Fault>>;

/// A pool without a runtime that keeps `reserve` of `max`.
pub fn reserving(max: usize, reserve: usize) -> Scene {
    Scene::built(max, false, |builder| builder.reserve(reserve))
}

/// The same with tokio, on a clock that stands still.
pub fn reserving_in_time(
    max: usize,
    reserve: usize,
    set: impl FnOnce(TestBuilder) -> TestBuilder,
) -> Scene {
    Scene::built(max, true, |builder| set(builder.reserve(reserve)))
}

pub fn urgent_get() -> Acquire {
    Acquire::new().priority(Priority::High)
}

/// A get with priority that is served at once.
#[track_caller]
pub fn hold_urgently(scene: &Scene) -> Hand {
    scene.acquire(&urgent_get()).ready().unwrap()
}

pub fn would_wait(got: &Got) -> bool {
    let wait = |error: &PoolError<Fault>| error.to_string() == "timed out while waiting in line";
    got.as_ref().is_err_and(wait)
}

/// The four oracles, and those of the reserve: of those without priority so many are served and no more, and of
/// those with it all.
#[track_caller]
pub fn all_well(scene: &Scene, max: usize, reserve: usize) {
    scene.settle();
    scene.world.calm();
    let now = scene.pool.snapshot();
    assert_eq!((now.held_back, now.waiting), (0, 0), "{now:?}");
    super::at_rest(&scene.pool);
    super::acc(&scene.pool);
    let share = max - reserve;
    let ordinary: Vec<_> = (0..share)
        .map(|_| scene.get_within(&NO_WAIT).ready().unwrap())
        .collect();
    assert!(
        would_wait(&scene.get_within(&NO_WAIT).ready()),
        "CAP of all"
    );
    let urgent: Vec<_> = (0..reserve).map(|_| hold_urgently(scene)).collect();
    let beyond = scene.acquire(&urgent_get().try_only()).ready();
    assert!(
        matches!(beyond.unwrap_err().reason(), Reason::WouldWait),
        "CAP"
    );
    drop((ordinary, urgent));
    // Those with priority may have all of it.
    let urgent: Vec<_> = (0..max).map(|_| hold_urgently(scene)).collect();
    assert!(would_wait(&scene.get_within(&NO_WAIT).ready()), "CAP");
    drop(urgent);
    super::at_rest(&scene.pool);
    super::acc(&scene.pool);
    super::once(&scene.pool);
    super::lim(&scene.pool);
}
