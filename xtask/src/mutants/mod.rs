//! `cargo xtask mutants`: cargo-mutants over the engine and the managed pool, in a scratch copy.
//!
//! ```text
//! quick   the unit tests and most of tests/, built as one program: seconds for each mutant
//! slow    the rest of tests/, for what the quick ones let pass
//! loom    the models, for what of the engine is alive still
//! ```
//!
//! What is alive after the last round must stand in the table of docs/mutants.md, with its reason.

mod suite;
mod survivors;

use crate::child;
use crate::failure::Failure;
use crate::judge::FOR_LOOM;
use crate::loom;
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use suite::Suite;
use survivors::{PAGE, Survivors};

/// Runs it; `rest` is handed on to each round (`-- --list` shows what it would change, `-- --re NAME`
/// and `-- --shard 0/8` choose). About an hour. It is a program of its own: where it is missing that is
/// an error, not silence.
pub(crate) fn run(here: &Workspace, rest: &[String]) -> Result<(), Failure> {
    if !child::works(&mut here.cargo("mutants --version")) {
        return Err(Failure::new(MISSING));
    }
    let known = Survivors::read(&here.read(PAGE)?)?;
    let mut run = Run::new(here, rest)?;
    if rest.iter().any(|word| word == "--list") {
        return child::run(&mut run.cargo(&ALL));
    }
    let alive = run.all()?;
    run.say(&alive);
    known.judge(&alive, rest.is_empty())
}

/// The rounds of one run, and what they have found so far.
struct Run<'a> {
    scratch: Scratch,
    rest: &'a [String],
    suite: Suite,
    lib: String,
    /// `target/mutants`, where cargo-mutants leaves its notes.
    notes: PathBuf,
    caught: usize,
    hung: usize,
    unviable: usize,
}

impl<'a> Run<'a> {
    fn new(here: &'a Workspace, rest: &'a [String]) -> Result<Self, Failure> {
        let scratch = Scratch::new(here, "mutants")?;
        let suite = Suite::sort(&here.files()?)?;
        suite.put_together(&scratch)?;
        let run = Self {
            notes: here.root().join("target/mutants"),
            lib: here.read(LIB)?,
            scratch,
            rest,
            suite,
            caught: 0,
            hung: 0,
            unviable: 0,
        };
        run.name_engine_once("\npub mod engine;")?;
        Ok(run)
    }

    /// All rounds; what is alive after them.
    fn all(&mut self) -> Result<BTreeSet<String>, Failure> {
        let quick = self.under_test(&self.suite.quick_targets(), QUICK_BOUND);
        let mut alive = self.round("quick", quick)?;
        if !alive.is_empty() {
            let slow = self.under_test(&self.suite.slow_targets(), SLOW_BOUND);
            alive = self.round("slow", again(slow))?;
        }
        if alive.iter().any(|name| name.starts_with("src/engine/")) {
            self.name_engine_once("\nmod engine;")?;
            let models = again(self.under_loom());
            alive.retain(|name| !name.starts_with("src/engine/"));
            alive.extend(self.round("loom", models)?);
        }
        Ok(alive)
    }

    /// The mutants of some files, with what every round says.
    fn cargo(&self, files: &[&str]) -> Command {
        let mut cargo = self.scratch.workspace().cargo(ARGUMENTS);
        cargo.arg("--output").arg(&self.notes);
        files.iter().for_each(|glob| {
            cargo.args(["--file", glob]);
        });
        // A backtrace for each panic that is meant would take longer than the tests.
        cargo.env("RUST_BACKTRACE", "0");
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.args(self.rest);
        cargo
    }

    fn under_test(&self, targets: &[String], bound: &str) -> Command {
        let mut cargo = self.cargo(&ALL);
        cargo.args("--test-package millpond --features rt_tokio_1,serde --timeout".split(' '));
        cargo.arg(bound);
        configure(&mut cargo, &FOR_TESTS);
        targets
            .iter()
            .for_each(|target| hand_on(&mut cargo, target));
        cargo.env("CARGO_TARGET_DIR", self.scratch.target("tests"));
        cargo
    }

