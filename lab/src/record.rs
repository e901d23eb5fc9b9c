//! What happens in a run, written down as it happens: samples of every pool, marks, and what each request came to.

use crate::data::{
    Better, Check, Distribution, Figure, Group, Mark, MarkKind, Outcome, Sample, Timeline,
};
use crate::subject::Look;
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// In a note, after the name of a check that was left out.
pub(crate) const UNKNOWN: &str = ": unknown, since";

/// The book of one run. Clones write into the same one; the live view reads it meanwhile.
#[derive(Clone, Debug)]
pub struct Recorder {
    begun: Instant,
    book: Arc<Mutex<Book>>,
}

/// Everything that was written down.
#[derive(Debug, Default)]
struct Book {
    timelines: Vec<Timeline>,
    marks: Vec<Mark>,
    /// The numbers of those that are not over.
    lasting: BTreeSet<usize>,
    groups: Vec<Tally>,
    checks: Vec<Check>,
    figures: Vec<Figure>,
    notes: Vec<String>,
}

/// What the requests of one kind came to, while they come.
#[derive(Debug)]
struct Tally {
    name: String,
    outcomes: BTreeMap<Outcome, u64>,
    waits: Histogram<u64>,
    totals: Histogram<u64>,
    refusals: Histogram<u64>,
}

/// Everything of a book that a [`Run`](crate::data::Run) has.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// See [`Run::timelines`](crate::data::Run::timelines).
    pub timelines: Vec<Timeline>,
    /// See [`Run::marks`](crate::data::Run::marks).
    pub marks: Vec<Mark>,
    /// See [`Run::groups`](crate::data::Run::groups).
    pub groups: Vec<Group>,
    /// See [`Run::checks`](crate::data::Run::checks).
    pub checks: Vec<Check>,
    /// See [`Run::figures`](crate::data::Run::figures).
    pub figures: Vec<Figure>,
    /// See [`Run::notes`](crate::data::Run::notes).
    pub notes: Vec<String>,
}

/// A run at this moment, for who looks on.
#[derive(Clone, Debug, Default)]
pub struct Glimpse {
    /// Seconds since it began.
    pub at: f64,
    /// The phases that last, the newest last.
    pub phases: Vec<String>,
    /// The faults that last, or were a moment ago.
    pub faults: Vec<String>,
    /// Each pool's name, and what it looked like last, the newest last.
    pub pools: Vec<Timeline>,
}

/// A mark that is not over yet. Ends when it is dropped.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Lasting {
    recorder: Recorder,
    number: usize,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            book: Arc::default(),
        }
    }
}

