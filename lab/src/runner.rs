//! Runs cases: one after the other, each for each pool in turn, bounded in time, and stopped when told to.

use crate::Failure;
use crate::cases::Case;
use crate::data::{CaseReport, Run, Scale, Verdict};
use crate::ground::Ground;
use crate::record::Recorder;
use crate::site::Site;
use crate::subject::Maker;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cases, in order.
    pub cases: Vec<Arc<dyn Case>>,
    /// The pools, each of which every case is run with.
    pub makers: Vec<Arc<dyn Maker>>,
    /// How long the cases are.
    pub scale: Scale,
    /// What chance is drawn from.
    pub seed: u64,
}

/// Who wants to know what happens while it happens: the progress line, the live view.
pub trait Audience: Send + Sync {
    /// A run begins; `recorder` is its book. `expected` is about how long it takes.
    fn begins(&self, _case: &dyn Case, _pool: &str, _recorder: &Recorder, _expected: Duration) {}
    /// A run has ended.
    fn ended(&self, _case: &dyn Case, _run: &Run) {}
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;
impl Audience for Nobody {}

/// Runs all of it; what was run until it was stopped.
pub async fn run(
    plan: &Plan,
    site: &Site,
    stop: &CancellationToken,
    audience: &dyn Audience,
) -> Vec<CaseReport> {
    let mut reports = Vec::new();
    for case in &plan.cases {
        if stop.is_cancelled() {
            break;
        }
        let mut runs = Vec::new();
        for maker in &plan.makers {
            if stop.is_cancelled() {
                break;
            }
            let ground = Ground::new(
                Arc::clone(maker),
                site.clone(),
                plan.scale,
                plan.seed,
                stop.clone(),
            );
            audience.begins(
                &**case,
                maker.name(),
                ground.recorder(),
                case.expected(plan.scale),
            );
            let run = one(case, &ground).await;
            audience.ended(&**case, &run);
            runs.push(run);
        }
        reports.push(CaseReport {
            name: case.name().to_owned(),
            title: case.title().to_owned(),
            question: case.question().to_owned(),
            conditions: case.conditions(plan.scale),
            runs,
        });
    }
    reports
}

/// How one try ended, before its checks are looked at.
enum End {
    Whole,
    Stopped,
    Broken(String),
}

/// Runs one case on its ground.
pub async fn one(case: &Arc<dyn Case>, ground: &Ground) -> Run {
    let began = Instant::now();
    if let Some(why) = case.unasked(ground) {
        return run_of(ground, Verdict::Skipped(why), began);
    }
    let end = drive(case, ground).await;
    ground.settle().await;
    let checks = ground.recorder().written().checks;
    let verdict = match end {
        End::Broken(why) => Verdict::Broken(why),
        End::Stopped => Verdict::Interrupted,
        End::Whole if checks.is_empty() => Verdict::Broken("it asserted nothing".to_owned()),
        End::Whole if checks.iter().all(|check| check.holds) => Verdict::Passed,
        End::Whole => Verdict::Failed,
    };
    run_of(ground, verdict, began)
}

/// In a task of its own, so that a panic of a case is that case's end alone.
async fn drive(case: &Arc<dyn Case>, ground: &Ground) -> End {
    let bound = case.bound(ground.scale());
    let mut task = tokio::spawn({
        let (case, ground) = (Arc::clone(case), ground.clone());
        async move { case.run(&ground).await }
    });
    let ended = tokio::select! {
        ended = timeout(bound, &mut task) => ended,
        () = ground.stop().cancelled() => {
            end(task).await;
            return End::Stopped;
        }
    };
    match ended {
        Ok(Ok(Ok(()))) => End::Whole,
        Ok(Ok(Err(failure))) => End::Broken(failure.to_string()),
        Ok(Err(panic)) => End::Broken(format!("it panicked: {}", said(panic))),
        Err(_) => {
            end(task).await;
            End::Broken(format!("no end after {bound:?}"))
        }
    }
}

async fn end(task: tokio::task::JoinHandle<Result<(), Failure>>) {
    task.abort();
    // Cancelled, or done meanwhile: either way it is over.
    let _ = task.await;
}

fn said(panic: tokio::task::JoinError) -> String {
    match panic.try_into_panic() {
        Ok(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            text.unwrap_or("without a word").to_owned()
        }
        Err(other) => other.to_string(),
    }
}

fn run_of(ground: &Ground, verdict: Verdict, began: Instant) -> Run {
    let written = ground.recorder().written();
    Run {
        pool: ground.maker().name().to_owned(),
        verdict,
        seconds: began.elapsed().as_secs_f64(),
        checks: written.checks,
        figures: written.figures,
        groups: written.groups,
        timelines: written.timelines,
        marks: written.marks,
        notes: written.notes,
    }
}