    fn under_loom(&self) -> Command {
        let mut cargo = self.cargo(&ALL[..1]);
        cargo.args("--test-package millpond-loom-tests --timeout".split(' '));
        cargo.arg(SLOW_BOUND);
        configure(&mut cargo, &FOR_LOOM);
        cargo.env("CARGO_TARGET_DIR", self.scratch.target("loom"));
        cargo.env("RUSTFLAGS", format!("--cfg {}", loom::CFG));
        cargo.env(loom::BOUND, loom::SHORT);
        cargo
    }

    /// Runs one round, and counts what it has noticed. What it has not.
    fn round(&mut self, name: &str, mut cargo: Command) -> Result<BTreeSet<String>, Failure> {
        println!("  {name}");
        match child::run_to_code(&mut cargo)? {
            Some(ALL_CAUGHT | SOME_MISSED | SOME_HUNG) => {}
            code => {
                let why = format!(
                    "cargo mutants ended with {code:?}: see {}",
                    self.notes.display()
                );
                return Err(Failure::new(why));
            }
        }
        let (caught, hung) = (self.noted("caught")?, self.noted("timeout")?);
        self.caught += caught.len();
        self.hung += hung.len();
        self.unviable += self.noted("unviable")?.len();
        // Who hangs is caught: the next round need not ask again, and would hang as well.
        let lines: String = caught
            .iter()
            .chain(&hung)
            .map(|name| format!("{name}\n"))
            .collect();
        let path = self.notes.join("mutants.out/caught.txt");
        fs::write(&path, lines).map_err(|error| Failure::io(path.display(), &error))?;
        Ok(self.noted("missed")?.into_iter().collect())
    }

    /// The names that cargo-mutants has written down under `what` in the last round.
    fn noted(&self, what: &str) -> Result<Vec<String>, Failure> {
        let path = self.notes.join(format!("mutants.out/{what}.txt"));
        let text =
            fs::read_to_string(&path).map_err(|error| Failure::io(path.display(), &error))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The library declares the engine twice, for itself and for the checkers, and cargo-mutants would change
    /// it twice: in the copy, the declaration that this round does not build is an empty one.
    fn name_engine_once(&self, unused: &str) -> Result<(), Failure> {
        let once = self.lib.replace(unused, &unused.replace(';', " {}"));
        if once == self.lib {
            return Err(Failure::new(format!(
                "{LIB} does not say `{}`",
                unused.trim()
            )));
        }
        self.scratch.write(LIB, &once)
    }

    fn say(&self, alive: &BTreeSet<String>) {
        let Self {
            caught,
            hung,
            unviable,
            ..
        } = self;
        let all = caught + hung + unviable + alive.len();
        let alive = alive.len();
        println!(
            "  {all} mutants: {caught} caught, {hung} hung, {unviable} do not build, {alive} alive"
        );
    }
}

/// Only what no round has noticed yet.
fn again(mut cargo: Command) -> Command {
    cargo.arg("--iterate");
    cargo
}

/// A profile of its own, as for the judges of `weaken`.
fn configure(cargo: &mut Command, profile: &[&str]) {
    cargo.args(["--profile", "judge"]);
    profile.iter().for_each(|setting| {
        hand_on(cargo, &format!("--config=profile.judge.{setting}"));
    });
}

/// An argument for the cargo that builds and runs the tests.
fn hand_on(cargo: &mut Command, argument: &str) {
    cargo.arg(format!("--cargo-arg={argument}"));
}

const MISSING: &str = "cargo-mutants is not installed: `cargo install --locked cargo-mutants`";
/// In place: the copy is ours already. The stand-ins are not shipped, and what `Debug` prints is for people.
const ARGUMENTS: &str = "mutants --in-place --no-shuffle --package millpond --build-timeout 300 \
                         --exclude src/engine/sync/** --exclude src/**/tests.rs \
                         --exclude-re tests:: --exclude-re fmt::Debug";
const ALL: [&str; 3] = ["src/engine/**", "src/managed/**", "src/time.rs"];
const FOR_TESTS: [&str; 2] = ["inherits='test'", "debug=0"];
/// Seconds after which the tests hang: many times what they take, for a machine may be busy.
const QUICK_BOUND: &str = "60";
const SLOW_BOUND: &str = "600";
const LIB: &str = "src/lib.rs";

const ALL_CAUGHT: i32 = 0;
const SOME_MISSED: i32 = 2;
const SOME_HUNG: i32 = 3;
