//! P1, P5, P8 with real threads: everything at once for a while, the counts read all along; and the pool's
//! last handle beside two returns, which is the test of `src/tether.rs` to run under AddressSanitizer.

mod support;

use millpond::Runtime;
use millpond::managed::{
    Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType,
    Timeouts,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};
use support::{Fault, Polled, Scene};

/// A manager whose calls fail and dawdle by chance, and which counts.
#[derive(Clone, Debug, Default)]
struct Racers(Arc<Score>);

#[derive(Debug, Default)]
struct Score {
    /// Objects that live in the pool, and connects under way.
    there: AtomicUsize,
    peak: AtomicUsize,
    made: AtomicUsize,
    dropped: AtomicUsize,
    dice: AtomicUsize,
    calm: AtomicBool,
    /// What must never be: an object in two hands, or detached or dropped twice.
    wrong: AtomicUsize,
}

#[derive(Debug)]
struct Racer {
    score: Arc<Score>,
    in_hand: AtomicBool,
    detached: AtomicBool,
    away: AtomicBool,
}

impl Score {
    /// Once in `of`, while it is not calm.
    fn chance(&self, of: usize) -> bool {
        let roll = self.dice.fetch_add(0x9E37_79B9, SeqCst) >> 7;
        !self.calm.load(SeqCst) && roll % of == 0
    }

    fn must(&self, right: bool) {
        self.wrong.fetch_add(usize::from(!right), SeqCst);
    }
}

/// A connect under way.
struct Start<'a>(Option<&'a Score>);

impl Drop for Start<'_> {
    fn drop(&mut self) {
        if let Some(score) = self.0 {
            score.there.fetch_sub(1, SeqCst);
        }
    }
}

impl Manager for Racers {
    type Type = Racer;
    type Error = Fault;

    async fn create(&self) -> Result<Racer, Fault> {
        let there = self.0.there.fetch_add(1, SeqCst) + 1;
        self.0.peak.fetch_max(there, SeqCst);
        let mut start = Start(Some(&self.0));
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        if self.0.chance(5) {
            return Err(Fault);
        }
        start.0 = None;
        self.0.made.fetch_add(1, SeqCst);
        Ok(Racer {
            score: Arc::clone(&self.0),
            in_hand: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            away: AtomicBool::new(false),
        })
    }

    async fn recycle(&self, racer: &mut Racer, _: &Metrics) -> RecycleResult<Fault> {
        self.0
            .must(!racer.in_hand.load(SeqCst) && !racer.detached.load(SeqCst));
        if self.0.chance(3) {
            tokio::task::yield_now().await;
        }
        if self.0.chance(11) {
            return Err(RecycleError::Backend(Fault));
        }
        Ok(())
    }

    fn detach(&self, racer: &mut Racer) {
        self.0.must(!racer.detached.swap(true, SeqCst));
        if racer.away.load(SeqCst) {
            self.0.there.fetch_sub(1, SeqCst);
        }
    }

    fn has_broken(&self, racer: &mut Racer) -> bool {
        self.0.must(!racer.in_hand.load(SeqCst));
        self.0.chance(37)
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.score.must(self.detached.load(SeqCst));
        self.score.dropped.fetch_add(1, SeqCst);
        if !self.away.load(SeqCst) {
            self.score.there.fetch_sub(1, SeqCst);
        }
    }
}

/// Uses an object: nobody else may have it meanwhile.
async fn run(object: Object<Racers>, roll: usize) {
    let score = Arc::clone(&object.score);
    score.must(!object.in_hand.swap(true, SeqCst));
    for _ in 0..roll % 4 {
        tokio::task::yield_now().await;
    }
    score.must(object.in_hand.swap(false, SeqCst));
    match roll % 13 {
        0 => {
            object.away.store(true, SeqCst);
            drop(Object::take(object));
        }
        1 => drop(std::thread::spawn(move || drop(object)).join()),
        _ => drop(object),
    }
}

