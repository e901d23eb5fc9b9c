//! Case 6: two services on one server, with a pool each. One is driven to exhaustion and beyond.
//!
//! The other is measured in windows: one while its neighbour rests, one while its neighbour is exhausted, and so on in
//! turn, so that whatever else the machine does falls on both kinds alike. Of each kind the median window counts, which
//! one bad moment cannot move. The noise is what the windows with a resting neighbour differ by among themselves.

use super::Case;
use super::step::{check_rest, hold};
use crate::Failure;
use crate::data::{Better, Outcome, Scale};
use crate::ground::Ground;
use crate::record::Recorder;
use crate::subject::{Look, Refusal, Subject, Work};
use async_trait::async_trait;
use hdrhistogram::Histogram;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// See `cases/mod.rs`.
pub(super) struct Isolation;

const MOST: usize = 5;
/// Who uses the measured pool: one fewer than it has connections, so that it never has a line of its own.
const CALLERS: usize = 4;
/// How often each of them asks.
const PACE: Duration = Duration::from_millis(4);
/// Their bound.
const BOUND: Duration = Duration::from_secs(1);
/// Who else asks the exhausted pool, all at once and again and again.
const CROWD: usize = 20;
/// The bound of each of the crowd.
const PATIENCE: Duration = Duration::from_millis(150);
/// How long a connection of the exhausted pool is at work at a time: whoever waits for any of it waits about so long.
const HELD: Duration = Duration::from_millis(100);
/// How long the neighbour may take to be full, or to be at rest again.
const TO_TURN: Duration = Duration::from_secs(5);
/// What the noise is at least: so much a busy machine differs by from one window to the next, and much less than
/// [`HELD`].
const NOISE: Duration = Duration::from_millis(25);
/// By how much more of the requests may fail than do with a resting neighbour.
const ERRORS: f64 = 0.01;

#[async_trait]
impl Case for Isolation {
    fn name(&self) -> &'static str {
        "isolation"
    }

    fn title(&self) -> &'static str {
        "Isolation"
    }

    fn question(&self) -> &'static str {
        "When one service has exhausted its pool, does its neighbour on the same server notice nothing?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        vec![
            format!("two pools of {MOST} connections each on one server"),
            format!(
                "one is asked by {CALLERS} callers every {PACE:?} each, in {} windows of {:?}",
                2 * pairs(scale),
                window(scale)
            ),
            format!(
                "in every other window {MOST} hold all connections of the other pool, at work for {HELD:?} at a time, and {CROWD} more ask for one with a bound of {PATIENCE:?}, again and again"
            ),
            format!(
                "noise: the median window counts; its p99 may be as high as that of the worst but one with a resting neighbour, or twice the median of those and {NOISE:?}"
            ),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        self.expected(scale) + TO_TURN * 2 * pairs(scale) + Duration::from_secs(30)
    }

    fn expected(&self, scale: Scale) -> Duration {
        window(scale) * 2 * pairs(scale) + Duration::from_secs(2)
    }

    fn unasked(&self, ground: &Ground) -> Option<String> {
        ground.site().without_server()
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let quiet = ground.make(&ground.spec("quiet", MOST, MOST)).await?;
        let loud = ground.make(&ground.spec("loud", MOST, MOST)).await?;
        let window = window(ground.scale());
        // Connections, statements and this program's own code are warm before anything counts.
        measure(&quiet, window, &Recorder::new(), "").await;
        let (mut resting, mut exhausted) = (Windows::default(), Windows::default());
        let mut beyond = Vec::new();
        for _ in 0..pairs(ground.scale()) {
            resting.add(measure(&quiet, window, ground.recorder(), RESTING).await);
            let loudness = Loudness::begin(ground, &loud).await;
            exhausted.add(measure(&quiet, window, ground.recorder(), EXHAUSTED).await);
            beyond.push(loudness.end(ground).await?);
        }
        check_beyond(ground.recorder(), &beyond);
        check_noise(ground.recorder(), &mut resting, &mut exhausted);
        check_rest(ground, &quiet).await;
        check_rest(ground, &loud).await;
        Ok(())
    }
}

const RESTING: &str = "beside a resting one";
const EXHAUSTED: &str = "beside an exhausted one";

