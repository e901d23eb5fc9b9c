//! The machine that this runs on, and what it was built with.

use crate::data::Machine;
use std::fs;
use std::process::{Command, Stdio};

/// The machine, as far as it tells.
pub(crate) fn machine() -> Machine {
    Machine {
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        processor: processor(),
        system: system(),
        load: load(),
    }
}

/// The compiler, and whether it was told to optimise: no figure of a build that was not is worth comparing.
pub(crate) fn compiler() -> String {
    let built = if cfg!(debug_assertions) {
        "debug build"
    } else {
        "release build"
    };
    format!("{} ({built})", env!("MILLPOND_LAB_RUSTC"))
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    of_cpuinfo(&info).or_else(|| sysctl("machdep.cpu.brand_string"))
}

/// Not every processor says what it is called.
fn of_cpuinfo(info: &str) -> Option<String> {
    let named = info.lines().filter_map(|line| line.split_once(':'));
    let mut models = named.filter(|(name, _)| ["model name", "Model"].contains(&name.trim()));
    let model = models
        .next()?
        .1
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    (!model.is_empty()).then_some(model)
}

fn system() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let kernel = kernel
        .or_else(|| sysctl("kern.osrelease"))
        .unwrap_or_default();
    let words = [std::env::consts::OS, kernel.trim(), std::env::consts::ARCH];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok();
    let text = text.or_else(|| sysctl("vm.loadavg"))?;
    of_loadavg(&text)
}

/// `0.42 0.30 0.25 …` on Linux, `{ 0.42 0.30 0.25 }` on macOS.
fn of_loadavg(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace().filter(|word| *word != "{");
    words.next()?.parse().ok()
}

/// What macOS and the BSDs tell; `None` where there is no such program.
fn sysctl(name: &str) -> Option<String> {
    if cfg!(target_os = "linux") {
        return None;
    }
    let mut command = Command::new("sysctl");
    let output = command
        .args(["-n", name])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_called_what_it_calls_itself() {
        let info =
            "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some  Processor @ 2GHz\nflags : x\n";
        assert_eq!(of_cpuinfo(info).as_deref(), Some("Some Processor @ 2GHz"));
        assert_eq!(of_cpuinfo("processor : 0\nmodel name :\n"), None);
        assert_eq!(of_cpuinfo(""), None);
    }

    #[test]
    fn the_load_is_that_of_the_last_minute() {
        assert_eq!(of_loadavg("0.42 0.30 0.25 1/234 5678\n"), Some(0.42));
        assert_eq!(of_loadavg("{ 1.50 0.30 0.25 }"), Some(1.5));
        assert_eq!(of_loadavg(""), None);
    }

    #[test]
    fn this_machine_is_known() {
        let machine = machine();
        assert!(machine.cores > 0);
        assert!(
            machine.system.contains(std::env::consts::ARCH),
            "{machine:?}"
        );
        assert!(compiler().starts_with("1."), "{}", compiler());
    }
}
