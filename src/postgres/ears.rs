//! What a server says without being asked: notifications and notices.

use crate::engine::sync::{Arc, OnceLock};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Connection, Error as PgError};

/// Who hears it: nobody at first, and then one for good. Clones are the same ears; whoever drives the connection has
/// one, and drops it at its end.
#[derive(Clone, Default)]
pub(super) struct Ears(Arc<OnceLock<Hear>>);

type Hear = Box<dyn Fn(AsyncMessage) + Send + Sync>;

impl Ears {
    /// From now on `hear` is told everything; it must not block. It is dropped with the last of these ears.
    pub(super) fn open(self, hear: impl Fn(AsyncMessage) + Send + Sync + 'static) {
        // Once, by whoever made the connection.
        let _ = self.0.set(Box::new(hear));
    }

    /// Drives the connection. While nobody hears, as tokio-postgres itself does it, which logs notices.
    pub(super) fn poll<S, T>(
        &self,
        connection: &mut Connection<S, T>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), PgError>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(hear) = self.0.get() else {
            return Pin::new(connection).poll(context);
        };
        while let Some(message) = ready!(connection.poll_message(context)?) {
            hear(message);
        }
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Ears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ears")
            .field(&self.0.get().is_some())
            .finish()
    }
}
