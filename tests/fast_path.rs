//! P2: with an object idle, a get and its return neither allocate nor free nor arm a timer, whatever is
//! configured; and what the other ways cost is pinned.

mod support;

use millpond::Runtime;
use millpond::managed::{
    Acquire, Budget, Hook, Manager, Metrics, Object, Pool, Priority, QueueMode, RecycleResult,
    Timeouts,
};
use millpond::observe::Listener;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use support::counting::{Counting, allocations, bytes};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Numbers, made at once.
struct Numbers;

impl Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
    }

    async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

/// All bounds but the one on the check.
const WAITS: Timeouts = Timeouts {
    recycle: None,
    ..ALL
};

const ALL: Timeouts = Timeouts {
    wait: Some(Duration::from_secs(5)),
    create: Some(Duration::from_secs(5)),
    recycle: Some(Duration::from_secs(5)),
};

fn pool(mode: QueueMode, timeouts: Option<Timeouts>) -> Pool<Numbers> {
    let mut builder = Pool::builder(Numbers).max_size(2).queue_mode(mode);
    if let Some(timeouts) = timeouts {
        builder = builder.timeouts(timeouts).runtime(Runtime::Tokio1);
    }
    builder.build().unwrap()
}

/// Without a timer to arm: whoever tries panics.
fn timerless() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending where it should be ready"),
    }
}

/// What `step` allocates and frees on the balance, over a thousand times.
fn cost(mut step: impl FnMut()) -> (usize, isize) {
    // What is made once is made now.
    (0..3).for_each(|_| step());
    let before = (allocations(), bytes());
    (0..1_000).for_each(|_| step());
    (allocations() - before.0, bytes() - before.1)
}

/// Every way to get, on a pool with these time-outs.
fn all_gets_are_free(mode: QueueMode, timeouts: Option<Timeouts>) {
    let runtime = timerless();
    let _inside = runtime.enter();
    let pool = pool(mode, timeouts);
    let (own, how) = (timeouts.unwrap_or(support::oracle::NO_WAIT), Acquire::new());
    let costs = [
        cost(|| drop(ready(pool.get()).unwrap())),
        cost(|| drop(ready(pool.timeout_get(&own)).unwrap())),
        cost(|| drop(ready(pool.acquire(&how)).unwrap())),
    ];
    assert_eq!(costs, [(0, 0); 3], "{mode:?}, {timeouts:?}");
    if timeouts.is_some() {
        let hurried = Acquire::new().deadline(Duration::from_secs(1));
        let bounded = cost(|| drop(ready(pool.acquire(&hurried)).unwrap()));
        assert_eq!(bounded, (0, 0), "with a deadline, {mode:?}, {timeouts:?}");
    }
    assert_eq!((pool.snapshot().size, pool.snapshot().idle), (1, 1));
}

#[test]
fn a_get_and_a_return_with_an_object_idle_allocate_and_free_nothing() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        all_gets_are_free(mode, None);
        all_gets_are_free(mode, Some(WAITS));
    }
}

#[test]
fn nor_do_they_with_a_bound_on_the_check() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        all_gets_are_free(mode, Some(ALL));
    }
}

#[test]
fn nor_do_they_with_hooks() {
    let hook = || Hook::sync_fn(|_: &mut u64, _| Ok(()));
    let hooked = || Pool::<Numbers>::builder(Numbers).max_size(1);
    for builder in [hooked().pre_recycle(hook()), hooked().post_recycle(hook())] {
        let pool = builder.build().unwrap();
        assert_eq!(cost(|| drop(ready(pool.get()).unwrap())), (0, 0));
    }
}

#[test]
fn nor_do_they_while_somebody_looks_for_leaks_and_listens() {
    struct Ear;
    impl Listener for Ear {}
    let builder = Pool::<Numbers>::builder(Numbers).max_size(1);
    let minute = Some(Duration::from_secs(60));
    let builder = builder.leak_threshold(minute).listener(Arc::new(Ear));
    let pool = builder.build().unwrap();
    assert_eq!(cost(|| drop(ready(pool.get()).unwrap())), (0, 0));
}

