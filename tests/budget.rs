//! Several pools under one budget: its cap, who gets what is free, what lies idle elsewhere, and every way for a
//! place to come back.

mod support;

use millpond::Runtime;
use millpond::managed::{
    Acquire, Budget, Manager, Metrics, Object, Pool, PoolError, ReadyStep, Reason, RecycleResult,
    TimeoutType, Timeouts,
};
use millpond::observe::HandClock;
use std::convert::Infallible;
use std::time::Duration;
use support::{Fault, Gate, Polled, Step, Town, ignore, panics};

const S: Duration = Duration::from_secs(1);

/// Puts what getters that were woken came to into `held`; says how many were served.
fn serve(line: &mut Vec<Polled<'_, support::scene::Got>>, held: &mut Vec<support::Hand>) -> usize {
    let before = held.len();
    line.retain_mut(|getter| {
        if getter.is_woken() {
            if let std::task::Poll::Ready(got) = getter.poll() {
                held.push(got.unwrap());
                return false;
            }
        }
        true
    });
    held.len() - before
}

#[test]
fn all_pools_together_have_no_more_than_the_budget() {
    let town = Town::new(4, [3, 3, 3]);
    let held = (town.fill(0, 3), town.fill(1, 1));
    let waiters = (town.queue(1, 2), town.queue(2, 1));
    let now = town.budget.snapshot();
    assert_eq!((now.max, now.in_use, now.waiting), (4, 4, 3), "{now:?}");
    assert_eq!(town.shares(), [3, 1, 0]);
    assert_eq!(now.pools[2].name.as_deref(), Some("pool 2"));
    assert_eq!(now.pools[1].waiting, 2);
    // Each pool's own picture is what it is without a budget: who waits has a reservation, and nothing lies idle.
    let pool = town.pools[1].snapshot();
    assert_eq!(
        (pool.size, pool.connecting, pool.waiting, pool.in_use),
        (3, 2, 2, 1)
    );
    town.adds_up();
    drop((held, waiters));
    town.all_well();
}

#[test]
fn what_lies_idle_in_one_pool_is_claimed_by_another_at_once() {
    let town = Town::new(3, [3, 3]);
    drop(town.fill(0, 3));
    let one = town.hold(1);
    assert_eq!(
        (town.sizes(), town.budget.snapshot().in_use),
        (vec![2, 1], 3)
    );
    assert_eq!(
        town.pools[0].stats().closed.surplus,
        1,
        "and no more than one"
    );
    let two = town.try_get(1).unwrap();
    assert_eq!(town.sizes(), [1, 2]);
    drop((one, two));
    town.all_well();
}

#[test]
fn who_keeps_most_is_asked_first() {
    let town = Town::new(6, [6, 6, 6]);
    drop((town.fill(0, 2), town.fill(1, 4)));
    let held = town.fill(2, 2);
    assert_eq!(town.sizes(), [2, 2, 2]);
    drop(held);
    town.all_well();
}

#[test]
fn what_a_pool_keeps_ready_is_left_to_it_but_for_a_smaller_budget() {
    let town = Town::built(3, &[3, 3], false, |nth, builder| {
        builder.min_idle(if nth == 0 { 2 } else { 0 })
    });
    drop(town.fill(0, 3));
    let held = town.hold(1);
    assert_eq!(town.sizes(), [2, 1]);
    let waiter = town.get(1).waits();
    assert_eq!(
        (town.sizes(), town.budget.snapshot().waiting),
        (vec![2, 1], 1)
    );
    drop(waiter);
    town.budget.resize(1);
    assert_eq!(
        town.sizes(),
        [0, 1],
        "more than there may be goes, whatever it is for"
    );
    drop(held);
    town.world.limit(3);
    town.budget.resize(3);
    assert_eq!(town.budget.snapshot().in_use, 1);
}

#[test]
fn what_comes_back_to_a_pool_in_which_nobody_waits_goes_to_who_waits_elsewhere() {
    let town = Town::new(2, [2, 2]);
    let mut held = town.fill(0, 2);
    let mut waiters = town.queue(1, 2);
    assert!(!waiters[0].is_woken());
    drop(held.pop());
    let first = waiters[0].woken_ready().unwrap();
    assert!(!waiters[1].is_woken(), "one place for one");
    assert_eq!((town.sizes(), town.world.dropped()), (vec![1, 1], 1));
    drop(held);
    let second = waiters[1].woken_ready().unwrap();
    assert_eq!(town.sizes(), [0, 2]);
    drop((first, second, waiters));
    assert_eq!(town.sizes(), [0, 2], "nobody wants them");
    town.all_well();
}

