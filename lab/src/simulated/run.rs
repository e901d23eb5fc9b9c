//! A run: spells of bad weather under load, and what must be true after each.

use super::pool::Simulated;
use super::spell::Spell;
use super::world::{Event, World};
use super::{Around, Outcome};
use crate::Failure;
use crate::chaos::crowd::{Crowd, Manners, Pace};
use crate::chaos::oracle::{self, OtherSide, Tally, Whole};
use crate::data::{Better, Level, Run, Verdict};
use crate::record::Recorder;
use crate::subject::Subject;
use async_trait::async_trait;
use millpond::observe::HandClock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Everything of one run.
pub(super) struct Simulation {
    seed: u64,
    begun: Instant,
    world: World,
    simulated: Arc<Simulated>,
    /// The same, or what stands around it.
    pool: Arc<dyn Subject>,
    recorder: Recorder,
    timeline: usize,
    crowd: Crowd,
}

/// What is asked after each spell.
struct Oracles {
    whole: Whole,
    books: Tally,
    once: Tally,
    healthy: Tally,
    to_be_healthy: Duration,
}

#[async_trait]
impl OtherSide for World {
    async fn count(&self) -> Result<usize, Failure> {
        Ok(self.sessions())
    }
}

impl Simulation {
    pub(super) fn begin(seed: u64, clock: &HandClock, around: Option<Around>) -> Self {
        let world = World::new(seed, MOST);
        let simulated = Arc::new(Simulated::new(&world, clock, MOST, KEPT));
        let mut pool: Arc<dyn Subject> = simulated.clone();
        if let Some(around) = around {
            pool = around(pool);
        }
        let recorder = Recorder::new();
        let crowd = Crowd::start(&pool, &recorder, MANNERS, SPARSE, seed);
        Self {
            seed,
            begun: Instant::now(),
            timeline: recorder.timeline("simulated"),
            world,
            simulated,
            pool,
            recorder,
            crowd,
        }
    }

    pub(super) async fn run(self, length: Duration, stop: &CancellationToken) -> Outcome {
        let mut oracles = Oracles::new();
        let (mut number, mut bad) = (0, 0);
        while self.begun.elapsed() < length && !stop.is_cancelled() && bad < ENOUGH {
            let spell = Spell::drawn(self.seed, number, MOST);
            number += 1;
            bad += usize::from(!self.episode(number, &spell, &mut oracles).await);
        }
        oracles.close(&self.recorder);
        self.conclude(number, stop).await
    }

    /// One spell, and what comes after it. Whether all is well.
    async fn episode(&self, number: u64, spell: &Spell, oracles: &mut Oracles) -> bool {
        let told = format!("episode {number}: {spell}");
        self.crowd.go(DENSE);
        sleep(WARM).await;
        let fault = self.recorder.fault(&told);
        spell.begin(&self.world, &self.simulated);
        sleep(spell.lasts).await;
        self.sample();
        self.crowd.board().look_from_now();
        spell.end(&self.world, &self.simulated, MOST);
        drop(fault);
        let healed = Instant::now();
        let Oracles {
            whole,
            books,
            once,
            healthy,
            to_be_healthy,
        } = oracles;
        let served = self.first_served().await;
        whole.to_serve = whole.to_serve.max(healed.elapsed());
        let mut good = whole.served.add(&told, served);
        self.crowd.go(SPARSE);
        sleep(spell.fair).await;
        good &= whole.unstuck.add(&told, self.crowd.rest(WHOLE).await);
        let cap = oracle::cap(&self.pool, MOST, WHOLE).await;
        good &= whole.cap.add(&told, cap);
        let agrees = oracle::agree(&self.pool, &self.world, WHOLE).await;
        good &= whole.agrees.add(&told, agrees);
        good &= books.add(&told, self.simulated.books());
        good &= once.add(&told, self.nothing_forbidden());
        let rested = Instant::now();
        good &= healthy.add(&told, self.healthy().await);
        *to_be_healthy = rested.elapsed().max(*to_be_healthy);
        self.sample();
        self.world.note(Event::Whole, number);
        good
    }

    fn sample(&self) {
        self.recorder.sample(self.timeline, &self.pool.look());
    }

