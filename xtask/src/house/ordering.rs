//! Every memory ordering in `src/` has its reason beside it: `// ORDERING(name): …`.
//!
//! The name is unique, so that other comments, the design and the mutation run can cite it. A comment
//! whose operation is gone is found too. No argument rests on `SeqCst`, so it does not occur.

use super::code::code_only;
use super::{File, Finding};
use std::collections::BTreeMap;

/// Each ordering without its comment, and each comment without its ordering or its name.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let sources = files
        .iter()
        .filter(|file| file.path.starts_with("src/") && file.is_rust());
    let mut names = BTreeMap::new();
    sources
        .flat_map(|file| check_file(file, &mut names))
        .collect()
}

fn check_file<'a>(file: &'a File, names: &mut BTreeMap<&'a str, String>) -> Vec<Finding> {
    let code = code_only(&file.text);
    let lines: Vec<Line<'a, '_>> = file
        .text
        .lines()
        .zip(code.lines())
        .map(|(text, code)| Line { text, code })
        .collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.code.contains("Ordering::SeqCst") {
            found.push(file.finding(at, "SeqCst: say which pairing is needed, and use that"));
        } else if line.orders() && !is_explained(&lines, at) {
            found.push(file.finding(
                at,
                "a memory ordering without its `// ORDERING(name): …` above",
            ));
        }
        if line.code.contains("Ordering::{") || line.code.contains("Ordering::*") {
            found.push(file.finding(at, "write `Ordering::…` out where it is used"));
        }
        if let Some(comment) = line.comment() {
            found.extend(
                check_comment(&lines, at, comment, names, &file.path)
                    .map(|what| file.finding(at, what)),
            );
        }
    }
    found
}

/// What is wrong with the comment that begins with `ORDERING(` at this line.
fn check_comment<'a>(
    lines: &[Line<'a, '_>],
    at: usize,
    comment: &'a str,
    names: &mut BTreeMap<&'a str, String>,
    path: &str,
) -> Option<String> {
    let Some((name, _)) = comment
        .split_once("):")
        .filter(|(name, _)| !name.trim().is_empty())
    else {
        return Some("not of the form `ORDERING(name): …`".to_owned());
    };
    if let Some(first) = names.insert(name, format!("{path}:{}", at + 1)) {
        return Some(format!("the name `{name}` is taken, at {first}"));
    }
    let used = lines[at..].iter().take(NEAR + 1).any(Line::orders);
    (!used).then(|| format!("ORDERING({name}) has no ordering in the {NEAR} lines below it"))
}

/// Whether a comment stands at this line, or above it in the same function and near.
fn is_explained(lines: &[Line<'_, '_>], at: usize) -> bool {
    let above = lines[..at].iter().rev().take(NEAR);
    let ends = |line: &&Line<'_, '_>| line.code.contains("fn ");
    let same = above.take_while(|line| !ends(line));
    std::iter::once(&lines[at])
        .chain(same)
        .any(|line| line.comment().is_some())
}

/// A line of a file, and what of it is code.
struct Line<'a, 'b> {
    text: &'a str,
    code: &'b str,
}

impl<'a> Line<'a, '_> {
    fn orders(&self) -> bool {
        ORDERINGS
            .iter()
            .any(|ordering| self.code.contains(ordering))
    }

    /// What follows `// ORDERING(`.
    fn comment(&self) -> Option<&'a str> {
        self.text.split_once("// ORDERING(").map(|(_, rest)| rest)
    }
}

/// How many lines a comment may stand above its ordering.
const NEAR: usize = 12;

const ORDERINGS: [&str; 5] = [
    "Ordering::Relaxed",
    "Ordering::Acquire",
    "Ordering::Release",
    "Ordering::AcqRel",
    "Ordering::SeqCst",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        check(&[File::new("src/engine/it.rs", text)])
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    const GOOD: &str = "fn look(&self) -> u64 {\n    // ORDERING(look): Relaxed; a hint.\n    \
                        self.word.load(Ordering::Relaxed)\n}\n";

    #[test]
    fn an_ordering_with_its_comment_is_good() {
        assert_eq!(found(GOOD), [0; 0]);
        assert_eq!(
            found("match a.cmp(&b) { Ordering::Less => {} }\n// of Ordering::Acquire\n"),
            [0; 0]
        );
    }

    #[test]
    fn an_ordering_without_a_comment_is_found() {
        assert_eq!(found("self.word.load(Ordering::Acquire);\n"), [1]);
        let far = format!(
            "// ORDERING(far): it.\n{}word.load(Ordering::Acquire);\n",
            "\n".repeat(12)
        );
        assert_eq!(found(&far), [1, 14]);
    }

    #[test]
    fn the_comment_of_another_function_does_not_count() {
        let text =
            GOOD.to_owned() + "fn other(&self) {\n    self.word.store(0, Ordering::Release);\n}\n";
        assert_eq!(found(&text), [6]);
    }

    #[test]
    fn sequential_consistency_is_found() {
        assert_eq!(
            found("// ORDERING(all): because.\nx.load(Ordering::SeqCst);\n"),
            [2]
        );
    }

    #[test]
    fn a_name_is_given_once() {
        let files = [
            File::new("src/engine/one.rs", GOOD),
            File::new("src/managed/two.rs", GOOD),
        ];
        let findings = check(&files);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].to_string(),
            "src/managed/two.rs:2: the name `look` is taken, at src/engine/one.rs:2"
        );
    }

    #[test]
    fn a_comment_without_name_or_ordering_is_found() {
        assert_eq!(
            found("// ORDERING(): it.\nx.load(Ordering::Relaxed);\n"),
            [1]
        );
        assert_eq!(
            found("// ORDERING(it) Relaxed.\nx.load(Ordering::Relaxed);\n"),
            [1]
        );
        assert_eq!(found("// ORDERING(gone): Relaxed.\nx.get();\n"), [1]);
    }

    #[test]
    fn an_ordering_is_written_out() {
        assert_eq!(
            found("use std::sync::atomic::Ordering::{Acquire, Release};\n"),
            [1]
        );
        assert_eq!(found("use super::sync::Ordering::*;\n"), [1]);
    }

    #[test]
    fn only_the_library_is_asked() {
        assert_eq!(
            check(&[File::new("tests/it.rs", "x.load(Ordering::SeqCst);\n")]),
            []
        );
    }
}