#[test]
fn who_waits_for_a_place_is_served_by_its_own_pool_if_that_is_sooner() {
    let town = Town::new(2, [2, 2]);
    let (mine, other) = (town.hold(0), town.hold(1));
    let mut waiter = town.get(0).waits();
    let mut newcomer = town.get(1).waits();
    assert_eq!(town.budget.snapshot().waiting, 2);
    let id = mine.id;
    drop(mine);
    let got = waiter.woken_ready().unwrap();
    assert_eq!(
        (got.id, town.world.made()),
        (id, 2),
        "handed over, and nothing made"
    );
    let now = town.budget.snapshot();
    assert_eq!(
        (now.waiting, now.in_use),
        (1, 2),
        "its place in the budget's line is gone"
    );
    assert_eq!(
        town.pools[0].snapshot().connecting,
        0,
        "and its reservation"
    );
    newcomer.pending();
    drop((got, other, newcomer, waiter));
    town.all_well();
}

#[test]
fn a_free_place_goes_to_the_pool_that_has_fewest_and_there_to_the_first() {
    let town = Town::new(4, [4, 4, 4]);
    let mut rich = town.fill(0, 3);
    let held = town.hold(1);
    let mut late = town.queue(1, 1);
    let mut poor = town.queue(2, 2);
    drop(rich.pop());
    let first = poor[0].woken_ready().unwrap();
    assert!(!late[0].is_woken() && !poor[1].is_woken());
    // Two have one each now: in turn, so the one that has had nothing yet.
    drop(rich.pop());
    let second = late[0].woken_ready().unwrap();
    drop(rich);
    let third = poor[1].woken_ready().unwrap();
    assert_eq!(town.sizes(), [0, 2, 2]);
    drop((held, first, second, third, late, poor));
    town.all_well();
}

#[test]
fn busy_pools_come_to_equal_shares_and_then_keep_their_objects() {
    let town = Town::new(10, [10, 10, 10]);
    let mut held: [Vec<_>; 3] = [town.fill(0, 10), Vec::new(), Vec::new()];
    let mut lines: [Vec<_>; 3] = std::array::from_fn(|_| Vec::new());
    let mut settled = 0;
    for turn in 0..600 {
        for pool in 0..3 {
            // Always more in line than there may be objects.
            while lines[pool].len() < 12 {
                lines[pool].push(town.get(pool).waits());
            }
        }
        let pool = turn % 3;
        if !held[pool].is_empty() {
            drop(held[pool].remove(0));
        }
        for pool in 0..3 {
            serve(&mut lines[pool], &mut held[pool]);
        }
        town.adds_up();
        if turn == 99 {
            settled = town.world.made();
            println!(
                "shares after 100 returns: {:?}, {settled} made",
                town.shares()
            );
        }
    }
    let mut shares = town.shares();
    shares.sort_unstable();
    assert_eq!(shares, [3, 3, 4]);
    assert_eq!(
        settled, 16,
        "each place that moved cost one connect, and no more"
    );
    assert_eq!(
        town.world.made(),
        settled,
        "five hundred returns, and none was closed"
    );
    drop((held, lines));
    town.all_well();
}

#[test]
fn a_pool_that_has_nothing_is_let_in_where_there_are_fewer_places_than_busy_pools() {
    let town = Town::new(1, [2, 2]);
    let mut held: [Vec<_>; 2] = [vec![town.hold(0)], Vec::new()];
    let mut lines = [town.queue(0, 1), town.queue(1, 1)];
    let mut served = [0, 0];
    for _ in 0..200 {
        held.iter_mut().for_each(Vec::clear);
        for pool in 0..2 {
            served[pool] += serve(&mut lines[pool], &mut held[pool]);
            if lines[pool].is_empty() {
                lines[pool].push(town.get(pool).waits());
            }
        }
        town.adds_up();
    }
    println!("served in turn: {served:?}, made: {}", town.world.made());
    assert!(served[0].abs_diff(served[1]) <= 20, "{served:?}");
    assert!(
        town.world.made() <= 200 / 8 + 2,
        "not one connect for each use"
    );
    drop((held, lines));
    town.all_well();
}

#[test]
fn who_would_not_wait_is_refused_unless_something_can_be_closed_at_once() {
    let town = Town::new(1, [1, 1]);
    let held = town.hold(0);
    assert!(matches!(
        town.try_get(1),
        Err(PoolError::Timeout(TimeoutType::Wait))
    ));
    let how = Acquire::new().try_only();
    let refused = Polled::new(None, town.pools[1].acquire(&how)).ready();
    let refused = refused.err().unwrap();
    assert!(matches!(refused.reason(), Reason::WouldWait), "{refused}");
    assert_eq!(
        town.budget.snapshot().waiting,
        0,
        "and leaves nothing behind"
    );
    assert_eq!(town.pools[1].snapshot().size, 0);
    assert_eq!(
        town.pools[1].stats().create_failures,
        0,
        "nothing was tried"
    );
    drop(held);
    drop(town.try_get(1).unwrap());
    town.all_well();
}

