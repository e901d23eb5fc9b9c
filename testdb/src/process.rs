//! Processes: the children of one, and commands that end within a time.

use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The children of the process `parent` that live now.
pub(crate) fn children(parent: Pid) -> io::Result<Vec<Pid>> {
    if fs::exists("/proc/self/status")? {
        children_by_proc(parent)
    } else {
        children_by_ps(parent)
    }
}

fn children_by_proc(parent: Pid) -> io::Result<Vec<Pid>> {
    let line = format!("PPid:\t{}", parent.as_raw_pid());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(pid_from) else {
            continue;
        };
        // A process may end before it is read: then it is nobody's child.
        let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid()));
        if status.is_ok_and(|text| text.lines().any(|each| each == line)) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn children_by_ps(parent: Pid) -> io::Result<Vec<Pid>> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=", "-o", "ppid="])
        .output()?;
    let parent = parent.as_raw_pid().to_string();
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter(|(_, of)| of.trim() == parent)
        .filter_map(|(pid, _)| pid_from(pid))
        .collect())
}

/// The process of that number.
pub(crate) fn pid_from(number: &str) -> Option<Pid> {
    Pid::from_raw(number.parse().ok().filter(|number| *number > 0)?)
}

/// Signals a process; one that is gone already is no failure.
pub(crate) fn signal(pid: Pid, signal: Signal) -> io::Result<()> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Waits until `child` has ended, at most `wait`; `None` if it has not.
pub(crate) fn wait_at_most(child: &mut Child, wait: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + wait;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

/// Runs `command` to its end, or kills it once it has taken longer than `wait`. It stays in our process group, so that
/// Ctrl-C ends it together with us.
pub(crate) fn run_at_most(command: &mut Command, wait: Duration) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    if let Some(status) = wait_at_most(&mut child, wait)? {
        return Ok(status);
    }
    child.kill()?;
    child.wait()?;
    let took = format!("it had not ended after {} s", wait.as_secs());
    Err(io::Error::new(io::ErrorKind::TimedOut, took))
}

/// How long to sleep between two looks at a process or a file.
pub(crate) const POLL: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_with_and_without_proc() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (pid, us) = (Pid::from_child(&child), rustix::process::getpid());
        let found = children(us).unwrap().contains(&pid);
        // A machine with /proc may lack `ps`.
        let by_ps = children_by_ps(us).map_or(found, |children| children.contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found && by_ps);
        assert!(!children(us).unwrap().contains(&pid));
    }
}
