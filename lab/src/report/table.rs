//! The table at the end of a run: case, pool, verdict, the figure, what it was held to or what does not hold.

use super::sum::{failings, figure, finding, sentence};
use crate::data::{Report, Run, Verdict};
use std::io::IsTerminal;

/// Whether a text may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// With colours.
    Colours,
}

impl Paint {
    /// That of a stream: colours on a terminal, unless `NO_COLOR` is set.
    pub fn on(stream: &impl IsTerminal) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        match stream.is_terminal() && wanted && able {
            true => Self::Colours,
            false => Self::Plain,
        }
    }

    /// The word of a verdict, in its colour.
    pub(crate) fn verdict(self, verdict: &Verdict, wide: usize) -> String {
        let code = match verdict {
            Verdict::Passed => "32",
            Verdict::Failed | Verdict::Broken(_) => "1;31",
            Verdict::Skipped(_) | Verdict::Interrupted => "33",
        };
        self.coded(code, &padded(verdict.word(), wide))
    }

    fn coded(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colours => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// The table, below it what did not pass and why, and the sum in a sentence.
pub fn table(report: &Report, paint: Paint) -> String {
    let rows: Vec<_> = report
        .cases
        .iter()
        .flat_map(|case| case.runs.iter().map(|run| Row::of(&case.name, run)))
        .collect();
    let pools: Vec<_> = rows.iter().map(|row| row.run.pool.as_str()).collect();
    let one_pool = pools.iter().all(|pool| *pool == pools[0]);
    let mut text = String::from("\n");
    if !rows.is_empty() {
        text += &lines(&rows, one_pool, paint);
    }
    for row in &rows {
        text += &row.trouble(paint);
    }
    text + "\n" + &sentence(report) + "\n"
}

struct Row<'a> {
    case: &'a str,
    run: &'a Run,
    took: String,
    figure: String,
    finding: String,
}

impl<'a> Row<'a> {
    fn of(case: &'a str, run: &'a Run) -> Self {
        let many = failings(run).len();
        Self {
            case,
            run,
            took: format!("{:.1} s", run.seconds),
            figure: figure(run),
            finding: match &run.verdict {
                // Told below, with all of it.
                Verdict::Failed => format!("{many} of {} checks fail", run.checks.len()),
                Verdict::Skipped(_) | Verdict::Broken(_) => String::from("see below"),
                _ => finding(run),
            },
        }
    }

    fn trouble(&self, paint: Paint) -> String {
        let why = match &self.run.verdict {
            Verdict::Skipped(why) | Verdict::Broken(why) => vec![why.clone()],
            _ => failings(self.run),
        };
        if why.is_empty() {
            return String::new();
        }
        let verdict = paint.verdict(&self.run.verdict, 0);
        let mut text = format!("\n  {}, {}: {verdict}\n", self.case, self.run.pool);
        for line in why.iter().flat_map(|why| why.lines()) {
            text += &format!("    {line}\n");
        }
        text
    }
}

fn lines(rows: &[Row<'_>], one_pool: bool, paint: Paint) -> String {
    let widest = |head: &str, of: &dyn Fn(&Row<'_>) -> usize| {
        rows.iter().map(of).chain([head.len()]).max().unwrap_or(0)
    };
    let letters = |text: &str| text.chars().count();
    let case = widest("case", &|row| letters(row.case));
    let pool = widest("pool", &|row| letters(&row.run.pool));
    let took = widest("took", &|row| letters(&row.took));
    let wide = widest("figure", &|row| letters(&row.figure));
    let line = |cells: [String; 6]| {
        let [case, pool, verdict, took, figure, bound] = cells;
        let pool = if one_pool { String::new() } else { pool + "  " };
        let line = format!("  {case}  {pool}{verdict}  {took}  {figure}  {bound}");
        line.trim_end().to_owned() + "\n"
    };
    let head = [
        padded("case", case),
        padded("pool", pool),
        padded("verdict", VERDICT),
        format!("{:>took$}", "took"),
        padded("figure", wide),
        "bound".to_owned(),
    ];
    let mut text = paint.coded("2", line(head).trim_end()) + "\n";
    for row in rows {
        text += &line([
            padded(row.case, case),
            padded(&row.run.pool, pool),
            paint.verdict(&row.run.verdict, VERDICT),
            format!("{:>took$}", row.took),
            padded(&row.figure, wide),
            row.finding.clone(),
        ]);
    }
    text
}

/// By letters, not by bytes.
fn padded(text: &str, wide: usize) -> String {
    let lacking = wide.saturating_sub(text.chars().count());
    text.to_owned() + &" ".repeat(lacking)
}

const VERDICT: usize = "verdict".len();
