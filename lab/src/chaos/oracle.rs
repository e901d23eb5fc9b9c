//! What must be true when an episode is over: CAP, nobody stuck, and the pool's counts are the server's.

use crate::Failure;
use crate::data::Better;
use crate::punctual;
use crate::record::Recorder;
use crate::subject::{Lease, Refusal, Subject, Work};
use async_trait::async_trait;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The other side: whoever has the pool's connections, and knows how many.
#[async_trait]
pub(crate) trait OtherSide: Send + Sync {
    /// How many connections of the pool it has.
    async fn count(&self) -> Result<usize, Failure>;
}

/// CAP: so many connections can be taken at once, each of them answers, and no more can be.
///
/// # Errors
///
/// What was found instead.
pub(crate) async fn cap(
    pool: &Arc<dyn Subject>,
    most: usize,
    within: Duration,
) -> Result<(), String> {
    let mut takers = JoinSet::new();
    for _ in 0..most {
        let pool = Arc::clone(pool);
        takers.spawn(async move { take(&pool, within).await });
    }
    let mut taken = Vec::new();
    let mut why = None;
    while let Some(ended) = takers.join_next().await {
        match ended.map_err(|error| error.to_string()).and_then(|it| it) {
            Ok(lease) => taken.push(lease),
            Err(error) => why = Some(error),
        }
    }
    if let Some(why) = why {
        let count = taken.len();
        return Err(format!("{count} of {most} could be taken at once: {why}"));
    }
    let one_more = punctual::get(&**pool, ONE_MORE, Location::caller()).await;
    match one_more.ended {
        Err(Refusal::TimedOut | Refusal::Shed(_)) => Ok(()),
        Ok(_) => Err(format!("{most} were taken, and one more")),
        Err(refusal) => Err(format!("{most} were taken, and one more: {refusal}")),
    }
}

async fn take(pool: &Arc<dyn Subject>, within: Duration) -> Result<Box<dyn Lease>, String> {
    let got = punctual::get(&**pool, within, Location::caller()).await;
    let mut lease = got.ended.map_err(|refusal| refusal.to_string())?;
    match timeout(within, lease.work(Work::Ask)).await {
        Ok(Ok(())) => Ok(lease),
        Ok(Err(error)) => Err(format!("one that does not work: {error}")),
        Err(_) => Err("one that does not answer".to_owned()),
    }
}

/// ACC: nobody holds, waits or connects, and the other side has as many connections as the pool says.
///
/// # Errors
///
/// What was found instead, when the bound was over.
pub(crate) async fn agree(
    pool: &Arc<dyn Subject>,
    side: &dyn OtherSide,
    within: Duration,
) -> Result<(), String> {
    let mut found = String::new();
    let agreed = timeout(within, async {
        loop {
            let look = pool.look();
            let there = side.count().await;
            found = match &there {
                Ok(there) => format!("the pool says {look:?}, the server has {there}"),
                Err(error) => format!("the server does not answer: {error}"),
            };
            let (now, same) = (look.live(), there.ok());
            let counts = now.is_none() || now == same && pool.look().live() == same;
            if look.at_rest() && counts && same.is_some() {
                return;
            }
            sleep(LOOK).await;
        }
    });
    let agreed = agreed.await.is_ok();
    if agreed { Ok(()) } else { Err(found) }
}

/// What came of an oracle over all episodes.
#[derive(Debug)]
pub(crate) struct Tally {
    name: &'static str,
    bound: String,
    good: usize,
    bad: Vec<String>,
}

impl Tally {
    pub(crate) fn new(name: &'static str, bound: impl Into<String>) -> Self {
        Self {
            name,
            bound: bound.into(),
            good: 0,
            bad: Vec::new(),
        }
    }

    /// What came of it in this episode. Whether it held.
    pub(crate) fn add(&mut self, episode: &str, came: Result<(), String>) -> bool {
        match came {
            Ok(()) => self.good += 1,
            Err(found) => {
                self.bad.push(format!("{episode}: {found}"));
                return false;
            }
        }
        true
    }

    /// As a check of the book. One that was never asked does not hold.
    pub(crate) fn close(self, recorder: &Recorder) {
        let all = self.good + self.bad.len();
        let mut found = format!("{} of {all} episodes", self.good);
        for bad in self.bad.iter().take(SHOWN) {
            found = format!("{found}; {bad}");
        }
        let holds = self.bad.is_empty() && self.good > 0;
        recorder.check(self.name, self.bound, found, holds);
    }
}

/// What is asked after each episode, whatever the other side is.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) served: Tally,
    pub(crate) unstuck: Tally,
    pub(crate) cap: Tally,
    pub(crate) agrees: Tally,
    /// The longest until somebody was served again.
    pub(crate) to_serve: Duration,
}

impl Whole {
    /// Of a pool of `most` connections, which has so long to be whole again.
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        let within = |what: &str| format!("{what} within {within:?}, after each episode");
        let all = format!("{most} connections at once, all good, and no more");
        Self {
            served: Tally::new("served again", within("somebody who comes after it")),
            unstuck: Tally::new("nobody is stuck", within("every caller comes to an end")),
            cap: Tally::new("CAP: nothing is lost", within(&all)),
            agrees: Tally::new(
                "ACC: pool and server agree",
                within("the same number of connections"),
            ),
            to_serve: Duration::ZERO,
        }
    }

    /// As checks of the book; the longest until somebody was served again is its headline.
    pub(crate) fn close(self, recorder: &Recorder) {
        let served = self.to_serve.as_secs_f64() * 1e3;
        recorder.headline("longest until served again", served, "ms", Better::Lower);
        [self.served, self.unstuck, self.cap, self.agrees]
            .into_iter()
            .for_each(|tally| tally.close(recorder));
    }
}

/// Long enough for one that lay idle, if there is one.
const ONE_MORE: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(20);
const SHOWN: usize = 3;
