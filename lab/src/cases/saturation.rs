//! Case 1: every connection is taken, and more are asked for.

use super::Case;
use super::punctual::{MEASURE, Punctuality, get_timed};
use super::step::{NAP, check_line, check_rest, get_told, hold, in_line};
use crate::Failure;
use crate::data::{Better, Level, Outcome, Scale};
use crate::ground::Ground;
use crate::subject::{Look, Subject};
use async_trait::async_trait;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// See `cases/mod.rs`.
pub(super) struct Saturation;

const MOST: usize = 8;
const KEPT: usize = 5;
/// Who waits until it is served.
const PATIENT: usize = 8;
/// Who waits until its bound passes.
const IMPATIENT: usize = 16;
/// How long a pool may read other than it is, such as while it looks at an idle connection itself: what it says of its
/// health may hold on to the worse for a second.
const TO_READ: Duration = Duration::from_secs(2);
/// Nobody's bound where all is well.
const PLENTY: Duration = Duration::from_secs(20);

#[async_trait]
impl Case for Saturation {
    fn name(&self) -> &'static str {
        "saturation"
    }

    fn title(&self) -> &'static str {
        "Saturation"
    }

    fn question(&self) -> &'static str {
        "When every connection is taken, does the pool say so exactly, and does everybody else wait no longer than he asked to?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        vec![
            format!(
                "{MOST} connections, {KEPT} of them kept ready, the others made on demand; {MOST} holders come one by one and stay until all the others have ended"
            ),
            format!(
                "{PATIENT} more wait until they are served; {IMPATIENT} more have bounds of their own, up to {:?}",
                longest(scale)
            ),
            format!(
                "what the pool reads after each holder is right at once, or is noted and right within {TO_READ:?}"
            ),
            MEASURE.to_owned(),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        longest(scale) + PLENTY * 3
    }

    fn expected(&self, scale: Scale) -> Duration {
        longest(scale) + Duration::from_secs(1)
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let mut spec = ground.spec("saturation", MOST, KEPT);
        // A pool may hold a get to its own bound as well as to the get's.
        spec.wait = PLENTY;
        let pool = ground.make(&spec).await?;
        let mut stage = Stage {
            ground,
            pool,
            name: spec.name,
            go: CancellationToken::new(),
            holders: JoinSet::new(),
            patient: JoinSet::new(),
        };
        stage.keeps().await?;
        if stage.fill().await? {
            stage.exceed().await?;
            stage.empty().await?;
        }
        Ok(())
    }
}

fn longest(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_secs(1),
        Scale::Full => Duration::from_secs(8),
    }
}

struct Stage<'a> {
    ground: &'a Ground,
    pool: Arc<dyn Subject>,
    /// Its name at the server.
    name: String,
    /// Told to the holders at the end.
    go: CancellationToken,
    holders: JoinSet<Result<(), Failure>>,
    patient: JoinSet<Outcome>,
}

