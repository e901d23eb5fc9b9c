//! What cannot be done is said in a line that names the thing and the way out, before anything was started.

use crate::started::{Place, lab, report, run};
use std::fs;
use std::process::Output;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Ends so, having said one line that holds all of this, and having started nothing.
fn refused(place: &Place, words: &[&str], code: i32, holds: &[&str]) {
    let output = run(&mut lab(place, words));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("lab: "), "{said}");
    for part in holds {
        assert!(said.contains(part), "{said:?} does not hold {part:?}");
    }
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(place.servers().is_empty(), "{words:?} started a server");
}

#[test]
fn a_case_or_a_pool_that_there_is_not_is_a_wrong_command_line() {
    let place = Place::new();
    refused(
        &place,
        &["run", "line", "lime"],
        2,
        &["\"lime\"", "lab list"],
    );
    let words = ["run", "line", "--pools", "millpond,puddle"];
    refused(&place, &words, 2, &["\"puddle\"", "lab list"]);
}

#[test]
fn a_word_that_there_is_not_is_a_wrong_command_line() {
    for words in [
        &["ruin"][..],
        &["run", "--outt", "x"],
        &["run", "--seed", "x"],
    ] {
        let output = run(&mut lab(&Place::new(), words));
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("error: "), "{}", said(&output));
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_runs() {
    let place = Place::new();
    fs::write(place.join("file"), "in the way").unwrap();
    refused(
        &place,
        &["run", "line", "--out", "file/out"],
        3,
        &["file/out"],
    );
}

#[test]
fn a_server_that_cannot_be_reached_is_told_with_its_variable_and_the_ways_out() {
    for (variable, url) in [
        // Nobody listens on port 1.
        (
            "TEST_DATABASE_URL",
            "postgres://somebody:hunter2@127.0.0.1:1/db",
        ),
        ("DATABASE_URL", "postgres://somebody:hunter2@127.0.0.1:1/db"),
        ("DATABASE_URL", "sqlite://hunter2.db"),
        (
            "TEST_DATABASE_URL",
            "postgres://somebody:hunter2@127.0.0.1:port/db",
        ),
    ] {
        let place = Place::new();
        let output = run(lab(&place, &["run", "line", "--out", "out"]).env(variable, url));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        let first = said.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("lab: {variable} ")), "{said}");
        assert!(said.contains("Ways out:"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(place.servers().is_empty(), "a server was told of");
    }
}

#[test]
fn what_there_is_can_be_listed() {
    let output = run(&mut lab(&Place::new(), &["list"]));
    let listed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let cases = millpond_lab::cases::all();
    let pools = millpond_lab::pools::own();
    let cases = cases.iter().map(|case| case.name());
    for name in cases.chain(pools.iter().map(|maker| maker.name())) {
        let first = |line: &str| line.split_whitespace().next() == Some(name);
        assert!(listed.lines().any(first), "{name}: {listed}");
    }
}

#[test]
fn a_run_that_passes_ends_with_0_and_writes_its_report() {
    let place = Place::new();
    let output = run(&mut lab(
        &place,
        &["run", "leaks", "--out", "out", "--seed", "5"],
    ));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = report(&place.join("out"));
    assert_eq!(report["interrupted"], false);
    assert_eq!(report["seed"], 5);
    assert_eq!(
        report["cases"][0]["runs"][0]["verdict"]["verdict"],
        "passed"
    );
    assert!(place.servers().is_empty());
}
