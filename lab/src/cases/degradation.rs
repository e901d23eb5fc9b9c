//! Case 5: a service at four fifths of what it can do, with spikes of more than that.

use super::Case;
use super::beforehand::{BEFOREHAND, book, capacity, question};
use super::pressed::MACHINE;
use super::spikes::{self, Bounds, Heard, Part};
use crate::Failure;
use crate::data::Scale;
use crate::ground::Ground;
use crate::load::{Beat, Shot, client, fire, steady, until_ready};
use crate::service::{Service, Settings};
use async_trait::async_trait;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// See `cases/mod.rs`.
pub(super) struct Degradation;

const MOST: usize = 25;
const KEPT: usize = 10;
const WORK: Duration = Duration::from_millis(300);
const BRIEF: Duration = Duration::from_millis(50);
const CALM: f64 = 0.8;
const SPIKE: f64 = 1.2;
/// One request in so many has little patience, and as many clients go away: what a pool loses by that, it loses often.
const IMPATIENT: usize = 24;

#[async_trait]
impl Case for Degradation {
    fn name(&self) -> &'static str {
        "degradation"
    }

    fn title(&self) -> &'static str {
        "Graceful degradation"
    }

    fn question(&self) -> &'static str {
        "Does a busy service get through spikes of more than it can do with few errors and no long waits, and is it its old self soon after?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        let course = Course::of(scale);
        let spikes = course.parts.iter().filter(|part| part.is_spike);
        let spikes = spikes.map(|spike| format!("{:?} to {:?}", spike.from, spike.to));
        let spikes = spikes.collect::<Vec<_>>().join(" and from ");
        let mut conditions = vec![
            format!(
                "an HTTP service on loopback, {MOST} connections, {KEPT} of them kept, each request works for {WORK:?}"
            ),
            format!(
                "80 % of what it can do, for {:?}, and 120 % from {spikes}; sent when they are due, whatever became of those before",
                course.end(),
            ),
            format!(
                "what it can do: {MOST} requests in the time for which one holds its connection, on this machine, measured for {BEFOREHAND:?} beforehand"
            ),
            format!(
                "a request waits for a connection for {:?} at most",
                course.wait
            ),
            format!(
                "one in {IMPATIENT} only for {0:?}, and the client of one in {IMPATIENT}, whose request works for {BRIEF:?}, goes away if it has no answer {0:?} after it could have one: what becomes of these is their own affair, and no error",
                course.patience
            ),
            MACHINE.to_owned(),
        ];
        if scale == Scale::Short {
            conditions.push(format!(
                "to scale: all times but the work's are 1/{SHORTER} of the full form's, the bounds of 5 s and 30 s too, and of its two spikes it has the first"
            ));
        }
        conditions
    }

    fn bound(&self, scale: Scale) -> Duration {
        Course::of(scale).end() + Duration::from_secs(60)
    }

    fn expected(&self, scale: Scale) -> Duration {
        BEFOREHAND + Course::of(scale).end() + 2 * WORK
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let course = Course::of(ground.scale());
        let mut spec = ground.spec("degradation", MOST, KEPT);
        spec.wait = course.wait;
        spec.shed = true;
        let pool = ground.make(&spec).await?;
        let settings = Settings {
            kind: ground.maker().name().to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            wait: course.wait,
        };
        let service = Service::start(pool, settings).await?;
        let client = client()?;
        let ready = format!("{}/ready", service.url());
        until_ready(&client, &ready, Duration::from_secs(10)).await?;
        let mut dice = fastrand::Rng::with_seed(ground.seed());
        let recorder = ground.recorder();
        let capacity = capacity(&client, &service.url(), MOST, WORK, &mut dice, recorder).await;
        let shots = course.shots(&service.url(), capacity, &mut dice);
        let begun = Instant::now();
        let beat = Beat::start(begun);
        let patience = 3 * course.bounds.longest;
        let load = fire(&client, begun, shots, patience, book(recorder));
        let (answers, ()) = tokio::join!(load, course.mark(begun, ground));
        let heard = answers.iter().map(|answer| Heard {
            at: answer.at,
            took: answer.took_of(&beat),
            served: answer.served(),
            patient: answer.group == CALLERS,
        });
        let heard: Vec<_> = heard.collect();
        spikes::judge(&heard, &course.parts, &course.bounds, recorder)
    }
}

/// What is asked for when, and what must hold.
struct Course {
    parts: Vec<Part>,
    wait: Duration,
    patience: Duration,
    bounds: Bounds,
}

impl Course {
    fn of(scale: Scale) -> Self {
        let (shorter, parts) = match scale {
            Scale::Short => (f64::from(SHORTER), &COURSE[..3]),
            Scale::Full => (1.0, &COURSE[..]),
        };
        let scaled = |seconds: f64| Duration::from_secs_f64(seconds / shorter);
        let part = |(from, to, is_spike): &(f64, f64, bool)| Part {
            from: scaled(*from),
            to: scaled(*to),
            is_spike: *is_spike,
        };
        Self {
            parts: parts.iter().map(part).collect(),
            wait: scaled(3.2),
            patience: scaled(0.8),
            bounds: Bounds {
                longest: scaled(5.0),
                recovery: scaled(30.0),
            },
        }
    }

    fn end(&self) -> Duration {
        self.parts.last().map_or(Duration::ZERO, |part| part.to)
    }

    fn shots(&self, service: &str, capacity: f64, dice: &mut fastrand::Rng) -> Vec<Shot> {
        let patient = question(service, WORK);
        let brief = question(service, BRIEF);
        let within = self.patience.as_millis();
        let impatient = Arc::<str>::from(format!("{patient}&within_ms={within}"));
        // What those ask for less, all ask for more.
        let lighter = (1.0 - BRIEF.as_secs_f64() / WORK.as_secs_f64()) / IMPATIENT as f64;
        let capacity = capacity / (1.0 - lighter);
        let due = self.parts.iter().flat_map(|part| {
            let load = if part.is_spike { SPIKE } else { CALM };
            steady(part.from, part.to, load * capacity, dice)
        });
        let shot = |(number, at)| {
            let (group, url, hangs_up) = match number % IMPATIENT {
                0 => ("impatient", &impatient, None),
                HALF_WAY => ("gone away", &brief, Some(self.patience + BRIEF)),
                _ => (CALLERS, &patient, None),
            };
            Shot {
                group,
                at,
                url: Arc::clone(url),
                hangs_up,
            }
        };
        due.enumerate().map(shot).collect()
    }

    /// Marks the spikes while they last.
    async fn mark(&self, begun: Instant, ground: &Ground) {
        for spike in self.parts.iter().filter(|part| part.is_spike) {
            sleep_until(begun + spike.from).await;
            let lasting = ground.recorder().phase("120 % of what it can do");
            sleep_until(begun + spike.to).await;
            drop(lasting);
        }
    }
}

const CALLERS: &str = "callers";
const HALF_WAY: usize = IMPATIENT / 2;
/// By how much the short form is shorter.
const SHORTER: u32 = 4;
/// From when to when, in seconds, and whether it is a spike. After each there is time to see it get over it.
const COURSE: [(f64, f64, bool); 5] = [
    (0.0, 15.0, false),
    (15.0, 25.0, true),
    (25.0, 65.0, false),
    (65.0, 75.0, true),
    (75.0, 120.0, false),
];
