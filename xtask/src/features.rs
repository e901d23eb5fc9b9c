//! Checks that millpond compiles with every set of features that users pick.

use crate::child;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::workspace::Workspace;
use serde_json::Value;

/// What becomes of a warning: something that is dead code in one set of features, for the most part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Warnings {
    /// Not shown, as no user sees them: in `test`.
    Hidden,
    /// An error: in `lint`.
    Denied,
}

/// Which sets of features.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sets {
    /// Those that users pick.
    Picked,
    /// All there are.
    Every,
}

/// The step: millpond with one set after the other. Every set is tried, so that one run shows them all.
pub(crate) fn step(here: &Workspace, steps: &mut Steps, sets: Sets, warnings: Warnings) {
    steps.step("features", |_| {
        let sets = match sets {
            Sets::Picked => PICKED.map(str::to_owned).to_vec(),
            Sets::Every => every_set(&names(&here.members()?)),
        };
        let failures = sets
            .iter()
            .map(|set| check(here, set, warnings))
            .filter_map(Result::err);
        let failures: Vec<_> = failures.collect();
        let whole = format!("{} of {} sets; the first", failures.len(), sets.len());
        failures
            .into_iter()
            .next()
            .map_or(Ok(()), |first| Err(first.within(&whole)))
    });
}

/// The profile `check` makes `cargo rustc` do what `cargo check` does; unlike that it takes flags for
/// this one crate, so that they do not have all dependencies built anew.
fn check(here: &Workspace, set: &str, warnings: Warnings) -> Result<(), Failure> {
    let mut cargo = here.cargo("rustc --quiet --package millpond --lib --profile check");
    let level = match warnings {
        Warnings::Hidden => "-A",
        Warnings::Denied => "-D",
    };
    cargo.args(["--no-default-features", "--features", set]);
    child::run(cargo.args(["--", level, "warnings"]))
}

/// The names of millpond's features; `default` is a set, not a feature of its own.
fn names(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let features = packages
        .filter(|package| package["name"] == "millpond")
        .filter_map(|p| p["features"].as_object());
    features
        .flat_map(|features| features.keys())
        .filter(|name| *name != "default")
        .cloned()
        .collect()
}

/// Every subset, each as cargo wants it: names between commas.
fn every_set(names: &[String]) -> Vec<String> {
    let set = |bits: usize| {
        let chosen = names
            .iter()
            .enumerate()
            .filter(|(bit, _)| bits >> bit & 1 == 1);
        chosen
            .map(|(_, name)| name.as_str())
            .collect::<Vec<_>>()
            .join(",")
    };
    (0..1 << names.len()).map(set).collect()
}

/// The sets that users pick: nothing, each runtime, each extra, everything.
const PICKED: [&str; 16] = [
    "",
    "managed",
    "unmanaged",
    "unmanaged,rt_tokio_1,serde",
    "managed,unmanaged",
    "managed,rt_tokio_1",
    "managed,rt_smol_2",
    "managed,serde",
    "managed,tracing",
    "managed,metrics",
    "unmanaged,opentelemetry",
    "postgres",
    "postgres,serde",
    "postgres-rustls",
    "postgres-native-tls",
    "managed,unmanaged,rt_tokio_1,rt_smol_2,rt_async-std_1,serde,tracing,metrics,opentelemetry,postgres,\
     postgres-rustls,postgres-native-tls,\
     array-impls,with-bit-vec-0_8,with-chrono-0_4,with-cidr-0_3,with-eui48-1,with-geo-types-0_7,with-jiff-0_2,\
     with-serde_json-1,with-smol_str-01,with-time-0_3,with-uuid-1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_every_set() {
        let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(
            every_set(&names),
            ["", "a", "b", "a,b", "c", "a,c", "b,c", "a,b,c"]
        );
    }

    #[test]
    fn the_last_set_picked_is_everything() {
        let metadata = Workspace::find().members().expect("cargo metadata works");
        let mut all = names(&metadata);
        let mut last: Vec<_> = PICKED[PICKED.len() - 1].split(',').collect();
        all.sort();
        last.sort_unstable();
        assert_eq!(
            all, last,
            "a feature was added or removed: say so in PICKED"
        );
    }
}
