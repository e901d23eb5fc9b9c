//! What is happening, in a line, while it happens.

use crate::cases::Case;
use crate::data::{Run, Sample};
use crate::record::{Glimpse, Recorder};
use crate::report::{Paint, sum};
use crate::runner::Audience;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A line for each run: one that moves on a terminal; elsewhere one when it begins and one when it has ended.
#[derive(Debug)]
pub(crate) struct Progress {
    moves: bool,
    paint: Paint,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// On stderr: stdout is for the table.
    pub(crate) fn new() -> Self {
        Self {
            moves: stderr().is_terminal(),
            paint: Paint::on(&stderr()),
            bar: Mutex::default(),
        }
    }

    fn take(&self) -> Option<ProgressBar> {
        self.bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Audience for Progress {
    fn begins(&self, case: &dyn Case, pool: &str, recorder: &Recorder, expected: Duration) {
        let name = format!("{:<12}  {pool}", case.name());
        if !self.moves {
            eprintln!(
                "{}, {pool}: begins, takes about {} s",
                case.name(),
                expected.as_secs()
            );
            return;
        }
        let recorder = recorder.clone();
        let now = move |_: &ProgressState, line: &mut dyn Write| {
            let columns = ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| columns);
            let text = line_of(&name, expected, &recorder.glimpse(1));
            // One that is broken into two would leave its second half behind.
            let text: String = text
                .chars()
                .take(usize::from(columns).saturating_sub(3))
                .collect();
            let _to_a_string = line.write_str(&text);
        };
        let style =
            ProgressStyle::with_template("{spinner} {now}").map(|it| it.with_key("now", now));
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn ended(&self, case: &dyn Case, run: &Run) {
        if let Some(bar) = self.take() {
            bar.finish_and_clear();
        }
        let verdict = self.paint.verdict(&run.verdict, 7);
        let figure = sum::figure(run);
        eprintln!(
            "{:<12}  {:<12}  {verdict}  {:>6.1} s  {figure}",
            case.name(),
            run.pool,
            run.seconds
        );
    }
}

impl Drop for Progress {
    /// A run that was left half-way leaves no line that still moves.
    fn drop(&mut self) {
        if let Some(bar) = self.take() {
            bar.finish_and_clear();
        }
    }
}

/// `saturation  millpond  ━━━━━━────  1.2 of about 3 s  every connection is held  8/8 in use, 24 waiting, critical`
fn line_of(name: &str, expected: Duration, now: &Glimpse) -> String {
    let expected = expected.as_secs_f64();
    let share = (now.at / expected.max(0.1)).min(1.0);
    let done = (share * BAR as f64) as usize;
    let bar = "━".repeat(done) + &"─".repeat(BAR - done);
    let mut line = format!("{name}  {bar}  {:.1} of about {expected:.0} s", now.at);
    if let Some(phase) = now.phases.last() {
        let _to_a_string = write!(line, "  {phase}");
    }
    for fault in &now.faults {
        let _to_a_string = write!(line, "  fault: {fault}");
    }
    for pool in &now.pools {
        if let Some(sample) = pool.samples.last() {
            let health = sample
                .health
                .map_or(String::new(), |level| format!(", {}", level.name()));
            let _to_a_string = write!(line, "  {}{health}", counts(sample));
        }
    }
    line
}

/// What a pool looks like, in words; what it does not know is left out.
pub(crate) fn counts(sample: &Sample) -> String {
    let mut words = Vec::new();
    if let Some(in_use) = sample.in_use {
        let of = sample.max.or(sample.size);
        let of = of.map_or(String::new(), |of| format!("/{of}"));
        words.push(format!("{in_use}{of} in use"));
    }
    words.extend(
        sample
            .connecting
            .filter(|it| *it > 0)
            .map(|it| format!("{it} connecting")),
    );
    words.extend(
        sample
            .waiting
            .filter(|it| *it > 0)
            .map(|it| format!("{it} waiting")),
    );
    match words.is_empty() {
        true => "it says nothing of itself".to_owned(),
        false => words.join(", "),
    }
}

const BAR: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Level, Timeline};

    #[test]
    fn a_line_says_what_happens_now() {
        let sample = Sample {
            max: Some(8),
            in_use: Some(8),
            waiting: Some(24),
            connecting: Some(0),
            health: Some(Level::Critical),
            ..Sample::default()
        };
        let now = Glimpse {
            at: 1.24,
            phases: vec!["all is held".to_owned()],
            faults: vec!["SIGSTOP".to_owned()],
            pools: vec![Timeline {
                name: "it".to_owned(),
                samples: vec![sample],
            }],
        };
        assert_eq!(
            line_of("saturation  millpond", Duration::from_millis(2_480), &now),
            "saturation  millpond  ━━━━━━━━────────  1.2 of about 2 s  all is held  fault: SIGSTOP  8/8 in use, 24 waiting, critical"
        );
    }

    #[test]
    fn what_a_pool_does_not_know_is_not_made_up() {
        assert_eq!(counts(&Sample::default()), "it says nothing of itself");
        let sample = Sample {
            size: Some(3),
            in_use: Some(1),
            ..Sample::default()
        };
        assert_eq!(counts(&sample), "1/3 in use");
    }
}
