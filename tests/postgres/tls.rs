//! A connector of one's own: what it is told, and that its stream is the one that is used.
//!
//! It encrypts nothing: `sslnegotiation=direct` sends no request for TLS, so that the server sees plain
//! PostgreSQL.

use crate::ground::database;
use millpond::Runtime;
use millpond::postgres::tokio_postgres::config::{Host, SslMode, SslNegotiation};
use millpond::postgres::tokio_postgres::tls::{
    ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream,
};
use millpond::postgres::tokio_postgres::{Config as PgConfig, Socket};
use millpond::postgres::{Manager, Pool};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was seen of a connection.
#[derive(Default)]
pub(crate) struct Seen {
    domain: String,
    read: usize,
    written: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Seen>>);

impl MakeTlsConnect<Socket> for Watch {
    type Stream = Watched;
    type TlsConnect = Self;
    type Error = Infallible;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Self, Infallible> {
        self.0.lock().unwrap().domain = domain.to_owned();
        Ok(self.clone())
    }
}

impl TlsConnect<Socket> for Watch {
    type Stream = Watched;
    type Error = Infallible;
    type Future = Ready<Result<Watched, Infallible>>;

    fn connect(self, stream: Socket) -> Self::Future {
        ready(Ok(Watched(stream, self)))
    }
}

pub(crate) struct Watched(Socket, Watch);

impl TlsStream for Watched {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.0).poll_read(context, into);
        self.1.0.lock().unwrap().read += into.filled().len() - before;
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.0).poll_write(context, from);
        if let Poll::Ready(Ok(count)) = polled {
            self.1.0.lock().unwrap().written += count;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn the_connectors_stream_is_used() {
    let db = database();
    let mut config: PgConfig = db.config();
    let hosts = config.get_hosts().to_vec();
    config.ssl_mode(SslMode::Require);
    config.ssl_negotiation(SslNegotiation::Direct);
    let watch = Watch::default();
    let pool = Pool::builder(Manager::new(config, watch.clone()))
        .max_size(1)
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    let client = pool.get().await.unwrap();
    let before = watch.0.lock().unwrap().read;
    client
        .simple_query("SELECT repeat('x', 10000)")
        .await
        .unwrap();
    let seen = watch.0.lock().unwrap();
    assert_eq!(hosts, [Host::Tcp(seen.domain.clone())]);
    assert!(seen.written > 0 && seen.read - before > 10_000);
}

/// The connector is asked only where the configuration says so, and the server can.
#[tokio::test]
async fn a_connector_is_used_as_the_configuration_says() {
    let db = database();
    for (mode, negotiation, used) in [
        (SslMode::Disable, SslNegotiation::Postgres, Ok(false)),
        (SslMode::Disable, SslNegotiation::Direct, Ok(false)),
        (SslMode::Prefer, SslNegotiation::Postgres, Ok(false)),
        (SslMode::Prefer, SslNegotiation::Direct, Err("weak sslmode")),
        (
            SslMode::Require,
            SslNegotiation::Postgres,
            Err("server does not support TLS"),
        ),
        (SslMode::Require, SslNegotiation::Direct, Ok(true)),
    ] {
        let what = format!("{mode:?}, {negotiation:?}");
        let mut config: PgConfig = db.config();
        config.ssl_mode(mode).ssl_negotiation(negotiation);
        let watch = Watch::default();
        let pool = Pool::builder(Manager::new(config, watch.clone()));
        let pool = pool.max_size(1).build().unwrap();
        match (pool.get().await, used) {
            (Ok(client), Ok(used)) => {
                client.simple_query("SELECT 1").await.unwrap();
                assert!(client.is_watched());
                assert_eq!(watch.0.lock().unwrap().read > 0, used, "{what}");
            }
            (Err(error), Err(why)) => {
                assert!(error.to_string().contains(why), "{what}: {error}");
            }
            (got, used) => panic!("{what}: {got:?}, not {used:?}"),
        }
    }
}
