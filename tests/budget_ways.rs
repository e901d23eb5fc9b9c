//! Several pools under one budget: every way for a place in it to come back, and for whoever waits for one to go on.

mod support;

use millpond::managed::{Pool, PoolError, TimeoutType};
use millpond::observe::HandClock;
use std::time::Duration;
use support::{Fault, Gate, Polled, Step, Town, ignore, panics};

const S: Duration = Duration::from_secs(1);

#[test]
fn a_getter_whose_object_is_dead_keeps_its_place_in_the_budget() {
    let town = Town::new(1, [1, 1]);
    drop(town.hold(0));
    let gate = Gate::new();
    town.world.recycle.then(Step::at_then(&gate, Step::Err));
    let mut checking = town.get(0).waits();
    let mut waiter = town.get(1).waits();
    gate.open();
    let fresh = checking.woken_ready().unwrap();
    assert_eq!(
        (fresh.id, town.sizes()),
        (1, vec![1, 0]),
        "replaced, not given away"
    );
    waiter.pending();
    drop((fresh, checking));
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    town.all_well();
}

#[test]
fn a_spare_object_that_comes_back_stays_whoever_waits_elsewhere() {
    let town = Town::built(2, &[2, 1], false, |nth, builder| {
        builder.min_idle(if nth == 0 { 2 } else { 0 })
    });
    let held = town.fill(0, 2);
    let mut waiter = town.get(1).waits();
    drop(held);
    assert_eq!(town.sizes(), [2, 0]);
    waiter.pending();
    drop(town.hold(0).take());
    drop(waiter.woken_ready().unwrap());
    town.adds_up();
}

#[test]
fn every_end_of_a_connect_leaves_its_place_to_the_next() {
    for step in [Step::Err, Step::Panic, Step::Never] {
        let town = Town::new(1, [1, 1]);
        let never = matches!(step, Step::Never);
        let gate = Gate::new();
        let step = if never {
            step
        } else {
            Step::at_then(&gate, step)
        };
        town.world.create.then(step);
        let mut first = town.get(0).waits();
        let mut second = town.get(1).waits();
        assert_eq!(town.budget.snapshot().waiting, 1);
        gate.open();
        if !never {
            ignore(|| drop(first.poll()));
        }
        drop(first);
        drop(second.woken_ready().unwrap());
        drop(second);
        town.all_well();
    }
}

#[test]
fn a_hook_that_turns_a_new_object_down_leaves_its_place_to_the_next() {
    let town = Town::new(1, [1, 1]);
    let gate = Gate::new();
    town.world.post_create.then(Step::at_then(&gate, Step::Err));
    let mut first = town.get(0).waits();
    let mut second = town.get(1).waits();
    gate.open();
    assert!(matches!(
        first.woken_ready(),
        Err(PoolError::PostCreateHook(_))
    ));
    assert_eq!(second.woken_ready().unwrap().id, 1);
    drop((first, second));
    town.all_well();
}

#[test]
fn one_who_leaves_just_when_it_is_given_a_place_passes_it_on() {
    let town = Town::new(1, [1, 1, 1]);
    let held = town.hold(0);
    let first = town.get(1).waits();
    let mut second = town.get(2).waits();
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    first.cancel().unwrap();
    drop(second.woken_ready().unwrap());
    drop(second);
    town.all_well();
}

#[test]
fn a_connect_goes_on_without_its_getter_with_its_place() {
    let town = Town::with_runtime(1, [1, 1], |_, builder| builder);
    let gate = Gate::new();
    town.world.create.then(Step::at(&gate));
    let first = town.get(0).waits();
    let mut second = town.get(1).waits();
    first.cancel().unwrap();
    town.settle();
    assert_eq!(town.shares(), [1, 0], "it is still being made");
    gate.open();
    town.settle();
    // Nobody wants it in its own pool.
    drop(second.woken_ready().unwrap());
    drop(second);
    town.all_well();
}

#[test]
fn one_that_hangs_without_its_getter_gives_its_place_up_at_its_bound() {
    let town = Town::with_runtime(1, [1, 1], |_, builder| builder);
    town.world.create.then(Step::Never);
    let first = town.get(0).waits();
    let mut second = town.get(1).waits();
    first.cancel().unwrap();
    town.advance(11 * S);
    drop(second.woken_ready().unwrap());
    drop(second);
    town.all_well();
}

#[test]
fn an_object_that_is_taken_out_leaves_its_place() {
    let town = Town::new(1, [1, 1]);
    let held = town.hold(0);
    let mut waiter = town.get(1).waits();
    // From here on it is not the budget's, so two may live.
    let taken = held.take();
    drop(waiter.woken_ready().unwrap());
    drop((taken, waiter));
    town.all_well();
}