fn pairs(scale: Scale) -> u32 {
    match scale {
        Scale::Short => 7,
        Scale::Full => 15,
    }
}

fn window(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_millis(300),
        Scale::Full => Duration::from_secs(2),
    }
}

/// What one window came to.
#[derive(Clone, Debug)]
struct Window {
    times: Histogram<u64>,
    failed: u64,
}

/// All windows of one kind.
#[derive(Debug, Default)]
struct Windows {
    /// The p99 of each.
    p99s: Vec<Duration>,
    asked: u64,
    failed: u64,
}

impl Windows {
    fn add(&mut self, window: Window) {
        let p99 = window.times.value_at_quantile(0.99);
        self.p99s.push(Duration::from_micros(p99));
        self.asked += window.times.len();
        self.failed += window.failed;
    }

    fn median(&mut self) -> Duration {
        self.p99s.sort_unstable();
        self.p99s
            .get(self.p99s.len() / 2)
            .copied()
            .unwrap_or_default()
    }

    /// The worst but one: a single bad moment is no noise to reckon with.
    fn bad(&self) -> Duration {
        let mut sorted = self.p99s.clone();
        sorted.sort_unstable();
        sorted.iter().rev().nth(1).copied().unwrap_or_default()
    }

    fn error_rate(&self) -> f64 {
        self.failed as f64 / self.asked.max(1) as f64
    }
}

/// The callers of the quiet pool, for one window.
async fn measure(
    pool: &Arc<dyn Subject>,
    window: Duration,
    recorder: &Recorder,
    group: &'static str,
) -> Window {
    let end = Instant::now() + window;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (pool, recorder) = (Arc::clone(pool), recorder.clone());
        callers.spawn(async move {
            let mut pace = interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut ended = Vec::new();
            while Instant::now() < end {
                pace.tick().await;
                ended.push(ask(&*pool, &recorder, group).await);
            }
            ended
        });
    }
    let mut times = Histogram::new(3).expect("three digits are allowed");
    times.auto(true);
    let mut failed = 0;
    for (took, good) in callers.join_all().await.into_iter().flatten() {
        times += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        failed += u64::from(!good);
    }
    Window { times, failed }
}

/// One request: how long it took, and whether it went well.
async fn ask(pool: &dyn Subject, recorder: &Recorder, group: &str) -> (Duration, bool) {
    let asked = Instant::now();
    let got = pool.get(BOUND, Location::caller()).await;
    let wait = asked.elapsed();
    let outcome = match got {
        Ok(mut lease) => match lease.work(Work::Ask).await {
            Ok(()) => Outcome::Served,
            Err(_) => Outcome::Failed,
        },
        Err(Refusal::TimedOut) => Outcome::TimedOut,
        Err(Refusal::Shed(_)) => Outcome::Shed,
        Err(_) => Outcome::Failed,
    };
    let took = asked.elapsed();
    match outcome {
        Outcome::Served => recorder.request(group, outcome, wait, took),
        _ => recorder.refusal(group, outcome, took),
    }
    (took, outcome == Outcome::Served)
}

/// The loud pool, exhausted: until this is ended, or dropped.
struct Loudness {
    pool: Arc<dyn Subject>,
    over: CancellationToken,
    holders: JoinSet<Result<(), Failure>>,
    crowd: JoinSet<u64>,
    full: bool,
}

/// What exhaustion came to in one window.
#[derive(Clone, Copy, Debug)]
struct Beyond {
    /// Whether all connections were held, as far as can be told.
    full: bool,
    /// How many got none.
    turned_away: u64,
}

