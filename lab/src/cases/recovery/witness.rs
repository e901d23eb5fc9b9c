//! One who looks at the server by a connection of his own, all the while: when it answers, and how many connections of the
//! pool it has.

use crate::Failure;
use crate::site::Site;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Config, NoTls};

/// Looks at the server until it is dropped.
#[derive(Debug)]
pub(super) struct Witness {
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Seen {
    /// When the server answered, and how many connections of the pool it had.
    answers: Vec<(Instant, usize)>,
    /// From when to when too many may be seen: an outage, and what the server has still to clear away after it.
    excused: Vec<(Instant, Option<Instant>)>,
}

impl Witness {
    /// Begins to look for connections of that name.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub(super) async fn start(site: &Site, name: &str) -> Result<Self, Failure> {
        let config = site.direct()?;
        let seen = Arc::<Mutex<Seen>>::default();
        let look = look(config, name.to_owned(), Arc::clone(&seen));
        let task = tokio::spawn(look).abort_handle();
        let witness = Self { seen, task };
        let first = witness.answer_after(Instant::now());
        let first = tokio::time::timeout(Duration::from_secs(10), first).await;
        first.map_err(|_| "the server does not answer the lab's own connection")?;
        Ok(witness)
    }

    /// When the server answered first after `then`.
    pub(super) async fn answer_after(&self, then: Instant) -> Instant {
        loop {
            let last = self.seen().answers.last().map(|(at, _)| *at);
            if last.is_some_and(|at| at > then) {
                let seen = self.seen();
                let first = seen.answers.partition_point(|(at, _)| *at <= then);
                return seen.answers[first].0;
            }
            sleep(PAUSE).await;
        }
    }

    /// An outage begins.
    pub(super) fn excuse(&self) {
        self.seen().excused.push((Instant::now(), None));
    }

    /// It was over at that moment.
    pub(super) fn no_excuse(&self, back: Instant) {
        if let Some(excuse) = self.seen().excused.last_mut() {
            excuse.1 = Some(back + TO_CLEAR);
        }
    }

    /// The most connections that the server had, but for what is excused.
    pub(super) fn most_in_peace(&self) -> usize {
        let seen = self.seen();
        let excused = |at: Instant| {
            let mut excuses = seen.excused.iter();
            excuses.any(|(from, to)| at >= *from && to.is_none_or(|to| at < to))
        };
        let peace = seen.answers.iter().filter(|(at, _)| !excused(*at));
        peace.map(|(_, count)| *count).max().unwrap_or(0)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects, and asks as long as it is answered; again and again.
async fn look(config: Config, name: String, seen: Arc<Mutex<Seen>>) {
    loop {
        // Whatever fails, the server is not there now.
        let _ = ask(&config, &name, &seen).await;
        sleep(PAUSE).await;
    }
}

async fn ask(config: &Config, name: &str, seen: &Mutex<Seen>) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let driven = tokio::spawn(connection);
    let _ended_with_us = Ended(driven.abort_handle());
    let question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let question = client.prepare(question).await?;
    loop {
        let row = client.query_one(&question, &[&name]).await?;
        let count = usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX);
        let answer = (Instant::now(), count);
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answers
            .push(answer);
        sleep(PAUSE).await;
    }
}

struct Ended(AbortHandle);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const PAUSE: Duration = Duration::from_millis(5);
/// A server that comes back has to clear away whom it has not yet seen go.
const TO_CLEAR: Duration = Duration::from_secs(1);
