//! The oldest Rust that we promise: named alike everywhere, and enough for every dependency.

use crate::failure::Failure;
use crate::house::File;
use crate::steps::Steps;
use crate::workspace::Workspace;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The step.
pub(crate) fn step(here: &Workspace, steps: &mut Steps) {
    steps.step("msrv", |_| check(here));
}

/// Prints the version alone, for scripts.
pub(crate) fn print(here: &Workspace) -> Result<(), Failure> {
    println!("{}", ours(&here.members()?)?);
    Ok(())
}

fn check(here: &Workspace) -> Result<(), Failure> {
    let metadata = here.packages()?;
    let ours = ours(&metadata)?;
    let mut findings = disagreeing(&here.files()?, &ours);
    findings.extend(too_new(&metadata, &ours));
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(findings.join("\n  ")))
    }
}

/// `rust-version` of millpond.
fn ours(metadata: &Value) -> Result<String, Failure> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut versions = packages
        .filter(|package| package["name"] == "millpond")
        .map(|p| p["rust_version"].as_str());
    let ours = versions.next().flatten().map(str::to_owned);
    ours.ok_or_else(|| Failure::new("Cargo.toml: millpond has no rust-version"))
}

/// Each `clippy.toml` that names another version than `Cargo.toml`, or none.
fn disagreeing(files: &[File], ours: &str) -> Vec<String> {
    let configs: Vec<_> = files
        .iter()
        .filter(|file| file.path.rsplit('/').next() == Some("clippy.toml"))
        .collect();
    let wrong = configs
        .iter()
        .filter(|file| file.text.lines().find_map(msrv_of) != Some(ours));
    let told = wrong.map(|file| {
        format!(
            "{}: its msrv is not {ours}, the rust-version of Cargo.toml",
            file.path
        )
    });
    let none = configs
        .is_empty()
        .then(|| "clippy.toml: missing, it names the msrv".to_owned());
    none.into_iter().chain(told).collect()
}

/// The version in a line `msrv = "1.85"`.
fn msrv_of(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    (name.trim() == "msrv").then(|| value.trim().trim_matches('"'))
}

/// Each package that millpond needs, directly or not, and that asks for a newer Rust than ours.
fn too_new(metadata: &Value, ours: &str) -> Vec<String> {
    let packages: BTreeMap<_, _> = array(&metadata["packages"])
        .filter_map(|p| Some((p["id"].as_str()?, p)))
        .collect();
    let needed = needed(metadata, &packages);
    let newer = needed.iter().filter_map(|id| {
        let package = packages.get(id)?;
        let theirs = package["rust_version"]
            .as_str()
            .filter(|theirs| parts(theirs) > parts(ours))?;
        Some(format!(
            "{} {} needs Rust {theirs}, ours is {ours}",
            text(&package["name"]),
            text(&package["version"])
        ))
    });
    newer.collect()
}

/// The ids of all packages that a user of millpond builds: normal and build dependencies, not those
/// for tests, and not loom, which stands behind a cfg of our own.
fn needed<'a>(metadata: &'a Value, packages: &BTreeMap<&'a str, &'a Value>) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<_, _> = array(&metadata["resolve"]["nodes"])
        .filter_map(|n| Some((n["id"].as_str()?, n)))
        .collect();
    let start = packages
        .iter()
        .filter(|(_, package)| package["name"] == "millpond");
    let mut ahead: Vec<&str> = start.map(|(id, _)| *id).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = ahead.pop() {
        if found.insert(id) {
            let links = nodes
                .get(id)
                .into_iter()
                .flat_map(|node| array(&node["deps"]));
            ahead.extend(
                links
                    .filter(|link| is_built(link))
                    .filter_map(|link| link["pkg"].as_str()),
            );
        }
    }
    found
}

fn is_built(link: &Value) -> bool {
    let ours_alone = |kind: &Value| {
        kind["target"]
            .as_str()
            .is_some_and(|target| target.contains("loom"))
    };
    array(&link["dep_kinds"]).any(|kind| kind["kind"] != "dev" && !ours_alone(kind))
}

/// A version as numbers: `1.85` and `1.85.0` are the same.
fn parts(version: &str) -> [u64; 3] {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// millpond needs `direct`, which needs `below`; it tests with `dev`, and models with `loom`.
    fn metadata(below: &str) -> Value {
        let package = |id: &str, rust: &str| json!({ "id": id, "name": id, "version": "1.0.0", "rust_version": rust });
        let link = |id: &str, kind: Value, target: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind, "target": target }] });
        let normal = Value::Null;
        json!({
            "packages": [
                package("millpond", "1.85"), package("direct", "1.85.0"), package("below", below),
                package("dev", "1.99"), package("loom", "1.99"), package("stranger", "1.99"),
            ],
            "resolve": { "nodes": [
                { "id": "millpond", "deps": [
                    link("direct", normal.clone(), normal.clone()),
                    link("dev", json!("dev"), normal.clone()),
                    link("loom", normal.clone(), json!("cfg(millpond_loom)")),
                ] },
                { "id": "direct", "deps": [link("below", normal.clone(), json!("cfg(unix)"))] },
            ] },
        })
    }

    fn config(text: &str) -> Vec<File> {
        vec![File::new("a/clippy.toml", text)]
    }

    #[test]
    fn a_dependency_that_needs_a_newer_rust_is_found() {
        assert_eq!(too_new(&metadata("1.85"), "1.85"), [""; 0]);
        assert_eq!(
            too_new(&metadata("1.86.1"), "1.85"),
            ["below 1.0.0 needs Rust 1.86.1, ours is 1.85"]
        );
    }

    #[test]
    fn a_clippy_toml_that_disagrees_is_found() {
        assert_eq!(
            disagreeing(&config("# as promised\nmsrv = \"1.85\"\n"), "1.85"),
            [""; 0]
        );
        assert_eq!(disagreeing(&config("msrv = \"1.80\"\n"), "1.85").len(), 1);
        assert_eq!(
            disagreeing(&config("avoid-breaking-exported-api = false\n"), "1.85").len(),
            1
        );
        assert_eq!(disagreeing(&[], "1.85").len(), 1);
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(parts("1.100") > parts("1.85"));
        assert_eq!(parts("1.85"), parts("1.85.0"));
    }

    #[test]
    fn a_package_without_rust_version_is_told() {
        assert!(ours(&json!({ "packages": [{ "name": "millpond" }] })).is_err());
    }
}
