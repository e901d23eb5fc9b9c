//! `cargo xtask lint`: what can be said of the code without running it.

use crate::failure::Failure;
use crate::features::{Sets, Warnings};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{bench, child, compat, features, house, lab, loom, msrv, openssl};

/// The steps of `lint`, the cheap ones first.
pub(crate) fn all(here: &Workspace, steps: &mut Steps) {
    house::step(here, steps);
    msrv::step(here, steps);
    steps.step("format", |_| format(here));
    openssl::step(steps);
    steps.step("clippy", |_| clippy(here));
    steps.step("clippy loom", |_| {
        needs(here, "clippy").and_then(|()| loom::clippy(here))
    });
    steps.step("lint compat", |_| compat::lint(here));
    steps.step("lint bench", |_| bench::lint(here));
    steps.step("lint lab", |_| lab::lint(here));
    features::step(here, steps, Sets::Picked, Warnings::Denied);
    steps.step("documentation", |_| {
        document_private(here)?;
        document(here, false)
    });
}

/// The documentation as docs.rs would show it.
pub(crate) fn document(here: &Workspace, open: bool) -> Result<(), Failure> {
    let mut cargo = here.cargo("doc --package millpond --all-features --no-deps");
    cargo.args(open.then_some("--open"));
    child::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The documentation of what is private too: the engine's pages are where most links are.
fn document_private(here: &Workspace) -> Result<(), Failure> {
    let mut cargo = here.cargo("doc --workspace --all-features --no-deps --document-private-items");
    child::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

fn format(here: &Workspace) -> Result<(), Failure> {
    needs(here, "fmt")?;
    child::run(&mut here.cargo("fmt --all --check"))?;
    child::run(&mut here.cargo("fmt --manifest-path examples/switch/Cargo.toml --check"))
}

fn clippy(here: &Workspace) -> Result<(), Failure> {
    needs(here, "clippy")?;
    child::run(&mut here.cargo("clippy --workspace --all-targets --all-features -- -D warnings"))?;
    child::run(&mut here.cargo(CLIPPY_SERVICE))
}

/// Says the way out if the toolchain came without this component.
fn needs(here: &Workspace, subcommand: &str) -> Result<(), Failure> {
    if child::works(here.cargo(subcommand).arg("--version")) {
        return Ok(());
    }
    Err(Failure::new(missing(subcommand)))
}

fn missing(subcommand: &str) -> String {
    let component = if subcommand == "fmt" {
        "rustfmt"
    } else {
        subcommand
    };
    format!(
        "this toolchain has no {component}. Install it with `rustup component add {component}`, or with \
         the package manager that Rust came from; `cargo xtask test` does without it"
    )
}

/// The service that the switch is tried on: a workspace of its own, built where all is built.
const CLIPPY_SERVICE: &str = "clippy --manifest-path examples/switch/Cargo.toml --target-dir target --locked \
                              -- -D warnings";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_component_is_told_with_the_way_out() {
        let failure =
            needs(&Workspace::find(), "no-such-component").expect_err("there is no such component");
        assert!(
            failure
                .to_string()
                .contains("rustup component add no-such-component")
        );
        assert!(missing("fmt").contains("rustup component add rustfmt"));
    }
}
