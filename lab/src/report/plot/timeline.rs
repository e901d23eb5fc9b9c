//! What a pool looked like over time: phases and faults, connections, the line, health, all on one axis of time.

use super::{Anchor, Ink, Plane, Sheet, Width, cut, drawn, failed, ticks, wide};
use crate::Failure;
use crate::data::{CaseReport, Level, Mark, MarkKind, Sample, Timeline};
use crate::report::thin::{Point, bands, feelings, lines, moves, steps, thinned};
use plotters::prelude::*;
use std::ops::Range;

/// How far the axes go: the same for all pools of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Limits {
    seconds: f64,
    connections: f64,
    waiting: f64,
}

impl Limits {
    /// Those that hold all that was seen in a case.
    pub(in crate::report) fn of(case: &CaseReport) -> Self {
        let timelines = || case.runs.iter().flat_map(|run| &run.timelines);
        let samples = || timelines().flat_map(|timeline| &timeline.samples);
        let marks = case.runs.iter().flat_map(|run| &run.marks);
        let ends = marks.map(|mark| mark.to.unwrap_or(mark.from));
        let most = |counts: &dyn Fn(&Sample) -> [Option<usize>; 2]| {
            let all = samples().flat_map(counts).flatten();
            all.max().unwrap_or(0).max(1) as f64
        };
        Self {
            seconds: samples()
                .map(|sample| sample.at)
                .chain(ends)
                .fold(0.1, f64::max),
            connections: most(&|sample| [sample.max.or(sample.size), sample.size]),
            waiting: most(&|sample| [sample.waiting, None]),
        }
    }
}

/// Draws it.
pub(in crate::report) fn timeline(
    timeline: &Timeline,
    marks: &[Mark],
    limits: &Limits,
    width: Width,
) -> Result<String, Failure> {
    let lanes = Lanes::of(marks, limits, width);
    let rows = Rows::below(lanes.height());
    let label = format!(
        "Connections, waiters and health of {} over {:.1} seconds",
        timeline.name, limits.seconds
    );
    let draws = Draws {
        samples: &timeline.samples,
        limits,
        width,
        rows: &rows,
    };
    drawn((width.pixels(), rows.height), &label, |sheet| {
        draws.axes(sheet)?;
        lanes.draw(sheet, &rows)?;
        draws.connections(sheet)?;
        draws.waiting(sheet)?;
        draws.health(sheet)
    })
}

/// One of the counts of a pool, if it knows it.
type Count = fn(&Sample) -> Option<usize>;

/// What stands at which height.
struct Rows {
    connections: Range<i32>,
    waiting: Range<i32>,
    health: Range<i32>,
    height: i32,
}

impl Rows {
    fn below(lanes: i32) -> Self {
        let part = |from: i32, height: i32| from..from + height;
        let connections = part(lanes + 24, 150);
        let waiting = part(connections.end + 30, 70);
        let health = part(waiting.end + 12, 16);
        Self {
            height: health.end + 26,
            connections,
            waiting,
            health,
        }
    }
}

struct Draws<'a> {
    samples: &'a [Sample],
    limits: &'a Limits,
    width: Width,
    rows: &'a Rows,
}

