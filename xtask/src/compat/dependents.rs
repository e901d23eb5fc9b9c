//! Published crates that depend on deadpool, as they are, on ours: their own tests, and programs of ours where
//! they have none.

use super::published::{DEADPOOL_MEMCACHED, DEADPOOL_REDIS, DEADPOOL_SQLITE};
use super::server::Database;
use super::service::{Programs, Service, free_port};
use super::suites::{self, counted};
use super::yard::Yard;
use crate::child;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// A step for each of them.
pub(super) fn step(here: &Workspace, steps: &mut Steps) {
    steps.step("compat sources", |_| yard(here).map(drop));
    let yard = || Yard::again(here, "dependents");
    steps.step("compat sqlite", |tally| {
        let mut cargo = yard().tests("deadpool-sqlite", "bundled");
        counted(&mut cargo, SQLITE_TESTS, tally)
    });
    steps.step("compat redis", |tally| redis(here, &yard(), tally));
    steps.step("compat memcached", |tally| memcached(here, &yard(), tally));
    steps.step("compat programs", |tally| {
        let database = Database::new(here)?;
        let mut cargo = yard().tests("programs", "");
        database.name_in(&mut cargo);
        counted(&mut cargo, PROGRAMS_TESTS, tally)?;
        yard().check_ours()
    });
}

/// The yard with the sources of all of them.
fn yard(here: &Workspace) -> Result<Yard, Failure> {
    let theirs = suites::theirs(here)?;
    let yard = Yard::new(here, "dependents")?;
    yard.write("Cargo.toml", include_str!("manifests/dependents.toml"))?;
    yard.write(
        "programs/Cargo.toml",
        include_str!("manifests/programs.toml"),
    )?;
    yard.write("programs/src/lib.rs", "")?;
    for published in [DEADPOOL_SQLITE, DEADPOOL_REDIS, DEADPOOL_MEMCACHED] {
        yard.copy(
            &theirs.source_of(published, &["--features=dependents"])?,
            published.name,
        )?;
    }
    Ok(yard)
}

/// With a server, a cluster of one node, and a sentinel over the server.
fn redis(here: &Workspace, yard: &Yard, tally: &mut Tally) -> Result<(), Failure> {
    let programs = match Programs::of(here, "redis-server", &REDIS_PACKAGES) {
        Ok(programs) => programs,
        Err(failure) => return not_run(tally, "deadpool-redis", REDIS_TESTS, &failure),
    };
    let (alone, node, bus, sentinel) = (free_port()?, free_port()?, free_port()?, free_port()?);
    let server = |port: u16| {
        let mut server = programs.command("redis-server");
        server.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        server.args(["--save", "", "--appendonly", "no", "--dir"]);
        server.arg(yard.folder());
        server
    };
    let _alone = Service::start(&server(alone), alone)?;
    let mut of_cluster = server(node);
    of_cluster.args([
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus.to_string(),
    ]);
    let _node = Service::start(&of_cluster, node)?;
    let mut slots = programs.command("redis-cli");
    let node_port = node.to_string();
    child::run(slots.args(["-p", &node_port, "cluster", "addslotsrange", "0", "16383"]))?;
    let configuration =
        format!("bind 127.0.0.1\nport {sentinel}\nsentinel monitor mymaster 127.0.0.1 {alone} 1\n");
    yard.write("sentinel.conf", &configuration)?;
    let mut watching = programs.command("redis-server");
    watching
        .arg(yard.folder().join("sentinel.conf"))
        .arg("--sentinel");
    let _sentinel = Service::start(&watching, sentinel)?;

    let mut cargo = yard.tests("deadpool-redis", "serde,cluster,sentinel");
    cargo.env("REDIS__URL", format!("redis://127.0.0.1:{alone}"));
    cargo.env("REDIS_CLUSTER__URLS", format!("redis://127.0.0.1:{node}"));
    cargo.env(
        "REDIS_SENTINEL__URLS",
        format!("redis://127.0.0.1:{sentinel}"),
    );
    counted(&mut cargo, REDIS_TESTS, tally)
}

fn memcached(here: &Workspace, yard: &Yard, tally: &mut Tally) -> Result<(), Failure> {
    let programs = match Programs::of(here, "memcached", &MEMCACHED_PACKAGES) {
        Ok(programs) => programs,
        Err(failure) => return not_run(tally, "deadpool-memcached", MEMCACHED_TESTS, &failure),
    };
    let port = free_port()?;
    let mut server = programs.command("memcached");
    server.args(["-l", "127.0.0.1", "-p", &port.to_string(), "-u", "nobody"]);
    let _server = Service::start(&server, port)?;
    let mut cargo = yard.tests("deadpool-memcached", "");
    cargo.env("MEMCACHED__ADDR", format!("tcp://127.0.0.1:{port}"));
    counted(&mut cargo, MEMCACHED_TESTS, tally)
}

/// Says aloud what is not run, and why, and counts it.
fn not_run(tally: &mut Tally, name: &str, tests: u64, why: &Failure) -> Result<(), Failure> {
    println!("    NOT RUN: {tests} tests of {name}: {why}");
    tally.not_run += tests;
    Ok(())
}

const REDIS_PACKAGES: [&str; 8] = [
    "redis-server",
    "redis-tools",
    "libatomic1",
    "libjemalloc2",
    "liblua5.1-0",
    "liblzf1",
    "lua-bitop",
    "lua-cjson",
];
const MEMCACHED_PACKAGES: [&str; 2] = ["memcached", "libevent-2.1-7"];
const SQLITE_TESTS: u64 = 2;
const REDIS_TESTS: u64 = 18;
const MEMCACHED_TESTS: u64 = 3;
const PROGRAMS_TESTS: u64 = 4;