#[test]
fn a_pool_that_is_closed_or_dropped_leaves_the_budget() {
    let mut town = Town::new(2, [2, 2, 1]);
    let held = town.fill(0, 2).remove(0);
    town.pools[0].close();
    assert_eq!(
        town.shares(),
        [1, 0, 0],
        "what lay idle is gone, what is out is counted"
    );
    let one = town.hold(1);
    let mut waiter = town.get(1).waits();
    drop(held);
    let two = waiter.woken_ready().unwrap();
    drop((one, two, waiter));

    let shares = |town: &Town| town.budget.snapshot().pools.len();
    drop(town.pools.remove(0));
    assert_eq!(shares(&town), 2, "nothing is left of it");
    let handles = town.world.handles();
    drop(town.pools.remove(1));
    assert!(
        town.world.handles() < handles,
        "the budget does not keep it"
    );
    assert_eq!(shares(&town), 1);
    // A new one takes its place.
    let builder = Pool::<support::World>::builder(town.world.clone());
    let fresh = builder.max_size(1).budget(&town.budget).build().unwrap();
    assert_eq!(shares(&town), 2);
    drop(Polled::new(None, fresh.get()).ready().unwrap());
    drop(fresh);
    town.all_well();
}

#[test]
fn the_last_handle_may_go_while_somebody_waits_for_a_place_and_while_objects_are_out() {
    let mut town = Town::new(1, [1, 1]);
    let held = town.hold(0);
    drop(town.pools.remove(0));
    let mut waiter = town.get(0).waits();
    drop(held);
    assert_eq!(
        town.budget.snapshot().pools.len(),
        1,
        "it went with its last object"
    );
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    town.all_well();
}

#[test]
fn getters_of_a_pool_that_is_closed_while_they_wait_for_a_place_hear_so() {
    let town = Town::new(1, [1, 2]);
    let held = town.hold(0);
    let mut waiters = town.queue(1, 3);
    town.pools[1].close();
    for waiter in &mut waiters {
        assert!(matches!(waiter.woken_ready(), Err(PoolError::Closed)));
    }
    assert_eq!(town.budget.snapshot().waiting, 0);
    assert_eq!(
        town.pools[1].snapshot().size,
        0,
        "and no reservation is left"
    );
    drop((held, waiters));
    town.all_well();
}

#[test]
fn a_panic_in_another_pools_object_loses_nothing() {
    for detach in [true, false] {
        let town = Town::new(2, [2, 2]);
        drop(town.fill(0, 2));
        let script = if detach {
            &town.world.detach
        } else {
            &town.world.drops
        };
        script.then(Step::Panic);
        let one = town.hold(1);
        script.then(Step::Panic);
        let two = town.hold(1);
        assert_eq!((town.sizes(), town.world.dropped()), (vec![0, 2], 2));
        drop((one, two));
        // Now where an object comes home and is closed for who waits elsewhere.
        let held = town.fill(1, 2);
        let mut waiter = town.get(0).waits();
        script.then(Step::Panic);
        ignore(|| drop(held));
        drop(waiter.woken_ready().unwrap());
        drop(waiter);
        town.all_well();
    }
}

#[test]
fn a_smaller_budget_closes_what_is_too_much_and_a_larger_one_lets_in_who_waits() {
    let town = Town::new(4, [4, 4]);
    let mut held = town.fill(0, 2);
    drop(town.fill(1, 2));
    town.budget.resize(3);
    assert_eq!(town.sizes(), [2, 1], "one that lay idle");
    town.budget.resize(1);
    assert_eq!(town.sizes(), [2, 0], "and the other");
    let mut waiters = town.queue(0, 2);
    assert_eq!(town.budget.snapshot().in_use, 2, "both in use");
    drop(held.pop());
    assert_eq!(town.sizes(), [1, 0], "a busy pool shrinks too");
    assert!(waiters.iter().all(|waiter| !waiter.is_woken()));
    drop(held.pop());
    let one = waiters[0].woken_ready().unwrap();
    town.world.limit(2);
    town.budget.resize(2);
    let two = waiters[1].woken_ready().unwrap();
    drop((one, two, waiters));
    town.all_well();
}

#[test]
fn a_budget_of_nothing_makes_nothing_until_it_grows() {
    let town = Town::new(0, [2]);
    let mut waiter = town.get(0).waits();
    assert!(matches!(
        town.try_get(0),
        Err(PoolError::Timeout(TimeoutType::Wait))
    ));
    town.world.limit(1);
    town.budget.resize(1);
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    town.all_well();
}

