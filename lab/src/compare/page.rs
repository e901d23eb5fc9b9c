//! The comparison as a page of Markdown, made of the report.

use crate::data::{CaseReport, Check, Figure, Report, Run, Scale, Verdict};
use crate::record::UNKNOWN;
use crate::subject::Maker;
use std::fmt::Write;
use std::sync::Arc;

/// The whole page. `makers` know how their pools are built.
pub(super) fn page(report: &Report, makers: &[Arc<dyn Maker>]) -> String {
    let pools = pools(report);
    let mut text = String::from(HEAD);
    about(&mut text, report);
    let _ = writeln!(text, "\n## What held\n\n{VERDICTS}");
    header(&mut text, "case", &pools);
    for case in &report.cases {
        row(&mut text, &case.title, &pools, |pool| {
            of(case, pool).map_or_else(|| "–".to_owned(), cell)
        });
    }
    let _ = writeln!(text, "\n## What was measured\n\n{FIGURES}");
    header(&mut text, "figure", &pools);
    for case in &report.cases {
        figures(&mut text, case, &pools);
    }
    let _ = writeln!(text, "\n## What did not hold, pool by pool\n\n{TROUBLES}");
    for pool in &pools {
        troubles(&mut text, report, pool);
    }
    let _ = writeln!(text, "\n## How they are built\n");
    for pool in &pools {
        let maker = makers.iter().find(|maker| maker.name() == *pool);
        let built = maker.map_or("", |maker| maker.built());
        let _ = writeln!(text, "* **{pool}**: {built}");
    }
    text
}

fn about(text: &mut String, report: &Report) {
    let Report {
        machine, backend, ..
    } = report;
    let day = report.started.split('T').next().unwrap_or_default();
    let scale = match report.scale {
        Scale::Short => "the cases in their short form",
        Scale::Full => "the cases to the letter",
    };
    let _ = writeln!(
        text,
        "| | |\n|---|---|\n| measured | {day}, {scale}, seed {} |",
        report.seed
    );
    let cores = machine.cores;
    let processor = machine.processor.as_deref().unwrap_or("unknown processor");
    let load = machine.load.map_or_else(String::new, |load| {
        format!(", load {load:.1} when it began")
    });
    let _ = writeln!(
        text,
        "| machine | {cores} cores, {processor}, {}{load} |",
        machine.system
    );
    let _ = writeln!(
        text,
        "| database | {} {}, {} |",
        backend.kind, backend.version, backend.origin
    );
    for (what, version) in &report.versions {
        let _ = writeln!(text, "| {what} | {version} |");
    }
}

/// The pools, in the order in which they ran.
fn pools(report: &Report) -> Vec<&str> {
    let mut pools: Vec<&str> = Vec::new();
    for run in report.cases.iter().flat_map(|case| &case.runs) {
        if !pools.contains(&run.pool.as_str()) {
            pools.push(&run.pool);
        }
    }
    pools
}

fn of<'a>(case: &'a CaseReport, pool: &str) -> Option<&'a Run> {
    case.runs.iter().find(|run| run.pool == pool)
}

fn header(text: &mut String, first: &str, pools: &[&str]) {
    let _ = writeln!(text, "| {first} | {} |", pools.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(pools.len()));
}

fn row(text: &mut String, first: &str, pools: &[&str], cell: impl Fn(&str) -> String) {
    let cells: Vec<_> = pools.iter().map(|pool| cell(pool)).collect();
    let _ = writeln!(text, "| {first} | {} |", cells.join(" | "));
}

/// What a pool made of a case, in a few words.
fn cell(run: &Run) -> String {
    let all = run.checks.len();
    let wrong = run.checks.iter().filter(|check| !check.holds).count();
    let held = match &run.verdict {
        Verdict::Passed => format!("passed ({all})"),
        Verdict::Failed => format!("**{wrong} of {all} do not hold**"),
        Verdict::Skipped(_) => "not asked".to_owned(),
        Verdict::Broken(why) => format!("**broken**: {}", in_a_cell(why)),
        Verdict::Interrupted => "stopped".to_owned(),
    };
    match unknown(run).count() {
        0 => held,
        unknown => format!("{held}, {unknown} unknown"),
    }
}

/// What could not be told, since the pool has no such figure.
fn unknown(run: &Run) -> impl Iterator<Item = &String> {
    run.notes.iter().filter(|note| note.contains(UNKNOWN))
}

/// The figure of the case that the table in the terminal shows, too.
fn figures(text: &mut String, case: &CaseReport, pools: &[&str]) {
    let Some(headline) = case.runs.iter().find_map(Run::headline) else {
        return;
    };
    let name = format!("{}: {}", case.title, headline.name);
    row(text, &in_a_cell(&name), pools, |pool| {
        let figure = of(case, pool).and_then(Run::headline);
        figure.map_or_else(|| "–".to_owned(), value)
    });
}

