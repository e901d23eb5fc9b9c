//! The page of a run: one file that needs nothing else, neither a network nor a script.

use super::case::section;
use super::sum::{self, figure, finding, sentence};
use super::words::{Text, anchor, counted};
use crate::Failure;
use crate::data::{CaseReport, Report, Run, Scale, Verdict};

/// The page.
///
/// # Errors
///
/// A plot cannot be drawn.
pub fn page(report: &Report) -> Result<String, Failure> {
    let (what, rest) = sum::backend(&report.backend);
    let real = if sum::is_real(&report.backend) {
        ""
    } else {
        " not-real"
    };
    let many = report.cases.iter().any(|case| case.runs.len() > 1);
    let mut page = format!(
        "{HEAD}<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body{class}>\n<header>\n\
         <p class=\"backend{real}\"><strong>{what}</strong>{rest}</p>\n\
         <h1>The exhaustion lab</h1>\n<p class=\"sum\">{sentence}</p>\n</header>\n<main>\n",
        title = Text(&format!("Exhaustion lab: {}", sentence(report))),
        class = if many { " class=\"broad\"" } else { "" },
        what = Text(&what),
        rest = Text(&rest),
        sentence = Text(&sentence(report)),
    );
    page += &verdicts(report);
    page += &circumstances(report);
    for case in &report.cases {
        page += &section(case)?;
    }
    page += "</main>\n<footer>Made by millpond's exhaustion lab. All numbers of this page are in report.json beside it.</footer>\n</body>\n</html>\n";
    Ok(page)
}

/// What a verdict looks like: a word, a sign, and only then a colour.
pub(super) fn badge(verdict: &Verdict) -> String {
    let (class, sign) = match verdict {
        Verdict::Passed => ("passed", "✓"),
        Verdict::Failed => ("failed", "✗"),
        Verdict::Skipped(_) => ("skipped", "–"),
        Verdict::Broken(_) => ("broken", "!"),
        Verdict::Interrupted => ("stopped", "■"),
    };
    let word = verdict.word().to_lowercase();
    format!("<span class=\"verdict {class}\">{sign} {word}</span>")
}

fn verdicts(report: &Report) -> String {
    let mut rows = String::new();
    for case in &report.cases {
        rows.extend(case.runs.iter().map(|run| row(case, run)));
    }
    format!(
        "<div class=\"scroll verdicts\"><table>\n<thead><tr><th>Case</th><th>Pool</th><th>Verdict</th>\
         <th class=\"number\">Took</th><th>Figure</th><th>Bound, or what does not hold</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn row(case: &CaseReport, run: &Run) -> String {
    let why = if matches!(run.verdict, Verdict::Failed | Verdict::Broken(_)) {
        " class=\"why\""
    } else {
        ""
    };
    format!(
        "<tr><td><a href=\"#{name}\">{title}</a></td><td>{pool}</td><td>{badge}</td>\
         <td class=\"number\">{seconds:.1} s</td><td>{figure}</td><td{why}>{finding}</td></tr>\n",
        name = anchor(&case.name),
        title = Text(&case.title),
        pool = Text(&run.pool),
        badge = badge(&run.verdict),
        seconds = run.seconds,
        figure = Text(&figure(run)),
        finding = Text(&finding(run)),
    )
}

/// Where, when, with what it ran.
fn circumstances(report: &Report) -> String {
    let machine = &report.machine;
    let mut of_machine = vec![counted(machine.cores, "core")];
    of_machine.extend(machine.processor.clone());
    of_machine.push(machine.system.clone());
    of_machine.extend(
        machine
            .load
            .map(|load| format!("load {load:.1} at the beginning")),
    );
    let of_machine: Vec<_> = of_machine
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let versions = report
        .versions
        .iter()
        .map(|(of, version)| format!("{of} {version}"));
    let scale = match report.scale {
        Scale::Short => "short",
        Scale::Full => "full, to the letter",
    };
    let lines = [
        (
            "Ran",
            format!("{}, for {:.0} s", report.started, report.seconds),
        ),
        ("Form of the cases", scale.to_owned()),
        ("Machine", of_machine.join(", ")),
        ("Versions", versions.collect::<Vec<_>>().join(", ")),
        ("Seed", report.seed.to_string()),
    ];
    let lines = lines.iter().filter(|(_, text)| !text.is_empty());
    let lines: String = lines
        .map(|(name, text)| format!("<dt>{name}</dt><dd>{}</dd>\n", Text(text)))
        .collect();
    format!("<dl class=\"run-of\">\n{lines}</dl>\n")
}

const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded and nothing run: whatever came into the page, the browser refuses it.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
