//! `cargo xtask bench check`: what is stable in the comparison with other pools, held to what was kept.

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{bench, child};
use serde_json::{Map, Value, json};
use std::fs;

/// What was measured when it was last kept.
const KEPT: &str = "benches/baseline.json";

/// How much of a kept ratio must be left. Times on shared machines are no better than that.
const LEFT: f64 = 0.6;

/// How much more than what was kept may be counted: what is once in a while, not once in each.
const MORE: f64 = 0.1;

/// Measures, and fails where it is worse than allowed; with `keep`, it is the measure from now on.
pub(crate) fn run(here: &Workspace, keep: bool) -> Result<(), Failure> {
    let mut compare = bench::compare(here, &["--quick".to_owned()]);
    compare.args(["--", "--quick", "--stable", "--rounds", "11"]);
    let told = child::ask(&mut compare)?;
    let told = String::from_utf8_lossy(&told);
    if keep {
        let kept = Value::Object(read(&told)?);
        let text = format!("{kept:#}\n");
        return fs::write(here.root().join(KEPT), text).map_err(|e| Failure::io(KEPT, &e));
    }
    let kept = serde_json::from_str(&here.read(KEPT)?)
        .map_err(|error| Failure::new(format!("{KEPT}: {error}")))?;
    compare_with(&read(&told)?, &kept)
}

/// Lines of `count <name> <number>` and `ratio <name> <number>`.
fn read(told: &str) -> Result<Map<String, Value>, Failure> {
    let mut figures = Map::new();
    for line in told.lines() {
        let figure = line.rsplit_once(' ').and_then(|(name, figure)| {
            let figure: f64 = figure.parse().ok()?;
            name.split_once(' ')
                .map(|_| (name.to_owned(), json!(figure)))
        });
        figures.extend([figure.ok_or_else(|| Failure::new(format!("what is this: {line}")))?]);
    }
    match figures.is_empty() {
        true => Err(Failure::new("nothing was measured")),
        false => Ok(figures),
    }
}

fn compare_with(now: &Map<String, Value>, kept: &Map<String, Value>) -> Result<(), Failure> {
    let mut worse = Vec::new();
    for (name, before) in kept {
        let before = before.as_f64().unwrap_or(f64::NAN);
        let now = now.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        println!("    {name:<44} {now:>8.3}, {before:>8.3} kept");
        let good = match name.starts_with("ratio ") {
            true => now >= before * LEFT,
            false => now <= before + MORE,
        };
        // What was not measured is no number, and not good.
        if !good {
            worse.push(format!("{name}: {now:.3}, {before:.3} before"));
        }
    }
    match worse.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "worse than {KEPT}: {}. If it must be so: `cargo xtask bench check -- --keep`",
            worse.join("; ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(told: &str) -> Result<(), Failure> {
        let kept = read("ratio alone 2.0\ncount per-wait 2\n").expect("two lines");
        compare_with(&read(told)?, &kept)
    }

    #[test]
    fn a_little_worse_is_allowed() {
        assert!(compared("ratio alone 1.3\ncount per-wait 2.05\n").is_ok());
        assert!(compared("ratio alone 9\ncount per-wait 0\n").is_ok());
    }

    #[test]
    fn much_worse_is_not() {
        assert!(compared("ratio alone 1.1\ncount per-wait 2\n").is_err());
        assert!(compared("ratio alone 2\ncount per-wait 3\n").is_err());
    }

    #[test]
    fn what_is_not_measured_any_more_is_a_failure() {
        assert!(compared("ratio alone 2\n").is_err());
        assert!(compared("").is_err());
        assert!(compared("ratio alone\n").is_err());
    }
}
