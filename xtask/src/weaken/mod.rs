//! `cargo xtask weaken`: whether the tests notice when the library has one thing less.
//!
//! One at a time, in a scratch copy: each memory ordering is weakened; each second look after a failed
//! compare-and-swap, each wake-up, each giving up and each settling is left out. Then the loom models run,
//! and, where what changed is no ordering, the tests of behaviour, until one fails. A mutant that
//! nothing notices must have a reason in `xtask/verdicts.json`.

mod lists;
mod mutant;
mod verdict;

pub(crate) use mutant::{edit_names, faults, weakenings};
pub(crate) use verdict::{VERDICTS, Verdict, Verdicts};

use crate::date;
use crate::failure::Failure;
use crate::judge::{Judge, Opinion};
use crate::orderings;
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use mutant::Mutant;
use std::fs;
use std::time::Instant;

/// Runs all mutants, or those whose name contains one of `only`; with `list`, names them.
pub(crate) fn run(here: &Workspace, only: &[String], list: bool) -> Result<(), Failure> {
    let files = here.files()?;
    let all = mutant::all(&files)?;
    let names: Vec<_> = all.iter().map(|mutant| mutant.name.clone()).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|part| name.contains(part));
    let chosen: Vec<_> = all.into_iter().filter(|it| wanted(&it.name)).collect();
    if list {
        chosen.iter().for_each(|it| println!("{}", it.name));
        return Ok(());
    }
    if chosen.is_empty() {
        return Err(Failure::new("no mutant has a name that contains this"));
    }
    let mut verdicts = orderings::verdicts(&files)?;
    verdicts.keep(|name| names.iter().any(|known| known == name));
    let ended = Run::new(here, &mut verdicts)?.all(&chosen);
    conclude(here, &chosen, &verdicts, ended)
}

/// One run: the copy, and what is known so far.
struct Run<'a> {
    here: &'a Workspace,
    scratch: Scratch,
    verdicts: &'a mut Verdicts,
    /// What killed them last is asked first.
    before: Verdicts,
    broken: Vec<String>,
}

/// What one judge makes of one mutant.
enum Outcome {
    Killed(String),
    Survived,
    DoesNotBuild(String),
}

impl<'a> Run<'a> {
    fn new(here: &'a Workspace, verdicts: &'a mut Verdicts) -> Result<Self, Failure> {
        Ok(Self {
            here,
            scratch: Scratch::new(here, "weaken")?,
            before: verdicts.clone(),
            verdicts,
            broken: Vec::new(),
        })
    }

    /// First loom judges, and then the tests what it let pass.
    fn all(mut self, mutants: &[Mutant]) -> Result<(), Failure> {
        let (engine, managed): (Vec<_>, Vec<_>) = mutants.iter().partition(|it| it.is_in_engine);
        let mut left = self.pass(Judge::loom(), &engine)?;
        left.retain(|mutant| !mutant.is_ordering);
        left.extend(managed);
        let is_there = |name: &&str| self.here.root().join(format!("tests/{name}.rs")).is_file();
        let targets: Vec<_> = TESTS.into_iter().filter(is_there).collect();
        self.pass(Judge::tests("tests", &targets), &left)?;
        if self.broken.is_empty() {
            return Ok(());
        }
        let list = self.broken.join("\n");
        let why = format!("do not compile, so that nothing is known of them:\n{list}");
        Err(Failure::new(why))
    }

    /// One mutant after the other; gives out those that survive. What is known is written down after each,
    /// for the case that the run is ended.
    fn pass<'b>(
        &mut self,
        mut judge: Judge,
        mutants: &[&'b Mutant],
    ) -> Result<Vec<&'b Mutant>, Failure> {
        let mut survivors = Vec::new();
        if mutants.is_empty() {
            return Ok(survivors);
        }
        judge.prepare(&self.scratch)?;
        let today = date::today();
        for (index, mutant) in mutants.iter().enumerate() {
            let begun = Instant::now();
            let outcome = self.one(&judge, mutant)?;
            let (count, seconds) = (mutants.len(), begun.elapsed().as_secs_f64());
            let (at, name) = (index + 1, &mutant.name);
            println!("    {at:>3}/{count} {name} | {outcome} | {seconds:.1} s");
            match outcome {
                Outcome::Killed(by) => self.verdicts.pass(name, &today, Some(by)),
                Outcome::DoesNotBuild(words) => self.broken.push(format!("{name}:\n{words}")),
                Outcome::Survived => {
                    self.verdicts.pass(name, &today, None);
                    survivors.push(*mutant);
                }
            }
            let path = self.here.root().join(VERDICTS);
            let text = self.verdicts.to_text();
            fs::write(path, text).map_err(|error| Failure::io(VERDICTS, &error))?;
        }
        Ok(survivors)
    }

    fn one(&self, judge: &Judge, mutant: &Mutant) -> Result<Outcome, Failure> {
        let prefix = format!("{}: ", judge.name);
        let before = self.before.of(&mutant.name);
        let before = before.and_then(|it| it.killed_by.as_deref()?.strip_prefix(&prefix));
        let unchanged = self.scratch.workspace().read(&mutant.path)?;
        self.scratch.write(&mutant.path, &mutant.text)?;
        let opinion = judge.opinion(&self.scratch, before);
        self.scratch.write(&mutant.path, &unchanged)?;
        Ok(match opinion? {
            Opinion::Unnoticed => Outcome::Survived,
            Opinion::Noticed(test) => Outcome::Killed(format!("{prefix}{test}")),
            Opinion::DoesNotBuild(words) => Outcome::DoesNotBuild(words),
        })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Killed(by) => write!(f, "killed by {by}"),
            Self::Survived => f.write_str("SURVIVED"),
            Self::DoesNotBuild(_) => f.write_str("DOES NOT COMPILE"),
        }
    }
}

/// Writes the page, names the survivors, and fails if one has no reason.
fn conclude(
    here: &Workspace,
    chosen: &[Mutant],
    verdicts: &Verdicts,
    ended: Result<(), Failure>,
) -> Result<(), Failure> {
    orderings::run(here, false)?;
    let of = |mutant: &Mutant| verdicts.of(&mutant.name).cloned();
    let known: Vec<_> = chosen.iter().filter_map(|it| Some((it, of(it)?))).collect();
    let survivors: Vec<_> = known
        .iter()
        .filter(|(_, it)| it.killed_by.is_none())
        .collect();
    println!(
        "\n    {} of {} killed",
        known.len() - survivors.len(),
        chosen.len()
    );
    for (mutant, verdict) in &survivors {
        let reason = verdict.reason.as_deref().unwrap_or("NO REASON GIVEN");
        println!("    survivor: {}: {reason}", mutant.name);
    }
    ended?;
    let unexplained = survivors.iter().filter(|(_, it)| !it.is_good()).count();
    if unexplained == 0 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{unexplained} survive without a reason: a model or test that fails is missing, or, in {VERDICTS}, a \"reason\""
    )))
}

/// The tests of behaviour that are asked.
const TESTS: [&str; 13] = [
    "model",
    "cancel",
    "failure",
    "resize",
    "close",
    "aside",
    "close_within",
    "handover",
    "waker",
    "acquire",
    "unmanaged",
    "unmanaged_line",
    "unmanaged_model",
];
