//! millpond's error as one of tokio-postgres, which deadpool-postgres' signatures name.

use millpond::postgres::Error;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{Error as PgError, NoTls};

/// The error of tokio-postgres behind one of millpond's; where there is none, as for a connect that ran out
/// of time, one that has millpond's as the text of its source.
pub(crate) fn theirs(error: Error) -> PgError {
    let kind = match error.is_timeout() {
        true => io::ErrorKind::TimedOut,
        false => io::ErrorKind::Other,
    };
    let told = error.to_string();
    error
        .into_cause()
        .unwrap_or_else(|| saying(io::Error::new(kind, told)))
}

/// An error of tokio-postgres whose source is `cause`. It has no constructor for others; but it wraps what
/// the stream says on which it should connect, and that may be a stream of ours.
pub(crate) fn saying(cause: io::Error) -> PgError {
    let mut config = tokio_postgres::Config::new();
    config
        .user("nobody")
        .ssl_mode(tokio_postgres::config::SslMode::Disable);
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
    fn refuse(&mut self) -> io::Error {
        self.0.take().unwrap_or_else(|| io::ErrorKind::Other.into())
    }
}

impl AsyncRead for Refusing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.refuse()))
    }
}

impl AsyncWrite for Refusing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(self.refuse()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.refuse()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn the_cause_is_the_source() {
        let error = saying(io::Error::new(io::ErrorKind::TimedOut, "after 3.0 s"));
        let source = error.source().expect("it has a source");
        assert_eq!(source.to_string(), "after 3.0 s");
        let source: &io::Error = source.downcast_ref().expect("of std's type");
        assert_eq!(source.kind(), io::ErrorKind::TimedOut);
        assert!(!error.is_closed() && error.code().is_none());
    }
}
