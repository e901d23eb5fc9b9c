//! What these tests stand on.

use millpond::Runtime;
use millpond::postgres::tokio_postgres::config::Host;
use millpond::postgres::tokio_postgres::{self, Config as PgConfig, NoTls, SimpleQueryMessage};
use millpond::postgres::{Manager, ManagerConfig, Pool, PoolBuilder, RecyclingMethod};
use millpond_testdb::{Database, Server};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The password of servers that demand one; must never be seen.
pub(crate) const SECRET: &str = "open-sesame-4711";

/// A database of the test's own.
pub(crate) fn database() -> Database {
    let server = Server::shared().unwrap_or_else(|e| panic!("{e}"));
    server.database().unwrap()
}

pub(crate) fn builder(config: PgConfig, max_size: usize) -> PoolBuilder {
    Pool::builder(Manager::new(config, NoTls))
        .max_size(max_size)
        .runtime(Runtime::Tokio1)
}

pub(crate) fn pool(config: PgConfig, max_size: usize) -> Pool {
    builder(config, max_size).build().unwrap()
}

pub(crate) fn recycling(config: PgConfig, recycling_method: RecyclingMethod) -> PoolBuilder {
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
    Pool::builder(manager).max_size(1).runtime(Runtime::Tokio1)
}

/// Asks without a statement of its own, whose closing would still be under way afterwards.
pub(crate) async fn backend_pid(client: &tokio_postgres::Client) -> i32 {
    let answer = client.simple_query("SELECT pg_backend_pid()").await;
    let rows = answer.unwrap();
    let row = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.unwrap().parse().unwrap()
}

/// Waits for what happens outside of this process.
pub(crate) async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A configuration for a server on 127.0.0.1.
pub(crate) fn local(port: u16) -> PgConfig {
    let mut config = PgConfig::new();
    config.host("127.0.0.1").port(port).dbname("postgres");
    config.user("postgres").password(SECRET);
    config
}

/// A port that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A server that does not even accept: its queue is full, so that the system drops whoever comes. As long
/// as what is returned is kept.
pub(crate) fn black_hole() -> (impl Sized, u16) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(queued) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(queued);
    }
    ((listener, queue), address.port())
}

/// A server that accepts and stays silent, as long as it is kept.
pub(crate) fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// How to connect to a database through a [`proxy`].
pub(crate) fn proxied(
    db: &Database,
    last: Option<&'static [u8]>,
    closed: impl FnOnce() + Send + 'static,
) -> PgConfig {
    let to = |address| proxy(address, last, closed);
    through(db, to)
}

/// The same through a proxy that makes the server one [of old](as_of_old), for one connection.
pub(crate) fn proxied_as_of_old(db: &Database, last: Option<&'static [u8]>) -> PgConfig {
    through(db, |address| as_of_old(address, last))
}

fn through(db: &Database, proxy: impl FnOnce((String, u16)) -> u16) -> PgConfig {
    let direct = db.config();
    let mut config = PgConfig::new();
    let Some(Host::Tcp(host)) = direct.get_hosts().first() else {
        panic!("the test server is not reached by TCP");
    };
    let port = proxy((host.clone(), direct.get_ports()[0]));
    config.host("127.0.0.1").port(port).dbname(db.name());
    config.user(direct.get_user().unwrap());
    config.password(direct.get_password().unwrap_or_default());
    config
}

/// A way to the server at `to` that passes everything on, until the server has sent `last`: then it
/// stays silent. Returns its port. `closed` is told when the client closes.
fn proxy(
    to: (String, u16),
    last: Option<&'static [u8]>,
    closed: impl FnOnce() + Send + 'static,
) -> u16 {
    let (listener, port) = silent();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(to).unwrap();
        let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || pass_on(from_server, to_client, last, |_| {}));
        pass_on(client, server, None, |_| {});
        closed();
    });
    port
}

/// The port of a way to the server at `to` that hides what one before PostgreSQL 14 does not report, for as many
/// connections as come.
pub(crate) fn as_of_old(to: (String, u16), last: Option<&'static [u8]>) -> u16 {
    let (listener, port) = silent();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            let (from_server, to_client) =
                (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || pass_on(from_server, to_client, last, hide));
            thread::spawn(move || pass_on(client, server, None, |_| {}));
        }
    });
    port
}

/// Gives a parameter another name, which nobody knows.
fn hide(bytes: &mut [u8]) {
    const NAME: &[u8] = b"in_hot_standby";
    let found = bytes.windows(NAME.len()).position(|window| window == NAME);
    if let Some(at) = found {
        bytes[at] = b'_';
    }
}

fn pass_on(
    mut from: TcpStream,
    mut to: TcpStream,
    last: Option<&[u8]>,
    change: impl Fn(&mut [u8]),
) {
    let mut bytes = [0; 8192];
    let mut silent = false;
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        change(&mut bytes[..count]);
        if !silent && to.write_all(&bytes[..count]).is_err() {
            break;
        }
        silent |= last.is_some_and(|last| bytes[..count].ends_with(last));
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// `ReadyForQuery`, idle: what a server sends when a connection is made, and after each query.
pub(crate) const READY: &[u8] = b"Z\x00\x00\x00\x05I";

/// What a [`Connect`](millpond::postgres::Connect) returns.
pub(crate) type Connecting<'a> = Pin<
    Box<
        dyn Future<Output = Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>>
            + Send
            + 'a,
    >,
>;
