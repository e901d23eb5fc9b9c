//! The rules of this house that no other tool checks.
//!
//! Each rule is a function from the files to what it found, so that its tests can show it bad files:
//! a rule that cannot fail checks nothing.

mod code;
mod length;
mod links;
mod machine;
mod ordering;
mod orderings;
mod promises;
mod rooms;
mod unfinished;

pub(crate) use code::code_only;

use crate::failure::Failure;
use crate::steps::Steps;
use crate::workspace::Workspace;
use std::fmt;

/// One file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/` on every system.
    pub(crate) path: String,
    /// Empty if it is no UTF-8.
    pub(crate) text: String,
}

/// What a rule found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

/// The step: every rule over every file.
pub(crate) fn step(here: &Workspace, steps: &mut Steps) {
    steps.step("house", |_| check(here));
}

fn check(here: &Workspace) -> Result<(), Failure> {
    let files = here.files()?;
    let mut found = Vec::new();
    for (rule, findings) in [
        ("length", length::check(&files)),
        ("ordering", ordering::check(&files)),
        ("orderings", orderings::check(&files)),
        ("unfinished", unfinished::check(&files)),
        ("rooms", rooms::check(&files)),
        (
            "machine",
            machine::check(&files, &machine::places(here.root())),
        ),
        ("links", links::check(&files)),
        ("promises", promises::check(&files)),
    ] {
        println!(
            "    {rule:<10} {}",
            if findings.is_empty() {
                "ok".to_owned()
            } else {
                format!("{} found", findings.len())
            }
        );
        found.extend(findings);
    }
    found.iter().for_each(|finding| println!("      {finding}"));
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{} found in {} files",
            found.len(),
            files.len()
        )))
    }
}

impl File {
    /// A file, for tests.
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether it is Rust.
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// `what` at a line, counted from 0.
    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line: line + 1,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where() {
        let file = File::new("src/lib.rs", "");
        assert_eq!(file.finding(0, "it").to_string(), "src/lib.rs:1: it");
    }
}
