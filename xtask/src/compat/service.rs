//! Servers that the tests of others want, from Debian's packages: nothing is installed, and nothing stays.

use crate::child;
use crate::failure::Failure;
use crate::workspace::Workspace;
use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The programs of a Debian package, and of those that it needs.
#[derive(Debug)]
pub(super) struct Programs {
    /// Where they were unpacked; nothing where the machine has them.
    unpacked: Option<PathBuf>,
}

impl Programs {
    /// Those of the machine, if `program` is one; else those of `packages`, unpacked below `target/`.
    pub(super) fn of(here: &Workspace, program: &str, packages: &[&str]) -> Result<Self, Failure> {
        if child::works(Command::new(program).arg("--version")) {
            return Ok(Self { unpacked: None });
        }
        let folder = here.root().join("target/compat/debian").join(program);
        let programs = Self {
            unpacked: Some(folder.clone()),
        };
        if !child::works(programs.command(program).arg("--version")) {
            unpack(&folder, packages)?;
        }
        match child::works(programs.command(program).arg("--version")) {
            true => Ok(programs),
            false => Err(Failure::new(format!(
                "{program} of Debian does not run here"
            ))),
        }
    }

    /// One of them.
    pub(super) fn command(&self, program: &str) -> Command {
        let Some(folder) = &self.unpacked else {
            return Command::new(program);
        };
        let mut command = Command::new(folder.join("usr/bin").join(program));
        let libraries = folder.join("usr/lib");
        let below = fs::read_dir(&libraries).into_iter().flatten().flatten();
        let paths = below.map(|entry| entry.path()).chain([libraries]);
        if let Ok(paths) = env::join_paths(paths) {
            command.env("LD_LIBRARY_PATH", paths);
        }
        command
    }
}

/// Asks apt for the packages, a second time with fresh lists, and unpacks them.
fn unpack(folder: &Path, packages: &[&str]) -> Result<(), Failure> {
    let failed = |error| Failure::io(folder.display(), &error);
    fs::create_dir_all(folder).map_err(failed)?;
    let download = || {
        let mut apt = Command::new("apt-get");
        child::run(
            apt.current_dir(folder)
                .args(["-qq", "download"])
                .args(packages),
        )
    };
    if download().is_err() {
        child::run(Command::new("apt-get").args(["-qq", "update"]))?;
        download()?;
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            child::run(Command::new("dpkg-deb").arg("-x").arg(&path).arg(folder))?;
        }
    }
    Ok(())
}

/// A server, there until this is dropped, or this process ends.
#[derive(Debug)]
pub(super) struct Service {
    shell: Child,
}

impl Service {
    /// Starts it, and waits until it listens. A shell looks after it: when its input ends, so does the server.
    pub(super) fn start(server: &Command, port: u16) -> Result<Self, Failure> {
        let name = server.get_program().to_string_lossy().into_owned();
        let failed = |error| Failure::io(&name, &error);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", LOOK_AFTER, "sh"])
            .arg(server.get_program());
        shell.args(server.get_args()).stdin(Stdio::piped());
        for (name, value) in server.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        // Ctrl-C reaches every process of the group that the terminal shows; not this one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let service = Self {
            shell: shell.spawn().map_err(failed)?,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "{name} does not listen on port {port}"
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            eprintln!("warning: a server may be left behind: {error}");
        }
    }
}

/// A port that nobody uses now.
pub(super) fn free_port() -> Result<u16, Failure> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    port.map(|address| address.port())
        .map_err(|error| Failure::io("127.0.0.1", &error))
}

const LOOK_AFTER: &str = r#""$@" < /dev/null > /dev/null 2>&1 & server=$!
cat > /dev/null; kill "$server"; wait "$server""#;
const PATIENCE: Duration = Duration::from_secs(20);
