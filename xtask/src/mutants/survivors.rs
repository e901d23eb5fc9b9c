//! The table of docs/mutants.md: what may stay alive, and why.

use crate::failure::Failure;
use std::collections::BTreeSet;

/// The mutants that stand in the table.
#[derive(Debug)]
pub(super) struct Survivors(BTreeSet<String>);

impl Survivors {
    /// Reads the rows: those that begin with a file of the library.
    pub(super) fn read(page: &str) -> Result<Self, Failure> {
        let rows = page.lines().filter(|line| line.starts_with("| `src/"));
        rows.map(row).collect::<Result<_, _>>().map(Self)
    }

    /// Fails if one is alive and has no row; after a `whole` run also if one has a row and was caught.
    pub(super) fn judge(&self, alive: &BTreeSet<String>, whole: bool) -> Result<(), Failure> {
        let alive: BTreeSet<_> = alive.iter().map(|name| without_place(name)).collect();
        let new = alive
            .difference(&self.0)
            .map(|name| format!("alive, and not in {PAGE}: {name}"));
        let mut faults: Vec<_> = new.collect();
        if whole {
            let gone = self.0.difference(&alive);
            faults.extend(gone.map(|name| format!("in {PAGE}, and not alive: {name}")));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Failure::new(faults.join("\n")))
    }
}

/// `file:line:column: what` without the place, which moves with every change above it.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => name.to_owned(),
    }
}

/// ``| `file: what` | why |``; a `|` in what is changed stands there as `\|`.
fn row(line: &str) -> Result<String, Failure> {
    let bars = line.replace("\\|", BAR);
    let cells: Vec<_> = bars.trim_matches('|').split('|').map(str::trim).collect();
    match cells.as_slice() {
        [name, why] if !why.is_empty() => Ok(name.trim_matches('`').replace(BAR, "|")),
        _ => Err(Failure::new(format!(
            "a name and a reason are wanted: {line}"
        ))),
    }
}

/// The page.
pub(super) const PAGE: &str = "docs/mutants.md";
const BAR: &str = "\u{1f}";

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "| mutant | why |\n|---|---|\n| `src/a.rs: replace \\|\\| with && in f` | as good |\n";

    fn alive(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn who_is_alive_needs_a_row_and_a_row_somebody_who_is_alive() {
        let known = Survivors::read(TABLE).expect("a good table");
        let one = alive(&["src/a.rs:7:12: replace || with && in f"]);
        assert!(known.judge(&one, true).is_ok());
        assert!(
            known
                .judge(&alive(&["src/a.rs:7:12: delete ! in f"]), false)
                .is_err()
        );
        assert!(known.judge(&alive(&[]), false).is_ok());
        assert!(known.judge(&alive(&[]), true).is_err());
    }

    #[test]
    fn a_row_without_a_reason_is_refused() {
        assert!(Survivors::read("| `src/a.rs: delete ! in f` | |").is_err());
    }
}
