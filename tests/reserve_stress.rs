//! Slots that are kept for a priority, with real threads: many without one who fail, leave and give up, few with one
//! who must always get through, and somebody who resizes and pauses.
#![cfg(feature = "rt_tokio_1")]

use millpond::Runtime;
use millpond::managed::{
    Acquire, Manager, Metrics, Object, Pool, Priority, Reason, RecycleError, RecycleResult,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

const MAX: usize = 6;
const RESERVE: usize = 2;

/// Makes numbers; some connects and some checks fail, by chance.
#[derive(Debug, Default)]
struct Moody {
    dice: AtomicUsize,
    calm: AtomicBool,
}

impl Moody {
    fn chance(&self, of: usize) -> bool {
        let roll = self.dice.fetch_add(0x9E37_79B9, SeqCst) >> 7;
        !self.calm.load(SeqCst) && roll % of == 0
    }
}

impl Manager for Moody {
    type Type = u64;
    type Error = ();

    async fn create(&self) -> Result<u64, ()> {
        tokio::task::yield_now().await;
        if self.chance(7) { Err(()) } else { Ok(7) }
    }

    async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<()> {
        if self.chance(3) {
            tokio::task::yield_now().await;
        }
        match self.chance(9) {
            true => Err(RecycleError::message("moody")),
            false => Ok(()),
        }
    }

    fn has_broken(&self, _: &mut u64) -> bool {
        self.chance(31)
    }
}

/// What is counted beside the pool.
#[derive(Debug, Default)]
struct Tally {
    over: AtomicBool,
    /// Those without priority who hold an object, and the most that ever did.
    ordinary: AtomicUsize,
    most: AtomicUsize,
    served: [AtomicUsize; 2],
}

type Crowd = (Pool<Moody>, Arc<Tally>);

/// Comes, and works or takes or leaves, again and again.
async fn visit((pool, tally): Crowd, number: usize) {
    let mut round = number;
    while !tally.over.load(SeqCst) {
        round = round.wrapping_mul(0x5DEE_CE66).wrapping_add(11);
        let patience = Duration::from_micros(50 * (1 + round as u64 % 40));
        let how = Acquire::new().label("ordinary");
        let Ok(Ok(object)) = tokio::time::timeout(patience, pool.acquire(&how)).await else {
            continue;
        };
        tally.served[0].fetch_add(1, SeqCst);
        let now = tally.ordinary.fetch_add(1, SeqCst) + 1;
        tally.most.fetch_max(now, SeqCst);
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        tally.ordinary.fetch_sub(1, SeqCst);
        match round % 13 {
            0 => drop(Object::take(object)),
            _ => drop(object),
        }
    }
}

/// Gets through, whatever the others do: who fails tries again, who is late has found a fault.
async fn beat((pool, tally): Crowd) {
    let how = Acquire::new()
        .priority(Priority::High)
        .deadline(Duration::from_secs(20));
    while !tally.over.load(SeqCst) {
        match pool.acquire(&how).await {
            Ok(object) => {
                tally.served[1].fetch_add(1, SeqCst);
                tokio::task::yield_now().await;
                drop(object);
            }
            Err(error) => assert!(matches!(error.reason(), Reason::Backend(())), "{error:?}"),
        }
    }
}

async fn hold_all(pool: &Pool<Moody>, priority: Priority) -> Vec<Object<Moody>> {
    let how = Acquire::new().priority(priority).try_only();
    let mut held = Vec::new();
    loop {
        match pool.acquire(&how).await {
            Ok(object) => held.push(object),
            Err(error) => {
                assert!(matches!(error.reason(), Reason::WouldWait), "{error:?}");
                return held;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_with_priority_get_through_any_crowd_and_nothing_is_lost() {
    let builder = Pool::<Moody>::builder(Moody::default()).max_size(MAX);
    let builder = builder.reserve(RESERVE).runtime(Runtime::Tokio1);
    let crowd: Crowd = (builder.build().unwrap(), Arc::default());
    let (pool, tally) = crowd.clone();
    let visitors = (0..12).map(|number| tokio::spawn(visit(crowd.clone(), number)));
    let beats = (0..RESERVE).map(|_| tokio::spawn(beat(crowd.clone())));
    let tasks: Vec<_> = visitors.chain(beats).collect();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        pool.pause();
        tokio::task::yield_now().await;
        pool.resume();
        pool.resize(MAX - 1);
        pool.resize(MAX);
        let now = pool.snapshot();
        assert!(
            now.size <= MAX && now.idle + now.connecting + now.in_use == now.size,
            "{now}"
        );
    }
    let most = tally.most.load(SeqCst);
    tally.over.store(true, SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    let served = tally.served.each_ref().map(|count| count.load(SeqCst));
    println!("served: {served:?}; at most {most} without priority at once");
    assert!(served.iter().all(|count| *count > 100), "{served:?}");
    assert!(
        most <= MAX - RESERVE,
        "{most} without priority held an object at once"
    );
    pool.manager().calm.store(true, SeqCst);
    // What lost its getter goes on for a moment.
    while pool.snapshot().connecting > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let now = pool.snapshot();
    assert_eq!((now.waiting, now.held_back, now.in_use), (0, 0, 0), "{now}");
    let ordinary = hold_all(&pool, Priority::Normal).await;
    let urgent = hold_all(&pool, Priority::High).await;
    assert_eq!((ordinary.len(), urgent.len()), (MAX - RESERVE, RESERVE));
    drop((ordinary, urgent));
    let gets = pool.stats().gets;
    assert_eq!(gets.started, gets.ended(), "{gets:?}");
}
