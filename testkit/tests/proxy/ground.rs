//! A server that sends back what it gets, and a client of it.

use millpond_testkit::proxy::Proxy;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A server that sends back what it gets, for as long as it is kept; and how its connections ended.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    ends: mpsc::UnboundedReceiver<io::Result<()>>,
    _tasks: JoinSet<()>,
}

impl Echo {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, ends) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut streams = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let ended = ended.clone();
                streams.spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    let end = tokio::io::copy(&mut read, &mut write).await;
                    let _ = ended.send(end.map(|_| ()));
                });
            }
        });
        Self {
            address,
            ends,
            _tasks: tasks,
        }
    }

    /// How the next of its connections ends.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        let end = timeout(LONG, self.ends.recv()).await;
        end.expect("no connection ended at the server").unwrap()
    }

    /// Whether one of its connections has ended that nobody asked for yet.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.ends.try_recv().is_ok()
    }
}

/// The server, and a proxy before it.
pub(crate) async fn ground() -> (Echo, Proxy) {
    let echo = Echo::start().await;
    let proxy = Proxy::start(echo.address).unwrap();
    (echo, proxy)
}

/// One client.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn of(proxy: &Proxy) -> Self {
        Self(TcpStream::connect(proxy.addr()).await.unwrap())
    }

    /// One that has had an answer: its connection to the server is made.
    pub(crate) async fn served_by(proxy: &Proxy) -> Self {
        let mut client = Self::of(proxy).await;
        client.talks().await;
        client
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// It will send no more.
    pub(crate) async fn shutdown(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// What it was sent comes next.
    #[track_caller]
    pub(crate) fn hears(&mut self, text: &str) -> impl Future<Output = ()> {
        let text = text.to_owned();
        async move {
            let mut heard = vec![0; text.len()];
            let read = timeout(LONG, self.0.read_exact(&mut heard)).await;
            read.expect("nothing came").unwrap();
            assert_eq!(String::from_utf8_lossy(&heard), text);
        }
    }

    /// An answer comes.
    pub(crate) async fn talks(&mut self) {
        self.send("hello").await;
        self.hears("hello").await;
    }

    /// Nothing comes, for a moment: no byte, no end, no error.
    pub(crate) async fn hears_nothing(&mut self) {
        let read = timeout(MOMENT, self.0.read_u8()).await;
        assert!(read.is_err(), "{read:?} came");
    }

    /// The next that comes is a reset.
    pub(crate) async fn is_reset(&mut self) {
        let read = timeout(LONG, self.0.read_u8()).await;
        let kind = read.expect("nothing came").unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::ConnectionReset);
    }

    /// A new one is reset: while it connects still, or as soon as it has.
    pub(crate) async fn new_is_reset(proxy: &Proxy) {
        match TcpStream::connect(proxy.addr()).await {
            Ok(stream) => Self(stream).is_reset().await,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }

    /// The next that comes is the end.
    pub(crate) async fn ends(&mut self) {
        let read = timeout(LONG, self.0.read(&mut [0; 1])).await;
        assert_eq!(read.expect("nothing came").unwrap(), 0);
    }
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// In which nothing comes, if nothing does.
const MOMENT: Duration = ms(30);

/// In which everything comes that does.
const LONG: Duration = Duration::from_secs(20);