/// Gets in every way until the time is over.
async fn race(pool: Pool<Racers>, seed: usize, until: Instant) -> usize {
    let (mut roll, mut served) = (seed, 0);
    while Instant::now() < until {
        roll = roll
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E);
        let chance = roll >> 33;
        let timeouts = Timeouts {
            wait: [None, Some(Duration::ZERO), Some(Duration::from_micros(200))][chance % 3],
            create: (chance % 5 == 0).then_some(Duration::from_micros(50)),
            recycle: (chance % 7 == 0).then_some(Duration::from_micros(50)),
        };
        // One in three is cancelled after a while, wherever it is then.
        let get = async {
            match chance % 3 {
                0 => pool.get().await,
                _ => pool.timeout_get(&timeouts).await,
            }
        };
        let got = if chance % 4 == 0 {
            tokio::select! { biased; got = get => Some(got), () = some_yields(chance % 6) => None }
        } else {
            Some(get.await)
        };
        match got {
            Some(Ok(object)) => {
                served += 1;
                run(object, chance >> 5).await;
            }
            Some(Err(PoolError::Closed | PoolError::NoRuntimeSpecified)) => panic!("{got:?}"),
            _ => tokio::task::yield_now().await,
        }
    }
    served
}

async fn some_yields(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// Reads the counts as fast as it can.
fn watch(pool: &Pool<Racers>, most: usize, until: Instant) -> usize {
    let mut read = 0;
    while Instant::now() < until {
        let now = pool.snapshot();
        assert_eq!(now.idle + now.connecting + now.in_use, now.size, "{now:?}");
        assert!(now.waiting == 0 || now.idle == 0, "{now:?}");
        assert!(now.size <= most, "{now:?}");
        let status = pool.status();
        assert!(
            status.available <= status.size && status.size <= most,
            "{status:?}"
        );
        if read % 64 == 0 {
            assert!(pool.checkouts().len() <= most);
        }
        read += 1;
    }
    read
}

/// `sizes`: what the maximum is set to in turn; the largest stands first.
fn everything_at_once(mode: QueueMode, background: bool, sizes: &'static [usize]) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let racers = Racers::default();
    let builder = Pool::builder(racers.clone())
        .max_size(sizes[0])
        .queue_mode(mode);
    let builder = match background {
        true => builder.runtime(Runtime::Tokio1),
        false => builder
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_millis(20))),
    };
    let pool: Pool<Racers> = builder.build().unwrap();
    let until = Instant::now() + Duration::from_millis(450);
    let watcher = std::thread::spawn({
        let pool = pool.clone();
        move || watch(&pool, sizes[0], until)
    });
    let steward = std::thread::spawn({
        let pool = pool.clone();
        move || {
            for size in sizes.iter().cycle().take_while(|_| Instant::now() < until) {
                pool.resize(*size);
                let removed = pool.retain(|racer, _| {
                    let keep = !racer.score.chance(4);
                    racer.away.store(!keep, SeqCst);
                    keep
                });
                drop(removed);
                std::thread::sleep(Duration::from_micros(300));
            }
        }
    });
    let served: usize = runtime.block_on(async {
        let tasks: Vec<_> = (1..=16)
            .map(|seed| tokio::spawn(race(pool.clone(), seed, until)))
            .collect();
        let mut served = 0;
        for task in tasks {
            let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
            served += ended.expect("somebody sleeps beside capacity").unwrap();
        }
        served
    });
    let read = watcher.join().unwrap();
    steward.join().unwrap();
    println!(
        "{mode:?} {sizes:?}: {served} served, {read} snapshots, {:?}",
        racers.0
    );
    assert!(served > 100 && read > 100);
    let score = &racers.0;
    score.calm.store(true, SeqCst);
    pool.resize(sizes[0]);
    runtime.block_on(at_the_end(&pool, sizes[0], score));
    drop((pool, runtime));
    let (made, dropped) = (score.made.load(SeqCst), score.dropped.load(SeqCst));
    assert_eq!(
        (made, score.there.load(SeqCst)),
        (dropped, 0),
        "every object is gone"
    );
    assert_eq!(score.wrong.load(SeqCst), 0, "ONCE");
    assert!(score.peak.load(SeqCst) <= sizes[0], "LIM: {score:?}");
    assert_eq!(Arc::strong_count(score), 1, "the manager is gone");
}