#[test]
fn nor_do_they_in_a_pool_that_shares_a_budget_while_nobody_waits_for_a_place_in_it() {
    let budget = Budget::new(1);
    let builder = Pool::<Numbers>::builder(Numbers).max_size(1);
    let pool = builder.budget(&budget).build().unwrap();
    assert_eq!(cost(|| drop(ready(pool.get()).unwrap())), (0, 0));
    assert_eq!(budget.snapshot().in_use, 1);
}

#[test]
fn nor_do_they_where_slots_are_kept_for_a_priority() {
    let pool = Pool::<Numbers>::builder(Numbers).max_size(3).reserve(1);
    let pool = pool.build().unwrap();
    let urgent = Acquire::new().priority(Priority::High);
    let costs = [
        cost(|| drop(ready(pool.get()).unwrap())),
        cost(|| drop(ready(pool.acquire(&urgent)).unwrap())),
        cost(|| drop([ready(pool.get()).unwrap(), ready(pool.get()).unwrap()])),
    ];
    assert_eq!(costs, [(0, 0); 3]);
}

#[test]
fn several_objects_in_hand_make_no_difference() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let pool = pool(mode, None);
        let both = || drop([ready(pool.get()).unwrap(), ready(pool.get()).unwrap()]);
        assert_eq!(cost(both), (0, 0), "{mode:?}");
    }
}

#[test]
fn a_snapshot_and_a_status_allocate_nothing() {
    let pool = pool(QueueMode::Fifo, None);
    let _held = ready(pool.get()).unwrap();
    assert_eq!(cost(|| assert_eq!(pool.snapshot().in_use, 1)), (0, 0));
    assert_eq!(cost(|| assert_eq!(pool.status().size, 1)), (0, 0));
}

#[test]
fn with_time_outs_configured_no_timer_is_armed_until_something_waits() {
    timerless().block_on(async {
        let pool = pool(QueueMode::Fifo, Some(ALL));
        // Made, checked, taken again: all at once.
        let one = pool.get().await.unwrap();
        let two = pool.timeout_get(&ALL).await.unwrap();
        drop((one, two));
        let how = Acquire::new().deadline(Duration::from_secs(1));
        drop(pool.acquire(&how).await.unwrap());
        drop(pool.get().await.unwrap());
        assert_eq!(pool.snapshot().idle, 2);
    });
}

#[test]
fn a_wait_without_bounds_costs_one_allocation_and_leaves_none() {
    let pool = pool(QueueMode::Fifo, None);
    let mut held = vec![ready(pool.get()).unwrap(), ready(pool.get()).unwrap()];
    let mut context = Context::from_waker(Waker::noop());
    let wait = || {
        let mut get = pin!(pool.get());
        assert!(get.as_mut().poll(&mut context).is_pending());
        held.pop();
        match get.poll(&mut context) {
            Poll::Ready(got) => held.push(got.unwrap()),
            Poll::Pending => panic!("the object that came back is its"),
        }
    };
    let (allocations, left) = cost(wait);
    println!("allocations for a thousand waits: {allocations}");
    assert_eq!(left, 0);
    assert!(allocations <= 1_000, "{allocations} for a thousand waits");
}

#[test]
fn an_object_is_one_word_and_the_future_of_a_get_is_small() {
    let pool = pool(QueueMode::Fifo, None);
    let how = Acquire::new();
    let sizes = [
        size_of_val(&pool.get()),
        size_of_val(&pool.timeout_get(&ALL)),
        size_of_val(&pool.acquire(&how)),
    ];
    println!("futures of get, timeout_get and acquire: {sizes:?} bytes");
    assert_eq!(size_of::<Object<Numbers>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Object<Numbers>>>(), 2 * size_of::<usize>());
    assert!(sizes.iter().all(|size| *size <= 1_024), "{sizes:?}");
}
