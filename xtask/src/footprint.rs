//! `cargo xtask bench footprint`: what a program has to build, and for how long, for one pool or another.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A pool as its users take it.
struct Taken {
    name: &'static str,
    /// What stands in a `Cargo.toml` behind its name.
    defaults: String,
    /// The same with Tokio, which every one of them needs before anything waits.
    with_tokio: String,
}

/// Builds each from nothing, in turn, so that whatever else the machine does meets all of them alike; prints medians, as
/// a table.
pub(crate) fn run(here: &Workspace) -> Result<(), Failure> {
    let all = pools(here);
    let mut rows = Vec::new();
    for pool in &all {
        let alone = Package::new(here, pool.name, &pool.defaults)?.dependencies()?;
        let package = Package::new(here, pool.name, &pool.with_tokio)?;
        rows.push((package.dependencies()?, alone, package, Times::default()));
    }
    for round in 0..ROUNDS {
        let (late, early) = rows.split_at_mut(round % all.len());
        for (_, _, package, times) in early.iter_mut().chain(late) {
            times.dev.push(package.build(&[])?);
            times.release.push(package.build(&["--release"])?);
        }
    }
    println!("\n| | crates beside it, by default | with Tokio | built (dev) | built (release) |");
    println!("| --- | --: | --: | --: | --: |");
    for (pool, (with_tokio, alone, _, times)) in all.iter().zip(&rows) {
        let (dev, release) = (median(&times.dev), median(&times.release));
        println!(
            "| {} | {alone} | {with_tokio} | {dev} | {release} |",
            pool.name
        );
    }
    Ok(())
}

fn pools(here: &Workspace) -> [Taken; 3] {
    let millpond = |features: &str| format!("{{ path = {:?}{features} }}", here.root());
    [
        Taken {
            name: "millpond",
            defaults: millpond(""),
            with_tokio: millpond(", features = [\"rt_tokio_1\"]"),
        },
        Taken {
            name: "deadpool",
            defaults: "\"0.13.1\"".to_owned(),
            with_tokio: "{ version = \"0.13.1\", features = [\"rt_tokio_1\"] }".to_owned(),
        },
        Taken {
            name: "bb8",
            defaults: "\"0.9.1\"".to_owned(),
            with_tokio: "\"0.9.1\"".to_owned(),
        },
    ]
}

#[derive(Default)]
struct Times {
    dev: Vec<Duration>,
    release: Vec<Duration>,
}

/// A package that depends on one pool, and on nothing else.
struct Package(PathBuf);

impl Package {
    fn new(here: &Workspace, name: &str, dependency: &str) -> Result<Self, Failure> {
        let folder = here.root().join("target/footprint").join(name);
        let failed = |error| Failure::io(folder.display(), &error);
        fs::create_dir_all(folder.join("src")).map_err(failed)?;
        let manifest = format!(
            "[workspace]\n[package]\nname = \"footprint-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [dependencies]\n{name} = {dependency}\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).map_err(failed)?;
        fs::write(folder.join("src/lib.rs"), "").map_err(failed)?;
        Ok(Self(folder))
    }

    /// How many crates it needs beside the pool and itself.
    fn dependencies(&self) -> Result<usize, Failure> {
        let mut tree = self.cargo("tree --prefix none --edges normal,build --format {p}");
        let printed = child::ask(&mut tree)?;
        Ok(beside(&String::from_utf8_lossy(&printed)))
    }

    /// How long it takes to build from nothing.
    fn build(&self, how: &[&str]) -> Result<Duration, Failure> {
        let target = self.0.join("target");
        emptied(&target)?;
        let mut build = self.cargo("build --quiet --offline");
        build.args(how).arg("--target-dir").arg(&target);
        let began = Instant::now();
        child::run(&mut build)?;
        let took = began.elapsed();
        emptied(&target)?;
        Ok(took)
    }

    fn cargo(&self, arguments: &str) -> std::process::Command {
        let mut cargo = Workspace::at(self.0.clone()).cargo(arguments);
        // What this repository is built with is not what they are.
        cargo
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTFLAGS");
        cargo
    }
}

fn emptied(folder: &Path) -> Result<(), Failure> {
    match folder.exists() {
        true => fs::remove_dir_all(folder).map_err(|error| Failure::io(folder.display(), &error)),
        false => Ok(()),
    }
}

/// The different lines of `cargo tree`, but for the package and its pool.
fn beside(tree: &str) -> usize {
    let crates: BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim())
        .filter(|line| !line.is_empty())
        .collect();
    crates.len().saturating_sub(2)
}

fn median(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 4].as_secs_f64();
    format!("{:.1} s ({:.1} to {:.1})", at(2), at(0), at(4))
}

const ROUNDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_twice_is_counted_once_and_the_pool_itself_is_not() {
        let tree = "footprint-x v0.0.0 (/x)\npool v1.0.0\na v1.0.0\nb v1.0.0\na v1.0.0 (*)\n\n";
        assert_eq!(beside(tree), 2);
    }

    #[test]
    fn the_middle_and_the_ends() {
        let times = [3, 1, 2].map(Duration::from_secs);
        assert_eq!(median(&times), "2.0 s (1.0 to 3.0)");
    }
}