async fn at_the_end(pool: &Pool<Racers>, max: usize, score: &Score) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let now = pool.snapshot();
        if (now.in_use, now.connecting, now.waiting) == (0, 0, 0) {
            assert_eq!(now.size, score.there.load(SeqCst), "ACC: {now:?}");
            break;
        }
        assert!(Instant::now() < until, "never at rest: {now:?}");
        // Connects go on in the background.
        tokio::task::yield_now().await;
    }
    let mut held = Vec::new();
    for nth in 0..max {
        let got = pool.timeout_get(&support::oracle::NO_WAIT).await;
        held.push(got.unwrap_or_else(|error| panic!("CAP: only {nth} of {max}: {error}")));
    }
    let next = pool.timeout_get(&support::oracle::NO_WAIT).await;
    assert!(
        matches!(next, Err(PoolError::Timeout(TimeoutType::Wait))),
        "CAP"
    );
    assert!(pool.checkouts().len() == max);
}

#[test]
fn gets_cancels_takes_faults_and_retains_at_once() {
    everything_at_once(QueueMode::Fifo, true, &[5]);
    everything_at_once(QueueMode::Lifo, false, &[3]);
}

#[test]
fn and_resizes_beside_them() {
    everything_at_once(QueueMode::Fifo, false, &[8, 2, 5, 0, 7, 1]);
    everything_at_once(QueueMode::Lifo, true, &[6, 1]);
}

#[test]
fn the_last_handle_beside_returns() {
    const ROUNDS: usize = 20_000;
    let barrier = Arc::new(Barrier::new(3));
    let desks: [Arc<Mutex<Option<Object<Racers>>>>; 2] = [Arc::default(), Arc::default()];
    let others = desks.clone().map(|desk| {
        let barrier = Arc::clone(&barrier);
        std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                barrier.wait();
                let object = desk.lock().unwrap().take();
                barrier.wait();
                drop(object);
                barrier.wait();
            }
        })
    });
    for round in 0..ROUNDS {
        let racers = Racers::default();
        racers.0.calm.store(true, SeqCst);
        let pool: Pool<Racers> = Pool::builder(racers.clone())
            .max_size(2 + round % 2)
            .queue_mode([QueueMode::Fifo, QueueMode::Lifo][round / 2 % 2])
            .build()
            .unwrap();
        for desk in &desks {
            let mut get = Polled::new(None, pool.get());
            // Its create yields three times.
            (0..3).for_each(|_| get.pending());
            *desk.lock().unwrap() = Some(get.ready().unwrap());
        }
        barrier.wait();
        barrier.wait();
        // Now the others return; this falls a little earlier or later each time.
        (0..round % 64).for_each(|_| std::hint::spin_loop());
        drop(pool);
        barrier.wait();
        let score = &racers.0;
        let (there, dropped) = (score.there.load(SeqCst), score.dropped.load(SeqCst));
        assert_eq!((there, dropped), (0, 2), "round {round}: live, dropped");
        assert_eq!(
            Arc::strong_count(score),
            1,
            "round {round}: the manager lives"
        );
        assert_eq!(score.wrong.load(SeqCst), 0, "round {round}: ONCE");
    }
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn the_last_handle_beside_a_getter_that_is_served() {
    for round in 0..2_000 {
        let mut scene = Scene::new(1);
        let held = scene.hold();
        let pool = scene.sole_handle();
        let waiter = Polled::new(None, {
            let pool = pool.clone();
            async move { pool.get().await.map(drop).map_err(drop) }
        });
        let mut waiter = waiter.waits();
        std::thread::scope(|scope| {
            scope.spawn(|| drop(held));
            scope.spawn(|| drop(pool));
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            let _ = waiter.poll();
        });
        drop(waiter);
        scene.all_freed();
    }
}
