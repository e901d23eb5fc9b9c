//! Plots, as SVG that takes its colours from the page's style sheet, so that one drawing is right in light and in dark.
//!
//! plotters knows colours only: each [`Ink`] is one that nobody would use, and what was drawn with it gets its class.
//! Texts cannot be taken for that, as plotters writes none of their quotation marks as it is.

mod timeline;
mod waits;

pub(super) use timeline::{Limits, timeline};
pub(super) use waits::{Scale, waits};

use super::words::Text as Escaped;
use crate::Failure;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// Two steps of a drawing are one pixel of the page: lines are placed to the half.
const FINE: i32 = 2;

/// How wide a plot is drawn. The page shows the one that suits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// One pool, on a screen.
    Wide,
    /// Several pools side by side, or a phone.
    Narrow,
}

impl Width {
    fn pixels(self) -> i32 {
        match self {
            Self::Wide => 1_080,
            Self::Narrow => 360,
        }
    }

    /// The class that the page's style sheet shows it by.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// What a thing is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    Text,
    Faint,
    Grid,
    Most,
    Size,
    Used,
    Idle,
    Waiting,
    Phase,
    Fault,
    Healthy,
    Warning,
    Critical,
    Served,
    Refused,
}

const INKS: [(Ink, &str); 15] = [
    (Ink::Text, "text"),
    (Ink::Faint, "faint"),
    (Ink::Grid, "grid"),
    (Ink::Most, "most"),
    (Ink::Size, "size"),
    (Ink::Used, "used"),
    (Ink::Idle, "idle"),
    (Ink::Waiting, "waiting"),
    (Ink::Phase, "phase"),
    (Ink::Fault, "fault"),
    (Ink::Healthy, "healthy"),
    (Ink::Warning, "warning"),
    (Ink::Critical, "critical"),
    (Ink::Served, "served"),
    (Ink::Refused, "refused"),
];

impl Ink {
    fn color(self) -> RGBColor {
        RGBColor(0xfa, 0xc8, self as u8)
    }

    fn filled(self, opacity: f64) -> ShapeStyle {
        self.color().mix(opacity).filled()
    }

    fn line(self, width: u32) -> ShapeStyle {
        self.color().stroke_width(width)
    }
}

/// Where on a text its place is.
#[derive(Clone, Copy, Debug)]
enum Anchor {
    Left,
    Middle,
    Right,
}

/// What is drawn on.
struct Sheet<'a>(DrawingArea<SVGBackend<'a>, Shift>);

/// A part of it, with two axes.
type Plane<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws a plot of that size in pixels; `label` tells it to who cannot see it.
fn drawn(
    (width, height): (i32, i32),
    label: &str,
    draw: impl FnOnce(&Sheet<'_>) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let size = |pixels: i32| u32::try_from(pixels * FINE);
    let mut svg = String::new();
    let sheet =
        Sheet(SVGBackend::with_string(&mut svg, (size(width)?, size(height)?)).into_drawing_area());
    draw(&sheet)?;
    sheet.0.present().map_err(failed)?;
    drop(sheet);
    Ok(dressed(&svg, label))
}

impl<'a> Sheet<'a> {
    fn plane(
        &self,
        (across, seconds): (Range<i32>, Range<f64>),
        (up, counts): (Range<i32>, Range<f64>),
    ) -> Plane<'a> {
        let fine = |range: Range<i32>| range.start * FINE..range.end * FINE;
        let spec = Cartesian2d::new(seconds, counts, (fine(across), fine(up)));
        self.0.clone().apply_coord_spec(spec)
    }

    /// A text whose middle is at the height `y`.
    fn text(
        &self,
        text: &str,
        (x, y): (i32, i32),
        anchor: Anchor,
        ink: Ink,
    ) -> Result<(), Failure> {
        let across = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        // The backend divides by 1.24 what it writes down.
        let size = f64::from(LETTERS * FINE) * 1.24;
        let color = ink.color();
        let style = ("sans-serif", size).into_text_style(&self.0);
        let style = style.color(&color).pos(Pos::new(across, VPos::Center));
        self.0
            .draw(&Text::new(printable(text), (x * FINE, y * FINE), style))
            .map_err(failed)
    }

    /// A line in pixels.
    fn line(&self, from: (i32, i32), to: (i32, i32), ink: Ink) -> Result<(), Failure> {
        let fine = |(x, y): (i32, i32)| (x * FINE, y * FINE);
        let path = PathElement::new(vec![fine(from), fine(to)], ink.line(1));
        self.0.draw(&path).map_err(failed)
    }

    /// A part of the sheet, in pixels.
    fn shade(
        &self,
        across: &Range<i32>,
        down: &Range<i32>,
        style: ShapeStyle,
    ) -> Result<(), Failure> {
        let fine = |x: i32, y: i32| (x * FINE, y * FINE);
        let corners = [fine(across.start, down.start), fine(across.end, down.end)];
        self.0.draw(&Rectangle::new(corners, style)).map_err(failed)
    }
}

