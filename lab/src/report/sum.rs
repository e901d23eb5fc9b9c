//! A run in a line, and a report in a sentence: for the page and for the terminal alike.

use super::words::counted;
use crate::data::{Backend, Report, Run, Sleeps, Verdict};

/// What stands beside the figure: what it was held to, or why the run did not pass.
pub(crate) fn finding(run: &Run) -> String {
    match &run.verdict {
        Verdict::Passed => held_to(run),
        Verdict::Failed => failings(run).join("; "),
        Verdict::Skipped(why) | Verdict::Broken(why) => why.clone(),
        Verdict::Interrupted => "stopped before its end".to_owned(),
    }
}

/// The figure's own bound; that of the check of its name; else all checks.
fn held_to(run: &Run) -> String {
    let headline = run.headline();
    let of_its_name = || {
        let named = run
            .checks
            .iter()
            .find(|check| Some(&check.name) == headline.map(|it| &it.name));
        named.map(|check| check.bound.clone())
    };
    let own = headline.and_then(|figure| figure.bound.clone());
    own.or_else(of_its_name)
        .unwrap_or_else(|| match run.checks.len() {
            1 => "the one check holds".to_owned(),
            count => format!("all {count} checks hold"),
        })
}

/// What does not hold, one each.
pub(crate) fn failings(run: &Run) -> Vec<String> {
    let failing = run.checks.iter().filter(|check| !check.holds);
    failing
        .map(|check| format!("{}: {}, asked: {}", check.name, check.found, check.bound))
        .collect()
}

/// The figure that stands for the run.
pub(crate) fn figure(run: &Run) -> String {
    run.headline().map_or(String::new(), ToString::to_string)
}

/// How many runs came to what.
pub(crate) fn sentence(report: &Report) -> String {
    let runs = || report.cases.iter().flat_map(|case| &case.runs);
    let all = runs().count();
    let count = |word: &str| runs().filter(|run| run.verdict.word() == word).count();
    let passed = count("passed");
    let mut sentence = match (all, passed) {
        (0, _) => "Nothing was run".to_owned(),
        (1, 1) => "The one run passed".to_owned(),
        (all, passed) if all == passed => format!("All {all} runs passed"),
        (all, passed) => format!("{passed} of {} passed", counted(all, "run")),
    };
    let others = ["FAILED", "BROKEN", "skipped", "stopped"].map(|word| (count(word), word));
    let others: Vec<_> = others.iter().filter(|(count, _)| *count > 0).collect();
    for (number, (count, word)) in others.iter().enumerate() {
        let joint = if number == 0 { ";" } else { "," };
        sentence += &format!("{joint} {count} {}", word.to_lowercase());
    }
    if report.interrupted {
        sentence += ". It was stopped before its end";
    }
    sentence + "."
}

/// On what database: what it is, and the rest of the sentence. Anything but a PostgreSQL says so.
pub(crate) fn backend(backend: &Backend) -> (String, String) {
    let what = format!("{} {}", backend.kind, backend.version);
    let sleeps = match backend.sleeps {
        Sleeps::InServer => "in the server (pg_sleep)",
        Sleeps::InClient => "in the client, which holds the connection",
    };
    let not = if is_real(backend) {
        ""
    } else {
        ", not PostgreSQL"
    };
    let rest = format!("{not}, {}; blocking work sleeps {sleeps}.", backend.origin);
    (what, rest)
}

/// Whether it is what the lab is about.
pub(crate) fn is_real(backend: &Backend) -> bool {
    backend.kind == "PostgreSQL"
}
