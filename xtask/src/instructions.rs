//! `cargo xtask bench instructions`: how many instructions a get takes, counted by valgrind's callgrind. Times on
//! shared machines cannot show that something became 5 % slower; these do, and are the same again and again.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What was counted when it was last kept.
const KEPT: &str = "benches/instructions.json";

/// What is held to what was kept. The others are shown beside them.
const HELD: [&str; 3] = ["get_drop", "hand_over", "cancelled_wait"];
const SHOWN: [&str; 2] = ["floor", "deadpool_get_drop"];

/// So many steps, and twice as many: what is done once is in both.
const STEPS: u64 = 2_000;

/// In percent. Another compiler makes other instructions of the same code.
const ALLOWED: u64 = 5;
const ALLOWED_TO_OTHER_COMPILERS: u64 = 25;

/// Counts, and fails if there are more than allowed; with `keep`, they are the measure from now on.
pub(crate) fn run(here: &Workspace, keep: bool) -> Result<(), Failure> {
    let valgrind = Valgrind::find(here)?;
    child::run(&mut here.cargo(BUILD))?;
    let counts = HELD.iter().chain(&SHOWN).map(|name| {
        let count = |steps| count(here, &valgrind, name, steps);
        let of_half = count(2 * STEPS)?.saturating_sub(count(STEPS)?);
        Ok(((*name).to_owned(), of_half / STEPS))
    });
    let counts = counts.collect::<Result<Vec<_>, Failure>>()?;
    let compiler = compiler(here)?;
    if keep {
        let counts: Map<_, _> = counts.into_iter().map(|(n, c)| (n, json!(c))).collect();
        let kept = json!({ "compiler": compiler, "instructions": counts });
        let text = format!("{kept:#}\n");
        return fs::write(here.root().join(KEPT), text).map_err(|e| Failure::io(KEPT, &e));
    }
    let kept: Value = serde_json::from_str(&here.read(KEPT)?)
        .map_err(|error| Failure::new(format!("{KEPT}: {error}")))?;
    compare(&counts, &kept, &compiler)
}

const BUILD: &str =
    "build --quiet --release --package millpond-benches --bin instructions --target-dir target";

/// Each count beside what was kept.
fn compare(counts: &[(String, u64)], kept: &Value, compiler: &str) -> Result<(), Failure> {
    let same = kept["compiler"] == compiler;
    let allowed = if same {
        ALLOWED
    } else {
        println!("    kept with {}, this is {compiler}", kept["compiler"]);
        ALLOWED_TO_OTHER_COMPILERS
    };
    let mut worse = Vec::new();
    for (name, count) in counts {
        let Some(before) = kept["instructions"][name].as_u64() else {
            return Err(Failure::new(format!("{KEPT}: no {name}")));
        };
        println!("    {name:<18} {count:>6} instructions, {before:>6} kept");
        if HELD.contains(&name.as_str()) && count * 100 > before * (100 + allowed) {
            worse.push(format!("{name}: {count} instructions, {before} before"));
        }
    }
    match worse.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "more than {allowed} % over {KEPT}: {}. If it must be so: `cargo xtask bench instructions -- --keep`",
            worse.join("; ")
        ))),
    }
}

fn count(here: &Workspace, valgrind: &Valgrind, name: &str, steps: u64) -> Result<u64, Failure> {
    let mut valgrind = valgrind.command();
    valgrind.current_dir(here.root()).args(CALLGRIND);
    valgrind.args(["target/release/instructions", name, &steps.to_string()]);
    let output = valgrind.output().map_err(|e| Failure::io("valgrind", &e))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(Failure::child(&told, output.status));
    }
    let counted = collected(&told).filter(|count| *count > 0);
    counted.ok_or_else(|| Failure::new(format!("callgrind has counted nothing:\n{told}")))
}

const CALLGRIND: [&str; 3] = [
    "--tool=callgrind",
    "--callgrind-out-file=/dev/null",
    "--toggle-collect=*counted_by_callgrind*",
];

