//! Case 7: the server goes away, and comes back.

mod outage;
mod witness;

use super::Case;
use crate::Failure;
use crate::chaos::crowd::{Crowd, Manners, Pace};
use crate::chaos::oracle;
use crate::data::{Better, Scale};
use crate::ground::Ground;
use crate::harm::Harm;
use crate::site::by_port;
use crate::subject::{Look, Subject, Target};
use async_trait::async_trait;
use millpond_testdb::Stop;
use millpond_testkit::proxy::Proxy;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use witness::Witness;

/// See `cases/mod.rs`.
pub(super) struct Recovery {
    /// How long a pool may take until it is as before.
    pub(super) again: Duration,
}

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// For as long as an outage is.
    Harm(Harm),
    /// Once, and nothing is wrong afterwards.
    Terminated,
    /// Room for a few, where all are ended.
    Crowded,
}

const BLOWS: [Blow; 6] = [
    Blow::Harm(Harm::Stopped(Stop::Fast)),
    Blow::Harm(Harm::Stopped(Stop::Immediate)),
    Blow::Terminated,
    Blow::Harm(Harm::Frozen),
    Blow::Crowded,
    Blow::Harm(Harm::Shrunk { places: FEW }),
];

#[async_trait]
impl Case for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    fn title(&self) -> &'static str {
        "Recovery"
    }

    fn question(&self) -> &'static str {
        "When the server went away and is back, does the pool come back by itself, soon, and without a storm?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        vec![
            format!(
                "{MOST} connections, {KEPT} of them kept; everything on that the pool has against outages"
            ),
            format!(
                "{CALLERS} callers ask again and again, each within {WITHIN:?} to get a connection"
            ),
            format!(
                "the server is restarted (fast, immediate), ends all connections, stands still, and refuses more (53300: a \
                 limit of {FEW} connections, and max_connections = {FEW}), for {:?} each; it stands still for {:?}",
                outage_of(scale),
                Blow::Harm(Harm::Frozen).lasts(scale)
            ),
            format!(
                "back is when a connection of the lab's own is answered again; no storm: at most {} connects and {RATE} \
                 more a second until callers are served again, counted by a proxy that passes everything on",
                2 * MOST
            ),
            format!("a get may be {SLACK:?} later than a timer of its length that runs beside it"),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        let each = |blow: &Blow| blow.lasts(scale) + self.again + Duration::from_secs(5);
        BLOWS.iter().map(each).sum::<Duration>() + Duration::from_secs(60)
    }

    fn expected(&self, scale: Scale) -> Duration {
        // Time-outs are remembered by a pool's health for a while.
        let each = |blow: &Blow| blow.lasts(scale) + Duration::from_secs(4);
        BLOWS.iter().map(each).sum::<Duration>() + Duration::from_secs(3)
    }

    fn unasked(&self, ground: &Ground) -> Option<String> {
        let ours = "only a server that was started for this run can be restarted, frozen and limited; leave \
                    TEST_DATABASE_URL and DATABASE_URL unset";
        let site = ground.site();
        let forbidden = site.forbids();
        forbidden.or_else(|| (!site.is_ours()).then(|| ours.to_owned()))
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let site = ground.site();
        let config = site.guest().await?;
        let proxy = Arc::new(Proxy::start(site.upstream()?)?);
        ground.keep(proxy.clone());
        let target = Target::Postgres(Box::new(by_port(&config, proxy.port())));
        let spec = ground.spec("recovery", MOST, KEPT).careful().to(target);
        let witness = Witness::start(site, &spec.name).await?;
        let pool = ground.make(&spec).await?;
        let crowd = Crowd::start(&pool, ground.recorder(), MANNERS, PACE, ground.seed());
        let ground = Scene {
            ground,
            pool,
            proxy,
            witness,
            crowd,
            name: spec.name,
            again: self.again,
        };
        ground.play().await
    }
}

/// Everything that one run of the case has.
struct Scene<'a> {
    ground: &'a Ground,
    pool: Arc<dyn Subject>,
    proxy: Arc<Proxy>,
    witness: Witness,
    crowd: Crowd,
    /// The pool's, at the server.
    name: String,
    again: Duration,
}

