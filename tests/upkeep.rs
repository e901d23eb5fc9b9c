//! How long objects live and how many lie ready. The rules are tested beside them (`src/managed/upkeep.rs`); here
//! is what a pool makes of them, on a clock that is turned by hand.

mod support;

use millpond::managed::{Acquire, QueueMode, Timeouts};
use millpond::observe::{Closed, HandClock, IdleBounds, Kind, Observe};
use std::time::Duration;
use support::scene::TestBuilder;
use support::{Gate, Scene, Step};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// A pool whose clock stands still, with or without a task.
struct Timed {
    scene: Scene,
    clock: HandClock,
}

impl Timed {
    fn new(max: usize, runtime: bool, set: impl FnOnce(TestBuilder) -> TestBuilder) -> Self {
        let clock = HandClock::new();
        let scene = Scene::built(max, runtime, |builder| set(builder.clock(&clock)));
        Self { scene, clock }
    }

    /// Time passes, for the pool and for its task.
    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.scene.advance(time.min(S));
    }

    fn closed(&self) -> Closed {
        self.scene.pool.stats().closed
    }

    fn idle(&self) -> usize {
        self.scene.pool.snapshot().idle
    }
}

#[test]
fn without_a_task_an_old_object_goes_at_the_next_get_or_return() {
    let timed = Timed::new(2, false, |builder| {
        builder.max_lifetime(Some(100 * S)).lifetime_jitter(0.0)
    });
    let scene = &timed.scene;
    let held = scene.hold();
    drop(scene.hold());
    timed.clock.advance(100 * S);
    drop(held);
    assert_eq!(timed.closed().lifetime, 1, "on return");
    let fresh = scene.hold();
    assert_eq!(
        (timed.closed().lifetime, scene.world.made()),
        (2, 3),
        "at a get"
    );
    assert_eq!(
        scene.world.recycle.calls(),
        0,
        "what goes anyway is not checked"
    );
    drop(fresh);
    scene.all_well(2);
}

#[test]
fn the_replacement_is_made_before_the_old_one_goes() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let timed = Timed::new(3, true, |builder| {
            let builder = builder.max_lifetime(Some(100 * S)).lifetime_jitter(0.0);
            builder.queue_mode(mode)
        });
        let scene = &timed.scene;
        drop(scene.fill(2));
        timed.pass(97 * S);
        assert_eq!((scene.world.made(), timed.idle()), (2, 2), "{mode:?}");
        // There is room for one more at a time: one is made, then an old one goes, and so on.
        timed.pass(S);
        assert_eq!(
            scene.world.gone(),
            [0; 0],
            "none goes before its time: {mode:?}"
        );
        assert_eq!((scene.world.made(), timed.idle()), (3, 3), "{mode:?}");
        timed.pass(2 * S);
        scene.advance(S);
        assert_eq!(timed.closed().lifetime, 2, "{mode:?}");
        assert!(
            timed.idle() >= 1 && scene.world.book().peak <= 3,
            "{mode:?}"
        );
        scene.all_well(3);
    }
}

#[test]
fn a_hundred_made_together_do_not_die_together() {
    let timed = Timed::new(100, true, |builder| builder.max_lifetime(Some(1_000 * S)));
    let scene = &timed.scene;
    drop(scene.fill(100));
    let mut most = 0;
    for _ in 0..110 {
        let before = timed.closed().lifetime;
        timed.pass(10 * S);
        most = most.max(timed.closed().lifetime - before);
    }
    assert_eq!(timed.closed().lifetime, 100);
    assert!(most <= 30, "{most} within one of ten slices");
}

#[test]
fn who_lies_too_long_goes_down_to_the_spare_ones() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let timed = Timed::new(5, true, |builder| {
            let builder = builder.idle_timeout(Some(60 * S)).min_idle(2);
            builder.queue_mode(mode)
        });
        let scene = &timed.scene;
        drop(scene.fill(5));
        timed.pass(59 * S);
        assert_eq!(timed.idle(), 5, "{mode:?}");
        timed.pass(S);
        scene.advance(3 * S);
        assert_eq!((timed.idle(), timed.closed().idle), (2, 3), "{mode:?}");
        scene.all_well(5);
    }
}

