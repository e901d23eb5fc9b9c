//! However the owner of a private server ends, its processes and files are gone soon after.
//!
//! Each test runs this program again, with [`the_owner`] alone, tells it how to end, and watches what it leaves.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use millpond_testdb::{PgBouncer, Server, Stop};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Not a test of its own: what the others run, told by the variable `MILLPOND_TEST_OWNER`.
#[test]
fn the_owner() {
    let Ok(told) = env::var("MILLPOND_TEST_OWNER") else {
        return;
    };
    let server = Server::private().unwrap();
    let db = server.database().unwrap();
    match told.as_str() {
        "frozen" => server.freeze().unwrap(),
        "restarted" => server.restart(Stop::Immediate).unwrap(),
        _ => {}
    }
    let bouncer = (told == "bouncer").then(|| PgBouncer::before(&db).start().unwrap());
    let owns = bouncer.as_ref().map(PgBouncer::data_dir);
    let owns = owns.unwrap_or_else(|| server.data_dir().unwrap().to_owned());
    println!("\n{OWNS} {}", owns.display());
    match told.as_str() {
        "panics" => panic!("as told"),
        "exits" => std::process::exit(3),
        "aborts" => std::process::abort(),
        "shared" => drop(Server::shared().unwrap().database().unwrap()),
        _ => std::thread::sleep(Duration::from_secs(60)),
    }
}

struct Owner {
    process: Child,
    data: PathBuf,
}

impl Owner {
    fn start(told: &str) -> Owner {
        Owner::start_program(&mut Command::new(env::current_exe().unwrap()), told)
    }

