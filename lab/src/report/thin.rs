//! Long timelines, thinned to what a plot can show without losing what happened: of each column of the plot, the first, the
//! lowest, the highest and the last value stay.

use crate::data::{Level, Sample};

/// When, and how much.
pub(super) type Point = (f64, f64);

/// A series as the lines that it draws: a break where it is unknown. At most four points for each of `columns`, of which
/// there are so many in `seconds`.
pub(super) fn lines(
    samples: &[Sample],
    value: impl Fn(&Sample) -> Option<usize>,
    seconds: f64,
    columns: usize,
) -> Vec<Vec<Point>> {
    let mut lines: Vec<Vec<Point>> = Vec::new();
    let mut line: Vec<Point> = Vec::new();
    for sample in samples {
        match value(sample) {
            Some(count) => line.push((sample.at, count as f64)),
            None => lines.extend(ended(&mut line, seconds, columns)),
        }
    }
    lines.extend(ended(&mut line, seconds, columns));
    lines
}

fn ended(line: &mut Vec<Point>, seconds: f64, columns: usize) -> Option<Vec<Point>> {
    let line = std::mem::take(line);
    (!line.is_empty()).then(|| thinned(&line, seconds, columns))
}

fn thinned(line: &[Point], seconds: f64, columns: usize) -> Vec<Point> {
    let same =
        |a: &Point, b: &Point| column(a.0, seconds, columns) == column(b.0, seconds, columns);
    line.chunk_by(same).flat_map(of_column).collect()
}

fn of_column(points: &[Point]) -> Vec<Point> {
    let by_value = |a: &&(usize, &Point), b: &&(usize, &Point)| a.1.1.total_cmp(&b.1.1);
    let numbered: Vec<_> = points.iter().enumerate().collect();
    let ends = [numbered.first(), numbered.last()];
    let extremes = [
        numbered.iter().min_by(by_value),
        numbered.iter().max_by(by_value),
    ];
    let mut kept: Vec<usize> = ends
        .iter()
        .chain(&extremes)
        .flatten()
        .map(|it| it.0)
        .collect();
    kept.sort_unstable();
    kept.dedup();
    kept.iter().map(|number| points[*number]).collect()
}

fn column(at: f64, seconds: f64, columns: usize) -> usize {
    // A time before the beginning or a plot of no length: the first column.
    (at / seconds * columns as f64).max(0.0) as usize
}

/// The steps of a line: a count stays what it was until it is another.
pub(super) fn steps(line: &[Point], until: f64) -> Vec<Point> {
    let mut steps: Vec<Point> = Vec::new();
    for &(at, count) in line {
        match steps.last() {
            Some(&(_, before)) if before == count => {}
            Some(&(_, before)) => steps.extend([(at, before), (at, count)]),
            None => steps.push((at, count)),
        }
    }
    if let Some(&(_, last)) = steps.last() {
        steps.push((until, last));
    }
    steps
}

/// For how long a pool felt how: spans, of each column the worst.
pub(super) fn feelings(samples: &[Sample], seconds: f64, columns: usize) -> Vec<(f64, f64, Level)> {
    let mut spans: Vec<(f64, f64, Level)> = Vec::new();
    let same =
        |a: &Sample, b: &Sample| column(a.at, seconds, columns) == column(b.at, seconds, columns);
    let mut columns = samples.chunk_by(same).peekable();
    while let Some(group) = columns.next() {
        let last = group.last().map_or(0.0, |sample| sample.at);
        let until = columns.peek().map_or(last, |next| next[0].at);
        let Some(level) = group.iter().filter_map(|sample| sample.health).max() else {
            continue;
        };
        match spans.last_mut() {
            Some(span) if span.2 == level && span.1 >= group[0].at => span.1 = until,
            _ => spans.push((group[0].at, until, level)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: f64, in_use: Option<usize>, health: Level) -> Sample {
        Sample {
            at,
            in_use,
            health: Some(health),
            ..Sample::default()
        }
    }

    #[test]
    fn one_sample_in_a_hundred_thousand_is_not_lost() {
        let mut samples: Vec<_> = (0..100_000)
            .map(|number| sample(f64::from(number) / 1_000.0, Some(5), Level::Healthy))
            .collect();
        samples[51_234].in_use = Some(9);
        samples[77_777].in_use = Some(0);
        samples[77_778].health = Some(Level::Critical);
        let lines = lines(&samples, |sample| sample.in_use, 100.0, 400);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].len() <= 1_600, "{}", lines[0].len());
        assert!(lines[0].contains(&(51.234, 9.0)) && lines[0].contains(&(77.777, 0.0)));
        assert_eq!(lines[0].first(), Some(&(0.0, 5.0)));
        assert_eq!(lines[0].last(), Some(&(99.999, 5.0)));
        assert!(lines[0].is_sorted_by_key(|point| point.0));
        let felt: Vec<_> = feelings(&samples, 100.0, 400)
            .iter()
            .map(|it| it.2)
            .collect();
        assert_eq!(felt, [Level::Healthy, Level::Critical, Level::Healthy]);
        assert_eq!(
            steps(&lines[0], 100.0),
            [
                (0.0, 5.0),
                (51.234, 5.0),
                (51.234, 9.0),
                (51.235, 9.0),
                (51.235, 5.0),
                (77.777, 5.0),
                (77.777, 0.0),
                (77.778, 0.0),
                (77.778, 5.0),
                (100.0, 5.0)
            ]
            .map(|(at, count): (f64, f64)| nearest(&lines[0], at, count))
        );
    }

    /// The column's last value may stand a little later than the one after the extreme.
    fn nearest(line: &[Point], at: f64, count: f64) -> Point {
        let later = line.iter().find(|point| point.0 >= at);
        (later.map_or(at, |point| point.0), count)
    }

    #[test]
    fn what_is_unknown_is_a_gap_and_no_zero() {
        let known = [Some(1), Some(2), None, None, Some(3), None];
        let samples: Vec<_> = (0u32..)
            .zip(known)
            .map(|(at, count)| sample(f64::from(at), count, Level::Healthy))
            .collect();
        let lines = lines(&samples, |sample| sample.in_use, 6.0, 600);
        assert_eq!(lines, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(4.0, 3.0)]]);
        let mut unfelt = samples;
        unfelt.iter_mut().for_each(|sample| sample.health = None);
        assert_eq!(feelings(&unfelt, 6.0, 600), []);
    }

    #[test]
    fn no_sample_draws_nothing() {
        assert!(lines(&[], |sample| sample.size, 1.0, 10).is_empty());
        assert!(steps(&[], 1.0).is_empty());
        assert!(feelings(&[], 0.0, 10).is_empty());
    }
}
