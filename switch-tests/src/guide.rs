//! What `docs/from-deadpool.md` tells a reader to write into a `Cargo.toml`.

use crate::text_of;

/// What stands below `<!-- try: name -->`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// What is to be written.
    pub(crate) toml: String,
    /// What is to be typed then: the words of each command.
    pub(crate) commands: Vec<Vec<String>>,
}

/// The step of this name.
pub(crate) fn step(name: &str) -> Step {
    find(&text_of(PAGE), name).unwrap_or_else(|| panic!("{PAGE}: nothing to try as `{name}`"))
}

fn find(page: &str, name: &str) -> Option<Step> {
    let (_, rest) = page.split_once(&format!("<!-- try: {name} -->\n\n```toml\n"))?;
    let (toml, rest) = rest.split_once("```\n")?;
    let typed = rest.strip_prefix("\n```sh\n").unwrap_or_default();
    let typed = typed.split("```").next().unwrap_or_default().lines();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    Some(Step {
        toml: toml.to_owned(),
        commands: typed.map(words).collect(),
    })
}

/// A manifest as it is once a reader has done as the step says: tables of their own come last, and a line that
/// names a dependency stands in the place of the one that named it.
pub(crate) fn applied(manifest: &str, toml: &str) -> String {
    if toml.starts_with("[patch.crates-io]\n") {
        return format!("{manifest}\n{toml}");
    }
    let line = toml.strip_prefix("[dependencies]\n").unwrap_or(toml);
    let name = line.split(" = ").next().unwrap_or_default();
    let old = manifest
        .lines()
        .find(|line| line.split(" = ").next() == Some(name));
    let old = old.unwrap_or_else(|| panic!("the manifest does not depend on `{name}`"));
    manifest.replace(&format!("{old}\n"), line)
}

const PAGE: &str = "docs/from-deadpool.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_by_its_name() {
        let page = "a\n<!-- try: it -->\n\n```toml\nx = 1\n```\n\n```sh\ncargo it\n```\n\n\
                    <!-- try: that -->\n\n```toml\ny = 2\n```\n\nb\n\n```sh\ncargo other\n```\n";
        let it = find(page, "it").expect("it is there");
        assert_eq!(it.toml, "x = 1\n");
        assert_eq!(it.commands, [["cargo", "it"]]);
        let that = find(page, "that").expect("it is there");
        assert_eq!(that.toml, "y = 2\n");
        assert!(that.commands.is_empty());
        assert_eq!(find(page, "other"), None);
    }

    #[test]
    fn a_line_takes_the_place_of_the_old_one_and_a_table_comes_last() {
        let manifest = "[dependencies]\na = \"1\"\nab = \"2\"\n";
        let line = "[dependencies]\na = { path = \"a\" }\n";
        let switched = "[dependencies]\na = { path = \"a\" }\nab = \"2\"\n";
        assert_eq!(applied(manifest, line), switched);
        let patch = "[patch.crates-io]\na = { path = \"a\" }\n";
        assert_eq!(applied(manifest, patch), format!("{manifest}\n{patch}"));
    }
}
