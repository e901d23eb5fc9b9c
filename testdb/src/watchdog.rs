//! The watchdog: a shell that outlives us, and then stops our server and removes its directory.
//!
//! It holds the reading end of a pipe. Whatever ends this process (a panic, `exit`, Ctrl-C, SIGKILL) closes the writing
//! end; children do not inherit that one. It lives in a process group of its own, so Ctrl-C does not reach it.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::{Error, Result};

#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Sets a watchdog on the server whose directory is `dir` and whose data directory is `data`.
    pub(crate) fn set_on(dir: &Path, data: &Path) -> Result<Watchdog> {
        let shell = shell(dir, data)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|e| Error::new("cannot start the watchdog /bin/sh").because(e))?;
        Ok(Watchdog { shell })
    }

    /// Tells the watchdog that there is nothing left to do, and waits for its end.
    pub(crate) fn release(mut self) -> io::Result<()> {
        if let Some(mut pipe) = self.shell.stdin.take() {
            pipe.write_all(b"released\n")?;
        }
        self.shell.wait()?;
        Ok(())
    }

    /// Leaves the work to the watchdog, and waits until it is done.
    pub(crate) fn clean_up(mut self) -> io::Result<()> {
        drop(self.shell.stdin.take());
        self.shell.wait()?;
        Ok(())
    }
}

/// Cleans up behind a server whose owner and whose watchdog are both gone. Does not wait for it.
pub(crate) fn clean_up_behind_the_dead(dir: &Path, data: &Path) -> io::Result<()> {
    let mut shell = shell(dir, data).stdin(Stdio::null()).spawn()?;
    std::thread::spawn(move || shell.wait());
    Ok(())
}

fn shell(dir: &Path, data: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            include_str!("watchdog.sh"),
            "millpond-testdb-watchdog",
        ])
        .current_dir("/")
        .env("MILLPOND_DIR", dir)
        .env("MILLPOND_MARK", format!("[-]D{}", data.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
}
