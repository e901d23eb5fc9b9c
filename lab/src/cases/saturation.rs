//! Case 1: every connection is taken, and more are asked for.

use super::Case;
use crate::Failure;
use crate::data::{Better, Level, Outcome, Scale};
use crate::ground::Ground;
use crate::subject::{Refusal, Work};
use async_trait::async_trait;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// See `cases/mod.rs`.
pub(super) struct Saturation;

const MOST: usize = 8;
const KEPT: usize = 5;
const EXCESS: usize = 24;
/// Nobody times out before its bound, and nobody later than so long after it.
const LATE: Duration = Duration::from_millis(50);

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
                "{MOST} connections, {KEPT} of them kept; {MOST} hold one for {:?}",
                held(scale)
            ),
            format!("{EXCESS} more ask meanwhile, each with a bound of its own"),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        held(scale) + Duration::from_secs(30)
    }

    fn expected(&self, scale: Scale) -> Duration {
        held(scale) + Duration::from_secs(1)
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let pool = ground.make(&ground.spec("saturation", MOST, KEPT)).await?;
        let recorder = ground.recorder();
        let hold = held(ground.scale());
        let mut holders = JoinSet::new();
        for _ in 0..MOST {
            let (pool, recorder) = (Arc::clone(&pool), recorder.clone());
            holders.spawn(async move {
                let asked = Instant::now();
                let mut lease = pool.get(hold, Location::caller()).await?;
                let wait = asked.elapsed();
                lease
                    .work(Work::Sleep(hold))
                    .await
                    .map_err(Refusal::Failed)?;
                recorder.request("holders", Outcome::Served, wait, asked.elapsed());
                Ok::<_, Refusal>(())
            });
        }
        let full = |look: &crate::subject::Look| look.in_use.is_none_or(|count| count == MOST);
        let (look, _) = ground.until(&pool, hold / 2, full).await;
        let found = look
            .in_use
            .map_or("unknown".to_owned(), |count| format!("{count} of {MOST}"));
        recorder.check(
            "every connection is in use",
            format!("{MOST} of {MOST}"),
            &found,
            look.in_use == Some(MOST),
        );
        recorder.check(
            "health is critical",
            "critical from 95 % in use",
            look.health.map_or("unknown", Level::name),
            look.health == Some(Level::Critical),
        );
        let mut excess = JoinSet::new();
        for number in 0..EXCESS {
            let (pool, recorder) = (Arc::clone(&pool), recorder.clone());
            let bound = hold / 2 * u32::try_from(number + 1)? / u32::try_from(EXCESS)?;
            excess.spawn(async move {
                let asked = Instant::now();
                let got = pool.get(bound, Location::caller()).await;
                let after = asked.elapsed();
                match got {
                    Ok(_) => recorder.request("excess", Outcome::Served, after, after),
                    Err(Refusal::TimedOut) => recorder.refusal("excess", Outcome::TimedOut, after),
                    Err(_) => recorder.refusal("excess", Outcome::Failed, after),
                }
                (bound, after)
            });
        }
        let times = excess.join_all().await;
        let early = times.iter().filter(|(bound, after)| after < bound).count();
        let late = times
            .iter()
            .map(|(bound, after)| after.saturating_sub(*bound))
            .max();
        let late = late.unwrap_or_default();
        recorder.check("nobody times out early", "0", early.to_string(), early == 0);
        recorder.check(
            "nobody times out late",
            format!("{LATE:?}"),
            format!("{late:.1?}"),
            late <= LATE,
        );
        recorder.headline(
            "latest time-out after its bound",
            late.as_secs_f64() * 1e3,
            "ms",
            Better::Lower,
        );
        for ended in holders.join_all().await {
            ended.map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    }
}

fn held(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_secs(2),
        Scale::Full => Duration::from_secs(10),
    }
}
