//! Judges: tests that are built and run against changed code, and say whether they notice.

mod binary;

use crate::failure::Failure;
use crate::loom;
use crate::scratch::Scratch;
use binary::{Binary, End};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Some test binaries, run one after the other until a test fails.
#[derive(Debug)]
pub(crate) struct Judge {
    /// How it is called in tables.
    pub(crate) name: &'static str,
    arguments: Vec<String>,
    under_loom: bool,
    /// The binaries, as they were without a change; empty before [`Judge::prepare`].
    binaries: Vec<Binary>,
}

/// What a judge says of changed code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    /// This test failed, or never ended.
    Noticed(String),
    /// Every test passed.
    Unnoticed,
    /// The changed code does not compile: these are the compiler's words.
    DoesNotBuild(String),
}

impl Judge {
    /// The loom models, at a short bound.
    pub(crate) fn loom() -> Self {
        Self::new("loom", "--package millpond-loom-tests", true)
    }

    /// Tests of the package millpond that stand in `tests/`.
    pub(crate) fn tests(name: &'static str, targets: &[&str]) -> Self {
        let targets: String = targets
            .iter()
            .map(|target| format!(" --test {target}"))
            .collect();
        let arguments = format!("--package millpond --features rt_tokio_1{targets}");
        Self::new(name, &arguments, false)
    }

    /// All tests of one package of the workspace.
    pub(crate) fn package(name: &'static str, package: &str) -> Self {
        Self::new(name, &format!("--package {package}"), false)
    }

    fn new(name: &'static str, arguments: &str, under_loom: bool) -> Self {
        Self {
            name,
            arguments: arguments.split_whitespace().map(str::to_owned).collect(),
            under_loom,
            binaries: Vec::new(),
        }
    }

    /// Builds and runs everything on the unchanged copy: what fails already says nothing of a change, and
    /// is left out; how long the rest takes bounds the later runs.
    pub(crate) fn prepare(&mut self, scratch: &Scratch) -> Result<(), Failure> {
        println!("    {}: building and running it unchanged", self.name);
        let paths = self.build(scratch)?.map_err(Failure::new)?;
        let mut binaries = Vec::new();
        for path in paths {
            let binary = Binary::unchanged(path, self.under_loom)?;
            for failed in &binary.failing {
                let (judge, name) = (self.name, &binary.name);
                println!("    warning: {judge}: {name}::{failed} fails unchanged: left out");
            }
            binaries.push(binary);
        }
        let tests: usize = binaries.iter().map(|binary| binary.passing).sum();
        if tests == 0 {
            return Err(Failure::new(format!("{}: no test passes", self.name)));
        }
        let took: Duration = binaries.iter().map(|binary| binary.took).sum();
        let (name, took) = (self.name, took.as_secs_f64());
        println!("    {name}: {tests} tests, {took:.1} s");
        // The quick ones first.
        binaries.sort_by_key(|binary| binary.took);
        self.binaries = binaries;
        Ok(())
    }

    /// Builds and runs it on the copy as it is now. The test `likely` is asked first, if it is there.
    pub(crate) fn opinion(
        &self,
        scratch: &Scratch,
        likely: Option<&str>,
    ) -> Result<Opinion, Failure> {
        let paths = match self.build(scratch)? {
            Ok(paths) => paths,
            Err(words) => return Ok(Opinion::DoesNotBuild(words)),
        };
        let mut binaries: Vec<_> = self.binaries.iter().map(|it| it.now_at(&paths)).collect();
        let (file, test) = likely.and_then(|it| it.split_once("::")).unzip();
        binaries.sort_by_key(|binary| Some(binary.name.as_str()) != file);
        if let Some((first, test)) = binaries.first().zip(test) {
            if Some(first.name.as_str()) == file {
                if let Some(noticed) = noticed(first, first.run_only(test)?) {
                    return Ok(noticed);
                }
            }
        }
        for binary in &binaries {
            if let Some(noticed) = noticed(binary, binary.run_twice()?) {
                return Ok(noticed);
            }
        }
        Ok(Opinion::Unnoticed)
    }

    /// The test binaries; or what the compiler says.
    fn build(&self, scratch: &Scratch) -> Result<Result<Vec<String>, String>, Failure> {
        let mut cargo = scratch
            .workspace()
            .cargo("test --quiet --no-run --message-format=json");
        self.configure(&mut cargo, scratch);
        let output = cargo
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::io("cargo test", &error))?;
        let messages = messages(&output.stdout);
        if output.status.success() {
            return Ok(Ok(messages.iter().filter_map(executable).collect()));
        }
        let mut words: String = messages.iter().filter_map(complaint).collect();
        if words.is_empty() {
            words = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        Ok(Err(words))
    }

    /// A profile of its own: what changes is built fast, what does not is built to run fast.
    fn configure(&self, cargo: &mut Command, scratch: &Scratch) {
        let (below, profile) = if self.under_loom {
            ("loom", FOR_LOOM.as_slice())
        } else {
            ("tests", FOR_TESTS.as_slice())
        };
        cargo.args(["--profile", "judge"]).args(&self.arguments);
        profile.iter().for_each(|setting| {
            cargo.args(["--config", &format!("profile.judge.{setting}")]);
        });
        cargo.arg("--target-dir").arg(scratch.target(below));
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
        if self.under_loom {
            cargo.env("RUSTFLAGS", format!("--cfg {}", loom::CFG));
        }
    }
}

fn noticed(binary: &Binary, end: End) -> Option<Opinion> {
    let name = &binary.name;
    match end {
        End::Passed => None,
        End::Failed(test) => Some(Opinion::Noticed(format!("{name}::{test}"))),
        End::Hung(test) => Some(Opinion::Noticed(format!("{name}::{test} (hung)"))),
    }
}

fn messages(printed: &[u8]) -> Vec<Value> {
    let lines = printed.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn executable(message: &Value) -> Option<String> {
    let path = message["executable"].as_str()?;
    Some(path.to_owned())
}

/// An error of the compiler's.
fn complaint(message: &Value) -> Option<String> {
    let message = &message["message"];
    let rendered = message["rendered"].as_str()?;
    (message["level"] == "error").then(|| rendered.to_owned())
}

/// The models: what changes is built fast, what does not is built to run fast.
pub(crate) const FOR_LOOM: [&str; 6] = [
    "inherits='release'",
    "opt-level=1",
    "incremental=true",
    "debug=0",
    "codegen-units=16",
    "package.\"*\".opt-level=3",
];
const FOR_TESTS: [&str; 3] = ["inherits='test'", "opt-level=1", "debug=0"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_is_read() {
        let said = messages(
            b"{\"reason\":\"compiler-artifact\",\"executable\":\"/t/deps/close-1\"}\n\
              {\"reason\":\"compiler-artifact\",\"executable\":null}\nno json\n\
              {\"message\":{\"level\":\"warning\",\"rendered\":\"w\"}}\n\
              {\"message\":{\"level\":\"error\",\"rendered\":\"e\"}}\n",
        );
        let executables: Vec<_> = said.iter().filter_map(executable).collect();
        assert_eq!(executables, ["/t/deps/close-1"]);
        let complaints: Vec<_> = said.iter().filter_map(complaint).collect();
        assert_eq!(complaints, ["e"]);
    }
}
