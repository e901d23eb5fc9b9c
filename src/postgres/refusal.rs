//! Errors of ours in the type of tokio-postgres' functions, which is the one that callers expect and only a server's
//! answer makes: so an answer is what it is given.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config as PgConfig, Error as PgError, NoTls};

/// "Feature not supported", as a server says it, with a hint. Nothing waits for anything.
pub(super) async fn by_us(message: &str, hint: &str) -> PgError {
    let mut config = PgConfig::new();
    config.user("nobody").ssl_mode(SslMode::Disable);
    let server = Server(answer(message, hint));
    match config.connect_raw(server, NoTls).await {
        Err(error) => error,
        Ok(_) => unreachable!("a server that only refuses has let somebody in"),
    }
}

/// An `ErrorResponse`: its kind, its length, fields of a letter and a text, and a zero.
fn answer(message: &str, hint: &str) -> Vec<u8> {
    let fields = [
        ('S', "ERROR"),
        ('V', "ERROR"),
        ('C', "0A000"),
        ('M', message),
        ('H', hint),
        ('R', "millpond"),
    ];
    let body: String = fields
        .map(|(kind, text)| format!("{kind}{text}\0"))
        .concat();
    let length = u32::try_from(LENGTH_AND_END + body.len()).unwrap_or(u32::MAX);
    [b"E", &length.to_be_bytes()[..], body.as_bytes(), b"\0"].concat()
}

/// A server that says this one thing to whoever comes.
struct Server(Vec<u8>);

impl AsyncRead for Server {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let now = self.0.len().min(into.remaining());
        let said: Vec<u8> = self.0.drain(..now).collect();
        into.put_slice(&said);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        heard: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(heard.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What the length of a frame counts beside its fields: itself, and the zero at their end.
const LENGTH_AND_END: usize = 5;
