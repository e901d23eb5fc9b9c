//! Sends requests when they are due.

use super::Beat;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

/// A request, and when it is due.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Who makes it.
    pub group: &'static str,
    /// When, from the beginning of the load.
    pub at: Duration,
    /// The address.
    pub url: Arc<str>,
    /// Its client goes away after so long, whatever comes of it.
    pub hangs_up: Option<Duration>,
}

/// How one fared. Times are from the beginning of the load.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Who made it.
    pub group: &'static str,
    /// When it was due.
    pub at: Duration,
    /// When its answer was there, or given up.
    pub done: Duration,
    /// What came of it.
    pub fate: Fate,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// An answer of success.
    Served {
        /// How long it had waited for a connection, if it says so.
        waited: Option<Duration>,
        /// How long it had one, if it says so.
        held: Option<Duration>,
    },
    /// Another answer.
    Turned {
        /// Its status.
        status: u16,
        /// Why, in a word, if it says so: the field `error` of a JSON body.
        error: Option<String>,
        /// When to come again, if it says so in seconds.
        retry_after: Option<Duration>,
    },
    /// Its client went away, as it was meant to.
    HungUp,
    /// No answer for so long that nobody would have waited any more.
    Silent,
    /// The connection failed.
    Broken(String),
}

impl Answer {
    /// How long it took, from the moment when it was due.
    pub fn took(&self) -> Duration {
        self.done - self.at
    }

    /// The same without the machine's part: what a timer beside it was late by at worst while it was under way, once for
    /// the way there and once for the way back.
    pub fn took_of(&self, beat: &Beat) -> Duration {
        let late = beat.worst(self.at, self.done);
        self.took().saturating_sub(2 * late)
    }

    /// Whether it was served.
    pub fn served(&self) -> bool {
        matches!(self.fate, Fate::Served { .. })
    }
}

/// Sends all of them, in order of time, each when it is due and whatever became of those before; waits for the answers, for
/// none longer than `patience`, and tells of each as it comes. Dropped, it gives them all up.
pub async fn fire(
    client: &Client,
    begun: Instant,
    shots: Vec<Shot>,
    patience: Duration,
    told: impl Fn(&Answer) + Send + Sync + 'static,
) -> Vec<Answer> {
    let told = Arc::new(told);
    let mut under_way = JoinSet::new();
    for shot in shots {
        sleep_until(begun + shot.at).await;
        let (client, told) = (client.clone(), Arc::clone(&told));
        under_way.spawn(async move {
            let answer = one(&client, begun, shot, patience).await;
            told(&answer);
            answer
        });
    }
    let mut answers = under_way.join_all().await;
    answers.sort_by_key(|answer| answer.at);
    answers
}

async fn one(client: &Client, begun: Instant, shot: Shot, patience: Duration) -> Answer {
    let asked = ask(client, &shot.url);
    let (patience, without) = match shot.hangs_up {
        Some(patience) => (patience, Fate::HungUp),
        None => (patience, Fate::Silent),
    };
    let fate = timeout_at(begun + shot.at + patience, asked).await;
    Answer {
        group: shot.group,
        at: shot.at,
        done: begun.elapsed(),
        fate: fate.unwrap_or(without),
    }
}

async fn ask(client: &Client, url: &str) -> Fate {
    let answered = async {
        let answer = client.get(url).send().await?;
        let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
        let body = answer.bytes().await?;
        Ok::<_, reqwest::Error>((status, retry_after, body))
    };
    match answered.await {
        Ok((status, retry_after, body)) => {
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            of(status, retry_after, &body)
        }
        Err(error) => Fate::Broken(error.to_string()),
    }
}

fn of(status: StatusCode, retry_after: Option<Duration>, body: &Value) -> Fate {
    if status.is_success() {
        let time = |name: &str| Duration::try_from_secs_f64(body[name].as_f64()? / 1e3).ok();
        return Fate::Served {
            waited: time("waited_ms"),
            held: time("held_ms"),
        };
    }
    Fate::Turned {
        status: status.as_u16(),
        error: body["error"].as_str().map(str::to_owned),
        retry_after,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}