#[test]
fn a_paused_pool_takes_no_place_and_goes_on_where_it_stood() {
    let town = Town::new(2, [2, 2]);
    let held = town.fill(1, 2);
    let mut waiters = town.queue(0, 2);
    town.pools[0].pause();
    drop(held);
    // They were given the places, and leave them.
    waiters.iter_mut().for_each(Polled::pending);
    assert_eq!((town.shares()[0], town.budget.snapshot().waiting), (0, 0));
    assert_eq!(town.pools[0].snapshot().connecting, 0);
    let other = town.fill(1, 2);
    town.pools[0].resume();
    assert!(
        waiters.iter().all(Polled::is_woken),
        "they may connect again"
    );
    waiters.iter_mut().for_each(Polled::pending);
    drop(other);
    let first = waiters[0].woken_ready().unwrap();
    let second = waiters[1].woken_ready().unwrap();
    drop((first, second, waiters));
    town.all_well();
}

#[test]
fn what_was_parked_goes_to_who_waits_elsewhere_when_its_pool_resumes() {
    let town = Town::new(1, [1, 1]);
    drop(town.hold(0));
    town.pools[0].pause();
    let mut waiter = town.get(1).waits();
    assert_eq!(town.sizes(), [1, 0], "what is parked is in use");
    town.pools[0].resume();
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    town.all_well();
}

#[test]
fn a_connect_that_ends_when_its_getter_is_served_leaves_its_object_to_who_waits_elsewhere() {
    let town = Town::new(3, [2, 2]);
    let (own, other) = (town.hold(0), town.hold(1));
    let gate = Gate::new();
    let comes_back = Step::run(move || drop(own));
    town.world.create.then(Step::at_then(&gate, comes_back));
    let mut getter = town.get(0).waits();
    let mut waiter = town.get(1).waits();
    gate.open();
    let got = getter.woken_ready().unwrap();
    assert_eq!(
        (got.id, town.world.made()),
        (0, 3),
        "its own connect came too late"
    );
    let last = waiter.woken_ready().unwrap();
    assert_eq!(town.sizes(), [1, 2]);
    drop((got, other, last, getter, waiter));
    town.all_well();
}

#[test]
fn a_dead_objects_place_is_not_used_again_where_there_are_too_many() {
    let town = Town::new(2, [2]);
    drop(town.fill(0, 2));
    let gate = Gate::new();
    town.world.recycle.then(Step::at_then(&gate, Step::Err));
    let mut checking = town.get(0).waits();
    let held = town.hold(0);
    town.budget.resize(1);
    gate.open();
    checking.pending();
    assert_eq!(
        town.budget.snapshot().in_use,
        1,
        "the dead one was the one too many"
    );
    drop(held);
    drop(checking.woken_ready().unwrap());
    drop(checking);
    town.world.limit(1);
    town.all_well();
}

#[test]
fn after_a_failure_who_waits_for_a_place_does_not_connect_before_the_pause_is_over() {
    let clock = HandClock::new();
    let town = Town::with_runtime(1, [3, 1], |_, builder| {
        builder
            .connect_backoff(S, S)
            .max_connecting(3)
            .clock(&clock)
    });
    let gate = Gate::new();
    town.world.create.then(Step::at_then(&gate, Step::Err));
    let mut first = town.get(0).waits();
    let mut others = town.queue(0, 2);
    gate.open();
    assert!(matches!(
        first.woken_ready(),
        Err(PoolError::Backend(Fault))
    ));
    others.iter_mut().for_each(Polled::pending);
    assert_eq!(
        (town.world.create.calls(), town.budget.snapshot().in_use),
        (1, 0)
    );
    // Then one tries, and the other one is served by its object.
    clock.advance(S);
    town.advance(S);
    let got = others[0].woken_ready().unwrap();
    others[1].pending();
    drop(got);
    drop(others[1].woken_ready().unwrap());
    assert_eq!(town.world.made(), 1);
    drop((first, others));
    town.all_well();
}

#[test]
fn an_object_that_is_dropped_while_its_user_panics_still_makes_room() {
    let town = Town::new(1, [1, 1]);
    let held = town.hold(0);
    let mut waiter = town.get(1).waits();
    assert!(panics(move || {
        let _held = held;
        std::panic::resume_unwind(Box::new("its user's own"));
    }));
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    town.all_well();
}

#[test]
fn a_place_is_free_when_its_object_is_closed_and_not_before() {
    let town = Town::with_runtime(1, [1, 1], |_, builder| builder);
    let gate = Gate::new();
    town.world.slow.then(Step::Err);
    town.world.close.then(Step::at(&gate));
    town.world.broken.then(Step::Err);
    let held = town.hold(0);
    let mut waiter = town.get(1).waits();
    drop(held);
    town.settle();
    assert!(!waiter.is_woken());
    assert_eq!(town.budget.snapshot().in_use, 1);
    gate.open();
    town.settle();
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    town.all_well();
}
