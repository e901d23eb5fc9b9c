//! Waits as a histogram of letters, both scales logarithmic.

use crate::data::Group;
use crate::report::words::time;
use ratatui::text::Line;

/// All waits of those that got a connection, as rows of blocks, and below them the scale: at most `columns` wide.
pub(super) fn histogram(groups: &[Group], columns: usize, rows: usize) -> Vec<Line<'static>> {
    let steps = steps(groups);
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return vec![Line::from("nobody has waited yet")];
    };
    let from = first.0.div_euclid(10) * 10;
    let shown = usize::try_from(last.0 - from + 1)
        .unwrap_or(1)
        .min(columns)
        .max(1);
    let mut counts = vec![0u64; shown];
    for (step, count) in &steps {
        let column = usize::try_from(step - from).unwrap_or(0).min(shown - 1);
        counts[column] += count;
    }
    let most = counts.iter().copied().max().unwrap_or(1);
    let wide = (columns / shown).clamp(1, WIDEST);
    let row = |row: usize| {
        let of = |count: &u64| {
            block(*count, most, rows - 1 - row, rows)
                .to_string()
                .repeat(wide)
        };
        Line::from(counts.iter().map(of).collect::<String>())
    };
    let mut lines: Vec<Line<'static>> = (0..rows).map(row).collect();
    lines.push(Line::from(scale(from, shown, wide)));
    lines
}

/// How many waited for how long, in tenths of powers of ten of milliseconds.
fn steps(groups: &[Group]) -> Vec<(i32, u64)> {
    let buckets = groups.iter().flat_map(|group| &group.waits.buckets);
    let mut steps: Vec<(i32, u64)> = buckets
        .map(|(upper, count)| ((upper.log10() * 10.0).round() as i32, *count))
        .collect();
    steps.sort_unstable();
    steps
}

/// The part of a column that a row shows, counted from below.
fn block(count: u64, most: u64, row: usize, rows: usize) -> char {
    if count == 0 {
        return ' ';
    }
    let height = |count: u64| (count as f64).log10() + 0.5;
    let eighths = (height(count) / height(most) * (rows * 8) as f64)
        .round()
        .max(1.0) as usize;
    BLOCKS[eighths.saturating_sub(row * 8).min(8)]
}

/// The powers of ten, where they begin.
fn scale(from: i32, columns: usize, wide: usize) -> String {
    let mut scale = String::new();
    for column in (0..columns).step_by(10) {
        let step = from + i32::try_from(column).unwrap_or(0);
        let name = time(10f64.powf(f64::from(step) / 10.0));
        let name = name.replace(".00", "").replace(".0 ", " ");
        scale += &" ".repeat((column * wide).saturating_sub(scale.chars().count()));
        scale += &format!("╵{name}");
    }
    scale
}

/// How many letters stand for a step at most.
const WIDEST: usize = 3;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stand_where_their_power_of_ten_is() {
        let mut group = Group::default();
        group.waits.buckets = vec![(0.1, 1), (1.0, 10), (100.0, 100)];
        let text: Vec<_> = histogram(&[group], 45, 2)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            text,
            [
                "          ▂                   █",
                "▃         █                   █",
                "╵100 µs   ╵1 ms     ╵10 ms    ╵100 ms"
            ]
        );
        assert_eq!(
            histogram(&[], 80, 2)[0].to_string(),
            "nobody has waited yet"
        );
    }
}