impl Recorder {
    /// An empty book of a run that begins now.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seconds since the run began.
    pub fn now(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// When the run began.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// Opens a timeline; samples go to its number.
    pub fn timeline(&self, name: &str) -> usize {
        let mut book = self.book();
        book.timelines.push(Timeline {
            name: name.to_owned(),
            samples: Vec::new(),
        });
        book.timelines.len() - 1
    }

    /// Writes down what a pool looks like now.
    pub fn sample(&self, timeline: usize, look: &Look) {
        let sample = Sample {
            at: self.now(),
            max: look.max,
            size: look.size,
            connecting: look.connecting,
            in_use: look.in_use,
            idle: look.idle,
            waiting: look.waiting,
            health: look.health,
        };
        self.book().timelines[timeline].samples.push(sample);
    }

    /// A part of the case, until what this returns is dropped.
    pub fn phase(&self, text: impl Into<String>) -> Lasting {
        self.lasting(MarkKind::Phase, text.into())
    }

    /// A fault, until what this returns is dropped.
    pub fn fault(&self, text: impl Into<String>) -> Lasting {
        self.lasting(MarkKind::Fault, text.into())
    }

    /// A fault that is over at once.
    pub fn blow(&self, text: impl Into<String>) {
        let at = self.now();
        self.book().marks.push(Mark {
            from: at,
            to: None,
            kind: MarkKind::Fault,
            text: text.into(),
        });
    }

    fn lasting(&self, kind: MarkKind, text: String) -> Lasting {
        let from = self.now();
        let mut book = self.book();
        book.marks.push(Mark {
            from,
            to: None,
            kind,
            text,
        });
        let number = book.marks.len() - 1;
        book.lasting.insert(number);
        drop(book);
        Lasting {
            recorder: self.clone(),
            number,
        }
    }

    /// A request of `group` that got a connection after `wait`, and ended so after `total`.
    pub fn request(&self, group: &str, outcome: Outcome, wait: Duration, total: Duration) {
        self.tally(group, |tally| {
            *tally.outcomes.entry(outcome).or_default() += 1;
            tally.waits += micros(wait);
            tally.totals += micros(total);
        });
    }

    /// A request of `group` that got no connection, after so long.
    pub fn refusal(&self, group: &str, outcome: Outcome, after: Duration) {
        self.tally(group, |tally| {
            *tally.outcomes.entry(outcome).or_default() += 1;
            tally.refusals += micros(after);
        });
    }

    fn tally(&self, name: &str, write: impl FnOnce(&mut Tally)) {
        let mut book = self.book();
        let number = match book.groups.iter().position(|tally| tally.name == name) {
            Some(number) => number,
            None => {
                book.groups.push(Tally::new(name));
                book.groups.len() - 1
            }
        };
        write(&mut book.groups[number]);
    }

    /// Something that must hold: what is asked for, what was found, and whether that holds.
    pub fn check(
        &self,
        name: &str,
        bound: impl Into<String>,
        found: impl Into<String>,
        holds: bool,
    ) {
        self.book().checks.push(Check {
            name: name.to_owned(),
            bound: bound.into(),
            found: found.into(),
            holds,
        });
    }

    /// A check that was left out since this kind of pool does not tell `figure`. It is said, and nothing is guessed.
    pub fn unknown(&self, check: &str, figure: &str) {
        self.note(format!("{check}{UNKNOWN} this pool does not tell {figure}"));
    }

    /// A check that was left out since there is no server here that keeps a list of its connections.
    pub fn unlisted(&self, check: &str) {
        self.note(format!(
            "{check}{UNKNOWN} no server keeps a list of connections here"
        ));
    }

    /// The figure that the table shows.
    pub fn headline(&self, name: &str, value: f64, unit: &str, better: Better) {
        self.measured(name, value, unit, better, None, true);
    }

    /// The figure that the table shows, and beside it what it is held to.
    pub fn headline_within(&self, name: &str, value: f64, unit: &str, better: Better, bound: &str) {
        self.measured(name, value, unit, better, Some(bound.to_owned()), true);
    }

    /// Another figure.
    pub fn figure(&self, name: &str, value: f64, unit: &str, better: Better) {
        self.measured(name, value, unit, better, None, false);
    }

    fn measured(
        &self,
        name: &str,
        value: f64,
        unit: &str,
        better: Better,
        bound: Option<String>,
        headline: bool,
    ) {
        self.book().figures.push(Figure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            better,
            bound,
            headline,
        });
    }

    /// Something that a reader should know.
    pub fn note(&self, text: impl Into<String>) {
        self.book().notes.push(text.into());
    }

    /// What the requests of `group` have come to so far.
    pub fn group(&self, group: &str) -> Group {
        let book = self.book();
        let tally = book.groups.iter().find(|tally| tally.name == group);
        tally.map(Tally::group).unwrap_or_default()
    }

    /// What happens now, and the last so many samples of each pool.
    pub fn glimpse(&self, samples: usize) -> Glimpse {
        let at = self.now();
        let book = self.book();
        let is_now = |number: usize, mark: &Mark| {
            let just_now = at - mark.to.unwrap_or(mark.from) < A_MOMENT;
            book.lasting.contains(&number) || (mark.kind == MarkKind::Fault && just_now)
        };
        let of = |kind| {
            let marks = book.marks.iter().enumerate();
            let marks = marks.filter(|(number, mark)| mark.kind == kind && is_now(*number, mark));
            marks.map(|(_, mark)| mark.text.clone()).collect()
        };
        let pool = |line: &Timeline| Timeline {
            name: line.name.clone(),
            samples: line.samples[line.samples.len().saturating_sub(samples)..].to_vec(),
        };
        Glimpse {
            at,
            phases: of(MarkKind::Phase),
            faults: of(MarkKind::Fault),
            pools: book.timelines.iter().map(pool).collect(),
        }
    }

    /// What the requests have come to so far.
    pub fn groups(&self) -> Vec<Group> {
        self.book().groups.iter().map(Tally::group).collect()
    }

    /// Everything that is written down so far.
    pub fn written(&self) -> Written {
        let book = self.book();
        Written {
            timelines: book.timelines.clone(),
            marks: book.marks.clone(),
            groups: book.groups.iter().map(Tally::group).collect(),
            checks: book.checks.clone(),
            figures: book.figures.clone(),
            notes: book.notes.clone(),
        }
    }

