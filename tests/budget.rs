//! Several pools under one budget: its cap, who gets what is free, and what lies idle elsewhere. Every way for a place
//! to come back: `budget_ways.rs`.

mod support;

use millpond::Runtime;
use millpond::managed::{
    Acquire, Budget, Manager, Metrics, Object, Pool, PoolError, ReadyStep, Reason, RecycleResult,
    TimeoutType, Timeouts,
};
use std::convert::Infallible;
use std::time::Duration;
use support::{Polled, Step, Town};

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
        for (pool, line) in lines.iter_mut().enumerate() {
            // Always more in line than there may be objects.
            while line.len() < 12 {
                line.push(town.get(pool).waits());
            }
        }
        let pool = turn % 3;
        if !held[pool].is_empty() {
            drop(held[pool].remove(0));
        }
        for (line, held) in lines.iter_mut().zip(&mut held) {
            serve(line, held);
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
    assert_eq!(error.budget().map(|it| (it.in_use, it.max)), Some((1, 1)));
    let told = error.to_string();
    assert!(told.contains("its budget: 1/1 in use"), "{told}");
    drop((acquire, held));
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