/// The number in callgrind's line `==7== Collected : 123`.
fn collected(told: &str) -> Option<u64> {
    let line = told.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn compiler(here: &Workspace) -> Result<String, Failure> {
    let told = child::ask(
        Command::new("rustc")
            .current_dir(here.root())
            .arg("--version"),
    )?;
    Ok(String::from_utf8_lossy(&told).trim().to_owned())
}

/// valgrind: it is there, or it is installed, or unpacked beside what is built, or the way to it is told.
#[derive(Debug)]
struct Valgrind {
    /// Where it was unpacked, if it was.
    unpacked: Option<PathBuf>,
}

impl Valgrind {
    fn find(here: &Workspace) -> Result<Self, Failure> {
        let installed = Self { unpacked: None };
        if installed.works() {
            return Ok(installed);
        }
        // Without a package manager that we know, or without its leave, this fails, and the next look tells.
        let _ = child::run(&mut apt_get("update --quiet=2"));
        let _ = child::run(&mut apt_get(
            "install --yes --no-install-recommends valgrind",
        ));
        if installed.works() {
            return Ok(installed);
        }
        let unpacked = Self {
            unpacked: Some(here.root().join("target/valgrind")),
        };
        if !unpacked.works() {
            let _ = unpacked.unpack();
        }
        match unpacked.works() {
            true => Ok(unpacked),
            false => Err(Failure::new(MISSING)),
        }
    }

    /// The package of Debian, by its own tools, without a change to the system.
    fn unpack(&self) -> Result<(), Failure> {
        let Some(folder) = &self.unpacked else {
            return Ok(());
        };
        fs::create_dir_all(folder).map_err(|e| Failure::io(folder.display(), &e))?;
        child::run(apt_get("download valgrind").current_dir(folder))?;
        let mut unpack = Command::new("sh");
        unpack.args(["-c", "dpkg -x valgrind_*.deb ."]);
        child::run(unpack.current_dir(folder))
    }

    fn works(&self) -> bool {
        child::works(self.command().arg("--version"))
    }

    fn command(&self) -> Command {
        let Some(folder) = &self.unpacked else {
            return Command::new("valgrind");
        };
        let mut valgrind = Command::new(folder.join("usr/bin/valgrind"));
        valgrind.env("VALGRIND_LIB", folder.join("usr/libexec/valgrind"));
        valgrind
    }
}

fn apt_get(arguments: &str) -> Command {
    let mut apt_get = Command::new("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    apt_get.args(arguments.split_whitespace());
    apt_get
}

const MISSING: &str = "this needs valgrind, which is not there and could not be installed: `apt-get install valgrind` \
                       as root, or with the package manager of this system";

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(count: u64, compiler: &str) -> Result<(), Failure> {
        let kept =
            json!({ "compiler": "rustc 1", "instructions": { "get_drop": 100, "floor": 10 } });
        let counts = [("get_drop".to_owned(), count), ("floor".to_owned(), 90)];
        compare(&counts, &kept, compiler)
    }

    #[test]
    fn five_percent_more_is_allowed_and_not_more() {
        assert!(compared(105, "rustc 1").is_ok());
        let failure = compared(106, "rustc 1").expect_err("six percent more");
        assert!(failure.to_string().contains("106 instructions, 100 before"));
    }

    #[test]
    fn another_compiler_has_more_room() {
        assert!(compared(125, "rustc 2").is_ok());
        assert!(compared(126, "rustc 2").is_err());
    }

    #[test]
    fn what_was_never_kept_is_a_failure() {
        let counts = [("get_drop".to_owned(), 1)];
        assert!(compare(&counts, &json!({}), "rustc 1").is_err());
    }

    #[test]
    fn the_count_is_read_from_what_callgrind_tells() {
        let told = "==7== Events    : Ir\n==7== Collected : 5050\n==7== \n";
        assert_eq!(collected(told), Some(5050));
        assert_eq!(collected("==7== nothing"), None);
    }
}
