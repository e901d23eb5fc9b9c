//! The table in README.md names every model, and no other; and every model says its own name and bound.

use std::fs;
use std::path::Path;

/// One `#[test]` of a file of models.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Model {
    name: String,
    bound: String,
}

#[test]
fn the_table_names_every_model() {
    let (mut models, mut rows) = (models(), rows());
    models.sort();
    rows.sort();
    let missing: Vec<_> = models
        .iter()
        .filter(|model| !rows.contains(model))
        .collect();
    let gone: Vec<_> = rows.iter().filter(|row| !models.contains(row)).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in the table: {missing:?}; only in the table: {gone:?}"
    );
    assert!(models.len() > 50, "the models are found at all");
    assert_eq!(models.len(), rows.len(), "a row is there twice");
}

/// What the files of models hold.
fn models() -> Vec<Model> {
    let files = fs::read_dir(here().join("tests")).expect("this crate has tests");
    let paths = files.map(|file| file.expect("a readable folder").path());
    let sources = paths.filter(|path| !path.ends_with("table.rs"));
    sources
        .flat_map(|path| models_of(&fs::read_to_string(path).expect("a source file")))
        .collect()
}

fn models_of(source: &str) -> Vec<Model> {
    let tests = source.split("#[test]\nfn ").skip(1);
    tests.map(model).collect()
}

/// `name() { … explore("name", BOUND, …`
fn model(source: &str) -> Model {
    let (name, body) = source.split_once("()").expect("a function's name");
    let call = body.split_once("explore(").expect("a model explores").1;
    let mut arguments = call.split(',').map(str::trim);
    let said = arguments.next().expect("its name");
    assert_eq!(
        said.trim_matches('"'),
        name,
        "a model says another one's name"
    );
    let bound = arguments.next().expect("its bound");
    Model {
        name: name.to_owned(),
        bound: bound.to_lowercase(),
    }
}

/// The rows of the table: `| name | promise | forbids | threads | bound | executions | seconds |`.
fn rows() -> Vec<Model> {
    let readme = fs::read_to_string(here().join("README.md")).expect("README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

fn row(line: &str) -> Model {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    assert_eq!(cells.len(), 7, "seven columns: {line}");
    Model {
        name: cells[0].trim_matches('`').to_owned(),
        bound: cells[4].to_owned(),
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