/// The backend escapes markup; what no page may hold is for us.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// The height of letters, in pixels.
const LETTERS: i32 = 12;

/// About how wide a text is: fonts differ, so it is rather too much.
fn wide(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 16) * 13 / 2
}

/// As much of a text as fits.
fn cut(text: &str, room: i32) -> String {
    if wide(text) <= room {
        return text.to_owned();
    }
    let fit = usize::try_from(room * 2 / 13 - 1).unwrap_or(0);
    match fit {
        0..=2 => String::new(),
        fit => {
            text.chars()
                .take(fit)
                .collect::<String>()
                .trim_end()
                .to_owned()
                + "…"
        }
    }
}

/// Places of ticks, from 0: few and round.
fn ticks(to: f64, most: usize) -> Vec<f64> {
    let raw = to / most.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|step| *step >= raw * (1.0 - 1e-9));
    let step = step.unwrap_or(raw);
    let count = (to / step * (1.0 + 1e-9)) as usize;
    (0..=count).map(|number| number as f64 * step).collect()
}

/// The class instead of the colour, and the page's size instead of its own.
fn dressed(svg: &str, label: &str) -> String {
    let mut svg = svg.replace(" opacity=\"1\"", "");
    for (ink, name) in INKS {
        let RGBColor(red, green, blue) = ink.color();
        let color = format!("#{red:02X}{green:02X}{blue:02X}");
        svg = svg
            .replace(
                &format!("fill=\"{color}\""),
                &format!("class=\"fill-{name}\""),
            )
            .replace(
                &format!("stroke=\"{color}\""),
                &format!("class=\"line-{name}\""),
            );
    }
    let own = svg.find(" viewBox").unwrap_or(0);
    let rest = &svg[own..];
    format!("<svg role=\"img\" aria-label=\"{}\"{rest}", Escaped(label))
}

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> Failure {
    format!("a plot cannot be drawn: {error}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ink_has_its_class() {
        for (number, (ink, _)) in INKS.iter().enumerate() {
            assert_eq!(*ink as usize, number);
        }
    }

    #[test]
    fn what_is_drawn_has_classes_and_no_colours_and_a_text_none_of_either() {
        let text = "<b>\"fill=\"#FAC800\"";
        let svg = drawn((100, 50), "a \"plot\"", |sheet| {
            sheet.line((0, 0), (9, 9), Ink::Fault)?;
            sheet.text(text, (5, 5), Anchor::Left, Ink::Text)
        });
        let svg = svg.expect("it is drawn");
        assert!(svg.starts_with(
            "<svg role=\"img\" aria-label=\"a &quot;plot&quot;\" viewBox=\"0 0 200 100\""
        ));
        assert!(svg.contains("class=\"line-fault\"") && svg.contains("class=\"fill-text\""));
        assert!(
            svg.contains("&lt;b&gt;&quot;fill=&quot;#FAC800&quot;"),
            "{svg}"
        );
        assert!(!svg.contains("=\"#"), "{svg}");
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(ticks(8.0, 4), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(2.3, 5), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(ticks(120.0, 8), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]);
        assert_eq!(ticks(1.0, 1), [0.0, 1.0]);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_shows_it() {
        assert_eq!(cut("holders work", 200), "holders work");
        assert_eq!(cut("the server stands still", 80), "the server…");
        assert_eq!(cut("the server stands still", 10), "");
    }
}
