//! Chaos: faults on the way to the server and at the server, drawn from a seed, under a load that does everything that
//! callers do.
//!
//! ```text
//! plan (plan.rs)     episode: some ills together, for a while, drawn from the seed alone
//! crowd (crowd.rs)   callers with bounds, leavers, some in a hurry, some that panic; goes on all the while
//! ill (sick.rs)      carries an episode's ills out at the proxy and at the server, and heals them
//! oracles            after each episode: served again, nobody stuck, CAP, the counts are the server's
//! ```

mod board;
pub(crate) mod cli;
pub(crate) mod crowd;
pub(crate) mod oracle;
mod plan;
mod sick;
pub(crate) mod signal;

pub use plan::{Episode, Ill, Plan};

use crate::Failure;
use crate::cases::Case;
use crate::data::{Better, Scale};
use crate::ground::Ground;
use crate::site::{Site, by_port};
use crate::subject::{Subject, Target};
use async_trait::async_trait;
use crowd::{Crowd, Manners, Pace};
use millpond_testkit::proxy::Proxy;
use oracle::{OtherSide, Whole};
use sick::Sick;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A chaos run, as a case.
#[derive(Debug)]
pub struct Chaos {
    plan: Plan,
}

impl Chaos {
    /// That goes by this plan.
    pub fn new(plan: Plan) -> Self {
        Self { plan }
    }
}

#[async_trait]
impl Case for Chaos {
    fn name(&self) -> &'static str {
        "chaos"
    }

    fn title(&self) -> &'static str {
        "Chaos"
    }

    fn question(&self) -> &'static str {
        "Whatever goes wrong on the way to the server and at the server, is the pool whole again when it is over, and is nothing lost?"
    }

    fn conditions(&self, _scale: Scale) -> Vec<String> {
        vec![
            format!(
                "{MOST} connections, {KEPT} of them kept; everything on that the pool has against outages"
            ),
            format!(
                "{CALLERS} callers, each within {WITHIN:?} to get a connection; one in ten is in a hurry, one in ten leaves \
                 the line, one in 17 leaves in the middle of its work, one in 25 panics"
            ),
            format!(
                "{} episodes, drawn from the seed {}",
                self.plan.episodes().len(),
                self.plan.seed()
            ),
            format!(
                "after each: served again and whole within {WHOLE:?}; no get more than {SLACK:?} past its bound, as against a \
                 timer of its length that runs beside it"
            ),
        ]
    }

    fn bound(&self, _scale: Scale) -> Duration {
        // What is not whole is given up after a few episodes.
        self.plan.takes() * 3 + 10 * WHOLE
    }

    fn expected(&self, _scale: Scale) -> Duration {
        self.plan.takes()
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let site = ground.site();
        let config = site.guest().await?;
        let proxy = Arc::new(Proxy::start(site.upstream()?)?);
        ground.keep(proxy.clone());
        let target = Target::Postgres(Box::new(by_port(&config, proxy.port())));
        let spec = ground.spec("chaos", MOST, KEPT).careful().to(target);
        let pool = ground.make(&spec).await?;
        let run = Run {
            ground,
            sick: Sick::new(site, proxy, &spec.name),
            here: Here {
                site: site.clone(),
                name: spec.name.clone(),
            },
            crowd: Crowd::start(&pool, ground.recorder(), MANNERS, PACE, ground.seed()),
            pool,
        };
        run.go_by(&self.plan).await
    }
}

/// The server, as far as one pool is concerned.
struct Here {
    site: Site,
    name: String,
}

#[async_trait]
impl OtherSide for Here {
    async fn count(&self) -> Result<usize, Failure> {
        self.site.count(&self.name).await
    }
}

struct Run<'a> {
    ground: &'a Ground,
    pool: Arc<dyn Subject>,
    sick: Sick,
    here: Here,
    crowd: Crowd,
}

