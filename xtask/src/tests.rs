//! `cargo xtask test`: everything that must pass, on a fresh machine, in minutes.

use crate::features::{Sets, Warnings};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{bench, child, compat, features, house, lab, loom, msrv, openssl, shuttle};

/// The steps of `test`, the cheap ones first.
pub(crate) fn all(here: &Workspace, steps: &mut Steps) {
    house::step(here, steps);
    msrv::step(here, steps);
    openssl::step(steps);
    features::step(here, steps, Sets::Picked, Warnings::Hidden);
    beyond_lint(here, steps);
}

/// The steps of `test` that `lint` has not.
pub(crate) fn beyond_lint(here: &Workspace, steps: &mut Steps) {
    cargo_test(here, steps);
    compat::step(here, steps, false);
    bench::step(here, steps);
    lab::step(here, steps);
    loom::step(here, steps, false, None);
    shuttle::step(here, steps, None, None);
}

/// All tests and doctests but those under a checker. What they need (a PostgreSQL server) they find or fetch themselves.
fn cargo_test(here: &Workspace, steps: &mut Steps) {
    steps.step("tests", |tally| {
        child::run_tests(&mut here.cargo(TESTS), tally)
    });
}

const TESTS: &str = "test --workspace --exclude millpond-loom-tests --no-fail-fast \
                     --features millpond/postgres-rustls,millpond/postgres-native-tls,millpond/serde,\
                     millpond-testkit/postgres,millpond-testkit/serde";