impl Loudness {
    /// Begins it, and waits until the pool is full.
    async fn begin(ground: &Ground, pool: &Arc<dyn Subject>) -> Self {
        let over = CancellationToken::new();
        let mut holders = JoinSet::new();
        let (has, mut held) = tokio::sync::mpsc::channel(MOST);
        for _ in 0..MOST {
            let (pool, over, has) = (Arc::clone(pool), over.clone(), has.clone());
            holders.spawn(async move {
                let got = pool.get(TO_TURN, Location::caller()).await;
                let mut lease = got.map_err(|refusal| refusal.to_string())?;
                has.send(()).await?;
                hold(&mut lease, HELD, &over).await
            });
        }
        drop(has);
        let mut full = 0;
        while full < MOST && held.recv().await.is_some() {
            full += 1;
        }
        let mut crowd = JoinSet::new();
        for _ in 0..CROWD {
            let (pool, over) = (Arc::clone(pool), over.clone());
            let recorder = ground.recorder().clone();
            crowd.spawn(async move { press(&*pool, &over, &recorder).await });
        }
        let _ = ground
            .until(pool, PATIENCE, |look| look.waiting.is_none_or(|n| n > 0))
            .await;
        Self {
            pool: Arc::clone(pool),
            over,
            holders,
            crowd,
            full: full == MOST,
        }
    }

    /// Ends it, and waits until the pool rests.
    async fn end(mut self, ground: &Ground) -> Result<Beyond, Failure> {
        let in_use = self.pool.look().in_use;
        let full = self.full && in_use.is_none_or(|count| count == MOST);
        self.over.cancel();
        let mut turned_away = 0;
        while let Some(pressed) = self.crowd.join_next().await {
            turned_away += pressed?;
        }
        while let Some(held) = self.holders.join_next().await {
            held??;
        }
        let _ = ground.until(&self.pool, TO_TURN, Look::at_rest).await;
        Ok(Beyond { full, turned_away })
    }
}

/// One of the crowd: how often it was turned away.
async fn press(pool: &dyn Subject, over: &CancellationToken, recorder: &Recorder) -> u64 {
    let mut turned_away = 0;
    while !over.is_cancelled() {
        let asked = Instant::now();
        let got = pool.get(PATIENCE, Location::caller()).await;
        let after = asked.elapsed();
        match got {
            Ok(_) => recorder.request(CROWD_GROUP, Outcome::Served, after, after),
            Err(Refusal::TimedOut) => {
                turned_away += 1;
                recorder.refusal(CROWD_GROUP, Outcome::TimedOut, after);
            }
            Err(_) => {
                turned_away += 1;
                recorder.refusal(CROWD_GROUP, Outcome::Failed, after);
                // A pool that turns them away at once is not to be asked without end.
                tokio::time::sleep(PACE).await;
            }
        }
    }
    turned_away
}

const CROWD_GROUP: &str = "the crowd";

/// Without exhaustion, the rest proves nothing.
fn check_beyond(recorder: &Recorder, windows: &[Beyond]) {
    let beyond = windows.iter().filter(|it| it.full && it.turned_away > 0);
    let (beyond, all) = (beyond.count(), windows.len());
    let turned_away: u64 = windows.iter().map(|it| it.turned_away).sum();
    recorder.check(
        "the neighbour is exhausted and beyond",
        format!("all of its connections held, and more turned away, in {all} windows of {all}"),
        format!("in {beyond} of {all}; {turned_away} turned away"),
        beyond == all,
    );
}

fn check_noise(recorder: &Recorder, resting: &mut Windows, exhausted: &mut Windows) {
    let (base, bad) = (resting.median(), resting.bad());
    let found = exhausted.median();
    let bound = bad.max(base * 2 + NOISE);
    recorder.check(
        "its p99 stays within its own noise",
        format!("{bound:.1?} (resting: median {base:.1?}, worst but one {bad:.1?})"),
        format!("median {found:.1?}"),
        found <= bound,
    );
    let (usual, errors) = (resting.error_rate(), exhausted.error_rate());
    recorder.check(
        "its error rate stays within its own noise",
        format!(
            "{:.2} % (resting: {:.2} %)",
            (usual + ERRORS) * 1e2,
            usual * 1e2
        ),
        format!("{:.2} % of {}", errors * 1e2, exhausted.asked),
        exhausted.asked > 0 && errors <= usual + ERRORS,
    );
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    recorder.headline(
        "p99 beside an exhausted one",
        ms(found),
        "ms",
        Better::Lower,
    );
    recorder.figure("p99 beside a resting one", ms(base), "ms", Better::Lower);
    recorder.figure(
        "errors beside an exhausted one",
        errors * 1e2,
        "%",
        Better::Lower,
    );
}
