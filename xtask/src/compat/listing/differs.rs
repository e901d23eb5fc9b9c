//! The differences that are told, with their reasons.

use std::collections::BTreeSet;

/// What is wrong with a list of differences: one that is not in it, one in it that is none, one without reason.
///
/// A reason is a block of lines that begin with `#`; it holds for the lines after it, up to an empty one.
pub(super) fn check(told: &str, missing: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    let mut reason = false;
    for line in told.lines() {
        match line {
            "" => reason = false,
            _ if line.starts_with('#') => reason = true,
            _ if !reason => found.push(format!("without a reason: {line}")),
            _ => {
                listed.insert(line.to_owned());
            }
        }
    }
    let stale = listed.difference(missing);
    found.extend(stale.map(|line| format!("told to differ, and does not: {line}")));
    let untold = missing.difference(&listed);
    found.extend(untold.map(|line| format!("not there, or changed: {line}")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(lines: &[&str]) -> BTreeSet<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_is_told_with_its_reason_is_fine() {
        let told = "# It cannot be.\nmod a\nfn b\n\n# Nor this.\nfn c\n";
        assert_eq!(check(told, &missing(&["mod a", "fn b", "fn c"])), [""; 0]);
        assert_eq!(check("", &missing(&[])), [""; 0]);
    }

    #[test]
    fn a_loss_a_stale_line_and_one_without_reason_are_found() {
        let told = "# It cannot be.\nmod a\n\nfn b\n";
        assert_eq!(
            check(told, &missing(&["fn c"])),
            [
                "without a reason: fn b",
                "told to differ, and does not: mod a",
                "not there, or changed: fn c"
            ]
        );
    }
}
