//! How long requests waited: for each kind of them a row, all on one log scale of time.

use super::{Anchor, Ink, Sheet, Width, cut, drawn, failed};
use crate::Failure;
use crate::data::{CaseReport, Distribution, Group};
use crate::report::words::time;
use plotters::prelude::*;
use std::ops::Range;

/// The rows and the axes: the same for all pools of a case.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Scale {
    rows: Vec<(String, Kind)>,
    /// Powers of ten, of milliseconds: where it begins, and where it ends.
    first: i32,
    last: i32,
    most: u64,
}

/// What the waiting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Served,
    Refused,
}

impl Kind {
    fn of(self, group: &Group) -> &Distribution {
        match self {
            Self::Served => &group.waits,
            Self::Refused => &group.refusals,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Served => "got one",
            Self::Refused => "got none",
        }
    }

    fn ink(self) -> Ink {
        match self {
            Self::Served => Ink::Served,
            Self::Refused => Ink::Refused,
        }
    }
}

impl Scale {
    /// That of a case; `None` if nobody asked for anything.
    pub(in crate::report) fn of(case: &CaseReport) -> Option<Self> {
        let mut scale = Self {
            rows: Vec::new(),
            first: i32::MAX,
            last: i32::MIN,
            most: 1,
        };
        for group in case.runs.iter().flat_map(|run| &run.groups) {
            for kind in [Kind::Served, Kind::Refused] {
                scale.hold(group, kind);
            }
        }
        (!scale.rows.is_empty()).then_some(scale)
    }

    fn hold(&mut self, group: &Group, kind: Kind) {
        let times = kind.of(group);
        if times.buckets.is_empty() {
            return;
        }
        let row = (group.name.clone(), kind);
        if !self.rows.contains(&row) {
            self.rows.push(row);
        }
        for &(upper, count) in &times.buckets {
            let (lower, upper) = bounds(upper);
            self.first = self.first.min(lower.floor() as i32);
            self.last = self.last.max(upper.ceil() as i32);
            self.most = self.most.max(count);
        }
    }
}

/// Where a bucket begins and ends, as powers of ten. There are ten to each; a bound may be off by rounding. The first one,
/// of a microsecond and less, is shown beside those that follow.
fn bounds(upper: f64) -> (f64, f64) {
    let upper = ((upper.log10() * 10.0).round() / 10.0).max(-2.9);
    (upper - 0.1, upper)
}

/// Draws the waits of one pool.
pub(in crate::report) fn waits(
    groups: &[Group],
    scale: &Scale,
    width: Width,
) -> Result<String, Failure> {
    let count = i32::try_from(scale.rows.len())?;
    let height = count * ROW + 24;
    drawn(
        (width.pixels(), height),
        "How long requests waited",
        |sheet| {
            axis(sheet, scale, width, count * ROW)?;
            for (number, (name, kind)) in (0..).zip(&scale.rows) {
                let group = groups.iter().find(|group| group.name == *name);
                let times = group
                    .map(|group| kind.of(group))
                    .filter(|times| times.count > 0);
                let row = number * ROW..(number + 1) * ROW;
                title(sheet, (name, *kind), times, width, row.start + 11)?;
                if let Some(times) = times {
                    bars(sheet, times, scale, (width, row, kind.ink()))?;
                }
            }
            Ok(())
        },
    )
}

fn axis(sheet: &Sheet<'_>, scale: &Scale, width: Width, end: i32) -> Result<(), Failure> {
    let across = LEFT..width.pixels() - RIGHT;
    let steps = scale.last - scale.first;
    // Where there is no room for the name of each power, every second is named.
    let named = if (across.end - across.start) / steps.max(1) < 52 {
        2
    } else {
        1
    };
    for step in 0..=steps {
        let x = across.start + (across.end - across.start) * step / steps.max(1);
        for row in 0..i32::try_from(scale.rows.len())? {
            sheet.line((x, row * ROW + TITLE), (x, (row + 1) * ROW), Ink::Grid)?;
        }
        if step % named == 0 {
            let anchor = match step {
                0 => Anchor::Left,
                step if step == steps => Anchor::Right,
                _ => Anchor::Middle,
            };
            let name = power(scale.first + step);
            let x = if step == 0 { x - 4 } else { x };
            sheet.text(&name, (x, end + 13), anchor, Ink::Faint)?;
        }
    }
    Ok(())
}

fn power(of: i32) -> String {
    let (number, unit) = match of {
        ..0 => (10f64.powi(of + 3), "µs"),
        0..3 => (10f64.powi(of), "ms"),
        _ => (10f64.powi(of - 3), "s"),
    };
    format!("{number:.0} {unit}")
}

fn title(
    sheet: &Sheet<'_>,
    (name, kind): (&str, Kind),
    times: Option<&Distribution>,
    width: Width,
    y: i32,
) -> Result<(), Failure> {
    let text = match (times, width) {
        (None, _) => format!("{name}, {}: none", kind.word()),
        (Some(times), Width::Narrow) => format!(
            "{name}, {}: {}, p50 {}, max {}",
            kind.word(),
            times.count,
            time(times.p50),
            time(times.max)
        ),
        (Some(times), Width::Wide) => format!(
            "{name}, {}: {}, p50 {}, p90 {}, p99 {}, max {}",
            kind.word(),
            times.count,
            time(times.p50),
            time(times.p90),
            time(times.p99),
            time(times.max)
        ),
    };
    let room = width.pixels() - LEFT - RIGHT;
    sheet.text(&cut(&text, room), (LEFT, y), Anchor::Left, Ink::Text)
}

/// Counts on a log scale too: one in ten thousand is seen.
fn bars(
    sheet: &Sheet<'_>,
    times: &Distribution,
    scale: &Scale,
    (width, row, ink): (Width, Range<i32>, Ink),
) -> Result<(), Failure> {
    let decades = f64::from(scale.first)..f64::from(scale.last);
    let across = LEFT..width.pixels() - RIGHT;
    let top = (scale.most as f64).log10() + ONE;
    let plane = sheet.plane(
        (across.clone(), decades),
        (row.end..row.start + TITLE + 3, 0.0..top),
    );
    for &(upper, count) in &times.buckets {
        let (lower, upper) = bounds(upper);
        let corners = [(lower, (count as f64).log10() + ONE), (upper, 0.0)];
        plane
            .draw(&Rectangle::new(corners, ink.filled(1.0)))
            .map_err(failed)?;
    }
    sheet.line((across.start, row.end), (across.end, row.end), Ink::Faint)
}

const LEFT: i32 = 10;
const RIGHT: i32 = 10;
const ROW: i32 = 62;
/// What of a row is its title's.
const TITLE: i32 = 22;
/// How high a bar of one is, where ten are one higher.
const ONE: f64 = 0.45;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_tenth_of_a_power_of_ten() {
        let (lower, upper) = bounds(10f64.powf(0.3));
        assert!((lower - 0.2).abs() < 1e-9 && (upper - 0.3).abs() < 1e-9);
    }

    #[test]
    fn powers_have_names() {
        let names: Vec<_> = (-3..5).map(power).collect();
        assert_eq!(
            names,
            [
                "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s"
            ]
        );
    }
}
