//! When and where it was measured.

use std::fs;
use std::process::Command;
use std::thread;

/// The load of the machine over the last minute, where the system tells it.
pub(crate) fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

/// Processor and system, in words.
pub(super) fn told() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    let processor = processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{cores} cores ({processor}), {}", std::env::consts::OS)
}

/// What a program answers, in its first line.
pub(super) fn ask(program: &str, arguments: &[&str]) -> String {
    let asked = Command::new(program).args(arguments).output();
    let answer = asked.ok().filter(|output| output.status.success());
    let answer = answer.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = answer.as_deref().and_then(|answer| answer.lines().next());
    line.unwrap_or("unknown").to_owned()
}

/// The version of a crate that this was built with.
pub(super) fn version(name: &str) -> Option<&'static str> {
    let mut lines = include_str!("../../Cargo.lock").lines();
    let wanted = format!("name = \"{name}\"");
    lines.find(|line| *line == wanted)?;
    lines
        .next()?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_were_locked() {
        assert!(version("deadpool").is_some_and(|version| version.starts_with("0.")));
        assert_eq!(version("no-such-crate"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_unknown() {
        assert_eq!(ask("no-such-program-of-millpond", &[]), "unknown");
    }
}
