#[cfg(unix)]
use super::entry::unix_stream;
use super::negotiate::{Negotiator, Terms, can_encrypt};
use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken as PgToken, Error as PgError, NoTls, Socket};

/// The right to cancel what a connection is doing: [`tokio_postgres::CancelToken`], by the terms of the
/// connection's own configuration.
///
/// What is different: a cancel is over when the server has acted on it, not when it was sent. So a query that is
/// begun afterwards is not the one that is cancelled.
#[derive(Clone)]
pub struct CancelToken {
    token: PgToken,
    way: Way,
}

/// How a connection was made that is to be cancelled on.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// By tokio-postgres alone: its token knows all.
    Theirs,
    /// By our own terms, and to a host that it knows.
    Tcp(Terms),
    /// To the Unix socket with this path.
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl CancelToken {
    pub(super) fn new(token: PgToken, way: Way) -> Self {
        Self { token, way }
    }

    /// Cancels what the connection is doing now, if it is doing anything, over a connection of its own.
    ///
    /// `tls` is what the connection was made with; it is used as the configuration says.
    ///
    /// # Errors
    ///
    /// The server could not be reached. It never says whether there was anything to cancel.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the request may have been sent or not.
    pub async fn cancel_query<T>(&self, tls: T) -> Result<(), PgError>
    where
        T: MakeTlsConnect<Socket>,
    {
        match &self.way {
            Way::Theirs => self.token.cancel_query(tls).await,
            Way::Tcp(terms) => {
                let negotiator = Negotiator {
                    can_encrypt: can_encrypt::<T::TlsConnect>(),
                    tls,
                    terms: *terms,
                    watch: None,
                };
                self.token.cancel_query(negotiator).await
            }
            #[cfg(unix)]
            Way::Unix(path) => {
                let stream = unix_stream(path, None, None).await?;
                self.token.cancel_query_raw(stream, NoTls).await
            }
        }
    }

    /// [`cancel_query`](Self::cancel_query) over a stream that is connected to the server already.
    ///
    /// # Errors
    ///
    /// As [`cancel_query`](Self::cancel_query).
    pub async fn cancel_query_raw<S, T>(&self, stream: S, tls: T) -> Result<(), PgError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        T: TlsConnect<S>,
    {
        let terms = match &self.way {
            Way::Theirs => return self.token.cancel_query_raw(stream, tls).await,
            Way::Tcp(terms) => Terms {
                has_hostname: true,
                ..*terms
            },
            #[cfg(unix)]
            Way::Unix(_) => return self.token.cancel_query_raw(stream, tls).await,
        };
        let negotiator = Negotiator {
            tls,
            terms,
            can_encrypt: can_encrypt::<T>(),
            watch: None,
        };
        self.token.cancel_query_raw(stream, negotiator).await
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").finish_non_exhaustive()
    }
}
