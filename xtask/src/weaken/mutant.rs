//! Mutants: the source of the library with one thing less.

use super::lists::{EDITS, Edit};
use crate::failure::Failure;
use crate::house::File;
use crate::orderings::{Site, all_sites};
use std::ops::Range;

/// One file of the library, changed.
#[derive(Debug)]
pub(super) struct Mutant {
    /// What was done to it.
    pub(super) name: String,
    /// The file's path from the root.
    pub(super) path: String,
    /// The text that stands there instead.
    pub(super) text: String,
    /// Whether loom runs the changed code.
    pub(super) is_in_engine: bool,
    /// Whether only loom can notice.
    pub(super) is_ordering: bool,
}

/// One ordering, one step weaker.
#[derive(Debug)]
pub(crate) struct Weakening {
    /// The mutant's name.
    pub(crate) name: String,
    /// `AcqRel → Acquire`
    pub(crate) step: String,
    at: Range<usize>,
    to: &'static str,
}

/// Every mutant there is.
///
/// # Errors
///
/// All edits whose text does not stand in their file exactly once: the code was changed, and the list was not.
pub(super) fn all(files: &[File]) -> Result<Vec<Mutant>, Failure> {
    let mut mutants = weakened(files);
    let (mut wrong, mut found) = (Vec::new(), Vec::new());
    for edit in EDITS.iter().flat_map(|edits| edits.iter()) {
        match edited(edit, files) {
            Ok(text) => found.push(mutant(edit.name(), edit.path, text)),
            Err(why) => wrong.push(why),
        }
    }
    mutants.append(&mut found);
    if wrong.is_empty() {
        Ok(mutants)
    } else {
        Err(Failure::new(wrong.join("\n")))
    }
}

/// What is wrong with the list of edits.
pub(crate) fn faults(files: &[File]) -> Vec<String> {
    let edits = EDITS.iter().flat_map(|edits| edits.iter());
    edits.filter_map(|edit| edited(edit, files).err()).collect()
}

/// The names of all edits.
pub(crate) fn edit_names() -> impl Iterator<Item = String> {
    EDITS.iter().flat_map(|edits| edits.iter().map(Edit::name))
}

/// The ways to weaken the orderings of one comment.
pub(crate) fn weakenings(site: &Site) -> Vec<Weakening> {
    let mut found = Vec::new();
    for one in &site.uses {
        let weaker: &[_] = match one.ordering.as_str() {
            "Acquire" | "Release" => &["Relaxed"],
            "AcqRel" => &["Acquire", "Release", "Relaxed"],
            "SeqCst" => &["AcqRel", "Relaxed"],
            _ => &[],
        };
        let case = if one.on_failure { " (failed)" } else { "" };
        for to in weaker {
            let step = format!("{}{case} → {to}", one.ordering);
            found.push(Weakening {
                name: format!("ordering {}: {step}", site.name),
                step,
                at: one.at.clone(),
                to,
            });
        }
    }
    found
}

fn weakened(files: &[File]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for site in all_sites(files).iter().filter(|site| site.is_shipped()) {
        let file = files.iter().find(|file| file.path == site.path);
        let Some(file) = file else { continue };
        for weakening in weakenings(site) {
            let mut text = file.text.clone();
            text.replace_range(weakening.at, weakening.to);
            mutants.push(Mutant {
                is_ordering: true,
                ..mutant(weakening.name, &site.path, text)
            });
        }
    }
    mutants
}

fn mutant(name: String, path: &str, text: String) -> Mutant {
    Mutant {
        name,
        path: path.to_owned(),
        text,
        is_in_engine: path.starts_with("src/engine/"),
        is_ordering: false,
    }
}