impl Scene<'_> {
    async fn play(self) -> Result<(), Failure> {
        self.steady().await;
        let mut outages = Vec::new();
        for blow in BLOWS {
            outages.push(self.strike(blow).await?);
            if outages.last().is_some_and(|outage| !outage.is_over()) {
                let recorder = self.ground.recorder();
                recorder.note(format!(
                    "nothing more was asked after {blow}: the pool had not recovered"
                ));
                break;
            }
        }
        outage::conclude(self.ground.recorder(), &outages, self.again);
        self.conclude().await;
        Ok(())
    }

    /// Before anything happens, callers are served.
    async fn steady(&self) {
        sleep(STEADY).await;
        let (served, troubles) = self.crowd.board().counts();
        self.ground.recorder().check(
            "served before anything happens",
            "everybody",
            format!("{served} served, {troubles} not"),
            served > 0 && troubles == 0,
        );
    }

    async fn conclude(self) {
        let recorder = self.ground.recorder();
        let (longest, latest) = self.crowd.board().longest();
        let ended = self.crowd.end(WITHIN * 5).await;
        recorder.check(
            "no get outlasts its bound",
            format!("at most {SLACK:?} past {WITHIN:?}, however many connections are dead"),
            format!("{latest:.1?} past it; the longest took {longest:.1?}"),
            latest <= SLACK && ended.is_ok(),
        );
        recorder.figure(
            "longest get",
            longest.as_secs_f64() * 1e3,
            "ms",
            Better::Lower,
        );
        let most = self.witness.most_in_peace();
        recorder.check(
            "the server never has too many",
            format!("at most {MOST} connections, but for the first second after an outage"),
            most.to_string(),
            most <= MOST && most > 0,
        );
        let found = oracle::cap(&self.pool, MOST, WITHIN).await;
        recorder.check(
            "at the end all gets succeed (CAP)",
            format!("{MOST} connections at once, all good, and no more"),
            found.clone().err().unwrap_or_else(|| MOST.to_string()),
            found.is_ok(),
        );
    }
}

impl Blow {
    /// Whether the pool has reason to be unwell.
    fn is_felt(self) -> bool {
        self != Self::Terminated
    }

    /// For how long.
    fn lasts(self, scale: Scale) -> Duration {
        match self {
            Self::Terminated => Duration::ZERO,
            // Before a connect is given up, nobody knows that nothing answers.
            Self::Harm(Harm::Frozen) => outage_of(scale) * 2,
            _ => outage_of(scale),
        }
    }

    /// Whether the pool has no connection at all meanwhile.
    fn takes_all(self) -> bool {
        matches!(self, Self::Harm(Harm::Stopped(_) | Harm::Frozen))
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harm(harm) => harm.fmt(f),
            Self::Terminated => f.write_str("all connections terminated"),
            Self::Crowded => write!(f, "all terminated, and room for {FEW} (53300)"),
        }
    }
}

fn is_well(look: &Look) -> bool {
    look.health
        .is_none_or(|level| level == crate::data::Level::Healthy)
}

fn outage_of(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_secs(2),
        Scale::Full => Duration::from_secs(15),
    }
}

const MOST: usize = 8;
const KEPT: usize = 4;
/// Fewer than connections, so that none has to wait in fair weather.
const CALLERS: usize = 6;
const WITHIN: Duration = Duration::from_secs(1);
const MANNERS: Manners = Manners {
    callers: CALLERS,
    within: WITHIN,
    patience: Duration::from_millis(500),
    wild: false,
};
const PACE: Pace = Pace(Duration::from_millis(40));
const STEADY: Duration = Duration::from_secs(1);
/// Room at a server that refuses more: the lab's own two connections are among them.
const FEW: u32 = 6;
/// How long a pool may take until it is as before.
pub(super) const AGAIN: Duration = Duration::from_secs(60);
/// What a get may take past its bound.
const SLACK: Duration = Duration::from_millis(250);
/// Connects in a second that are no storm.
const RATE: usize = 10;
/// Who has been served for so long without an exception is served again.
const CALM: Duration = Duration::from_secs(1);
