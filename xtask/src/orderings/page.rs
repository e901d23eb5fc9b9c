//! The page itself.

use super::comment::{Site, Use};
use crate::weaken::{Verdict, Verdicts, weakenings};
use std::fmt::Write;

/// `docs/orderings.md`.
pub(super) fn page(sites: &[Site], verdicts: &Verdicts) -> String {
    let mut page = HEAD.to_owned();
    for site in sites.iter().filter(|site| site.is_shipped()) {
        let row = [
            format!("`{}`", site.name),
            file(&site.path),
            operations(&site.uses),
            site.reason.clone(),
            weakened(site, verdicts),
        ];
        push_row(&mut page, &row);
    }
    page.push_str(OTHERS);
    let others = verdicts.iter().filter(|(name, _)| !is_ordering(name));
    for (name, verdict) in others {
        push_row(&mut page, &[name.clone(), told(Some(verdict))]);
    }
    page.push_str(STAND_INS);
    for site in sites.iter().filter(|site| !site.is_shipped()) {
        let row = [
            format!("`{}`", site.name),
            operations(&site.uses),
            site.reason.clone(),
        ];
        push_row(&mut page, &row);
    }
    page
}

/// Whether this is the name of a weakened ordering.
pub(crate) fn is_ordering(mutant: &str) -> bool {
    mutant.starts_with("ordering ")
}

fn push_row(page: &mut String, cells: &[String]) {
    let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
    writeln!(page, "| {} |", cells.collect::<Vec<_>>().join(" | ")).expect("a string grows");
}

/// From `docs/`.
fn file(path: &str) -> String {
    let short = path.strip_prefix("src/").unwrap_or(path);
    format!("[{short}](../{path})")
}

/// `word.load: Acquire`, and of two orderings of one operation both.
fn operations(uses: &[Use]) -> String {
    let mut told = String::new();
    for (index, one) in uses.iter().enumerate() {
        if one.on_failure {
            write!(told, " / {}", one.ordering).expect("a string grows");
        } else {
            let between = if index == 0 { "" } else { "; " };
            let (operation, ordering) = (&one.operation, &one.ordering);
            write!(told, "{between}`{operation}` {ordering}").expect("a string grows");
        }
    }
    told
}

fn weakened(site: &Site, verdicts: &Verdicts) -> String {
    let each = weakenings(site).into_iter().map(|weakening| {
        let verdict = told(verdicts.of(&weakening.name));
        format!("{}: {verdict}", weakening.step)
    });
    let all = each.collect::<Vec<_>>().join("<br>");
    if all.is_empty() {
        "—".to_owned()
    } else {
        all
    }
}

fn told(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "**never run**".to_owned(),
        Some(Verdict {
            killed_by: Some(killer),
            date,
            ..
        }) => format!("killed by {killer} ({date})"),
        Some(Verdict {
            reason: Some(reason),
            date,
            ..
        }) => format!("survives ({date}): {reason}"),
        Some(verdict) => format!("**survives** ({})", verdict.date),
    }
}

const HEAD: &str = "\
# Memory orderings

Made by `cargo xtask orderings` from the `ORDERING(name): …` comments in `src/` and from
`xtask/verdicts.json`; do not edit it. `cargo xtask test` fails if it is stale, or if an ordering stronger
than Relaxed has neither a test that fails without it nor a reason.

`cargo xtask weaken` makes the verdicts: it weakens one ordering after the other in a copy of the
repository and runs the loom models, at a bound of two preemptions, until one fails. The first that fails is
named; others may fail too. loom takes every step of a program as soon as it can be taken (no load
buffering), so what it lets pass is not thereby proved, and each survivor has its reason.

## What is shipped

Of two orderings of a compare-and-swap the second is for the case that it fails.

| name | file | operation | why | weakened |
| --- | --- | --- | --- | --- |
";

const OTHERS: &str = "
## Other mutations

Not orderings, but what the same command leaves out of the code, one at a time: looking again after a failed
compare-and-swap, waking, giving up, settling. Each is run against the loom models and, where those
let it pass, against the tests of behaviour. The list stands in `xtask/src/weaken/`.

| left out | verdict |
| --- | --- |
";

const STAND_INS: &str = "
## Stand-ins

What loom sees in the place of crossbeam's types; not shipped, and not weakened.

| name | operation | why |
| --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::File;
    use crate::orderings::sites;

    const TEXT: &str = "
        // ORDERING(push): Release | pairs.
        top.compare_exchange(a, b, Ordering::Release, Ordering::Relaxed)";

    fn row(verdicts: &str) -> String {
        let verdicts = Verdicts::parse(verdicts).expect("good verdicts");
        let sites = sites(&File::new("src/engine/it.rs", TEXT));
        let page = page(&sites, &verdicts);
        let row = page.lines().find(|line| line.starts_with("| `push`"));
        row.expect("a row for the site").to_owned()
    }

    #[test]
    fn a_row_says_all() {
        let verdicts = r#"{"ordering push: Release → Relaxed": {"date": "2026-11-23", "killed_by": "loom: it"}}"#;
        assert_eq!(
            row(verdicts),
            "| `push` | [engine/it.rs](../src/engine/it.rs) | `top.compare_exchange` Release / Relaxed \
             | Release \\| pairs. | Release → Relaxed: killed by loom: it (2026-11-23) |"
        );
    }

    #[test]
    fn an_ordering_that_was_never_weakened_stands_out() {
        assert!(row("{}").contains("**never run**"));
    }

    #[test]
    fn a_survivor_without_a_reason_stands_out() {
        let survivor = r#"{"ordering push: Release → Relaxed": {"date": "2026-11-23"}}"#;
        assert!(row(survivor).contains("**survives** (2026-11-23)"));
    }
}