impl Stage<'_> {
    /// Before anybody asks.
    async fn keeps(&self) -> Result<(), Failure> {
        let name = "connections are kept ready";
        if !self.ground.maker().keeps() {
            self.ground
                .recorder()
                .note(format!("{name}: this pool keeps none before it is asked"));
            return Ok(());
        }
        self.at_server(name, KEPT).await
    }

    /// The holders come one by one, and after each the pool is looked at. Whether all of them got one.
    async fn fill(&mut self) -> Result<bool, Failure> {
        let _phase = self.ground.recorder().phase("the holders come");
        let mut looks = Vec::new();
        for _ in 0..MOST {
            let (has, held) = oneshot::channel();
            let (pool, go) = (Arc::clone(&self.pool), self.go.clone());
            let recorder = self.ground.recorder().clone();
            self.holders.spawn(async move {
                let ended = get_timed(&*pool, PLENTY, Location::caller()).await;
                let mut lease = ended.got.map_err(|refusal| refusal.to_string())?;
                // The case ends if nobody listens.
                let _ = has.send(());
                hold(&mut lease, NAP, &go).await?;
                recorder.request("holders", Outcome::Served, ended.after, ended.after);
                Ok(())
            });
            if held.await.is_err() {
                break;
            }
            looks.push(self.read(looks.len() + 1).await);
        }
        let recorder = self.ground.recorder();
        let all = looks.len() == MOST;
        recorder.check(
            "every connection can be had",
            format!("{MOST} of {MOST}"),
            format!("{} of {MOST}", looks.len()),
            all,
        );
        self.utilisation(&looks);
        self.health(&looks);
        if all {
            self.at_server("the others are made on demand", MOST)
                .await?;
        }
        Ok(all)
    }

    /// What the pool says when so many hold a connection. A pool that takes an idle connection out for a moment to look at
    /// it itself may count it meanwhile: then it is read again, and that is said.
    async fn read(&self, held: usize) -> Look {
        let right = |look: &Look| {
            look.utilisation().is_none_or(|share| exactly(share, held))
                && look.health.is_none_or(|level| level == health_of(held))
        };
        let first = self.pool.look();
        if right(&first) {
            return first;
        }
        let (look, _) = self.ground.until(&self.pool, TO_READ, right).await;
        self.ground.recorder().note(format!(
            "with {held} held, at first it read {first}; then {look}"
        ));
        look
    }

    fn utilisation(&self, looks: &[Look]) {
        let recorder = self.ground.recorder();
        let name = "utilisation, holder by holder";
        let read: Option<Vec<f64>> = looks.iter().map(Look::utilisation).collect();
        let Some(read) = read else {
            return recorder.unknown(name, "its utilisation");
        };
        let right = (1..).map(|held| f64::from(held) * 100.0 / MOST as f64);
        let say = |shares: &mut dyn Iterator<Item = f64>| {
            let all: Vec<_> = shares.map(|share| format!("{share}")).collect();
            format!("{} %", all.join(", "))
        };
        recorder.check(
            name,
            say(&mut right.clone().take(MOST)),
            say(&mut read.iter().copied()),
            read.iter().copied().eq(right.take(MOST)),
        );
        recorder.figure(
            "utilisation when all are held",
            read.last().copied().unwrap_or_default(),
            "%",
            Better::Neither,
        );
    }

    fn health(&self, looks: &[Look]) {
        let recorder = self.ground.recorder();
        let name = "health, holder by holder";
        let read: Option<Vec<Level>> = looks.iter().map(|look| look.health).collect();
        let Some(read) = read else {
            return recorder.unknown(name, "its health");
        };
        let right: Vec<_> = (1..=MOST).map(health_of).collect();
        let say = |levels: &[Level]| {
            let names: Vec<_> = levels.iter().map(|level| level.name()).collect();
            names.join(", ")
        };
        recorder.check(
            name,
            format!("warning from 80 %, critical from 95 %: {}", say(&right)),
            say(&read),
            read == right,
        );
    }

    /// More come than there are connections.
    async fn exceed(&mut self) -> Result<(), Failure> {
        let _phase = self.ground.recorder().phase("more come");
        for before in 0..PATIENT {
            let (asked, told) = oneshot::channel();
            let pool = Arc::clone(&self.pool);
            let recorder = self.ground.recorder().clone();
            self.patient.spawn(async move {
                let bound = PLENTY;
                let ended = get_told(&*pool, bound, Location::caller(), asked).await;
                ended.note(&recorder, "patient")
            });
            in_line(self.ground, &self.pool, told, before).await;
        }
        let mut impatient = JoinSet::new();
        for number in 1..=IMPATIENT {
            let bound = longest(self.ground.scale()).mul_f64(number as f64 / IMPATIENT as f64);
            let pool = Arc::clone(&self.pool);
            impatient.spawn(async move { get_timed(&*pool, bound, Location::caller()).await });
        }
        let mut punctuality = Punctuality::default();
        let mut timed_out = 0;
        while let Some(ended) = impatient.join_next().await {
            let ended = ended?;
            if ended.note(self.ground.recorder(), "impatient") == Outcome::TimedOut {
                timed_out += 1;
                punctuality.add(&ended);
            }
        }
        let recorder = self.ground.recorder();
        recorder.check(
            "everybody else times out",
            format!("{IMPATIENT} of {IMPATIENT}"),
            format!("{timed_out} of {IMPATIENT}"),
            timed_out == IMPATIENT,
        );
        punctuality.check(recorder);
        recorder.headline(
            "latest time-out after its bound",
            punctuality.late_ms(),
            "ms",
            Better::Neither,
        );
        check_line(
            self.ground,
            &self.pool,
            "who waits on is in line, who timed out is not",
            PATIENT,
        )
        .await;
        self.no_more().await
    }

    /// Nobody was let in beyond the most, as the server and as all looks at the pool have it.
    async fn no_more(&self) -> Result<(), Failure> {
        let site = self.ground.site();
        let found = match site.keeps_list() {
            true => Some(site.count(&self.name).await?),
            false => None,
        };
        let written = self.ground.recorder().written();
        let samples = written.timelines.iter().flat_map(|line| &line.samples);
        let seen = samples.filter_map(|sample| sample.size).max();
        let name = "never more than the most";
        if seen.or(found).is_none() {
            self.ground.recorder().unlisted(name);
            return Ok(());
        }
        let say = |count: Option<usize>| count.map_or("?".to_owned(), |count| count.to_string());
        self.ground.recorder().check(
            name,
            format!("{MOST} at the server and in the pool"),
            format!(
                "{} at the server, {} at most in the pool",
                say(found),
                say(seen)
            ),
            [found, seen]
                .into_iter()
                .flatten()
                .all(|count| count <= MOST),
        );
        Ok(())
    }

    /// The holders go, and who waits is served.
    async fn empty(&mut self) -> Result<(), Failure> {
        let _phase = self.ground.recorder().phase("the holders go");
        self.go.cancel();
        while let Some(ended) = self.holders.join_next().await {
            ended??;
        }
        let mut served = 0;
        while let Some(outcome) = self.patient.join_next().await {
            served += usize::from(outcome? == Outcome::Served);
        }
        self.ground.recorder().check(
            "who waits is served in the end",
            format!("{PATIENT} of {PATIENT}"),
            format!("{served} of {PATIENT}"),
            served == PATIENT,
        );
        check_rest(self.ground, &self.pool).await;
        Ok(())
    }

    async fn at_server(&self, check: &str, wanted: usize) -> Result<(), Failure> {
        if !self.ground.site().keeps_list() {
            self.ground.recorder().unlisted(check);
            return Ok(());
        }
        let found = self.ground.count_until(&self.name, |count| count == wanted);
        let found = found.await?;
        self.ground.recorder().check(
            check,
            format!("{wanted} at the server"),
            format!("{found} at the server"),
            found == wanted,
        );
        Ok(())
    }
}

/// Whether that is the share of all connections, in per cent: no rounding hides anything.
fn exactly(share: f64, held: usize) -> bool {
    (share - held as f64 * 100.0 / MOST as f64).abs() < f64::EPSILON
}

/// How well a pool is that has so many in use.
fn health_of(held: usize) -> Level {
    match held * 100 / MOST {
        95.. => Level::Critical,
        80.. => Level::Warning,
        _ => Level::Healthy,
    }
}
