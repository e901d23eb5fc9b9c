//! The tests of `tests/`, sorted for cargo-mutants. A mutant costs one build of every test program, and most of
//! that is linking: so the quick files become modules of one program in the copy.

use crate::failure::Failure;
use crate::house::File;
use crate::scratch::Scratch;

/// The files of `tests/`.
pub(super) struct Suite {
    /// Name and text.
    quick: Vec<(String, String)>,
    slow: Vec<String>,
}

impl Suite {
    /// Every file and program of `tests/`, but those that need a server.
    pub(super) fn sort(files: &[File]) -> Result<Self, Failure> {
        let (mut quick, mut slow) = (Vec::new(), Vec::new());
        for file in files {
            let name = file.path.strip_prefix("tests/");
            let Some(name) = name.and_then(|name| name.strip_suffix(".rs")) else {
                continue;
            };
            // A folder is a program of its own.
            let folder = name.strip_suffix("/main");
            let name = folder.unwrap_or(name);
            if name.contains('/') || name == WITH_SERVER {
                continue;
            }
            if folder.is_some() || SLOW.contains(&name) || !can_be_a_module(&file.text) {
                slow.push(name.to_owned());
            } else {
                quick.push((name.to_owned(), file.text.clone()));
            }
        }
        if quick.is_empty() || slow.is_empty() {
            return Err(Failure::new("tests/ holds no tests"));
        }
        Ok(Self { quick, slow })
    }

    /// Makes the quick ones modules of one program.
    pub(super) fn put_together(&self, copy: &Scratch) -> Result<(), Failure> {
        let mut program = format!("{SUPPORT}\n");
        for (name, text) in &self.quick {
            program += &format!("#[path = \"{name}.rs\"]\nmod {name};\n");
            let text = text.replacen(SUPPORT, "use crate::support;", 1);
            copy.write(&format!("tests/{name}.rs"), &text)?;
        }
        copy.write(&format!("tests/{QUICK}.rs"), &program)
    }

    /// The unit tests and the one program, as cargo is told.
    pub(super) fn quick_targets(&self) -> Vec<String> {
        vec!["--lib".to_owned(), format!("--test={QUICK}")]
    }

    /// The others, as cargo is told.
    pub(super) fn slow_targets(&self) -> Vec<String> {
        self.slow
            .iter()
            .map(|name| format!("--test={name}"))
            .collect()
    }
}

/// A program has one allocator, and who counts allocations must be alone.
fn can_be_a_module(text: &str) -> bool {
    text.contains(SUPPORT) && !text.contains("#[global_allocator]")
}

/// They take seconds.
const SLOW: [&str; 3] = ["model", "resize", "stress"];
const WITH_SERVER: &str = "postgres";
const SUPPORT: &str = "mod support;";
const QUICK: &str = "all_quick_tests";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted() {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let files = [
            file("tests/close.rs", "mod support;\n"),
            file("tests/model.rs", "mod support;\n"),
            file("tests/memory.rs", "mod support;\n#[global_allocator]\n"),
            file("tests/support/mod.rs", ""),
            file("tests/settings/main.rs", "mod support;\n"),
            file("tests/settings/files.rs", ""),
            file("tests/postgres/main.rs", "mod support;\n"),
            file("src/lib.rs", ""),
        ];
        let tests = Suite::sort(&files).expect("there are tests");
        assert_eq!(tests.quick.len(), 1);
        assert_eq!(tests.quick[0].0, "close");
        assert_eq!(
            tests.slow_targets(),
            ["--test=model", "--test=memory", "--test=settings"]
        );
    }
}
