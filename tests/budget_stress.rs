//! Several pools of one budget with real threads: everything at once for a while. Its cap is never passed, and when
//! it is over nothing is missing. And who waits is served within its bound although others are busy all the time.

mod support;

use millpond::Runtime;
use millpond::managed::{Budget, Manager, Metrics, Pool, RecycleError, RecycleResult, Timeouts};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::Fault;

/// What the server of all pools sees.
#[derive(Debug, Default)]
struct Server {
    there: AtomicUsize,
    peak: AtomicUsize,
    made: AtomicUsize,
    dice: AtomicUsize,
    calm: AtomicBool,
}

/// A manager whose calls fail and dawdle by chance.
#[derive(Clone, Debug)]
struct Tenant(Arc<Server>);

/// A connection, or one that is being made.
#[derive(Debug)]
struct Session(Arc<Server>);

impl Server {
    /// Once in `of`, while it is not calm.
    fn chance(&self, of: usize) -> bool {
        let roll = self.dice.fetch_add(0x9E37_79B9, SeqCst) >> 7;
        !self.calm.load(SeqCst) && roll % of == 0
    }
}

impl Session {
    fn begin(server: &Arc<Server>) -> Self {
        let there = server.there.fetch_add(1, SeqCst) + 1;
        server.peak.fetch_max(there, SeqCst);
        Self(Arc::clone(server))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.there.fetch_sub(1, SeqCst);
    }
}

impl Manager for Tenant {
    type Type = Session;
    type Error = Fault;

    async fn create(&self) -> Result<Session, Fault> {
        let session = Session::begin(&self.0);
        tokio::task::yield_now().await;
        if self.0.chance(7) {
            return Err(Fault);
        }
        self.0.made.fetch_add(1, SeqCst);
        Ok(session)
    }

    async fn recycle(&self, _: &mut Session, _: &Metrics) -> RecycleResult<Fault> {
        if self.0.chance(5) {
            tokio::task::yield_now().await;
        }
        match self.0.chance(23) {
            true => Err(RecycleError::Backend(Fault)),
            false => Ok(()),
        }
    }

    fn has_broken(&self, _: &mut Session) -> bool {
        self.0.chance(41)
    }
}

struct Street {
    server: Arc<Server>,
    budget: Budget,
    pools: Vec<Pool<Tenant>>,
}

impl Street {
    fn new(max: usize, sizes: &[usize]) -> Self {
        let (server, budget) = (Arc::<Server>::default(), Budget::new(max));
        let pool = |size: &usize| {
            let builder = Pool::builder(Tenant(Arc::clone(&server))).max_size(*size);
            let builder = builder.budget(&budget).runtime(Runtime::Tokio1);
            builder.build().unwrap()
        };
        Self {
            pools: sizes.iter().map(pool).collect(),
            server,
            budget,
        }
    }

    /// Nobody is there any more: all that is counted lives, and each pool can have all of it.
    async fn rests(&self) {
        self.server.calm.store(true, SeqCst);
        let quiet = || {
            let busy = |pool: &Pool<Tenant>| {
                let now = pool.snapshot();
                now.in_use + now.connecting + now.waiting > 0
            };
            !self.pools.iter().any(busy)
        };
        let began = Instant::now();
        while !quiet() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{:?}",
                self.budget
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let now = self.budget.snapshot();
        assert_eq!(
            (now.in_use, now.waiting),
            (self.server.there.load(SeqCst), 0),
            "{now:?}"
        );
        assert!(now.in_use <= now.max, "{now:?}");
        for pool in &self.pools {
            let most = now.max.min(pool.snapshot().max_size);
            let mut held = Vec::new();
            for _ in 0..most {
                let got = tokio::time::timeout(Duration::from_secs(20), pool.get()).await;
                held.push(got.expect("nobody else wants it").unwrap());
            }
        }
    }
}

/// Gets in every way until the time is over; says how often it was served.
async fn live(pool: Pool<Tenant>, seed: usize, until: Instant) -> usize {
    let (mut roll, mut served) = (seed, 0);
    while Instant::now() < until {
        roll = roll
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E);
        let chance = roll >> 33;
        let timeouts = Timeouts {
            wait: [None, Some(Duration::ZERO), Some(Duration::from_micros(300))][chance % 3],
            create: (chance % 5 == 0).then_some(Duration::from_micros(50)),
            recycle: None,
        };
        // One in eight is cancelled after a while, wherever it is then.
        let get = pool.timeout_get(&timeouts);
        let got = match chance % 8 {
            0 => tokio::time::timeout(Duration::from_micros(200), get)
                .await
                .ok(),
            _ => Some(get.await),
        };
        if let Some(Ok(object)) = got {
            served += 1;
            for _ in 0..chance % 4 {
                tokio::task::yield_now().await;
            }
            drop(object);
        }
        tokio::task::yield_now().await;
    }
    served
}

#[test]
fn whatever_many_threads_do_the_cap_holds_and_nothing_is_lost() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let street = Street::new(4, &[4, 3, 2]);
        let until = Instant::now() + Duration::from_secs(2);
        let mut tasks = Vec::new();
        for (nth, pool) in street.pools.iter().enumerate() {
            for task in 0..6 {
                tasks.push(tokio::spawn(live(pool.clone(), nth * 31 + task, until)));
            }
        }
        // The budget changes all the while; what is counted as the peak is what the largest allows.
        while Instant::now() < until {
            for max in [4, 2, 3, 1, 4] {
                street.budget.resize(max);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            street.pools[2].refresh();
        }
        street.budget.resize(4);
        let mut served = 0;
        for task in tasks {
            served += task.await.unwrap();
        }
        let (made, peak) = (
            street.server.made.load(SeqCst),
            street.server.peak.load(SeqCst),
        );
        println!("{served} served by {made} connections, at most {peak} at once");
        assert!(peak <= 4, "{peak} at once");
        assert!(served > 1_000, "{served} in two seconds");
        street.rests().await;
    });
}

#[test]
fn nobody_starves_beside_two_pools_that_never_rest() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let street = Street::new(2, &[2, 2, 2]);
        street.server.calm.store(true, SeqCst);
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for pool in &street.pools[..2] {
            for _ in 0..4 {
                let (pool, over) = (pool.clone(), Arc::clone(&over));
                tasks.push(tokio::spawn(async move {
                    while !over.load(SeqCst) {
                        let _object = pool.get().await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }));
            }
        }
        for _ in 0..200 {
            let got = tokio::time::timeout(Duration::from_secs(10), street.pools[2].get()).await;
            drop(got.expect("a few returns of the others").unwrap());
            // Its object is claimed by the others as soon as it lies idle.
            tokio::task::yield_now().await;
        }
        over.store(true, SeqCst);
        for task in tasks {
            task.await.unwrap();
        }
        assert!(street.server.peak.load(SeqCst) <= 2);
        street.rests().await;
    });
}
