//! Twice as many requests as a service can serve, and what must hold of its answers: by what its clients see alone, so
//! that it can be asked of any service.

use super::beforehand::book;
use crate::Failure;
use crate::data::{Better, Outcome};
use crate::load::{Answer, Beat, Fate, Shot, fire, quantile, steady, until_ready};
use crate::record::Recorder;
use reqwest::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a service is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// What is asked for.
    pub(crate) url: Arc<str>,
    /// How many of them it can serve in a second.
    pub(crate) capacity: f64,
    /// How many it is asked for in a second.
    pub(crate) per_second: f64,
    /// What each of them has, altogether.
    pub(crate) budget: Duration,
    /// For how long.
    pub(crate) lasts: Duration,
}

/// Asks whether the service is there.
pub(crate) async fn available(
    client: &Client,
    ready: &str,
    recorder: &Recorder,
) -> Result<(), Failure> {
    let after = until_ready(client, ready, TO_BE_READY).await?;
    recorder.check(
        "the service is ready",
        format!("within {TO_BE_READY:?}"),
        format!("after {after:.0?}"),
        true,
    );
    Ok(())
}

/// Drives it, and writes down what must hold.
pub(crate) async fn press(
    client: &Client,
    terms: &Terms,
    dice: &mut fastrand::Rng,
    recorder: &Recorder,
) {
    let due = steady(Duration::ZERO, terms.lasts, terms.per_second, dice);
    let shots = due.into_iter().map(|at| Shot {
        group: CALLERS,
        at,
        url: Arc::clone(&terms.url),
        hangs_up: None,
    });
    let phase = recorder.phase(format!("{:.0} requests a second", terms.per_second));
    let begun = Instant::now();
    let beat = Beat::start(begun);
    let (shots, patience) = (shots.collect(), 3 * terms.budget);
    let answers = fire(client, begun, shots, patience, book(recorder)).await;
    drop(phase);
    judge(&answers, &beat, terms, recorder);
}

/// Writes down what came of a request.
pub(crate) fn write_down(recorder: &Recorder, answer: &Answer) {
    let (group, took) = (answer.group, answer.took());
    let outcome = match &answer.fate {
        Fate::Served { waited, .. } => {
            recorder.request(group, Outcome::Served, waited.unwrap_or_default(), took);
            return;
        }
        Fate::Turned { error, .. } if error.as_deref() == Some("timed_out") => Outcome::TimedOut,
        Fate::Turned {
            status: 503 | 429, ..
        } => Outcome::Shed,
        Fate::HungUp => Outcome::Cancelled,
        Fate::Turned { .. } | Fate::Silent | Fate::Broken(_) => Outcome::Failed,
    };
    recorder.refusal(group, outcome, took);
}

fn judge(answers: &[Answer], beat: &Beat, terms: &Terms, recorder: &Recorder) {
    let turned: Vec<_> = answers.iter().filter(|answer| is_turned(answer)).collect();
    let count = turned.len();
    let spurned = answers.len() - count - answers.iter().filter(|answer| answer.served()).count();
    recorder.check(
        "everybody is answered: served, or 503 or 429",
        format!("all {}", answers.len()),
        match answers
            .iter()
            .find(|answer| !answer.served() && !is_turned(answer))
        {
            None => "all".to_owned(),
            Some(other) => format!("{spurned} are not; the first: {:?}", other.fate),
        },
        spurned == 0,
    );
    recorder.check(
        "it was more than the service can do",
        "some are turned away",
        format!("{count} of {}", answers.len()),
        count > 0,
    );
    in_time(answers, beat, terms, recorder);
    retry_after(answers, &turned, recorder);
    worth(answers, terms, recorder);
}

/// Both who is served and who is not hears of it within his budget.
fn in_time(answers: &[Answer], beat: &Beat, terms: &Terms, recorder: &Recorder) {
    let worst = |served| {
        let those = answers
            .iter()
            .filter(move |answer| answer.served() == served);
        those
            .map(|answer| answer.took_of(beat))
            .max()
            .unwrap_or_default()
    };
    let budget = terms.budget;
    for (name, served) in [
        ("who is served is served within his budget", true),
        ("who is turned away hears of it within his budget", false),
    ] {
        let worst = worst(served);
        let found = format!("the slowest after {worst:.1?}");
        recorder.check(name, format!("{budget:?}"), found, worst <= budget);
    }
    let raw = |served, share| {
        let those = answers
            .iter()
            .filter(move |answer| answer.served() == served);
        quantile(those.map(Answer::took), share).as_secs_f64() * 1e3
    };
    let (median, p99) = ("median until turned away", "p99 until turned away");
    recorder.headline(median, raw(false, 0.5), "ms", Better::Lower);
    recorder.figure(p99, raw(false, 0.99), "ms", Better::Lower);
    recorder.figure("p99 of the served", raw(true, 0.99), "ms", Better::Lower);
}

