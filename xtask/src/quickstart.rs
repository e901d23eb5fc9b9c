//! `cargo xtask quickstart`: runs the first command of the README, so that it is known to work.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Runs the first `cargo run` of the README, word by word as it stands there.
pub(crate) fn run(here: &Workspace) -> Result<(), Failure> {
    let readme = here.read("README.md")?;
    let Some(arguments) = first_run(&readme) else {
        return Err(Failure::new(
            "README.md: no line that begins with `cargo run` in a block of sh, bash or console",
        ));
    };
    child::run(here.cargo("").args(arguments))
}

/// What stands after `cargo` in the first `cargo run` of a block of shell commands.
fn first_run(readme: &str) -> Option<Vec<&str>> {
    let mut shell = false;
    for line in readme.lines().map(str::trim) {
        if let Some(language) = line.strip_prefix("```") {
            shell = ["sh", "bash", "shell", "console"].contains(&language);
        } else if shell {
            let command = line.strip_prefix("$ ").unwrap_or(line);
            let command = command
                .split_once(" #")
                .map_or(command, |(command, _)| command);
            let mut words = command.split_whitespace();
            if words.next() == Some("cargo") && words.clone().next() == Some("run") {
                return Some(words.collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cargo_run_is_found() {
        let readme = "cargo run --no\n```rust\ncargo run --no\n```\n\n```sh\ncargo add millpond\n\
                      $ cargo run --example quickstart  # says hello\ncargo run --no\n```\n";
        assert_eq!(
            first_run(readme),
            Some(vec!["run", "--example", "quickstart"])
        );
    }

    #[test]
    fn a_readme_without_one_is_told() {
        assert_eq!(first_run("# millpond\n\n```toml\ncargo run\n```\n"), None);
    }
}
