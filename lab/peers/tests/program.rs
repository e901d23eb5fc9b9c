//! The program as `cargo lab compare` starts it.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A folder for what the program writes, which goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, std::io::Error> {
        let name = format!("millpond-lab-peers-test-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}

#[test]
fn what_fails_with_a_peer_is_shown_and_is_no_failure() -> Result<(), Box<dyn Error>> {
    let folder = Folder::new()?;
    let page = folder.0.join("page.md");
    let run = Command::new(env!("CARGO_BIN_EXE_millpond-lab-peers"))
        .args([
            "compare",
            "--pools",
            "millpond,bb8,r2d2",
            "saturation",
            "--out",
        ])
        .arg(&folder.0)
        .arg("--page")
        .arg(&page)
        .output()?;
    let said = String::from_utf8(run.stdout)?;
    assert!(run.status.success(), "{said}");
    assert!(said.contains("millpond: 1 of 1 cases passed"), "{said}");
    // Gets that are dropped stay among those that it counts as pending.
    assert!(said.contains("saturation, bb8: FAILED"), "{said}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.0.join("report.json"))?)?;
    let runs = report["cases"][0]["runs"].as_array().ok_or("no runs")?;
    let pools: Vec<_> = runs.iter().filter_map(|run| run["pool"].as_str()).collect();
    assert_eq!(pools, ["millpond", "bb8", "r2d2"]);
    assert!(
        report["versions"]["bb8"]
            .as_str()
            .is_some_and(|version| version.starts_with("0.9"))
    );
    let page = fs::read_to_string(page)?;
    assert!(page.contains("| case | millpond | bb8 | r2d2 |"), "{page}");
    assert!(page.contains("| Saturation | passed"), "{page}");
    Ok(())
}

#[test]
fn a_pool_that_nobody_knows_is_told_with_the_way_out() -> Result<(), Box<dyn Error>> {
    let run = Command::new(env!("CARGO_BIN_EXE_millpond-lab-peers"))
        .args(["compare", "--pools", "millpond,nobody"])
        .output()?;
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr)?;
    assert!(said.contains("there is no pool \"nobody\""), "{said}");
    assert!(said.contains("lab list"), "{said}");
    Ok(())
}
