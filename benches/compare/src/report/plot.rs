//! Bars on a logarithmic axis, as SVG: every pool over ours, with its quartiles. Plain enough to be written by hand,
//! and the same on a light and on a dark page.

use super::summary::{Summary, is_floor};
use crate::job::OURS;
use millpond_benches::statistics::Spread;
use std::fmt::Write;

/// One frame of a plot: a figure of a job.
#[derive(Clone, Debug)]
pub(super) struct Panel<'a> {
    pub(super) summary: &'a Summary,
    /// Which of its measures.
    pub(super) measure: usize,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 70.0;
const BAR: f64 = 18.0;
const HEAD: f64 = 46.0;

/// All panels, one below the other, on one axis.
pub(super) fn bars(panels: &[Panel<'_>]) -> String {
    let bars: Vec<Vec<(&str, Spread)>> = panels.iter().map(Panel::bars).collect();
    let spreads = || bars.iter().flatten().map(|(_, spread)| spread);
    let least = spreads().map(|spread| spread.lower).fold(1.0, f64::min);
    let most = spreads().map(|spread| spread.upper).fold(1.0, f64::max);
    let axis = Axis::of(least, most);
    let height: f64 = bars.iter().map(|bars| HEAD + BAR * bars.len() as f64).sum();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#808080\">\n",
        height + 14.0
    );
    let mut top = 0.0;
    for (panel, bars) in panels.iter().zip(&bars) {
        one(&mut svg, panel, bars, &axis, top);
        top += HEAD + BAR * bars.len() as f64;
    }
    svg + "</svg>\n"
}

impl Panel<'_> {
    fn title(&self) -> String {
        let measure = self.summary.job.measures()[self.measure].name;
        let title = self.summary.job.title();
        format!("{title}: {measure}, times millpond's").replace('`', "")
    }

    fn bars(&self) -> Vec<(&'static str, Spread)> {
        let rows = self.summary.rows.iter();
        rows.filter_map(|row| Some((row.pool, row.over_ours[self.measure]?)))
            // What is nothing has no place on such an axis.
            .filter(|(_, spread)| spread.lower > 0.0)
            .collect()
    }
}

fn one(svg: &mut String, panel: &Panel<'_>, bars: &[(&str, Spread)], axis: &Axis, top: f64) {
    let mut line = |text: String| writeln!(svg, "{text}").expect("a string takes all");
    line(format!(
        "<text x=\"8\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
        top + 18.0,
        escaped(&panel.title())
    ));
    let bottom = top + HEAD + BAR * bars.len() as f64 - 12.0;
    for tick in axis.ticks() {
        let x = axis.x(tick);
        let strong = if tick == 1.0 { 1.5 } else { 0.4 };
        line(format!(
            "<path d=\"M{x:.1} {:.1}V{bottom:.1}\" stroke=\"#808080\" stroke-width=\"{strong}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"9\">{tick}</text>",
            top + 32.0,
            top + 30.0
        ));
    }
    for (at, (pool, spread)) in bars.iter().enumerate() {
        let y = top + 34.0 + BAR * at as f64;
        let (from, to) = (axis.x(1.0), axis.x(spread.median));
        let middle = y + BAR / 2.0 - 1.0;
        line(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{pool}</text>\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>\
             <path d=\"M{:.1} {middle:.1}H{:.1}\" stroke=\"#808080\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 12.0,
            from.min(to),
            y + 2.0,
            (to - from).abs().max(2.0),
            BAR - 6.0,
            colour(pool),
            axis.x(spread.lower),
            axis.x(spread.upper),
            axis.x(spread.upper.max(1.0)) + 6.0,
            y + 12.0,
            digits(spread.median)
        ));
    }
}

/// Ours, the floors, the others.
fn colour(pool: &str) -> &'static str {
    match pool {
        OURS => "#d9822b",
        floor if is_floor(floor) => "#9aa0a6",
        _ => "#4c8bbf",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Three digits or so.
pub(super) fn digits(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        size if size >= 99.95 => format!("{figure:.0}"),
        size if size >= 9.995 => format!("{figure:.1}"),
        size if size >= 0.095 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

/// From a power of two to another.
#[derive(Debug)]
struct Axis {
    least: i32,
    most: i32,
}

impl Axis {
    fn of(least: f64, most: f64) -> Self {
        Self {
            least: (least.log2().floor() as i32).min(-1),
            most: (most.log2().ceil() as i32).max(1),
        }
    }

    fn x(&self, ratio: f64) -> f64 {
        let share = (ratio.log2() - f64::from(self.least)) / f64::from(self.most - self.least);
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    /// At most a dozen powers of two, one of them 1.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let step = (self.most - self.least).div_euclid(12) + 1;
        (self.least..=self.most)
            .filter(move |power| power.rem_euclid(step) == 0)
            .map(|power| f64::from(power).exp2())
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::contest;
    use super::*;

    #[test]
    fn every_pool_has_its_bar_with_its_ratio() {
        let summary = Summary::of(&contest(&[20.0, 60.0, 40.0]));
        let summary = &summary;
        let svg = bars(&[Panel {
            summary,
            measure: 0,
        }]);
        for pool in ["millpond", "deadpool", "floor"] {
            assert!(svg.contains(&format!(">{pool}</text>")), "{svg}");
        }
        assert!(
            svg.contains(">2.00</text>") && !svg.contains("NaN"),
            "{svg}"
        );
        assert_eq!(svg.matches("<rect").count(), 3);
    }

    #[test]
    fn the_axis_holds_the_least_and_the_most() {
        let axis = Axis::of(0.2, 900.0);
        assert!(axis.x(0.2) >= LEFT && axis.x(900.0) <= WIDTH - RIGHT);
        let ticks: Vec<_> = axis.ticks().collect();
        assert!(ticks.contains(&1.0) && ticks.len() <= 13, "{ticks:?}");
    }

    #[test]
    fn figures_have_three_digits() {
        let told = [0.0, 0.01, 0.5, 1.234, 12.34, 99.99, 1234.5].map(digits);
        assert_eq!(told, ["0", "0.010", "0.50", "1.23", "12.3", "100", "1234"]);
    }
}