#[test]
fn without_a_task_who_lies_too_long_goes_at_the_next_get() {
    let timed = Timed::new(2, false, |builder| builder.idle_timeout(Some(60 * S)));
    drop(timed.scene.fill(2));
    timed.clock.advance(60 * S);
    let held = timed.scene.hold();
    assert_eq!((timed.closed().idle, timed.scene.world.made()), (2, 3));
    drop(held);
    timed.scene.all_well(2);
}

#[test]
fn an_object_that_was_used_up_goes_when_it_comes_back() {
    let scene = Scene::built(1, false, |builder| builder.max_uses(Some(3)));
    for use_ in 1..=7 {
        assert_eq!(scene.hold().id, (use_ - 1) / 3);
    }
    assert_eq!(scene.pool.stats().closed.lifetime, 2);
    scene.all_well(1);
}

#[test]
fn unpooled_objects_are_made_for_one_use_counted_and_bounded() {
    let scene = Scene::built(2, false, |builder| builder.max_idle(Some(0)));
    assert_eq!(Observe::kind(&scene.pool), Kind::Unpooled);
    let mut held = scene.fill(2);
    assert_eq!(scene.pool.snapshot().in_use, 2);
    let mut waiter = scene.get().waits();
    drop(held.pop());
    let third = waiter.woken_ready().unwrap();
    assert_eq!(
        (third.id, scene.world.live()),
        (2, 2),
        "not the one that came back"
    );
    drop((held, third));
    let now = scene.pool.snapshot();
    assert_eq!((now.size, scene.pool.stats().closed.idle), (0, 3));
    assert_eq!(scene.world.recycle.calls(), 0);
    scene.world.calm();
}

#[test]
fn no_more_lie_idle_than_may() {
    let scene = Scene::built(5, false, |builder| builder.max_idle(Some(2)));
    let held = scene.fill(5);
    drop(held);
    assert_eq!((scene.pool.snapshot().idle, scene.world.live()), (2, 2));
    let bounds = scene.pool.idle_bounds();
    assert_eq!((bounds.max, bounds.min), (Some(2), Some(0)));
    assert_ne!(bounds, IdleBounds::default());
}

#[test]
fn spare_ones_are_made_a_few_at_once_and_again_under_load() {
    let scene = Scene::built(10, true, |builder| builder.min_idle(6));
    // Built outside of the runtime: its task begins with the first get within it.
    drop(scene.hold());
    let gate = Gate::new();
    scene.world.create.always(Step::at(&gate));
    scene.advance(S);
    assert_eq!(scene.world.connecting(), 4, "of five, not all at once");
    gate.open();
    scene.world.create.calm();
    scene.advance(S);
    assert_eq!(scene.pool.snapshot().idle, 6);
    let held = scene.fill(4);
    scene.advance(S);
    let now = scene.pool.snapshot();
    assert_eq!((now.idle, now.size), (6, 10));
    drop(held);
    scene.all_well(10);
}

#[test]
fn a_pool_that_is_built_ready_has_its_spare_ones() {
    let world = support::World::default();
    world.limit(5);
    let builder = world.builder().max_size(5).min_idle(3);
    let mut building = support::Polled::new(None, builder.build_ready());
    let pool = building.ready().unwrap();
    assert_eq!((pool.snapshot().idle, world.probe.calls()), (3, 3));
}

#[test]
fn who_warms_up_waits_for_the_pause_after_a_failure() {
    let timed = Timed::new(2, true, |builder| {
        builder.connect_backoff(100 * MS, 100 * MS)
    });
    let scene = &timed.scene;
    scene.world.create.then(Step::Err);
    assert!(scene.get().ready().is_err());
    let mut warming = scene.polled(scene.pool.warm_up(2)).waits();
    assert_eq!(scene.world.made(), 0);
    timed.pass(100 * MS);
    warming.woken_ready().unwrap();
    assert_eq!(timed.idle(), 2);
    drop(warming);
    scene.all_well(2);
}