#[test]
fn waiting_for_a_place_is_waiting_and_the_bound_on_making_begins_with_the_making() {
    let bounds = Timeouts {
        wait: Some(3 * S),
        create: Some(S),
        recycle: None,
    };
    let town = Town::with_runtime(1, [1, 1], |_, builder| builder.timeouts(bounds));
    let held = town.hold(0);
    let mut late = town.get(1).waits();
    town.advance(2 * S);
    assert!(!late.is_woken(), "the bound on making has not begun");
    let mut later = town.get(1);
    later.pending();
    town.advance(S);
    let error = late.woken_ready().err();
    assert!(
        matches!(error, Some(PoolError::Timeout(TimeoutType::Wait))),
        "{error:?}"
    );
    town.adds_up();
    // It hangs as soon as it may begin.
    town.world.create.then(Step::Never);
    drop(held);
    later.pending();
    town.advance(S);
    let error = later.woken_ready().err();
    assert!(
        matches!(error, Some(PoolError::Timeout(TimeoutType::Create))),
        "{error:?}"
    );
    assert_eq!(town.budget.snapshot().in_use, 0);
    town.all_well();
}

#[test]
fn a_deadline_covers_the_wait_for_a_place() {
    let town = Town::with_runtime(1, [1, 1], |_, builder| builder);
    let held = town.hold(0);
    let how = Acquire::new().deadline(S);
    let mut acquire = Polled::new(town.handle(), town.pools[1].acquire(&how));
    acquire.pending();
    town.advance(S);
    let error = acquire.woken_ready().err().unwrap();
    assert!(
        matches!(error.reason(), Reason::Deadline(TimeoutType::Wait)),
        "{error}"
    );
    drop((acquire, held));
    town.all_well();
}

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
fn those_who_wait_for_a_place_are_served_by_returns_also_where_few_may_connect() {
    let town = Town::built(1, &[4, 1], false, |_, builder| builder.max_connecting(1));
    let mine = town.hold(0);
    let mut waiters = town.queue(0, 3);
    assert_eq!(
        town.budget.snapshot().waiting,
        1,
        "the others may not connect yet"
    );
    let mut got = mine;
    for waiter in &mut waiters {
        drop(got);
        got = waiter.woken_ready().unwrap();
    }
    assert_eq!((town.world.made(), town.budget.snapshot().waiting), (1, 0));
    drop((got, waiters));
    town.all_well();
}

#[test]
fn a_pool_is_made_ready_in_a_full_budget_by_what_lies_idle_elsewhere_or_says_that_it_cannot() {
    let town = Town::with_runtime(2, [2, 2], |_, builder| builder);
    drop(town.fill(0, 2));
    let mut warm = Polled::new(town.handle(), town.pools[1].warm_up(2));
    warm.ready().unwrap();
    assert_eq!(town.sizes(), [1, 1], "one, and more only of what is free");
    drop(warm);

    let held = (town.hold(0), town.hold(1));
    let fresh = || Pool::<support::World>::builder(town.world.clone()).max_size(1);
    let ready = fresh()
        .budget(&town.budget)
        .runtime(Runtime::Tokio1)
        .build_ready();
    let mut ready = Polled::new(town.handle(), ready);
    ready.pending();
    town.advance(11 * S);
    let error = ready.woken_ready().err().unwrap();
    assert!(
        matches!(error.step(), ReadyStep::TimedOut(TimeoutType::Wait)),
        "{error}"
    );
    drop((ready, held));
    town.all_well();
}

#[test]
fn spare_objects_are_made_of_what_is_free_and_of_nothing_else() {
    let town = Town::with_runtime(3, [3, 3], |nth, builder| {
        builder.min_idle(if nth == 1 { 2 } else { 0 })
    });
    drop(town.fill(0, 2));
    town.advance(S);
    assert_eq!(town.sizes(), [2, 1], "nothing is closed for a spare one");
    drop(town.hold(0).take());
    town.advance(S);
    assert_eq!(town.sizes(), [1, 2]);
    assert_eq!(town.budget.snapshot().waiting, 0);
    town.adds_up();
}

/// Two kinds of objects in one budget.
struct Words;

impl Manager for Words {
    type Type = String;
    type Error = Infallible;

    async fn create(&self) -> Result<String, Infallible> {
        Ok("word".to_owned())
    }

    async fn recycle(&self, _: &mut String, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

#[test]
fn pools_of_different_managers_share_a_budget() {
    let town = Town::new(1, [1]);
    let words = Pool::<Words>::builder(Words)
        .max_size(5)
        .budget(&town.budget);
    let words = words.build().unwrap();
    let word = Polled::new(None, words.get()).ready().unwrap();
    let mut waiter = town.get(0).waits();
    drop(word);
    drop(waiter.woken_ready().unwrap());
    drop(waiter);
    assert_eq!((words.snapshot().size, town.sizes()), (0, vec![1]));
    let word = Polled::new(None, words.get()).ready().unwrap();
    assert_eq!((words.snapshot().size, town.sizes()), (1, vec![0]));
    drop(Object::take(word));
    assert_eq!(town.budget.snapshot().in_use, 0);
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
fn a_budget_and_its_picture_can_be_printed() {
    let budget = Budget::new(7);
    assert_eq!(
        format!("{budget:?}"),
        "Budget { max: 7, in_use: 0, waiting: 0, .. }"
    );
    let builder = Pool::<Words>::builder(Words).budget(&budget);
    let _pool = builder.build().unwrap();
    assert!(format!("{:?}", budget.snapshot()).contains("pools"));
}
