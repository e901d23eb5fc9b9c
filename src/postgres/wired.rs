//! A stream to a server, plain or in TLS, that is watched as it passes.

use super::watch::Watch;
use super::wire::Tracker;
use crate::engine::sync::Arc;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// What carries the bytes.
pub(super) enum Carrier<S, T> {
    Plain(S),
    Tls(T),
}

/// A stream to a server. It is closed when the server has closed its side too: what the last message asked for has
/// been done then, be it a goodbye or a cancel request.
pub(super) struct Wired<S, T> {
    carrier: Carrier<S, T>,
    eye: Option<Eye>,
    /// Our side has been closed, or need not be.
    said_goodbye: bool,
}

/// Where what passes is seen.
struct Eye {
    tracker: Tracker,
    watch: Arc<Watch>,
    blocked: bool,
    unread: bool,
}

impl Eye {
    fn note(&self) {
        self.watch.note(&self.tracker, self.blocked, self.unread);
    }
}

impl<S, T> Wired<S, T> {
    /// A stream, with nothing sent on it yet but what TLS needed.
    pub(super) fn new(carrier: Carrier<S, T>, watch: Option<Arc<Watch>>) -> Self {
        let eye = watch.map(|watch| Eye {
            tracker: Tracker::new(),
            watch,
            blocked: false,
            unread: false,
        });
        Self {
            carrier,
            // A cancel request is not followed by one: PgBouncer 1.18 takes who closes his side for gone, forgets the
            // request, or falls over it. A server ends by itself what it has acted on.
            said_goodbye: eye.is_none(),
            eye,
        }
    }

    /// Whether a write had to wait.
    fn blocked(&mut self, blocked: bool) {
        let Some(eye) = &mut self.eye else { return };
        if std::mem::replace(&mut eye.blocked, blocked) != blocked {
            eye.note();
        }
    }
}

impl<S, T> Wired<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    fn poll_carrier_read(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Carrier::Tls(stream) => Pin::new(stream).poll_read(context, into),
        }
    }

    /// Reads until the server has closed its side, or the way to it is broken.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 256];
        loop {
            let mut into = ReadBuf::new(&mut scratch);
            let read = ready!(self.poll_carrier_read(context, &mut into));
            if read.is_err() || into.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl<S, T> AsyncRead for Wired<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = self.poll_carrier_read(context, into);
        let Some(eye) = &mut self.eye else {
            return polled;
        };
        // Who reads goes on reading until there is no more, unless what was read cannot be passed on.
        eye.unread = polled.is_ready();
        if let Poll::Ready(Ok(())) = polled {
            eye.tracker.read(&into.filled()[before..]);
        }
        eye.note();
        polled
    }
}

impl<S, T> AsyncWrite for Wired<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = match &mut self.carrier {
            Carrier::Plain(stream) => Pin::new(stream).poll_write(context, from),
            Carrier::Tls(stream) => Pin::new(stream).poll_write(context, from),
        };
        if let (Poll::Ready(Ok(count)), Some(eye)) = (&polled, &mut self.eye) {
            eye.tracker.written(&from[..*count]);
            eye.note();
        }
        self.blocked(polled.is_pending());
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = match &mut self.carrier {
            Carrier::Plain(stream) => Pin::new(stream).poll_flush(context),
            Carrier::Tls(stream) => Pin::new(stream).poll_flush(context),
        };
        self.blocked(polled.is_pending());
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.said_goodbye {
            ready!(match &mut self.carrier {
                Carrier::Plain(stream) => Pin::new(stream).poll_shutdown(context),
                Carrier::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            })?;
            self.said_goodbye = true;
        }
        self.poll_end(context).map(Ok)
    }
}

impl<S, T> TlsStream for Wired<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: TlsStream + Unpin,
{
    fn channel_binding(&self) -> ChannelBinding {
        match &self.carrier {
            Carrier::Plain(_) => ChannelBinding::none(),
            Carrier::Tls(stream) => stream.channel_binding(),
        }
    }
}