fn edited(edit: &Edit, files: &[File]) -> Result<String, String> {
    let at = || format!("xtask/src/weaken: `{}` in {}", edit.name(), edit.path);
    let file = files.iter().find(|file| file.path == edit.path);
    let file = file.ok_or_else(|| format!("{}: no such file", at()))?;
    let found = find(&file.text, edit.find);
    match found.as_slice() {
        [only] => {
            let mut text = file.text.clone();
            text.replace_range(only.clone(), edit.replace);
            Ok(text)
        }
        found => Err(format!(
            "{}: `{}` stands there {} times, not once",
            at(),
            edit.find,
            found.len()
        )),
    }
}

/// Where `wanted` stands in `text`, blanks and line breaks being alike: how code is wrapped does not matter.
fn find(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let mut words = wanted.split_whitespace();
    let Some(first) = words.next() else {
        return Vec::new();
    };
    let rest: Vec<_> = words.collect();
    let starts = text.match_indices(first).map(|(at, _)| at);
    starts
        .filter_map(|start| {
            let mut end = start + first.len();
            for word in &rest {
                let left = text[end..].trim_start();
                if left.len() == text[end..].len() || !left.starts_with(word) {
                    return None;
                }
                end = text.len() - left.len() + word.len();
            }
            Some(start..end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orderings::sites;
    use crate::workspace::Workspace;
    use std::collections::BTreeSet;

    #[test]
    fn text_is_found_however_it_is_wrapped() {
        let text = "a(b);\n    c(d,\n        e);\nc(d, e);";
        assert_eq!(find(text, "c(d, e);"), [10..26, 27..35]);
        assert_eq!(find(text, "a(b); c(d,").first(), Some(&(0..14)));
        assert_eq!(find(text, "b c"), [] as [Range<usize>; 0]);
        assert_eq!(find(text, "a (b)"), [] as [Range<usize>; 0]);
    }

    fn edit_of(text: &str) -> Result<String, String> {
        let edit = Edit {
            kind: super::super::lists::Kind::Wake,
            what: "it",
            path: "src/it.rs",
            find: "wake(); go();",
            replace: "go();",
        };
        edited(&edit, &[File::new("src/it.rs", text)])
    }

    #[test]
    fn an_edit_matches_exactly_once() {
        assert_eq!(edit_of("{ wake();\n go(); }"), Ok("{ go(); }".to_owned()));
        let none = edit_of("{ wake(); }").expect_err("not there");
        assert!(none.contains("0 times"), "{none}");
        let two = edit_of("wake(); go(); wake(); go();").expect_err("twice there");
        assert!(two.contains("2 times"), "{two}");
    }

    #[test]
    fn each_ordering_is_weakened_step_by_step() {
        let text = "// ORDERING(it): both.\n\
                    x.compare_exchange(a, b, Ordering::AcqRel, Ordering::Acquire);\n\
                    // ORDERING(not): none.\nx.load(Ordering::Relaxed)";
        let file = File::new("src/engine/it.rs", text);
        let names: Vec<_> = sites(&file)
            .iter()
            .flat_map(weakenings)
            .map(|w| w.name)
            .collect();
        assert_eq!(
            names,
            [
                "ordering it: AcqRel → Acquire",
                "ordering it: AcqRel → Release",
                "ordering it: AcqRel → Relaxed",
                "ordering it: Acquire (failed) → Relaxed"
            ]
        );
        let mutants = weakened(&[file]);
        assert!(
            mutants[3]
                .text
                .contains("Ordering::AcqRel, Ordering::Relaxed")
        );
        assert!(
            mutants[0]
                .text
                .contains("Ordering::Acquire, Ordering::Acquire")
        );
    }

    #[test]
    fn no_two_mutants_of_this_repository_share_a_name_or_change_nothing() {
        let files = Workspace::find().files().expect("the files can be read");
        let mutants = all(&files).expect("the list fits the code");
        let names: BTreeSet<_> = mutants.iter().map(|mutant| &mutant.name).collect();
        assert_eq!(names.len(), mutants.len());
        let same = |mutant: &&Mutant| files.iter().any(|file| file.text == mutant.text);
        assert!(mutants.iter().find(same).is_none(), "it changes nothing");
    }
}
