//! An error of tokio-postgres with a cause of ours.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config as PgConfig, Error as PgError, NoTls};

/// An error of tokio-postgres whose source is `cause`. It has no constructor for others; but it wraps what the stream
/// says on which it should connect, and that may be a stream of ours.
pub(super) fn saying(cause: io::Error) -> PgError {
    let mut config = PgConfig::new();
    config.user("nobody").ssl_mode(SslMode::Disable);
    let connecting = config.connect_raw(Refusing(Some(cause)), NoTls);
    match pin!(connecting).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => error,
        // A stream that refuses is refused at once, whatever tokio-postgres does with it first.
        Poll::Ready(Ok(_)) | Poll::Pending => unreachable!("connected to nothing"),
    }
}

/// A stream that says one error, whatever is asked of it.
struct Refusing(Option<io::Error>);

impl Refusing {
    fn refuse<T>(&mut self) -> Poll<io::Result<T>> {
        let said = self.0.take();
        Poll::Ready(Err(said.unwrap_or_else(|| io::ErrorKind::Other.into())))
    }
}

impl AsyncRead for Refusing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.refuse()
    }
}

impl AsyncWrite for Refusing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.refuse()
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.refuse()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
