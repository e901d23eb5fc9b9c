//! Every relative link in the pages points to a file that is there.

use super::{File, Finding};
use std::collections::BTreeSet;

/// Each broken link of `README.md`, `ARCHITECTURE.md` and `docs/*.md`, and of other pages beside them.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let there = files_and_folders(files);
    files
        .iter()
        .filter(|file| is_page(&file.path))
        .flat_map(|page| check_page(page, &there))
        .collect()
}

fn check_page(page: &File, there: &BTreeSet<&str>) -> Vec<Finding> {
    let broken = links(&page.text).into_iter().filter_map(|(at, link)| {
        let path = link.split(['#', '?']).next().unwrap_or_default();
        let found = path.is_empty()
            || resolve(&page.path, path).is_some_and(|path| there.contains(path.as_str()));
        (!found).then(|| page.finding(at, format!("the link `{link}` points to nothing")))
    });
    broken.collect()
}

/// Pages in the root and in `docs/`.
fn is_page(path: &str) -> bool {
    path.ends_with(".md") && (path.starts_with("docs/") || !path.contains('/'))
}

fn files_and_folders(files: &[File]) -> BTreeSet<&str> {
    let folders = |path| str::match_indices(path, '/').map(move |(at, _)| &path[..at]);
    let mut there: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| folders(file.path.as_str()))
        .collect();
    there.extend(files.iter().map(|file| file.path.as_str()));
    there.insert("");
    there
}

/// The relative links and their lines, those in code left out: `[text](target)` and `[text]: target`.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(
                targets(line)
                    .into_iter()
                    .filter(|target| is_relative(target))
                    .map(|target| (at, target)),
            );
        }
    }
    found
}

fn targets(line: &str) -> Vec<&str> {
    let inline = line
        .match_indices("](")
        .filter(|(at, _)| !in_code(line, *at))
        .map(|(at, _)| &line[at + 2..]);
    let inline = inline.map(|rest| rest.split(')').next().unwrap_or_default());
    let defined = line
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    let all = inline.chain(defined.map(|(_, target)| target));
    all.map(|target| {
        target
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .trim_matches(['<', '>'])
    })
    .collect()
}

/// Whether a code span is open at this place of the line.
fn in_code(line: &str, at: usize) -> bool {
    line[..at].matches('`').count() % 2 == 1
}

/// Not of the web, and not a name of rustdoc's such as `crate::Pool`.
fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:") && !target.contains("::")
}

/// The path from the root of what `link` means in the page `page`; nothing if that is outside.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, text: &str) -> Vec<String> {
        let files = [
            File::new(page, text),
            File::new("docs/limits.md", "# Limits"),
            File::new("src/engine/state.rs", ""),
        ];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_broken_link_is_found() {
        assert_eq!(
            found("README.md", "a\n[it](docs/gone.md)"),
            ["README.md:2: the link `docs/gone.md` points to nothing"]
        );
        assert_eq!(found("docs/design.md", "[it](docs/limits.md)").len(), 1);
        assert_eq!(
            found("README.md", "[a](docs/limits.md) and [b](../limits.md#x)").len(),
            1
        );
        assert_eq!(
            found("README.md", "![picture](docs/gone.svg \"it\")").len(),
            1
        );
        assert_eq!(found("README.md", "[it]: docs/gone.md").len(), 1);
    }

    #[test]
    fn a_good_link_is_not() {
        for text in [
            "[a](docs/limits.md)",
            "[a](./docs/limits.md#top)",
            "[a](src/engine/)",
            "[a](#here)",
            "[a][b]\n\n[b]: docs/limits.md",
        ] {
            assert_eq!(found("README.md", text), [""; 0], "{text}");
        }
        assert_eq!(
            found(
                "docs/design.md",
                "[a](limits.md) [b](../src/engine/state.rs)"
            ),
            [""; 0]
        );
    }

    #[test]
    fn what_is_no_relative_link_is_not_asked() {
        for text in [
            "[a](https://example.org/x)",
            "[a](crate::Pool)",
            "```\n[a](gone.md)\n```",
            "`x[0](gone)`",
        ] {
            assert_eq!(found("README.md", text), [""; 0], "{text}");
        }
        assert_eq!(found("src/notes.txt", "[a](gone.md)"), [""; 0]);
    }
}
