//! What the order of the line is worth under overload: one minute with 1.3 times as many callers as the pool can serve,
//! each of whom has one second, first come first served, newest first, and with `shed_overload`.
//!
//! The pool serves the line in its order; newest first is played on top of it, by handing what comes back to the
//! last who came. `docs/design.md` draws the conclusion: `cargo test --test overload -- --nocapture` prints the figures.
#![cfg(feature = "rt_tokio_1")]

use millpond::Runtime;
use millpond::managed::{Acquire, Manager, Metrics, Object, Pool, Reason, RecycleResult};
use millpond::observe::HandClock;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How finely the pool's own clock goes.
const TICK: Duration = Duration::from_millis(5);
/// What each caller has, for waiting and for its work.
const SECOND: Duration = Duration::from_secs(1);
const LASTS: Duration = Duration::from_secs(60);
const SIZE: usize = 10;
/// How long an object is used on average: the pool serves a hundred callers a second.
const WORK: Duration = Duration::from_millis(100);
const LOAD: f64 = 1.3;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    InOrder,
    NewestFirst,
    Shedding,
}

/// How one caller fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It had its object after so long, and was done after so long.
    Served {
        waited: Duration,
        done: Duration,
    },
    TimedOut,
    /// At once.
    Refused,
}

/// A minute of it.
#[derive(Debug)]
struct Outcome {
    callers: usize,
    timed_out: usize,
    refused: usize,
    /// Who was done within the second that its own caller had given it.
    done_in_time: usize,
    median_wait: Duration,
}

/// Numbers from 0 to 1, the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Times between events that know nothing of each other.
    fn time(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.throw()).ln())
    }
}

/// A pool, and those who wait for it in another order than its own.
struct Counter {
    pool: Pool<Numbers>,
    service: Service,
    /// How long each waits at most.
    patience: Duration,
    stack: Mutex<Vec<oneshot::Sender<Object<Numbers>>>>,
}

impl Counter {
    async fn obtain(&self) -> Result<Object<Numbers>, Fate> {
        if self.service != Service::NewestFirst {
            let how = Acquire::new().deadline(self.patience);
            return self
                .pool
                .acquire(&how)
                .await
                .map_err(|error| match error.reason() {
                    Reason::Overloaded { .. } => Fate::Refused,
                    Reason::Deadline(_) => Fate::TimedOut,
                    other => panic!("{other:?}"),
                });
        }
        if let Ok(object) = self.pool.acquire(&Acquire::new().try_only()).await {
            return Ok(object);
        }
        let (hand_over, handed) = oneshot::channel();
        self.stack.lock().unwrap().push(hand_over);
        let handed = timeout(self.patience, handed).await;
        handed.map_or(Err(Fate::TimedOut), |object| Ok(object.unwrap()))
    }

    fn give_back(&self, mut object: Object<Numbers>) {
        let mut stack = self.stack.lock().unwrap();
        while let Some(newest) = stack.pop() {
            match newest.send(object) {
                Ok(()) => return,
                Err(back) => object = back,
            }
        }
    }

    async fn serve(self: Arc<Self>, work: Duration) -> Fate {
        let came = Instant::now();
        let object = match self.obtain().await {
            Ok(object) => object,
            Err(fate) => return fate,
        };
        let waited = came.elapsed();
        sleep(work).await;
        self.give_back(object);
        let done = came.elapsed();
        Fate::Served { waited, done }
    }
}

async fn play(service: Service, patience: Duration) -> Outcome {
    let clock = HandClock::new();
    let pool = Pool::builder(Numbers)
        .max_size(SIZE)
        .runtime(Runtime::Tokio1)
        .clock(&clock)
        .shed_overload(service == Service::Shedding);
    let counter = Arc::new(Counter {
        pool: pool.build().unwrap(),
        service,
        patience,
        stack: Mutex::new(Vec::new()),
    });
    let turns = tokio::spawn(async move {
        loop {
            sleep(TICK).await;
            clock.advance(TICK);
        }
    });
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let between = WORK.div_f64(SIZE as f64 * LOAD);
    let (begin, mut at) = (Instant::now(), Duration::ZERO);
    let mut callers = Vec::new();
    while at < LASTS {
        at += dice.time(between);
        sleep_until(begin + at).await;
        let work = dice.time(WORK);
        callers.push(tokio::spawn(Arc::clone(&counter).serve(work)));
    }
    let mut fates = Vec::new();
    for caller in callers {
        fates.push(caller.await.unwrap());
    }
    turns.abort();
    outcome(&fates)
}

fn outcome(fates: &[Fate]) -> Outcome {
    let count = |fate: Fate| fates.iter().filter(|other| **other == fate).count();
    let served = || {
        fates.iter().filter_map(|fate| match fate {
            Fate::Served { waited, done } => Some((*waited, *done)),
            _ => None,
        })
    };
    let mut waits: Vec<_> = served().map(|(waited, _)| waited).collect();
    waits.sort_unstable();
    Outcome {
        callers: fates.len(),
        timed_out: count(Fate::TimedOut),
        refused: count(Fate::Refused),
        done_in_time: served().filter(|(_, done)| *done <= SECOND).count(),
        median_wait: waits[waits.len() / 2],
    }
}

#[tokio::test(start_paused = true)]
async fn newest_first_times_out_as_many_as_the_line_in_its_order_and_shedding_hardly_any() {
    let [in_order, newest_first, shedding, hurried] = [
        play(Service::InOrder, SECOND).await,
        play(Service::NewestFirst, SECOND).await,
        play(Service::Shedding, SECOND).await,
        play(Service::InOrder, SECOND / 2).await,
    ];
    println!("in order:           {in_order:?}");
    println!("newest first:       {newest_first:?}");
    println!("shedding:           {shedding:?}");
    println!("in order, hurried:  {hurried:?}");
    let callers = in_order.callers;
    assert!(callers > 7_000 && callers == newest_first.callers && callers == shedding.callers);
    // Whoever has an object keeps it busy for as long, whoever that is: the others are as many.
    let excess = callers - (callers as f64 / LOAD) as usize;
    let about = |count: usize| count.abs_diff(excess) < callers / 20;
    assert!(about(in_order.timed_out) && in_order.refused == 0);
    assert!(about(newest_first.timed_out) && newest_first.refused == 0);
    assert!(about(shedding.timed_out + shedding.refused));
    let saved = in_order.timed_out.abs_diff(newest_first.timed_out);
    assert!(
        saved < callers / 50,
        "the order makes a difference of {saved}"
    );
    // What shedding changes is when they hear.
    assert!(shedding.timed_out < in_order.timed_out / 4);
    // What newest first changes is who waits, and so how many have time left for their work; but so does a bound on
    // the wait that leaves it to everybody.
    assert!(newest_first.median_wait < in_order.median_wait / 4);
    assert!(newest_first.done_in_time > 2 * in_order.done_in_time);
    assert!(hurried.done_in_time + callers / 20 > newest_first.done_in_time);
}
