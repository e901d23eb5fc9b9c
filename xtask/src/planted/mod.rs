//! `cargo xtask planted`: faults that are planted on purpose, and who notices them.
//!
//! Each patch of `loom-tests/planted/` goes into a scratch copy; then the loom models, the property tests
//! and the fuzzer's replay of its corpus run. The table in that folder's README.md says who notices
//! what; it must be right.

mod table;

use crate::child;
use crate::failure::Failure;
use crate::judge::{Judge, Opinion};
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use table::{Row, Said};

/// Runs all patches, or those whose name contains `only`.
pub(crate) fn run(here: &Workspace, only: Option<&str>) -> Result<(), Failure> {
    let rows = rows(here)?;
    let wanted = |row: &&Row| only.is_none_or(|part| row.patch.contains(part));
    let scratch = Scratch::new(here, "planted")?;
    let mut judges = judges(here)?;
    for judge in judges.iter_mut().flatten() {
        judge.prepare(&scratch)?;
    }
    let mut wrong = Vec::new();
    println!("\n    | patch | loom | proptest | fuzz |");
    for row in rows.iter().filter(wanted) {
        let cells = plant(&scratch, row, &judges)?;
        println!("    | {} | {} |", row.patch, cells.join(" | "));
        let judged = row.said.iter().zip(&cells).zip(NAMES);
        wrong.extend(judged.filter_map(|((said, cell), judge)| {
            let why = said.differs_from(cell)?;
            Some(format!("{}, {judge}: {why}", row.patch))
        }));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{TABLE} is not right:\n{}",
            wrong.join("\n")
        )))
    }
}

/// The table's rows; every patch has one, and every row its patch.
fn rows(here: &Workspace) -> Result<Vec<Row>, Failure> {
    let rows = table::rows(&here.read(TABLE)?)?;
    let files = here.files()?;
    let patches: Vec<_> = files
        .iter()
        .filter_map(|file| file.path.strip_prefix(FOLDER)?.strip_suffix(".patch"))
        .collect();
    let faults = table::faults(&rows, &patches);
    if faults.is_empty() {
        Ok(rows)
    } else {
        Err(Failure::new(format!("{TABLE}: {}", faults.join(", "))))
    }
}

/// Who judges, as far as it is there.
fn judges(here: &Workspace) -> Result<[Option<Judge>; 3], Failure> {
    let proptest = here.root().join("tests/model.rs").is_file();
    let fuzz = has_package(&here.members()?, FUZZ);
    Ok([
        Some(Judge::loom()),
        proptest.then(|| Judge::tests(NAMES[1], &["model"])),
        fuzz.then(|| Judge::package(NAMES[2], FUZZ)),
    ])
}

fn has_package(metadata: &Value, name: &str) -> bool {
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    packages.any(|package| package["name"] == name)
}

/// Plants one fault, asks everybody, and takes it out again.
fn plant(
    scratch: &Scratch,
    row: &Row,
    judges: &[Option<Judge>; 3],
) -> Result<Vec<String>, Failure> {
    let path = format!("{FOLDER}{}.patch", row.patch);
    git_apply(scratch.workspace().root(), &path, &[])
        .map_err(|failure| failure.within(&format!("{path} does not fit the code any more")))?;
    let cells: Result<Vec<_>, _> = judges
        .iter()
        .zip(&row.said)
        .map(|(judge, said)| cell(judge.as_ref(), scratch, said))
        .collect();
    git_apply(scratch.workspace().root(), &path, &["--reverse"])?;
    cells
}

fn cell(judge: Option<&Judge>, scratch: &Scratch, said: &Said) -> Result<String, Failure> {
    let Some(judge) = judge else {
        return Ok(table::NOT_YET.to_owned());
    };
    match judge.opinion(scratch, said.test())? {
        Opinion::Noticed(test) => Ok(format!("{} `{test}`", table::CAUGHT)),
        Opinion::Unnoticed => Ok(table::MISSED.to_owned()),
        Opinion::DoesNotBuild(words) => Err(Failure::new(format!("does not compile:\n{words}"))),
    }
}

/// `git apply` in a folder that is in no repository of its own: git must not look further up, or it would
/// take the paths for ones outside of this folder and do nothing.
fn git_apply(folder: &Path, patch: &str, more: &[&str]) -> Result<(), Failure> {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder))
        .arg("apply")
        .args(more)
        .arg(patch);
    child::run(&mut git)
}

const FOLDER: &str = "loom-tests/planted/";
const TABLE: &str = "loom-tests/planted/README.md";
/// The columns of the table.
const NAMES: [&str; 3] = ["loom", "proptest", "fuzz"];
/// The package that replays the corpus in its ordinary tests.
const FUZZ: &str = "millpond-fuzz";

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process};

    #[test]
    fn every_patch_fits_the_code() {
        let here = Workspace::find();
        for row in rows(&here).expect("the table is good") {
            let path = format!("{FOLDER}{}.patch", row.patch);
            let root = here.root();
            git_apply(root, &path, &["--check"]).expect("it can be applied");
        }
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused_and_one_that_fits_changes_the_file() {
        let folder = env::temp_dir().join(format!("millpond-planted-{}", process::id()));
        fs::create_dir(&folder).expect("a folder can be made");
        let patch = "--- a/it\n+++ b/it\n@@ -1 +1 @@\n-before\n+after\n";
        fs::write(folder.join("it.patch"), patch).expect("a file can be written");
        fs::write(folder.join("it"), "before\n").expect("a file can be written");
        git_apply(&folder, "it.patch", &[]).expect("it fits");
        let after = fs::read_to_string(folder.join("it")).expect("it is there");
        assert_eq!(after, "after\n");
        assert!(git_apply(&folder, "it.patch", &[]).is_err());
        fs::remove_dir_all(&folder).expect("it is still there");
    }

    #[test]
    fn a_package_is_found_by_its_name() {
        let metadata = serde_json::json!({"packages": [{"name": "millpond-fuzz"}]});
        assert!(has_package(&metadata, FUZZ));
        assert!(!has_package(&metadata, "fuzz"));
    }
}