#[test]
fn spare_ones_whose_making_fails_are_tried_again_without_a_storm() {
    let scene = Scene::built(4, true, |builder| {
        builder.min_idle(2).connect_backoff(50 * MS, 400 * MS)
    });
    drop(scene.hold());
    scene.world.create.always(Step::Err);
    scene.advance(S);
    let first = scene.world.create.calls();
    assert!(first >= 1);
    // The pool's clock is real here and hardly moves: the pause after the failure is not over.
    for _ in 0..20 {
        scene.advance(S);
    }
    assert!(scene.world.create.calls() <= first + 20);
    scene.world.create.calm();
    std::thread::sleep(500 * MS);
    scene.advance(S);
    scene.advance(S);
    assert_eq!(scene.pool.snapshot().idle, 2);
}

/// One at a time, and no round passes in between.
#[test]
fn what_is_missing_is_made_as_fast_as_it_may_be() {
    for backoff in [false, true] {
        let scene = Scene::built(8, true, |builder| {
            let builder = builder.min_idle(5).max_connecting(1);
            match backoff {
                true => builder.connect_backoff(50 * MS, 400 * MS),
                false => builder,
            }
        });
        scene.world.create.always(Step::Sleep(10 * MS));
        drop(scene.get().waits());
        (0..5).for_each(|_| scene.advance(10 * MS));
        assert_eq!(
            (scene.pool.snapshot().idle, scene.world.made()),
            (5, 5),
            "{backoff}"
        );
        scene.all_well(8);
    }
}

#[test]
fn without_a_backoff_spare_ones_are_tried_a_few_times_a_second() {
    let timed = Timed::new(4, true, |builder| {
        builder.min_idle(2).keepalive(Some(20 * MS))
    });
    let scene = &timed.scene;
    drop(scene.hold());
    scene.world.probe.always(Step::Err);
    scene.world.create.always(Step::Err);
    let before = scene.world.create.calls();
    (0..200).for_each(|_| timed.pass(10 * MS));
    let tried = scene.world.create.calls() - before;
    // Two seconds: twice as often, two at once, and those that were under way when it began.
    assert!((4..=12).contains(&tried), "{tried}");
    scene.world.calm();
    timed.pass(S);
    assert_eq!(timed.idle(), 2);
    scene.all_well(4);
}

/// Its own bound on a connect is a failure as any other: it counts, and there is a pause after it.
#[test]
fn a_spare_one_whose_making_takes_too_long_is_a_failure() {
    let bounds = Timeouts {
        create: Some(100 * MS),
        ..Timeouts::default()
    };
    let timed = Timed::new(4, true, |builder| {
        let builder = builder.min_idle(2).timeouts(bounds).max_connecting(1);
        builder.connect_backoff(S, S).breaker(1)
    });
    let scene = &timed.scene;
    let held = scene.hold();
    scene.world.create.always(Step::Never);
    timed.pass(MS);
    assert_eq!(scene.world.connecting(), 1);
    timed.pass(100 * MS);
    assert_eq!(scene.pool.stats().create_failures, 1);
    assert_eq!(scene.world.connecting(), 0, "a pause");
    scene.world.calm();
    timed.pass(S);
    scene.settle();
    assert_eq!(timed.idle(), 2);
    drop(held);
    scene.all_well(4);
}

/// Three end together, and one is made at a time.
#[test]
fn a_replacement_that_may_not_be_made_yet_is_not_forgotten() {
    let timed = Timed::new(8, true, |builder| {
        let builder = builder.max_lifetime(Some(100 * S)).lifetime_jitter(0.0);
        builder.max_connecting(1)
    });
    let scene = &timed.scene;
    drop(scene.fill(3));
    let gate = Gate::new();
    scene.world.create.always(Step::at(&gate));
    timed.pass(98 * S + 500 * MS);
    assert_eq!((scene.world.connecting(), timed.idle()), (1, 3));
    gate.open();
    scene.world.create.calm();
    timed.pass(500 * MS);
    timed.pass(500 * MS);
    assert_eq!(
        (scene.world.made(), scene.world.gone()),
        (6, vec![]),
        "each before the old one goes"
    );
    timed.pass(S);
    assert_eq!((timed.idle(), timed.closed().lifetime), (3, 3));
    scene.all_well(8);
}