/// Who is turned away is told when to come again: about when all have been served who were there before.
fn retry_after(answers: &[Answer], turned: &[&Answer], recorder: &Recorder) {
    let told = |answer: &&&Answer| retry(answer).is_some();
    let with = turned.iter().filter(told).count();
    recorder.check(
        "who is turned away is told when to come again",
        "Retry-After, in seconds, on each 503 and 429",
        format!("on {with} of {}", turned.len()),
        with == turned.len(),
    );
    let compared: Vec<_> = turned
        .iter()
        .filter_map(|answer| Some((retry(answer)?, observed(answers, answer.done)?)))
        .collect();
    let fits = compared.iter().filter(|(told, seen)| fits(*told, *seen));
    let share = fits.count() as f64 / compared.len().max(1) as f64;
    let medians = [
        quantile(compared.iter().map(|(told, _)| *told), 0.5),
        quantile(compared.iter().map(|(_, seen)| *seen), 0.5),
    ];
    recorder.check(
        "Retry-After is what the rate of returns says",
        "between half and twice the time to serve whom it had, as its clients saw it, rounded up; 9 in 10",
        format!(
            "{:.0} % of {}; {:.1?} told, {:.1?} seen (medians)",
            share * 100.0,
            compared.len(),
            medians[0],
            medians[1]
        ),
        share >= 0.9,
    );
    let ratio = medians[0].as_secs_f64() / medians[1].as_secs_f64().max(f64::EPSILON);
    if !compared.is_empty() {
        recorder.figure("Retry-After told over seen", ratio, "x", Better::Neither);
    }
}

/// Turning everybody away is no art.
fn worth(answers: &[Answer], terms: &Terms, recorder: &Recorder) {
    let warm = terms.lasts / 5;
    let done = |answer: &&Answer| answer.served() && (warm..terms.lasts).contains(&answer.done);
    let served = answers.iter().filter(done).count();
    let per_second = served as f64 / (terms.lasts - warm).as_secs_f64();
    let share = per_second / terms.capacity * 100.0;
    recorder.check(
        "it goes on serving as many as it can",
        format!("70 % of {:.0} a second", terms.capacity),
        format!("{share:.0} %"),
        share >= 70.0,
    );
    recorder.figure("served, of what it can do", share, "%", Better::Higher);
}

fn is_turned(answer: &Answer) -> bool {
    matches!(
        answer.fate,
        Fate::Turned {
            status: 503 | 429,
            ..
        }
    )
}

fn retry(answer: &Answer) -> Option<Duration> {
    match answer.fate {
        Fate::Turned { retry_after, .. } => retry_after,
        _ => None,
    }
}

/// How long it took at that moment to serve those whom the service had, by the rate at which it served.
fn observed(answers: &[Answer], now: Duration) -> Option<Duration> {
    let served = || answers.iter().filter(|answer| answer.served());
    let there = served()
        .filter(|answer| answer.at <= now && answer.done > now)
        .count();
    let first = served().map(|answer| answer.done).min()?;
    let from = now.saturating_sub(LOOK_BACK).max(first);
    let span = now.saturating_sub(from);
    if span < LOOK_BACK / 4 {
        return None;
    }
    let done = served()
        .filter(|answer| answer.done > from && answer.done <= now)
        .count();
    (done > 0).then(|| span.mul_f64(there as f64 / done as f64))
}

fn fits(told: Duration, seen: Duration) -> bool {
    (seen / 2..=2 * seen + Duration::from_secs(1)).contains(&told)
}

/// What the conditions say of a machine that has other work.
pub(crate) const MACHINE: &str = "what the machine was late by is taken off: twice what a timer beside a request was late by at worst, for the way there and back";
const CALLERS: &str = "callers";
/// For the service to say that it is ready.
const TO_BE_READY: Duration = Duration::from_secs(10);
/// The rate of returns is that of so long.
const LOOK_BACK: Duration = Duration::from_secs(2);
