//! `cargo xtask asan`: the stress test under the address sanitizer, for the one file of `unsafe`,
//! `src/tether.rs`.

use crate::child;
use crate::failure::Failure;
use crate::fuzz::nightly;
use crate::workspace::Workspace;

/// Runs `tests/stress.rs` with it. The sanitizer is a flag of the nightly compiler alone; without one that
/// is an error, not silence.
pub(crate) fn run(here: &Workspace) -> Result<(), Failure> {
    if !child::works(nightly(here).arg("--version")) {
        return Err(Failure::new(MISSING));
    }
    if !here.root().join("tests/stress.rs").is_file() {
        return Err(Failure::new("tests/stress.rs is not there"));
    }
    let mut cargo = nightly(here);
    cargo.args(ARGUMENTS.split_whitespace());
    let mut tally = crate::tally::Tally::default();
    child::run_tests(cargo.env("RUSTFLAGS", "-Zsanitizer=address"), &mut tally)
}

/// With a target named, build scripts and macros are not built with the sanitizer.
const ARGUMENTS: &str = "test --package millpond --test stress --features rt_tokio_1 \
                         --target x86_64-unknown-linux-gnu --target-dir target/asan";
const MISSING: &str = "the address sanitizer needs a nightly toolchain: `rustup toolchain install nightly \
                       --profile minimal`";