impl Draws<'_> {
    fn axes(&self, sheet: &Sheet<'_>) -> Result<(), Failure> {
        let (left, right) = (LEFT, self.width.pixels() - RIGHT);
        let panels = [
            (
                &self.rows.connections,
                self.limits.connections,
                "connections",
                4,
            ),
            (&self.rows.waiting, self.limits.waiting, "waiting", 2),
        ];
        for (rows, most, name, count) in panels {
            for tick in whole(ticks(most, count)) {
                let y = rows.end - scaled(tick, most * ROOM, rows.end - rows.start);
                let ink = if tick == 0.0 { Ink::Faint } else { Ink::Grid };
                sheet.line((left, y), (right, y), ink)?;
                sheet.text(&format!("{tick}"), (left - 6, y), Anchor::Right, Ink::Faint)?;
            }
            sheet.text(name, (left, rows.start - 10), Anchor::Left, Ink::Faint)?;
        }
        let middle = (self.rows.health.start + self.rows.health.end) / 2;
        sheet.text("health", (left - 6, middle), Anchor::Right, Ink::Faint)?;
        let count = if self.width == Width::Wide { 12 } else { 5 };
        for tick in ticks(self.limits.seconds, count) {
            let x = left + scaled(tick, self.limits.seconds, right - left);
            sheet.line(
                (x, self.rows.health.end + 2),
                (x, self.rows.health.end + 6),
                Ink::Faint,
            )?;
            let text = format!("{} s", (tick * 1e6).round() / 1e6);
            sheet.text(
                &text,
                (x.min(right - wide(&text) / 2), self.rows.health.end + 15),
                Anchor::Middle,
                Ink::Faint,
            )?;
        }
        Ok(())
    }

    fn connections(&self, sheet: &Sheet<'_>) -> Result<(), Failure> {
        let plane = self.plane(
            sheet,
            &self.rows.connections,
            self.limits.connections * ROOM,
        );
        self.area(&plane, |sample| sample.in_use, Ink::Used)?;
        self.line(&plane, |sample| sample.max, Ink::Most, 2)?;
        self.line(&plane, |sample| sample.idle, Ink::Idle, 3)?;
        self.line(&plane, |sample| sample.size, Ink::Size, 3)?;
        let known: [(&str, Count); 3] = [
            ("size", |sample| sample.size),
            ("in use", |sample| sample.in_use),
            ("idle", |sample| sample.idle),
        ];
        self.unknown(sheet, &self.rows.connections, &known)
    }

    fn waiting(&self, sheet: &Sheet<'_>) -> Result<(), Failure> {
        let plane = self.plane(sheet, &self.rows.waiting, self.limits.waiting * ROOM);
        self.area(&plane, |sample| sample.waiting, Ink::Waiting)?;
        self.unknown(
            sheet,
            &self.rows.waiting,
            &[("waiting", |sample| sample.waiting)],
        )
    }

    /// The worse, the higher, so that it can be read without colours.
    fn health(&self, sheet: &Sheet<'_>) -> Result<(), Failure> {
        let felt = feelings(self.samples, self.limits.seconds, self.columns());
        if felt.is_empty() {
            let middle = (self.rows.health.start + self.rows.health.end) / 2;
            return sheet.text("unknown", (LEFT + 4, middle), Anchor::Left, Ink::Faint);
        }
        let plane = self.plane(sheet, &self.rows.health, 1.0);
        for (from, until, level) in felt {
            let (ink, height) = match level {
                Level::Healthy => (Ink::Healthy, 0.35),
                Level::Warning => (Ink::Warning, 0.7),
                Level::Critical => (Ink::Critical, 1.0),
            };
            // As wide as can be seen.
            let until = until.max(from + self.limits.seconds / self.columns() as f64);
            let until = until.min(self.limits.seconds);
            let band = Rectangle::new([(from, height), (until, 0.0)], ink.filled(1.0));
            plane.draw(&band).map_err(failed)?;
        }
        Ok(())
    }

    /// Says what this kind of pool does not know of itself.
    fn unknown(
        &self,
        sheet: &Sheet<'_>,
        rows: &Range<i32>,
        series: &[(&str, Count)],
    ) -> Result<(), Failure> {
        let unknown = series
            .iter()
            .filter(|(_, value)| self.samples.iter().all(|sample| value(sample).is_none()));
        let names: Vec<_> = unknown.map(|(name, _)| *name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let text = format!("unknown to this pool: {}", names.join(", "));
        let place = (self.width.pixels() - RIGHT, rows.start - 10);
        sheet.text(&text, place, Anchor::Right, Ink::Faint)
    }

    /// Filled down to nothing.
    fn area(
        &self,
        plane: &Plane<'_>,
        value: impl Fn(&Sample) -> Option<usize>,
        ink: Ink,
    ) -> Result<(), Failure> {
        for line in self.lines(value) {
            let [floor, _, _] = &line.edges;
            let ends = [floor[floor.len() - 1], floor[0]].map(|(at, _)| (at, 0.0));
            let outline: Vec<Point> = floor.iter().copied().chain(ends).collect();
            let filled = Polygon::new(outline, ink.filled(0.4));
            plane.draw(&filled).map_err(failed)?;
            line.draw(plane, ink, 3)?;
        }
        Ok(())
    }

    fn line(
        &self,
        plane: &Plane<'_>,
        value: impl Fn(&Sample) -> Option<usize>,
        ink: Ink,
        thick: u32,
    ) -> Result<(), Failure> {
        let mut lines = self.lines(value).into_iter();
        lines.try_for_each(|line| line.draw(plane, ink, thick))
    }

    fn lines(&self, value: impl Fn(&Sample) -> Option<usize>) -> Vec<Shown> {
        let seconds = self.limits.seconds;
        let all = lines(self.samples, value);
        let shown = |line: &Vec<Point>| {
            let until = line[line.len() - 1].0;
            if moves(line) * 3 < self.columns() {
                let steps = steps(&thinned(line, seconds, self.columns()), until);
                return Shown {
                    edges: [steps.clone(), steps, Vec::new()],
                };
            }
            let bands = bands(line, seconds, self.columns() / 4);
            let edge = |which: usize| -> Vec<Point> {
                bands
                    .iter()
                    .map(|(at, counts)| (*at, counts[which]))
                    .collect()
            };
            let ends = |which| steps(&edge(which), until);
            Shown {
                edges: [ends(0), edge(1), ends(2)],
            }
        };
        all.iter().map(shown).collect()
    }

    fn columns(&self) -> usize {
        usize::try_from(self.width.pixels() - LEFT - RIGHT).unwrap_or(1)
    }

    fn plane<'s>(&self, sheet: &Sheet<'s>, rows: &Range<i32>, most: f64) -> Plane<'s> {
        let across = LEFT..self.width.pixels() - RIGHT;
        sheet.plane(
            (across, 0.0..self.limits.seconds),
            (rows.end..rows.start, 0.0..most),
        )
    }
}