    /// A panic of a task that was meant to panic must not take the book with it.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let now = self.recorder.now();
        let mut book = self.recorder.book();
        book.marks[self.number].to = Some(now);
        book.lasting.remove(&self.number);
    }
}

impl Tally {
    fn new(name: &str) -> Self {
        // Of a microsecond or of an hour: it grows as it must.
        let times = || {
            let mut times = Histogram::new(3).expect("three digits are allowed");
            times.auto(true);
            times
        };
        Self {
            name: name.to_owned(),
            outcomes: BTreeMap::new(),
            waits: times(),
            totals: times(),
            refusals: times(),
        }
    }

    fn group(&self) -> Group {
        Group {
            name: self.name.clone(),
            outcomes: self.outcomes.clone(),
            waits: distribution(&self.waits),
            totals: distribution(&self.totals),
            refusals: distribution(&self.refusals),
        }
    }
}

/// How long who looks on is told of a fault that is over, in seconds.
const A_MOMENT: f64 = 1.0;

/// Steps of the log scale: ten for each power of ten, from a microsecond.
const STEPS: f64 = 10.0;

fn distribution(times: &Histogram<u64>) -> Distribution {
    if times.is_empty() {
        return Distribution::default();
    }
    let at = |share| ms(times.value_at_quantile(share));
    let mut buckets: Vec<(f64, u64)> = Vec::new();
    for value in times.iter_recorded() {
        let upper = upper_bound(value.value_iterated_to());
        match buckets.last_mut() {
            Some((last, count)) if *last == upper => *count += value.count_at_value(),
            _ => buckets.push((upper, value.count_at_value())),
        }
    }
    Distribution {
        count: times.len(),
        min: ms(times.min()),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: ms(times.max()),
        buckets,
    }
}

/// The next step of the log scale, in milliseconds.
fn upper_bound(micros: u64) -> f64 {
    let step = ((micros.max(1) as f64).log10() * STEPS).ceil();
    10f64.powf(step / STEPS) / 1_000.0
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_what_is_read() {
        let recorder = Recorder::new();
        for ms in [1, 1, 2, 900] {
            let wait = Duration::from_millis(ms);
            recorder.request("callers", Outcome::Served, wait, wait * 2);
        }
        recorder.refusal("callers", Outcome::TimedOut, Duration::from_secs(5));
        let group = recorder.group("callers");
        assert_eq!(group.outcomes[&Outcome::Served], 4);
        assert_eq!(group.outcomes[&Outcome::TimedOut], 1);
        assert_eq!(group.waits.count, 4);
        assert!((group.waits.max - 900.0).abs() < 1.0, "{group:?}");
        assert!((group.totals.max - 1_800.0).abs() < 2.0, "{group:?}");
        assert!((group.refusals.p50 - 5_000.0).abs() < 5.0, "{group:?}");
        let counts: Vec<_> = group
            .waits
            .buckets
            .iter()
            .map(|(_, count)| *count)
            .collect();
        assert_eq!(counts, [2, 1, 1]);
        let bounds = group.waits.buckets.iter().map(|(bound, _)| *bound);
        assert!(
            bounds
                .zip([1.0, 2.0, 900.0])
                .all(|(bound, value)| { (value..value * 1.27).contains(&(bound + 1e-9)) })
        );
    }

    #[test]
    fn who_looks_on_sees_what_lasts_and_the_last_looks() {
        let recorder = Recorder::new();
        let line = recorder.timeline("it");
        for in_use in 0..9 {
            let look = Look {
                in_use: Some(in_use),
                ..Look::default()
            };
            recorder.sample(line, &look);
        }
        let phase = recorder.phase("all is well");
        let fault = recorder.fault("frozen");
        recorder.blow("a reset");
        drop(phase);
        let now = recorder.glimpse(2);
        assert!(now.phases.is_empty());
        assert_eq!(now.faults, ["frozen", "a reset"]);
        drop(fault);
        let used: Vec<_> = now.pools[0].samples.iter().map(|it| it.in_use).collect();
        assert_eq!(used, [Some(7), Some(8)]);
    }

    #[test]
    fn a_fault_lasts_until_it_is_dropped() {
        let recorder = Recorder::new();
        let fault = recorder.fault("the server stands still");
        assert_eq!(recorder.written().marks[0].to, None);
        drop(fault);
        let mark = recorder.written().marks.remove(0);
        assert!(mark.to.is_some_and(|to| to >= mark.from));
    }
}
