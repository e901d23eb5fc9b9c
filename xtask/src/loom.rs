//! The loom models: the engine's protocols, every interleaving up to a bound on preemptions.

use crate::child;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::tally::Tally;
use crate::workspace::Workspace;
use std::env;
use std::process::Command;

/// The step: all models, or those whose name contains `model`. A `LOOM_MAX_PREEMPTIONS` of the
/// caller's holds for all of them; else it is [`SHORT`], or with `long` what each model says of itself.
pub(crate) fn step(here: &Workspace, steps: &mut Steps, long: bool, model: Option<&str>) {
    steps.step("loom", |tally| run(here, long, model, tally));
}

/// Lints the engine as loom sees it, and the models.
pub(crate) fn clippy(here: &Workspace) -> Result<(), Failure> {
    let mut cargo = here.cargo("clippy --all-targets --package");
    cargo.arg(PACKAGE);
    child::run(under_loom(&mut cargo).args(["--", "-D", "warnings"]))
}

fn run(
    here: &Workspace,
    long: bool,
    model: Option<&str>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut cargo = here.cargo("test --release --no-fail-fast --package");
    under_loom(cargo.arg(PACKAGE));
    if !long && env::var_os(BOUND).is_none() {
        cargo.env(BOUND, SHORT);
    }
    if let Some(model) = model {
        cargo.args(["--", model]);
    }
    child::run_tests(&mut cargo, tally)
}

fn under_loom(cargo: &mut Command) -> &mut Command {
    under(cargo, CFG, TARGET)
}

/// Builds with a checker's cfg. It stands in RUSTFLAGS, which are part of what cargo compares before it
/// rebuilds: in one target directory the models and the ordinary tests would each time throw the
/// other's builds of all dependencies away. So each checker has its own below it.
pub(crate) fn under<'a>(cargo: &'a mut Command, cfg: &str, target: &str) -> &'a mut Command {
    let (name, flags) = with_cfg(
        cfg,
        env::var("CARGO_ENCODED_RUSTFLAGS").ok(),
        env::var("RUSTFLAGS").ok(),
    );
    cargo.args(["--target-dir", target]).env(name, flags)
}

/// The variable to set, and the caller's flags with ours added. Cargo reads `CARGO_ENCODED_RUSTFLAGS`
/// (flags between `0x1f`) before `RUSTFLAGS` (flags between blanks), and only one of them.
fn with_cfg(cfg: &str, encoded: Option<String>, plain: Option<String>) -> (&'static str, String) {
    let add = |flags: Option<String>, between: &str| {
        let before = flags
            .filter(|flags| !flags.is_empty())
            .map(|flags| flags + between);
        before.unwrap_or_default() + &["--cfg", cfg].join(between)
    };
    match encoded {
        Some(encoded) => ("CARGO_ENCODED_RUSTFLAGS", add(Some(encoded), "\u{1f}")),
        None => ("RUSTFLAGS", add(plain, " ")),
    }
}

/// Preemptions in `cargo xtask test`: the least that any model asks for. Most known bugs of this kind
/// need one or two, and all models together take seconds. Each model's own bound is as high or higher,
/// up to none at all, which takes many minutes: that is `--long`, for a change of the engine.
pub(crate) const SHORT: &str = "2";

/// How far loom explores.
pub(crate) const BOUND: &str = "LOOM_MAX_PREEMPTIONS";
/// What the engine is built with for loom.
pub(crate) const CFG: &str = "millpond_loom";
const PACKAGE: &str = "millpond-loom-tests";
const TARGET: &str = "target/loom";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cfg_is_added_to_the_callers_flags() {
        let flags = |encoded: Option<&str>, plain: Option<&str>| {
            with_cfg(CFG, encoded.map(str::to_owned), plain.map(str::to_owned))
        };
        assert_eq!(
            flags(None, None),
            ("RUSTFLAGS", "--cfg millpond_loom".to_owned())
        );
        assert_eq!(
            flags(None, Some("")),
            ("RUSTFLAGS", "--cfg millpond_loom".to_owned())
        );
        assert_eq!(
            flags(None, Some("-Cx=1")),
            ("RUSTFLAGS", "-Cx=1 --cfg millpond_loom".to_owned())
        );
        let encoded = (
            "CARGO_ENCODED_RUSTFLAGS",
            "-Cx=1\u{1f}--cfg\u{1f}millpond_loom".to_owned(),
        );
        assert_eq!(flags(Some("-Cx=1"), Some("not read")), encoded);
    }
}
