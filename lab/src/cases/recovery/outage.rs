//! One outage: the blow, what the pool says of it, and how it comes back.

use super::{Blow, CALM, FEW, MOST, RATE, Scene, is_well};
use crate::Failure;
use crate::data::{Better, Level};
use crate::harm::{Harm, Harmed};
use crate::record::Recorder;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// What came of one.
#[derive(Debug)]
pub(super) struct Outage {
    /// From when the server is back until callers are served without an exception; `None`: never.
    served: Option<Duration>,
    /// Until the pool says that it is well, where it says such things; `None`: never.
    well: Option<Duration>,
    /// Connects until then, and what would have been a storm.
    connects: usize,
    storm: usize,
}

impl Outage {
    /// Whether the pool is as before.
    pub(super) fn is_over(&self) -> bool {
        self.served.is_some() && self.well.is_some()
    }
}

impl Scene<'_> {
    /// Strikes, heals, and sees the pool recover.
    pub(super) async fn strike(&self, blow: Blow) -> Result<Outage, Failure> {
        let recorder = self.ground.recorder();
        let fault = recorder.fault(blow.to_string());
        let (struck, connects) = (Instant::now(), self.proxy.counts().accepted);
        let (_, troubles) = self.crowd.board().counts();
        self.witness.excuse();
        let harmed = self.hit(blow).await?;
        if blow.is_felt() {
            self.says_so(blow, troubles).await;
        }
        let back = self.back(harmed).await?;
        drop(fault);
        self.witness.no_excuse(back);
        let (served, well) = self.recovers(back).await;
        let until = served.unwrap_or(self.again) + back.saturating_duration_since(struck);
        let made = self.proxy.counts().accepted.saturating_sub(connects);
        let outage = Outage {
            served,
            well,
            connects: usize::try_from(made).unwrap_or(usize::MAX),
            storm: 2 * MOST + RATE * usize::try_from(until.as_secs() + 1)?,
        };
        self.judge(blow, &outage);
        Ok(outage)
    }

    async fn hit(&self, blow: Blow) -> Result<Option<Harmed>, Failure> {
        let site = self.ground.site();
        let harm = match blow {
            Blow::Harm(harm) => Some(harm),
            Blow::Crowded => Some(Harm::Full { places: FEW }),
            Blow::Terminated => None,
        };
        let harmed = match harm {
            Some(harm) => Some(site.harm(harm).await?),
            None => None,
        };
        if matches!(blow, Blow::Terminated | Blow::Crowded) {
            site.terminate(&self.name).await?;
        }
        Ok(harmed)
    }

    /// For as long as the outage is, the pool may say that it is unwell: by its health, or where it knows none, by telling
    /// callers.
    async fn says_so(&self, blow: Blow, troubles: u64) {
        let over = Instant::now() + blow.lasts(self.ground.scale());
        let mut worst = None;
        while Instant::now() < over && worst != Some(Level::Critical) {
            worst = worst.max(self.pool.look().health);
            sleep(Duration::from_millis(2)).await;
        }
        sleep_until(over).await;
        let told = self.crowd.board().counts().1 - troubles;
        let recorder = self.ground.recorder();
        let name = format!("{blow}: the pool says so");
        match worst {
            Some(level) => recorder.check(
                &name,
                "critical",
                format!("{}; {told} callers were told", level.name()),
                level == Level::Critical,
            ),
            None => recorder.check(
                &name,
                "callers are told, since it says nothing of its health",
                format!("{told} callers were told"),
                told > 0 || !blow.takes_all(),
            ),
        }
    }

    /// Heals, and waits until the server is back.
    async fn back(&self, harmed: Option<Harmed>) -> Result<Instant, Failure> {
        let board = self.crowd.board();
        let healing = Instant::now();
        board.look_from_now();
        if let Some(harmed) = harmed {
            let settles = matches!(harmed.harm(), Harm::Shrunk { .. } | Harm::Full { .. });
            harmed.heal().await?;
            if settles {
                // It answers the lab's own all the while: it is back when it is as large as before.
                return Ok(self.witness.answer_after(Instant::now()).await);
            }
        }
        Ok(self.witness.answer_after(healing).await)
    }

    /// When callers are served without an exception, and when the pool says that it is well; counted from `back`.
    async fn recovers(&self, back: Instant) -> (Option<Duration>, Option<Duration>) {
        let board = self.crowd.board();
        let (mut served, mut well) = (None, None);
        let done = timeout(self.again, async {
            while served.is_none() || well.is_none() {
                let trouble = board.last_trouble().map_or(back, |last| last.max(back));
                if let Some(first) = board.first_served().filter(|_| board.all_since(trouble)) {
                    if trouble.elapsed() >= CALM {
                        let since = first.max(trouble);
                        served.get_or_insert(since.saturating_duration_since(back));
                    }
                }
                if is_well(&self.pool.look()) {
                    well.get_or_insert_with(|| back.elapsed());
                } else {
                    well = None;
                }
                sleep(Duration::from_millis(1)).await;
            }
        });
        let _ = done.await;
        (served, well)
    }

    fn judge(&self, blow: Blow, outage: &Outage) {
        let recorder = self.ground.recorder();
        let found = |time: Option<Duration>| match time {
            None => "never".to_owned(),
            Some(time) if time < Duration::from_millis(1) => "at once".to_owned(),
            Some(time) => format!("{time:.1?}"),
        };
        recorder.check(
            &format!("{blow}: everybody is served again"),
            format!("within {:?}", self.again),
            found(outage.served),
            outage.served.is_some(),
        );
        recorder.check(
            &format!("{blow}: healthy again"),
            format!("within {:?}", self.again),
            found(outage.well),
            outage.well.is_some(),
        );
        recorder.check(
            &format!("{blow}: no storm"),
            format!("at most {} connects", outage.storm),
            outage.connects.to_string(),
            outage.connects <= outage.storm,
        );
    }
}

/// The figures over all.
pub(super) fn conclude(recorder: &Recorder, outages: &[Outage], again: Duration) {
    let longest = |of: fn(&Outage) -> Option<Duration>| {
        let times = outages.iter().map(|outage| of(outage).unwrap_or(again));
        times.max().unwrap_or_default().as_secs_f64()
    };
    let served = longest(|outage| outage.served);
    recorder.headline(
        "longest until everybody is served again",
        served * 1e3,
        "ms",
        Better::Lower,
    );
    recorder.figure(
        "longest until healthy again",
        longest(|outage| outage.well),
        "s",
        Better::Lower,
    );
    let connects = outages.iter().map(|outage| outage.connects).max();
    let connects = connects.unwrap_or(0) as f64;
    recorder.figure(
        "most connects in one outage",
        connects,
        "connects",
        Better::Lower,
    );
    let goal = if served <= 1.0 { "met" } else { "not met" };
    recorder.note(format!(
        "the goal, served again within a second of the server being back, is {goal}"
    ));
}