    async fn first_served(&self) -> Result<(), String> {
        let served = timeout(WHOLE, async {
            while self.crowd.board().first_served().is_none() {
                sleep(LOOK).await;
            }
        });
        let served = served.await;
        served.map_err(|_| format!("nobody was served; the pool: {:?}", self.pool.look()))
    }

    async fn healthy(&self) -> Result<(), String> {
        let healthy = timeout(HEALTHY, async {
            while self.pool.look().health != Some(Level::Healthy) {
                sleep(100 * LOOK).await;
            }
        });
        let healthy = healthy.await;
        healthy.map_err(|_| self.simulated.pool.health().to_string())
    }

    fn nothing_forbidden(&self) -> Result<(), String> {
        match self.world.violations().first() {
            None => Ok(()),
            Some(what) => Err(what.clone()),
        }
    }

    async fn conclude(self, episodes: u64, stop: &CancellationToken) -> Outcome {
        let recorder = &self.recorder;
        let (served, troubles) = self.crowd.board().counts();
        let (longest, latest) = self.crowd.board().longest();
        let ended = self.crowd.end(WHOLE).await;
        recorder.check(
            "no get outlasts its bound",
            format!("at most {SLACK:?} past it"),
            format!("{latest:?}; the longest took {longest:.1?}"),
            latest <= SLACK,
        );
        let found = ended
            .as_ref()
            .map_or_else(Clone::clone, |()| "all".to_owned());
        recorder.check("every caller goes home", "all", found, ended.is_ok());
        let simulated = self.begun.elapsed();
        let closed = timeout(WHOLE, self.pool.close()).await.is_ok();
        let left = self.world.sessions();
        recorder.check(
            "nothing left at the server",
            "0 connections after close",
            left.to_string(),
            closed && left == 0,
        );
        let hours = simulated.as_secs_f64() / 3_600.0;
        recorder.figure("simulated", hours, "h", Better::Neither);
        recorder.figure("episodes", episodes as f64, "", Better::Neither);
        recorder.figure("served", served as f64, "requests", Better::Neither);
        recorder.figure("not served", troubles as f64, "requests", Better::Neither);
        let digest = self.world.digest();
        recorder.note(format!("digest {digest:016x}"));
        let written = recorder.written();
        let verdict = match written.checks.iter().all(|check| check.holds) {
            _ if stop.is_cancelled() => Verdict::Interrupted,
            true => Verdict::Passed,
            false => Verdict::Failed,
        };
        Outcome {
            run: Run {
                pool: "millpond".to_owned(),
                verdict,
                seconds: simulated.as_secs_f64(),
                checks: written.checks,
                figures: written.figures,
                groups: written.groups,
                timelines: written.timelines,
                marks: written.marks,
                notes: written.notes,
            },
            digest,
            simulated,
        }
    }
}

impl Oracles {
    fn new() -> Self {
        Self {
            whole: Whole::new(MOST, WHOLE),
            books: Tally::new("BOOKS", "what was counted since the start adds up"),
            once: Tally::new(
                "ONCE and LIM",
                format!("no connection in two hands or dropped twice, never more than {MOST}"),
            ),
            healthy: Tally::new("healthy again", format!("within {HEALTHY:?}")),
            to_be_healthy: Duration::ZERO,
        }
    }

    fn close(self, recorder: &Recorder) {
        self.whole.close(recorder);
        let healthy = self.to_be_healthy.as_secs_f64();
        recorder.figure(
            "longest at rest until healthy again",
            healthy,
            "s",
            Better::Lower,
        );
        [self.books, self.once, self.healthy]
            .into_iter()
            .for_each(|tally| tally.close(recorder));
    }
}

const MOST: usize = 8;
const KEPT: usize = 3;
const MANNERS: Manners = Manners {
    callers: 12,
    within: Duration::from_secs(1),
    patience: Duration::from_secs(1),
    wild: true,
};
/// In bad weather, and in fair.
const DENSE: Pace = Pace(Duration::from_millis(500));
const SPARSE: Pace = Pace(Duration::from_secs(120));
/// How long callers come densely before anything happens.
const WARM: Duration = Duration::from_secs(1);
const WHOLE: Duration = Duration::from_secs(10);
const HEALTHY: Duration = Duration::from_secs(60);
/// tokio's timers have a grain of a millisecond.
const SLACK: Duration = Duration::from_millis(2);
const ENOUGH: usize = 3;
const LOOK: Duration = Duration::from_millis(1);