#[test]
fn who_lies_for_long_is_checked_in_the_background_and_the_dead_go() {
    let timed = Timed::new(3, true, |builder| builder.keepalive(Some(60 * S)));
    let scene = &timed.scene;
    drop(scene.fill(3));
    timed.pass(59 * S);
    assert_eq!(scene.world.probe.calls(), 0);
    scene.world.probe.then(Step::Err);
    timed.pass(2 * S);
    assert_eq!(scene.world.probe.calls(), 3);
    let stats = scene.pool.stats();
    assert_eq!(
        (
            stats.closed.check_failed,
            stats.checks,
            stats.check_failures
        ),
        (1, 3, 1)
    );
    timed.pass(30 * S);
    assert_eq!(scene.world.probe.calls(), 3, "they were proved just now");
    scene.all_well(3);
}

#[test]
fn who_was_used_lately_is_given_out_without_a_check() {
    let timed = Timed::new(1, false, |builder| builder.check_after_idle(Some(S)));
    let scene = &timed.scene;
    drop(scene.hold());
    timed.clock.advance(S - MS);
    drop(scene.hold());
    assert_eq!(
        (scene.world.recycle.calls(), scene.world.pre_recycle.calls()),
        (0, 0)
    );
    let held = scene.hold();
    let mut waiter = scene.get().waits();
    drop(held);
    drop(waiter.woken_ready().unwrap());
    assert_eq!(
        scene.world.recycle.calls(),
        0,
        "straight from another's hand"
    );
    timed.clock.advance(S);
    drop(scene.hold());
    assert_eq!(scene.world.recycle.calls(), 1);
    assert_eq!(scene.pool.stats().checks, 1);
    scene.all_well(1);
}

/// Everything at once, and nothing is lost: the task looks while others get and return.
#[test]
fn with_everything_set_the_books_are_right_in_the_end() {
    let timed = Timed::new(4, true, |builder| {
        builder
            .min_idle(1)
            .max_idle(Some(3))
            .max_lifetime(Some(20 * S))
            .idle_timeout(Some(5 * S))
            .max_uses(Some(10))
            .keepalive(Some(3 * S))
            .check_after_idle(Some(S))
            .suspicion(true)
            .max_connecting(2)
            .leak_threshold(Some(10 * S))
            .shed_overload(true)
    });
    let scene = &timed.scene;
    for round in 0..200_usize {
        if round % 17 == 3 {
            scene.world.recycle.then(Step::Err);
            scene.world.probe.then(Step::Err);
        }
        if round % 23 == 5 {
            scene.world.create.then(Step::Err);
        }
        let how = Acquire::new();
        let mut getters: Vec<_> = (0..round % 7).map(|_| scene.acquire(&how)).collect();
        let got: Vec<_> = getters.iter_mut().map(|getter| getter.poll()).collect();
        timed.pass(Duration::from_millis(300 * (round % 5) as u64));
        drop((got, getters));
    }
    scene.world.calm();
    scene.advance(11 * S);
    scene.settle();
    support::at_rest(&scene.pool);
    support::acc(&scene.pool);
    support::once(&scene.pool);
    support::lim(&scene.pool);
}

/// The task is gone with the pool, and keeps nothing of it, whatever it was about to do.
#[test]
fn jobs_of_the_task_end_with_the_pool() {
    let mut scene = Scene::built(4, true, |builder| {
        builder.min_idle(2).keepalive(Some(MS)).suspicion(true)
    });
    drop(scene.hold());
    scene.world.create.always(Step::Never);
    scene.advance(S);
    assert!(scene.world.connecting() > 0);
    drop(scene.sole_handle());
    scene.advance(S);
    scene.all_freed();
}
