//! Long timelines, thinned to what a plot can show without losing what happened: of each column of the plot, the first, the
//! lowest, the highest and the last value stay.

use crate::data::{Level, Sample};

/// When, and how much.
pub(super) type Point = (f64, f64);

/// A series as the lines that it draws: a break where it is unknown.
pub(super) fn lines(
    samples: &[Sample],
    value: impl Fn(&Sample) -> Option<usize>,
) -> Vec<Vec<Point>> {
    let parts = samples.chunk_by(|a, b| value(a).is_some() == value(b).is_some());
    let line = |part: &[Sample]| {
        let points = part
            .iter()
            .filter_map(|sample| Some((sample.at, value(sample)? as f64)));
        points.collect::<Vec<_>>()
    };
    parts.map(line).filter(|line| !line.is_empty()).collect()
}

/// At most four points for each of `columns`, of which there are so many in `seconds`.
pub(super) fn thinned(line: &[Point], seconds: f64, columns: usize) -> Vec<Point> {
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

/// What of a line is seen where it moves faster than a plot can show: for each so many columns together, when they begin,
/// the lowest, the mean, the highest.
pub(super) fn bands(line: &[Point], seconds: f64, columns: usize) -> Vec<(f64, [f64; 3])> {
    let same =
        |a: &Point, b: &Point| column(a.0, seconds, columns) == column(b.0, seconds, columns);
    let of = |points: &[Point]| {
        let counts = || points.iter().map(|point| point.1);
        let mean = counts().sum::<f64>() / points.len() as f64;
        let lowest = counts().fold(f64::INFINITY, f64::min);
        let highest = counts().fold(f64::NEG_INFINITY, f64::max);
        (points[0].0, [lowest, mean, highest])
    };
    line.chunk_by(same).map(of).collect()
}

/// How often a line moves.
pub(super) fn moves(line: &[Point]) -> usize {
    line.windows(2).filter(|two| two[0].1 != two[1].1).count()
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
        let lines = lines(&samples, |sample| sample.in_use);
        assert_eq!(lines.len(), 1);
        let thin = thinned(&lines[0], 100.0, 400);
        assert!(thin.len() <= 1_600, "{}", thin.len());
        assert!(thin.contains(&(51.234, 9.0)) && thin.contains(&(77.777, 0.0)));
        assert_eq!(thin.first(), Some(&(0.0, 5.0)));
        assert_eq!(thin.last(), Some(&(99.999, 5.0)));
        assert!(thin.is_sorted_by_key(|point| point.0));
        let counts: Vec<_> = steps(&thin, 100.0).iter().map(|point| point.1).collect();
        assert_eq!(counts, [5.0, 5.0, 9.0, 9.0, 5.0, 5.0, 0.0, 0.0, 5.0, 5.0]);
        let felt: Vec<_> = feelings(&samples, 100.0, 400)
            .iter()
            .map(|it| it.2)
            .collect();
        assert_eq!(felt, [Level::Healthy, Level::Critical, Level::Healthy]);
    }

    #[test]
    fn what_moves_too_fast_is_seen_by_its_extremes_and_its_mean() {
        let line: Vec<Point> = (0..1_000u32)
            .map(|number| (f64::from(number) / 100.0, f64::from(number % 5)))
            .collect();
        assert_eq!(moves(&line), 999);
        assert_eq!(moves(&line[..1]), 0);
        let bands = bands(&line, 10.0, 10);
        assert_eq!(bands.len(), 10);
        assert!(
            bands.iter().all(|(_, counts)| *counts == [0.0, 2.0, 4.0]),
            "{bands:?}"
        );
    }

    #[test]
    fn what_is_unknown_is_a_gap_and_no_zero() {
        let known = [Some(1), Some(2), None, None, Some(3), None];
        let samples: Vec<_> = (0u32..)
            .zip(known)
            .map(|(at, count)| sample(f64::from(at), count, Level::Healthy))
            .collect();
        let lines = lines(&samples, |sample| sample.in_use);
        assert_eq!(lines, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(4.0, 3.0)]]);
        let mut unfelt = samples;
        unfelt.iter_mut().for_each(|sample| sample.health = None);
        assert_eq!(feelings(&unfelt, 6.0, 600), []);
    }

    #[test]
    fn no_sample_draws_nothing() {
        assert!(lines(&[], |sample| sample.size).is_empty());
        assert!(steps(&[], 1.0).is_empty());
        assert!(feelings(&[], 0.0, 10).is_empty());
    }
}
