//! A way to a server that turns slow, silent or dead when a test says so.
//!
//! A [`Proxy`] stands on loopback between a real client, a pool for the most part, and a real server. What it does to
//! the bytes is a [`Fault`]: latency with jitter, a narrow band, a stall, a black hole, a half-open connection, a reset, a
//! slow handshake, a refusal; for all connections, new ones or established ones, and each way of its own where that makes
//! sense. Faults are set by hand, or by a [`Plan`] that is written down or drawn from a seed.
//!
//! ```
//! use millpond_testkit::proxy::{Fault, Proxy};
//! use std::io::{Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::time::Duration;
//!
//! // A server that sends back what it gets.
//! let server = TcpListener::bind("127.0.0.1:0")?;
//! let address = server.local_addr()?;
//! std::thread::spawn(move || {
//!     for stream in server.incoming().flatten() {
//!         std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
//!     }
//! });
//!
//! let proxy = Proxy::start(address)?;
//! let mut client = TcpStream::connect(proxy.addr())?;
//! client.write_all(b"all is well")?;
//! client.read_exact(&mut [0; 11])?;
//!
//! // The server's machine loses its power, and nobody says so.
//! proxy.set(Fault::half_open());
//! client.write_all(b"anybody?")?;
//! client.set_read_timeout(Some(Duration::from_millis(50)))?;
//! assert!(client.read(&mut [0; 8]).is_err());
//! assert_eq!(proxy.counts().bytes_to_server, 11);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! It works on a thread and a runtime of its own, so that neither a busy test nor a clock that stands still slows it
//! down, and a test without a runtime can have one. What is ordered of it holds when the call returns, and clients whose
//! `connect` has returned by then count as established. Dropped, it has closed every socket and ended its thread.
//!
//! What it cannot do is what happens below TCP: the machine itself answers `connect` and acknowledges what is written, so
//! that an unacknowledged packet (`tcp_user_timeout`, keepalive probes) is nothing that it could show.

mod conditions;
mod counts;
mod desk;
mod door;
mod fault;
mod link;
mod pipe;
mod plan;
mod stream;
mod upstream;

pub use counts::Counts;
pub use fault::{Fault, Kind, Reach, Way};
pub use plan::{Plan, PlanStep};
pub use upstream::Upstream;

use counts::Book;
use desk::{Desk, Order, Wish};
use door::Door;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// A proxy on loopback, before one server. See the [module](self).
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    /// Gone when it is dropped, which ends the thread.
    orders: Option<mpsc::UnboundedSender<Order>>,
    faults: Arc<Mutex<Vec<Fault>>>,
    book: Arc<Book>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Proxy {
    /// Starts one before the server at an address, at a host's name and port, or at the path of a Unix socket. Nothing
    /// is wrong at first. The server is first spoken to when the first client comes, and need not be there: a client
    /// of a server that is not there is accepted and reset.
    ///
    /// # Errors
    ///
    /// There is no port on 127.0.0.1, no thread or no runtime to be had.
    pub fn start(upstream: impl Into<Upstream>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let door = {
            let _inside = runtime.enter();
            Door::open_anywhere()?
        };
        let address = door.address();
        let (orders, received) = mpsc::unbounded_channel();
        let (faults, book) = (Arc::default(), Arc::default());
        let desk = Desk::new(
            door,
            upstream.into(),
            received,
            Arc::clone(&faults),
            Arc::clone(&book),
        );
        let thread = std::thread::Builder::new()
            .name("fault-proxy".to_owned())
            .spawn(move || runtime.block_on(desk.work()))?;
        Ok(Self {
            address,
            orders: Some(orders),
            faults,
            book,
            thread: Some(thread),
        })
    }

    /// Where clients reach it. The port is the same as long as it exists, and nobody else's.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The port of [`addr`](Proxy::addr), on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on this is wrong, and nothing else. What is left of a plan is forgotten.
    pub fn set(&self, fault: Fault) {
        self.order(Wish::Set(vec![fault]));
    }

    /// From now on this is wrong as well. Delays add up; of several rates, the lowest holds.
    pub fn add(&self, fault: Fault) {
        self.order(Wish::Add(fault));
    }

    /// From now on nothing is wrong. What is left of a plan is forgotten.
    pub fn heal(&self) {
        self.order(Wish::Set(Vec::new()));
    }

    /// A single blow: every connection that is there is reset, at both ends, and is gone when this returns.
    pub fn reset_all(&self) {
        self.order(Wish::ResetAll);
    }

    /// Nothing is wrong now, and from now on what the plan says, by the clock of the machine. Returns at once.
    pub fn play(&self, plan: Plan) {
        self.order(Wish::Play(plan));
    }

    /// What is wrong now.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults.lock().expect("held for a moment").clone()
    }

    /// What passed through so far.
    pub fn counts(&self) -> Counts {
        self.book.counts()
    }

    /// How many connections there are now.
    pub fn connections(&self) -> u64 {
        self.counts().open
    }

    /// Returns when it holds.
    fn order(&self, wish: Wish) {
        let (done, is_done) = blocking::sync_channel(1);
        let orders = self.orders.as_ref().expect("here until it is dropped");
        let gone = orders.send((wish, done)).is_err();
        // Never sent, only dropped: when it is done, or when the thread has ended.
        let _ = is_done.recv();
        assert!(
            !gone && !self.thread.as_ref().is_some_and(JoinHandle::is_finished),
            "the proxy's thread has ended: it could not accept, or not listen again"
        );
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.orders = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Its runtime has gone with it, and all sockets with that.
        if !matches!(thread.join(), Ok(Ok(()))) && !std::thread::panicking() {
            panic!("the proxy's thread failed");
        }
    }
}
