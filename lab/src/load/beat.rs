//! How late the machine is: a timer that runs beside the load. What it was late by, no service can help.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// The timer. Stops when it is dropped.
#[derive(Debug)]
pub struct Beat {
    late: Arc<Mutex<Vec<Late>>>,
    task: AbortHandle,
}

/// A beat that came late: when it came, from the beginning, and by how much.
#[derive(Clone, Copy, Debug)]
struct Late {
    at: Duration,
    by: Duration,
}

impl Beat {
    /// Begins to beat; times count from `begun`.
    pub fn start(begun: Instant) -> Self {
        let late = Arc::<Mutex<Vec<Late>>>::default();
        let told = Arc::clone(&late);
        let task = tokio::spawn(async move {
            loop {
                let due = Instant::now() + EVERY;
                sleep_until(due).await;
                let by = due.elapsed();
                if by > USUAL {
                    let at = begun.elapsed();
                    told.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(Late { at, by });
                }
            }
        });
        Self {
            late,
            task: task.abort_handle(),
        }
    }

    /// By how much it was late at worst between the two.
    pub fn worst(&self, from: Duration, to: Duration) -> Duration {
        let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let between = |late: &&Late| late.at >= from && late.at.saturating_sub(late.by) <= to;
        let worst = late.iter().filter(between).map(|late| late.by).max();
        worst.unwrap_or_default()
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const EVERY: Duration = Duration::from_millis(5);
/// A timer is always late by up to a millisecond, and a busy machine by a few: that is no excuse for anybody.
const USUAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    #[tokio::test]
    async fn what_keeps_the_machine_makes_the_beat_late() {
        let begun = Instant::now();
        let beat = Beat::start(begun);
        sleep(Duration::from_millis(20)).await;
        let from = begun.elapsed();
        // The only thread of this runtime.
        std::thread::sleep(Duration::from_millis(120));
        let to = begun.elapsed();
        sleep(Duration::from_millis(20)).await;
        let late = beat.worst(from, to);
        assert!(late >= Duration::from_millis(100), "{late:?}");
        let later = to + Duration::from_secs(60);
        assert_eq!(beat.worst(later, later), Duration::ZERO);
    }
}
