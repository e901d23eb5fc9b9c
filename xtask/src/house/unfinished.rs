//! Nothing unfinished or switched off: no ignored test or doctest, no `todo!`, `unimplemented!`, `dbg!`.

use super::code::code_only;
use super::{File, Finding};

/// Each line of a Rust file that has one of them.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(check_file)
        .collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = code_only(&file.text);
    let in_code = code.lines().enumerate().filter_map(|(at, line)| {
        let word = UNFINISHED.iter().find(|word| has_word(line, word))?;
        Some(file.finding(at, format!("`{word}`: finish it, or leave it out")))
    });
    let doctests = file
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| is_ignored_doctest(line));
    let doctests = doctests
        .map(|(at, _)| file.finding(at, "an ignored doctest: let it compile, or call it text"));
    in_code.chain(doctests).collect()
}

/// Whether `word` occurs, not as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_word))
}

fn is_ignored_doctest(line: &str) -> bool {
    let line = line.trim_start();
    let comment = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"));
    let fence = comment.and_then(|text| text.trim_start().strip_prefix("```"));
    fence.is_some_and(|words| words.split([',', ' ']).any(|word| word == "ignore"))
}

const UNFINISHED: [&str; 4] = ["#[ignore", "todo!", "unimplemented!", "dbg!"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&[File::new("tests/it.rs", text)]).len()
    }

    #[test]
    fn what_is_unfinished_is_found() {
        assert_eq!(found("#[test]\n#[ignore]\nfn it() {}\n"), 1);
        assert_eq!(found("#[ignore = \"slow\"]\n"), 1);
        assert_eq!(found("fn it() { todo!() }\n"), 1);
        assert_eq!(found("fn it() { std::unimplemented!() }\n"), 1);
        assert_eq!(found("let x = dbg!(x);\n"), 1);
    }

    #[test]
    fn an_ignored_doctest_is_found() {
        assert_eq!(found("/// ```ignore\n/// it();\n/// ```\n"), 1);
        assert_eq!(found("//! ```rust,ignore\n"), 1);
        assert_eq!(found("/// ```no_run\n/// ```\n"), 0);
    }

    #[test]
    fn words_elsewhere_are_not() {
        assert_eq!(
            found("// todo! is forbidden\nlet x = \"dbg!\";\nmy_todo!();\n"),
            0
        );
        assert_eq!(check(&[File::new("docs/it.md", "todo!()")]), []);
    }
}