/// How much, of what.
fn value(figure: &Figure) -> String {
    let name = String::new();
    let nameless = Figure {
        name,
        ..figure.clone()
    };
    nameless.to_string().trim().to_owned()
}

fn troubles(text: &mut String, report: &Report, pool: &str) {
    let mut lines = String::new();
    for case in &report.cases {
        let Some(run) = of(case, pool) else { continue };
        let title = &case.title;
        if let Verdict::Broken(why) | Verdict::Skipped(why) = &run.verdict {
            let _ = writeln!(
                lines,
                "* {title}: {}: {why}",
                run.verdict.word().to_lowercase()
            );
        }
        for check in run.checks.iter().filter(|check| !check.holds) {
            let Check {
                name, bound, found, ..
            } = check;
            let _ = writeln!(lines, "* {title}: {name}: asked for {bound}, found {found}");
        }
        for note in unknown(run) {
            let _ = writeln!(lines, "* {title}: {note}");
        }
    }
    if lines.is_empty() {
        lines.push_str("Everything held.\n");
    }
    let _ = writeln!(text, "### {pool}\n\n{lines}");
}

fn in_a_cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

const HEAD: &str = "\
# Every case with every pool

What the exhaustion lab measured when it drove millpond and other pools through the same cases, one after the other, on
the same database in one run. This page is written by that run, not by hand:

```sh
cargo lab compare --page docs/comparison.md
```

What each case asks is in its own words in `cargo lab list`. Facts about the pools that no run shows are in
[compare.md](compare.md).

";

const VERDICTS: &str = "\
In brackets, how many checks held. *Unknown*: the pool has no figure by which it could be told, such as how it feels; that
is neither held nor broken, and is counted apart.
";

const FIGURES: &str = "\
One figure for each case, from the run of the table above. A machine that does other work beside moves them.
";

const TROUBLES: &str = "\
Every check that did not hold, as it was asked and found; and what is unknown of each pool, and why.
";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    fn run(pool: &str, found: &str, holds: bool, notes: &[&str]) -> serde_json::Value {
        let verdict = if holds { "passed" } else { "failed" };
        json!({
            "pool": pool, "verdict": { "verdict": verdict }, "seconds": 1.0,
            "checks": [
                { "name": "all come back", "bound": "8", "found": "8", "holds": true },
                { "name": "who waits", "bound": "8", "found": found, "holds": holds },
            ],
            "figures": [{ "name": "latest", "value": 1.234, "unit": "ms", "better": "lower", "headline": true }],
            "groups": [], "timelines": [], "marks": [], "notes": notes,
        })
    }

    const NO_HEALTH: &str = "health: unknown, since this pool does not tell its health";

    /// millpond passes; of two peers one has no such figure, and one a wrong one.
    pub(crate) fn report() -> Report {
        let report = json!({
            "schema": 1, "started": "2026-11-26T05:00:00Z", "seconds": 3.0, "seed": 7, "scale": "short",
            "machine": { "cores": 2, "processor": null, "system": "linux", "load": 3.5 },
            "versions": { "bb8": "0.9.1" }, "interrupted": false,
            "backend": { "kind": "PostgreSQL", "version": "17.0", "origin": "started for this run", "sleeps": "in_server" },
            "cases": [{
                "name": "saturation", "title": "Saturation", "question": "?", "conditions": [],
                "runs": [run("millpond", "8", true, &["a note"]), run("mobc", "8", true, &[NO_HEALTH]), run("bb8", "24", false, &[])],
            }],
        });
        serde_json::from_value(report).expect("it has the shape of a report")
    }

    #[test]
    fn what_is_unknown_is_told_apart_from_what_is_wrong() {
        let page = page(&report(), &[]);
        let row = "| Saturation | passed (2) | passed (2), 1 unknown | **1 of 2 do not hold** |";
        assert!(page.contains(row), "{page}");
        assert!(
            page.contains("| Saturation: latest | 1.23 ms | 1.23 ms | 1.23 ms |"),
            "{page}"
        );
        assert!(
            page.contains("* Saturation: who waits: asked for 8, found 24"),
            "{page}"
        );
        assert!(page.contains("linux, load 3.5 when it began"), "{page}");
        assert!(
            page.contains("2026-11-26, the cases in their short form, seed 7"),
            "{page}"
        );
        assert!(page.contains("### millpond\n\nEverything held."), "{page}");
    }

    #[test]
    fn a_pool_that_hangs_is_on_the_page() {
        let mut report = report();
        report.cases[0].runs[2].verdict = Verdict::Broken("no end after 32s".to_owned());
        let page = page(&report, &[]);
        assert!(page.contains("**broken**: no end after 32s"), "{page}");
        assert!(
            page.contains("* Saturation: broken: no end after 32s"),
            "{page}"
        );
    }
}
