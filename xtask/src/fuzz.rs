//! libFuzzer over the targets of `fuzz/`, by cargo-fuzz on a nightly compiler.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use std::process::Command;

/// Runs one target, for `seconds` at most. What it finds new goes to `target/fuzz-corpus`, what fails to
/// `fuzz/artifacts`; the committed corpus is read, not written.
pub(crate) fn run(here: &Workspace, target: &str, seconds: u64) -> Result<(), Failure> {
    let mut ask = nightly(here);
    if !child::works(ask.args(["fuzz", "--version"])) {
        return Err(Failure::new(MISSING));
    }
    let seeds = here.root().join("fuzz/corpus").join(target);
    if !seeds.is_dir() {
        return Err(Failure::new(format!(
            "there is no fuzz target `{target}`: see fuzz/corpus"
        )));
    }
    let found = here.root().join("target/fuzz-corpus").join(target);
    std::fs::create_dir_all(&found)
        .map_err(|error| Failure::new(format!("{}: {error}", found.display())))?;
    let mut cargo = nightly(here);
    cargo
        .args("fuzz run --fuzz-dir fuzz --features libfuzzer".split(' '))
        .args(["--target-dir", "target/fuzz", target])
        .args([&found, &seeds])
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg("-max_len=300");
    child::run(&mut cargo)
}

/// The nightly cargo, by rustup, without what the cargo that runs us has set for its own toolchain.
pub(crate) fn nightly(here: &Workspace) -> Command {
    let mut cargo = Command::new("rustup");
    cargo
        .current_dir(here.root())
        .args(["run", "nightly", "cargo"]);
    for name in ["RUSTUP_TOOLCHAIN", "CARGO", "CARGO_ENCODED_RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    cargo
}

const MISSING: &str = "fuzzing needs a nightly toolchain and cargo-fuzz: `rustup toolchain install nightly \
                       --profile minimal` and `cargo install cargo-fuzz`";
