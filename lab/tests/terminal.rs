//! `lab run --tui` on a real terminal, which is afterwards as it was before, whatever ended the run.

#![cfg(unix)]

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// Both ends of a terminal, what was written to it, and how it was set.
struct Terminal {
    ours: File,
    theirs: File,
    text: Arc<Mutex<Vec<u8>>>,
    before: Termios,
    reader: JoinHandle<()>,
}

impl Terminal {
    fn new() -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is open");
        let name = ptsname(&ours, Vec::new()).expect("its name");
        let no_ctty = rustix::fs::OFlags::NOCTTY.bits();
        let theirs = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(no_ctty).expect("a flag"))
            .open(OsStr::from_bytes(name.as_bytes()))
            .expect("its other end");
        let size = Winsize {
            ws_row: 30,
            ws_col: 110,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&theirs, size).expect("a size");
        let before = tcgetattr(&theirs).expect("how it is set");
        let ours = File::from(ours);
        let text = Arc::default();
        let reader = spawn({
            let (mut ours, text) = (ours.try_clone().expect("a copy"), Arc::clone(&text));
            move || read_all(&mut ours, &text)
        });
        Self {
            ours,
            theirs,
            text,
            before,
            reader,
        }
    }

    fn text(&self) -> String {
        let text = self.text.lock().expect("nobody panicked");
        String::from_utf8_lossy(&text).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, wanted: &str) {
        let until = Instant::now() + AT_MOST;
        while !self.text().contains(wanted) {
            assert!(Instant::now() < until, "no {wanted:?} in {:?}", self.text());
            sleep(Duration::from_millis(10));
        }
    }

    /// Everything that was written, once nobody has it open any more.
    #[track_caller]
    fn closed(self) -> String {
        let now = tcgetattr(&self.theirs).expect("how it is set");
        assert_eq!(now.local_modes, self.before.local_modes);
        assert_eq!(now.input_modes, self.before.input_modes);
        assert_eq!(now.output_modes, self.before.output_modes);
        drop(self.theirs);
        self.reader.join().expect("it reads to the end");
        let text = self.text.lock().expect("nobody panicked");
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// To its end, which for a terminal is an error.
fn read_all(from: &mut File, to: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        to.lock().expect("nobody panicked").extend(&bytes[..count]);
    }
}

/// The program at work, ended if the test does.
struct Lab {
    child: Child,
    folder: PathBuf,
}

impl Lab {
    fn on(terminal: &Terminal, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("terminal-{name}"));
        let end = || terminal.theirs.try_clone().expect("a copy");
        let child = Command::new(env!("CARGO_BIN_EXE_lab"))
            .args(["run", "saturation", "--tui", "--full", "--out"])
            .arg(&folder)
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the lab");
        Self { child, folder }
    }

    #[track_caller]
    fn exit_code(&mut self) -> Option<i32> {
        let until = Instant::now() + AT_MOST;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status.code();
            }
            assert!(Instant::now() < until, "it does not end");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Over already, if all is well.
        let _over = self.child.kill();
        let _over = self.child.wait();
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{}: {error}", self.folder.display());
        }
    }
}

/// Until a pool is shown at work, then `end`s it.
#[track_caller]
fn assert_given_back(name: &str, end: impl FnOnce(&mut Terminal, &Lab)) {
    let mut terminal = Terminal::new();
    let mut lab = Lab::on(&terminal, name);
    terminal.wait_for(SHOWN);
    terminal.wait_for("■");
    end(&mut terminal, &lab);
    assert_eq!(lab.exit_code(), Some(1));
    assert!(
        lab.folder.join("report.html").exists(),
        "what was measured is kept"
    );
    drop(lab);
    let text = terminal.closed();
    let (_, after) = text.rsplit_once(HIDDEN).expect("the picture is taken away");
    assert!(!after.contains(SHOWN));
    assert!(after.contains(CURSOR), "{after:?}");
    assert!(
        after.contains("saturation") && after.contains("stopped"),
        "{after:?}"
    );
}

const SHOWN: &str = "\u{1b}[?1049h";
const HIDDEN: &str = "\u{1b}[?1049l";
const CURSOR: &str = "\u{1b}[?25h";
const AT_MOST: Duration = Duration::from_secs(120);

#[test]
fn q_ends_the_run_and_gives_the_terminal_back() {
    assert_given_back("q", |terminal, _| {
        terminal.ours.write_all(b"q").expect("a key");
    });
}

#[test]
fn so_does_ctrl_c() {
    assert_given_back("ctrl-c", |terminal, _| {
        terminal.ours.write_all(b"\x03").expect("a key");
    });
}

#[test]
fn so_does_who_ends_the_process() {
    assert_given_back("term", |_, lab| {
        kill_process(Pid::from_child(&lab.child), Signal::TERM).expect("it runs");
    });
}

#[test]
fn without_a_terminal_there_is_no_view_and_that_is_said() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("terminal-none");
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["run", "saturation", "--tui", "--out"])
        .arg(&folder)
        .output()
        .expect("the lab");
    let _none = fs::remove_dir_all(&folder);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--tui draws on a terminal"), "{said}");
}
