//! The names of our databases: they tell who made each one and when, so that leftovers are known on a server of others.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use rustix::io::Errno;
use rustix::process::test_kill_process;

use crate::places;
use crate::process::pid_from;

/// `millpond_` + seconds since 1970 + machine + process + count + chance.
pub(crate) fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // ORDERING(database-name): Relaxed is enough, since only the count itself matters; nothing is published by it.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (now, machine, process) = (now(), machine(), std::process::id());
    format!(
        "millpond_{now}_{machine}_{process}_{count}_{}",
        places::unique()
    )
}

/// Whether `name` is of a database of ours whose maker is dead: a process of this machine, or one of a day ago.
pub(crate) fn is_one(name: &str) -> bool {
    is_one_at(name, &machine(), now())
}

fn is_one_at(name: &str, machine: &str, now: u64) -> bool {
    let wellformed = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '_';
    let parts: Vec<&str> = name.split('_').collect();
    let ["millpond", made, maker_machine, maker, _, _] = parts[..] else {
        return false;
    };
    let (Ok(made), Some(maker)) = (made.parse::<u64>(), pid_from(maker)) else {
        return false;
    };
    let dead = || maker_machine == machine && test_kill_process(maker) == Err(Errno::SRCH);
    name.chars().all(wellformed) && (made.saturating_add(DAY) < now || dead())
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

/// What tells apart the machines, and the containers of one, in which process numbers mean something.
fn machine() -> String {
    let mut hasher = DefaultHasher::new();
    rustix::system::uname().nodename().hash(&mut hasher);
    std::fs::read_link("/proc/self/ns/pid")
        .ok()
        .hash(&mut hasher);
    std::fs::read("/proc/sys/kernel/random/boot_id")
        .ok()
        .hash(&mut hasher);
    format!("{:08x}", hasher.finish() & 0xffff_ffff)
}

const DAY: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_living_from_the_dead() {
        let (living, dead) = (std::process::id(), dead_process());
        for (name, expected) in [
            (fresh_name(), false),
            (format!("millpond_1000_here_{living}_0_abc"), false),
            (format!("millpond_1000_here_{dead}_0_abc"), true),
            (format!("millpond_1000_there_{dead}_0_abc"), false),
            (format!("millpond_1_there_{living}_0_abc"), true),
            (format!("millpond_1000_here_{dead}_0_abc; DROP"), false),
            ("millpond_1_production".to_owned(), false),
            ("production".to_owned(), false),
        ] {
            assert_eq!(is_one_at(&name, "here", 1000 + DAY), expected, "{name}");
        }
    }

    fn dead_process() -> u32 {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", ":"])
            .spawn()
            .unwrap();
        child.wait().unwrap();
        child.id()
    }
}
