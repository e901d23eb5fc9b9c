//! `cargo xtask deny`: the rules of `deny.toml` for the dependencies, by cargo-deny.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Runs cargo-deny. It is a program of its own: where it is missing that is an error, not silence.
pub(crate) fn run(here: &Workspace) -> Result<(), Failure> {
    if !child::works(&mut here.cargo("deny --version")) {
        return Err(Failure::new(
            "cargo-deny is not installed: `cargo install --locked cargo-deny`",
        ));
    }
    child::run(&mut here.cargo("deny --all-features check"))
}
