//! Whether a connection that was forgotten is told of: who, when, and nobody else.

use crate::Failure;
use crate::data::Better;
use crate::record::Recorder;
use crate::subject::Subject;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long after the threshold a leak may be told of.
const TO_NAME: Duration = Duration::from_millis(100);
/// How often the pool is asked for it.
const EVERY: Duration = Duration::from_millis(5);
/// How long it is asked at all, after that.
const IN_VAIN: Duration = Duration::from_secs(2);

/// Somebody who asks a pool for its leaks until one is among them.
pub(super) struct Lookout {
    pool: Arc<dyn Subject>,
    /// `file:line` of who forgot it.
    place: String,
    threshold: Duration,
    seen: JoinHandle<Seen>,
}

/// When it was told of, each time since it had been taken.
struct Seen {
    /// The last look at which it was not: between this and the next one, a slow machine is to blame.
    not_yet: Duration,
    /// The first look at which it was.
    at: Option<Duration>,
    /// Whether that was before anybody can have held it for so long.
    early: bool,
}

impl Lookout {
    /// Begins to look out for a connection that `caller` asked for and took then.
    pub(super) fn begin(
        pool: Arc<dyn Subject>,
        caller: &Location<'_>,
        asked: Instant,
        taken: Instant,
        threshold: Duration,
    ) -> Self {
        let place = format!("{}:{}", caller.file(), caller.line());
        let (looked_at, sought) = (Arc::clone(&pool), place.clone());
        let seen = tokio::spawn(async move {
            let mut not_yet = Duration::ZERO;
            while not_yet < threshold + IN_VAIN {
                let now = taken.elapsed();
                let leaks = looked_at.leaks().unwrap_or_default();
                if leaks.iter().any(|leak| leak.contains(&sought)) {
                    let early = asked.elapsed() < threshold;
                    let at = Some(taken.elapsed());
                    return Seen { not_yet, at, early };
                }
                not_yet = now;
                sleep(EVERY).await;
            }
            Seen {
                not_yet,
                at: None,
                early: false,
            }
        });
        Self {
            pool,
            place,
            threshold,
            seen,
        }
    }

    /// Waits until it is told of, or ought to have been, and writes down what the pool says when nobody else holds a
    /// connection.
    ///
    /// # Errors
    ///
    /// The lookout itself failed.
    pub(super) async fn check(self, recorder: &Recorder) -> Result<(), Failure> {
        let name = "who forgot it is named by file and line";
        let seen = self.seen.await?;
        let Some(leaks) = self.pool.leaks() else {
            recorder.unknown(name, "who holds its connections");
            return Ok(());
        };
        recorder.check(
            name,
            format!("{}, and nobody else", self.place),
            match leaks.is_empty() {
                true => "nobody".to_owned(),
                false => leaks.join("; "),
            },
            leaks.len() == 1 && leaks[0].contains(&self.place),
        );
        let (not_yet, threshold) = (seen.not_yet, self.threshold);
        recorder.check(
            "it is named within the threshold",
            format!("at {threshold:?}, {TO_NAME:?} later at most"),
            match seen.at {
                Some(at) => format!("not yet at {not_yet:.1?}, but at {at:.1?}"),
                None => format!("not yet at {not_yet:.1?}"),
            },
            seen.at.is_some() && !seen.early && not_yet <= threshold + TO_NAME,
        );
        if let Some(at) = seen.at {
            let ms = at.as_secs_f64() * 1e3;
            recorder.headline("forgotten one named after", ms, "ms", Better::Lower);
        }
        for leak in leaks {
            recorder.note(format!("told of as forgotten: {leak}"));
        }
        Ok(())
    }
}
