//! No file holds a path of the machine that it was written on.

use super::{File, Finding};
use std::env;
use std::path::Path;

/// The places that no file may name: this checkout, and what lies in the home of who runs this.
/// The home itself may be named: `/root` is the same everywhere.
pub(super) fn places(root: &Path) -> Vec<String> {
    let home = ["HOME", "USERPROFILE"].iter().find_map(env::var_os);
    let home = home.as_deref().map(Path::new).and_then(place);
    let below = home.map(|home| home + std::path::MAIN_SEPARATOR_STR);
    place(root).into_iter().chain(below).collect()
}

/// The path as text, unless it is the top of everything.
fn place(path: &Path) -> Option<String> {
    let text = path.to_str()?.trim_end_matches(['/', '\\']);
    (text.len() > 1).then(|| text.to_owned())
}

/// Each line that names one of the places.
pub(super) fn check(files: &[File], places: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            let named = places.iter().filter(|place| names(line, place));
            found.extend(
                named.map(|place| file.finding(at, format!("`{place}` is a path of this machine"))),
            );
        }
    }
    found
}

/// Whether the path begins where a path can begin, and its last part ends where it ends.
fn names(line: &str, place: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let begins = |before: &str| {
        before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || BEFORE.contains(c))
    };
    let ends = |after: &str| place.ends_with(['/', '\\']) || !after.starts_with(goes_on);
    line.match_indices(place).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + place.len()..]);
        (begins(before) || before.ends_with("file://")) && ends(after)
    })
}

/// What may stand before a path; in a longer path another part stands there.
const BEFORE: &str = "\"'`=:([<,";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let places = ["/srv/mill".to_owned(), "/home/mill/".to_owned()];
        check(&[File::new("docs/it.md", text)], &places).len()
    }

    #[test]
    fn a_path_of_this_machine_is_found() {
        for text in [
            "/srv/mill",
            "see /srv/mill/src/lib.rs:7",
            "`/srv/mill`",
            "PATH=/srv/mill/target",
            "file:///srv/mill",
            "/home/mill/.cargo/registry",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn other_paths_are_not() {
        for text in [
            "/srv/millpond",
            "mysrv/srv/mill/x",
            "/usr/srv/mill",
            "/srv/mill-2",
            "the mill",
            "root:x:0:0::/root:/bin/sh",
            "db://home/mill",
            "https://example.org/srv/mill",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
    }

    #[test]
    fn this_checkout_is_one_of_the_places() {
        let root = Path::new("/somewhere/else");
        assert!(places(root).contains(&"/somewhere/else".to_owned()));
        assert_eq!(place(Path::new("/")), None);
    }
}