/// A line as it is drawn: its lowest, its mean, its highest. What moves slowly enough is a line alone, which has no
/// highest.
struct Shown {
    edges: [Vec<Point>; 3],
}

impl Shown {
    fn draw(&self, plane: &Plane<'_>, ink: Ink, thick: u32) -> Result<(), Failure> {
        let [lowest, mean, highest] = &self.edges;
        if !highest.is_empty() {
            let around: Vec<Point> = highest.iter().chain(lowest.iter().rev()).copied().collect();
            let shade = if ink == Ink::Idle { 0.1 } else { 0.22 };
            let band = Polygon::new(around, ink.filled(shade));
            plane.draw(&band).map_err(failed)?;
        }
        let line = PathElement::new(mean.clone(), ink.line(thick));
        plane.draw(&line).map_err(failed)
    }
}

/// Phases and faults, in lanes, so that each can be told of where it happened.
struct Lanes<'a> {
    placed: Vec<Placed<'a>>,
    count: i32,
}

struct Placed<'a> {
    mark: &'a Mark,
    span: Range<i32>,
    lane: i32,
    /// Where its text begins, and what of its lane is its own.
    begins: i32,
    taken: Range<i32>,
    text: String,
}

impl<'a> Lanes<'a> {
    fn of(marks: &'a [Mark], limits: &Limits, width: Width) -> Self {
        let mut lanes = Self {
            placed: Vec::new(),
            count: 0,
        };
        let right = width.pixels() - RIGHT;
        for kind in [MarkKind::Phase, MarkKind::Fault] {
            let first = lanes.count;
            for mark in marks.iter().filter(|mark| mark.kind == kind) {
                let at = |seconds: f64| LEFT + scaled(seconds, limits.seconds, right - LEFT);
                let from = at(mark.from.min(limits.seconds));
                let to = mark.to.map_or(from, |to| at(to.min(limits.seconds)));
                lanes.place(mark, from..to.max(from + 2), first, right);
            }
        }
        lanes
    }

    /// Into the first lane from `first` on where it and its text find room; where none is left, in the last one without
    /// a text: the page lists them all.
    fn place(&mut self, mark: &'a Mark, span: Range<i32>, first: i32, right: i32) {
        let text = cut(&mark.text, right - LEFT - 8);
        let begins = (span.start + 5).min(right - wide(&text));
        let taken = span.start.min(begins)..span.end.max(begins + wide(&text) + 6);
        let free = |lane: &i32| {
            let mut others = self.placed.iter().filter(|other| other.lane == *lane);
            others.all(|other| other.taken.end <= taken.start || taken.end <= other.taken.start)
        };
        let room = (first..first + MOST_LANES).find(free);
        let lane = room.unwrap_or(first + MOST_LANES - 1);
        self.count = self.count.max(lane + 1);
        self.placed.push(Placed {
            mark,
            lane,
            begins,
            taken: if room.is_some() { taken } else { span.clone() },
            text: if room.is_some() { text } else { String::new() },
            span,
        });
    }

    fn height(&self) -> i32 {
        self.count * LANE
    }

    fn draw(&self, sheet: &Sheet<'_>, rows: &Rows) -> Result<(), Failure> {
        for placed in &self.placed {
            let fault = placed.mark.kind == MarkKind::Fault;
            let ink = if fault { Ink::Fault } else { Ink::Phase };
            let top = placed.lane * LANE + 2;
            sheet.shade(&placed.span, &(top..top + LANE - 4), ink.filled(0.3))?;
            if fault {
                for panel in [&rows.connections, &rows.waiting] {
                    sheet.shade(&placed.span, panel, ink.filled(0.15))?;
                }
            }
            let x = placed.span.start;
            sheet.line((x, top), (x, rows.waiting.end), ink)?;
            let place = (placed.begins, top + LANE / 2 - 2);
            sheet.text(&placed.text, place, Anchor::Left, Ink::Text)?;
        }
        Ok(())
    }
}

/// Counts are whole.
fn whole(ticks: Vec<f64>) -> impl Iterator<Item = f64> {
    ticks.into_iter().filter(|tick| tick.fract() == 0.0)
}

fn scaled(value: f64, most: f64, pixels: i32) -> i32 {
    (value / most * f64::from(pixels)).round() as i32
}

const LEFT: i32 = 46;
const RIGHT: i32 = 10;
const LANE: i32 = 19;
const MOST_LANES: i32 = 5;
/// Above the highest value.
const ROOM: f64 = 1.08;