    fn start_program(command: &mut Command, told: &str) -> Owner {
        command
            .args(["--exact", "the_owner", "--nocapture", "--test-threads=1"])
            .env("MILLPOND_TEST_OWNER", told)
            .env_remove("TEST_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let data = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix(OWNS)?.trim().into()));
        Owner {
            process,
            data: data.expect("the owner tells its data directory"),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Waits for its end, and then for the end of all that it owned.
    fn leaves_nothing(mut self) {
        self.process.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let dir = self.data.parent().unwrap();
        while dir.exists() || runs_on(&self.data) {
            assert!(
                Instant::now() < deadline,
                "{} or its server stays behind",
                dir.display()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether a process has the data directory in its command line, as a postmaster does.
fn runs_on(data: &Path) -> bool {
    let output = match fs::exists("/proc/self/cmdline").unwrap() {
        true => Command::new("sh")
            .args(["-c", "cat /proc/[0-9]*/cmdline 2>/dev/null"])
            .output(),
        false => Command::new("ps").args(["-A", "-o", "command="]).output(),
    };
    String::from_utf8_lossy(&output.unwrap().stdout).contains(&format!("-D{}", data.display()))
}

#[test]
fn a_panic_leaves_nothing() {
    Owner::start("panics").leaves_nothing();
}

#[test]
fn an_exit_leaves_nothing() {
    Owner::start("exits").leaves_nothing();
}

#[test]
fn an_abort_leaves_nothing() {
    Owner::start("aborts").leaves_nothing();
}

#[test]
fn an_end_with_a_shared_server_leaves_nothing() {
    Owner::start("shared").leaves_nothing();
}

#[test]
fn sigkill_leaves_nothing() {
    let owner = Owner::start("waits");
    assert!(runs_on(&owner.data));
    kill_process(owner.pid(), Signal::KILL).unwrap();
    owner.leaves_nothing();
}

#[test]
fn sigkill_with_a_pgbouncer_leaves_nothing() {
    let owner = Owner::start("bouncer");
    assert!(runs_on(&owner.data));
    kill_process(owner.pid(), Signal::KILL).unwrap();
    owner.leaves_nothing();
}

#[test]
fn sigkill_after_a_restart_leaves_nothing() {
    let owner = Owner::start("restarted");
    kill_process(owner.pid(), Signal::KILL).unwrap();
    owner.leaves_nothing();
}

#[test]
fn sigkill_with_a_frozen_server_leaves_nothing() {
    let owner = Owner::start("frozen");
    kill_process(owner.pid(), Signal::KILL).unwrap();
    owner.leaves_nothing();
}

#[test]
fn ctrl_c_leaves_nothing() {
    // A terminal signals the whole group.
    let owner = Owner::start("waits");
    kill_process_group(owner.pid(), Signal::INT).unwrap();
    owner.leaves_nothing();
}

#[test]
fn hang_up_leaves_nothing() {
    let owner = Owner::start("frozen");
    kill_process_group(owner.pid(), Signal::HUP).unwrap();
    owner.leaves_nothing();
}

/// A kill while the server is being made: there is no postmaster yet, or `initdb` runs.
#[test]
fn sigkill_at_any_time_leaves_nothing() {
    let before = homes();
    for wait in (0..120).step_by(10) {
        let mut command = testdb_run();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while homes()
        .iter()
        .any(|home| !before.contains(home) && abandoned(home))
    {
        assert!(
            Instant::now() < deadline,
            "before {before:?}, now {:?}",
            homes()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A whole container may be killed: then nobody watches, and the next start cleans up.
#[cfg(target_os = "linux")]
#[test]
fn the_next_start_cleans_up_behind_an_owner_killed_with_its_watchdog() {
    let owner = Owner::start("waits");
    let dir = owner.data.parent().unwrap().to_owned();
    let watchdogs = format!(
        "grep -sl MILLPOND_DIR={} /proc/[0-9]*/environ",
        dir.display()
    );
    let kill = format!(
        "for at in $({watchdogs}); do at=${{at#/proc/}}; kill -KILL ${{at%/environ}}; done"
    );
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    kill_process(owner.pid(), Signal::KILL).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(runs_on(&owner.data), "nobody watches over it any more");
    drop(Server::private().unwrap());
    assert!(dir.exists(), "it could still be about to be cleaned up");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&dir)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    drop(Server::private().unwrap());
    owner.leaves_nothing();
}

/// The directories of all private servers on this machine.
fn homes() -> Vec<PathBuf> {
    ["/tmp".into(), "/dev/shm".into(), env::temp_dir()]
        .iter()
        .flat_map(|parent: &PathBuf| fs::read_dir(parent).into_iter().flatten().flatten())
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("millpond-pg-")
        })
        .map(|entry| entry.path())
        .collect()
}

/// Whether nobody holds the directory's lock, as its owner does.
fn abandoned(home: &Path) -> bool {
    use rustix::fs::{FlockOperation, flock};
    let Ok(file) = fs::File::open(home.join("owner.lock")) else {
        return home.exists();
    };
    flock(file, FlockOperation::NonBlockingLockShared).is_ok()
}

fn testdb_run() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testdb"));
    command
        .arg("run")
        .env_remove("TEST_DATABASE_URL")
        .env_remove("DATABASE_URL");
    command
}

/// Root hands its rights over; here the owner has none to hand over, and no place to keep a template either.
#[test]
fn an_ordinary_user_leaves_nothing() {
    if !rustix::process::geteuid().is_root() {
        return Owner::start("exits").leaves_nothing();
    }
    let dir = env::temp_dir().join(format!("millpond-ordinary-{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let program = dir.join("owner");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    for told in ["exits", "frozen"] {
        let mut command = Command::new(&program);
        command
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir("/")
            .env_remove("CARGO_TARGET_DIR");
        let owner = Owner::start_program(&mut command, told);
        assert!(runs_on(&owner.data) || told == "exits");
        let _gone_already = kill_process(owner.pid(), Signal::KILL);
        owner.leaves_nothing();
    }
    fs::remove_dir_all(&dir).unwrap();
}

const OWNS: &str = "the owner owns";
/// Some number that is not root's; it needs no account.
const NOBODY: u32 = 65_534;
