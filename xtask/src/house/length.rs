//! A Rust file has at most 500 lines: one concept, one file.

use super::{File, Finding};

/// Each Rust file that is too long, and each exception that is none any more.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    check_but_for(files, &LONGER)
}

fn check_but_for(files: &[File], longer: &[(&str, &str)]) -> Vec<Finding> {
    let is_long = |file: &File| file.text.lines().count() > LINES;
    let excepted = |file: &File| longer.iter().any(|(path, _)| *path == file.path);
    let long = files
        .iter()
        .filter(|file| file.is_rust() && is_long(file) && !excepted(file));
    let long = long.map(|file| {
        let lines = file.text.lines().count();
        file.finding(LINES, format!("{lines} lines; a file has at most {LINES}"))
    });
    let needed = |path: &str| files.iter().any(|file| file.path == path && is_long(file));
    let stale = longer
        .iter()
        .filter(|(path, _)| !needed(path))
        .map(|(path, reason)| Finding {
            path: (*path).to_owned(),
            line: 1,
            what: format!("listed as longer than {LINES} lines ({reason}), and is not"),
        });
    long.chain(stale).collect()
}

/// The lines that a file may have.
const LINES: usize = 500;

/// Files that are longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(lines: usize) -> [File; 1] {
        [File::new("src/long.rs", &"x\n".repeat(lines))]
    }

    #[test]
    fn a_file_that_is_too_long_is_found() {
        assert_eq!(check_but_for(&file_of(500), &[]), []);
        assert_eq!(check_but_for(&file_of(501), &[]).len(), 1);
        assert_eq!(
            check_but_for(&[File::new("docs/long.md", &"x\n".repeat(501))], &[]),
            []
        );
    }

    #[test]
    fn an_exception_must_be_one() {
        let listed = [("src/long.rs", "a table")];
        assert_eq!(check_but_for(&file_of(501), &listed), []);
        assert_eq!(check_but_for(&file_of(500), &listed).len(), 1);
        assert_eq!(check_but_for(&[], &listed).len(), 1);
    }
}