impl Run<'_> {
    async fn go_by(self, plan: &Plan) -> Result<(), Failure> {
        let recorder = self.ground.recorder();
        let mut oracles = Whole::new(MOST, WHOLE);
        let mut to_be_whole = Duration::ZERO;
        let mut bad = 0;
        let mut left_out = 0;
        for (index, episode) in plan.episodes().iter().enumerate() {
            let number = format!("episode {}", index + 1);
            let told = format!("{number}: {episode}");
            let phase = recorder.phase(&told);
            tracing::info!("{told}");
            left_out += self.suffer(episode).await?;
            let (good, after) = self.is_whole(episode, &told, &mut oracles).await;
            to_be_whole = to_be_whole.max(after);
            drop(phase);
            bad += usize::from(!good);
            if bad >= ENOUGH {
                recorder.note(format!("given up after {number}: {bad} had gone wrong"));
                break;
            }
        }
        if left_out > 0 {
            let why = self.ground.site().forbids();
            let why = why.unwrap_or_else(|| "the server was not started for this run".to_owned());
            recorder.note(format!(
                "{left_out} ills at the server were left out: {why}"
            ));
        }
        oracles.close(recorder);
        recorder.figure(
            "longest to come to rest and be whole",
            to_be_whole.as_secs_f64() * 1e3,
            "ms",
            Better::Lower,
        );
        self.conclude().await;
        Ok(())
    }

    /// One episode's ills, and their end. How many had to be left out.
    async fn suffer(&self, episode: &Episode) -> Result<usize, Failure> {
        let fault = self.ground.recorder().fault(episode.to_string());
        let (harmed, left_out) = self.sick.fall(episode).await?;
        sleep(episode.lasts).await;
        self.crowd.board().look_from_now();
        self.sick.recover(harmed).await?;
        drop(fault);
        Ok(left_out)
    }

    /// What must be true after it: whether it is, and how long that took from when nobody came any more.
    async fn is_whole(
        &self,
        episode: &Episode,
        told: &str,
        oracles: &mut Whole,
    ) -> (bool, Duration) {
        let healed = Instant::now();
        let served = self.first_served().await;
        if let Ok(at) = &served {
            oracles.to_serve = oracles.to_serve.max(at.saturating_duration_since(healed));
        }
        let mut good = oracles.served.add(told, served.map(drop));
        sleep(episode.after).await;
        let rests = Instant::now();
        good &= oracles.unstuck.add(told, self.crowd.rest(WHOLE).await);
        good &= oracles
            .cap
            .add(told, oracle::cap(&self.pool, MOST, WHOLE).await);
        let agrees = oracle::agree(&self.pool, &self.here, WHOLE).await;
        good &= oracles.agrees.add(told, agrees);
        let after = rests.elapsed();
        self.crowd.go(PACE);
        (good, after)
    }

    /// When the first was served that came after the end of an episode.
    async fn first_served(&self) -> Result<Instant, String> {
        let served = timeout(WHOLE, async {
            loop {
                if let Some(at) = self.crowd.board().first_served() {
                    return at;
                }
                sleep(LOOK).await;
            }
        });
        served
            .await
            .map_err(|_| format!("nobody was served; the pool: {:?}", self.pool.look()))
    }

    async fn conclude(self) {
        let recorder = self.ground.recorder();
        let (served, troubles) = self.crowd.board().counts();
        let (longest, latest) = self.crowd.board().longest();
        let ended = self.crowd.end(WHOLE).await;
        recorder.check(
            "no get outlasts its bound",
            format!("at most {SLACK:?} past it"),
            format!("{latest:.1?}; the longest took {longest:.1?}"),
            latest <= SLACK,
        );
        let found = ended
            .as_ref()
            .map_or_else(Clone::clone, |()| "all".to_owned());
        recorder.check("every caller goes home", "all", found, ended.is_ok());
        recorder.figure("served", served as f64, "requests", Better::Higher);
        recorder.figure("not served", troubles as f64, "requests", Better::Neither);
        let late = latest.as_secs_f64() * 1e3;
        recorder.figure("latest get past its bound", late, "ms", Better::Lower);
    }
}

const MOST: usize = 8;
const KEPT: usize = 3;
const CALLERS: usize = 20;
const WITHIN: Duration = Duration::from_secs(1);
const MANNERS: Manners = Manners {
    callers: CALLERS,
    within: WITHIN,
    patience: Duration::from_secs(1),
    wild: true,
};
const PACE: Pace = Pace(Duration::from_millis(100));
/// What a pool may take to be whole again.
const WHOLE: Duration = Duration::from_secs(10);
/// What a get may take past its bound.
const SLACK: Duration = Duration::from_millis(250);
/// After so many bad episodes nothing is learned from more.
const ENOUGH: usize = 3;
const LOOK: Duration = Duration::from_millis(1);
