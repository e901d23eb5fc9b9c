//! Every promise of the README names a test that is there, and so does every page below `docs/` that has such a
//! table.
//!
//! The table stands between `<!-- promises -->` and `<!-- /promises -->`; each of its rows has at least
//! one reference such as `tests/fair.rs::first_come_first_served`.

use super::code::code_only;
use super::{File, Finding};

/// Each promise without a test, and each test that is not there.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(readme) = files.iter().find(|file| file.path == "README.md") else {
        return vec![Finding {
            path: "README.md".to_owned(),
            line: 1,
            what: "missing".to_owned(),
        }];
    };
    let pages = files
        .iter()
        .filter(|file| file.path.starts_with("docs/") && file.text.contains(OPEN));
    std::iter::once(readme)
        .chain(pages)
        .flat_map(|page| check_page(page, files))
        .collect()
}

fn check_page(page: &File, files: &[File]) -> Vec<Finding> {
    let rows = rows(&page.text);
    if rows.is_empty() {
        return vec![page.finding(
            0,
            format!("no table of promises between `{OPEN}` and `{CLOSE}`"),
        )];
    }
    let found = rows.iter().flat_map(|(at, row)| {
        check_row(row, files)
            .into_iter()
            .map(|what| page.finding(*at, what))
    });
    found.collect()
}

fn check_row(row: &str, files: &[File]) -> Vec<String> {
    let references: Vec<_> = row
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .collect();
    if references.is_empty() {
        return vec!["a promise without a test".to_owned()];
    }
    let missing = references
        .iter()
        .filter(|(path, name)| !exists(&format!("{path}.rs"), name, files));
    missing
        .map(|(path, name)| format!("the test `{path}.rs::{name}` is not there"))
        .collect()
}

/// Whether the file has that function; of `module::test` the last part is asked for.
fn exists(path: &str, name: &str, files: &[File]) -> bool {
    let name = name.rsplit("::").next().unwrap_or(name);
    let Some(file) = files.iter().find(|file| file.path == path) else {
        return false;
    };
    let code = code_only(&file.text);
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let start = format!("fn {name}");
    code.match_indices(&start)
        .any(|(at, _)| ends(&code[at + start.len()..]))
}

/// The rows of the table and their lines, without its head and the line below that.
fn rows(text: &str) -> Vec<(usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| line.trim() != OPEN);
    let inside = lines.skip(1).take_while(|(_, line)| line.trim() != CLOSE);
    inside
        .filter(|(_, line)| line.trim_start().starts_with('|'))
        .skip(2)
        .collect()
}

const OPEN: &str = "<!-- promises -->";
const CLOSE: &str = "<!-- /promises -->";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &str) -> Vec<String> {
        let readme = format!(
            "# millpond\n\n{OPEN}\n| promise | test |\n|---|---|\n{rows}\n{CLOSE}\n| no | row |\n"
        );
        let files = [
            File::new("README.md", &readme),
            File::new(
                "tests/fair.rs",
                "#[test]\nfn first_come() {}\n// fn gone() {}\n",
            ),
            File::new(
                "loom-tests/tests/claim_return.rs",
                "#[test]\nfn claim_return() {}\n",
            ),
        ];
        check(&files)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn a_promise_with_its_test_is_good() {
        assert_eq!(found("| fair | `tests/fair.rs::first_come` |"), [""; 0]);
        let two = "| `max` | `tests/fair.rs::first_come`, `loom-tests/tests/claim_return.rs::claim_return` |";
        assert_eq!(found(two), [""; 0]);
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        for reference in [
            "tests/fair.rs::gone",
            "tests/gone.rs::first_come",
            "tests/fair.rs::first",
        ] {
            assert_eq!(
                found(&format!("| it | `{reference}` |")),
                [format!("the test `{reference}` is not there")]
            );
        }
    }

    #[test]
    fn a_promise_without_a_test_is_found() {
        assert_eq!(found("| fair | of course |"), ["a promise without a test"]);
    }

    #[test]
    fn a_page_with_such_a_table_is_checked_too() {
        let table = |row: &str| format!("{OPEN}\n| promise | test |\n|---|---|\n{row}\n{CLOSE}\n");
        let files = [
            File::new(
                "README.md",
                &table("| fair | `tests/fair.rs::first_come` |"),
            ),
            File::new("docs/compare.md", &table("| a bug | fixed |")),
            File::new("docs/other.md", "| no | table |\n"),
            File::new("tests/fair.rs", "fn first_come() {}\n"),
        ];
        let found = check(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "docs/compare.md:4: a promise without a test"
        );
    }

    #[test]
    fn a_readme_without_promises_is_found() {
        assert_eq!(check(&[File::new("README.md", "# millpond\n")]).len(), 1);
        assert_eq!(check(&[]).len(), 1);
        assert_eq!(found("").len(), 1);
    }
}
