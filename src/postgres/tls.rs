//! TLS whose other end is verified, built in.
//!
//! ```text
//! Tls::verify_full, from_ca, options   → the authorities and the key, read once
//! each connect                         → a handshake (rustls.rs, native.rs), verified
//!                                      → what a login is bound to (end_point.rs)
//! ```

#[cfg(feature = "postgres-rustls")]
mod end_point;
#[cfg(feature = "postgres-native-tls")]
mod native;
#[cfg(feature = "postgres-rustls")]
mod rustls;

use super::{BoxFuture, Error};
use crate::engine::sync::Arc;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{self, ChannelBinding, MakeTlsConnect, TlsConnect};

/// A connector for TLS that verifies the server: for [`Config::create_pool`](super::Config::create_pool) and
/// [`Manager::new`](super::Manager::new).
///
/// The server's certificate must be signed by an authority that is trusted, and be for the host that was asked for:
/// libpq's `sslmode=verify-full`. A login by SCRAM is bound to the TLS session where the server can
/// (`channel_binding`), so that nobody stands in between.
///
/// A manager that is given this connector takes `sslmode=prefer`, which is the default and would do without TLS where
/// a server does not offer it, for `require`. Only `sslmode=disable` connects in plain text, and a Unix socket, which
/// does not leave the machine.
///
/// With the feature `postgres-rustls` it is rustls, with ring; with `postgres-native-tls` the system's own TLS (OpenSSL
/// on Linux); with both, rustls, unless [`TlsOptions::native`] says otherwise. Both speak TLS 1.2 and 1.3.
///
/// # Examples
///
/// ```no_run
/// use millpond::Runtime;
/// use millpond::postgres::{Config, Tls};
///
/// let mut config = Config::new();
/// config.url = Some("postgres://alice@db.example/shop".to_owned());
/// let pool = config.create_pool(Some(Runtime::Tokio1), Tls::from_ca("/etc/shop/ca.pem")?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// All of it in the URL:
///
/// ```no_run
/// use millpond::Runtime;
/// use millpond::postgres::Config;
///
/// let mut config = Config::new();
/// config.url = Some("postgres://alice@db.example/shop?sslmode=verify-full&sslrootcert=/etc/shop/ca.pem".to_owned());
/// let pool = config.create_pool(Some(Runtime::Tokio1), config.tls()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls {
    connector: Connector,
    options: Arc<TlsOptions>,
}

#[derive(Clone)]
enum Connector {
    #[cfg(feature = "postgres-rustls")]
    Rustls(rustls::Connector),
    #[cfg(feature = "postgres-native-tls")]
    Native(native::Connector),
}

impl Tls {
    /// Trusts the authorities that the machine trusts.
    ///
    /// # Errors
    ///
    /// It has none, or they cannot be read.
    pub fn verify_full() -> Result<Self, Error> {
        Self::options().build()
    }

    /// Trusts the authorities in this file of PEM, and no others.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no certificate.
    pub fn from_ca(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::options().ca(path).build()
    }

    /// All that can be chosen.
    pub fn options() -> TlsOptions {
        TlsOptions::default()
    }

    /// What it was made from.
    pub(super) fn made_from(&self) -> &TlsOptions {
        &self.options
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What a [`Tls`] is made from; by [`Tls::options`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is read before `build`"]
pub struct TlsOptions {
    pub(super) ca: Option<PathBuf>,
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    pub(super) any_host: bool,
    #[cfg(feature = "postgres-native-tls")]
    native: bool,
}

impl TlsOptions {
    /// Trusts the authorities in this file of PEM, and no others: libpq's `sslrootcert`. Default: those that the
    /// machine trusts.
    pub fn ca(mut self, path: impl AsRef<Path>) -> Self {
        self.ca = Some(path.as_ref().to_owned());
        self
    }

    /// Shows this certificate (with those between it and its authority) to a server that asks for one, and proves it
    /// by this key, each a file of PEM: libpq's `sslcert` and `sslkey`. A key that is itself encrypted cannot be read.
    pub fn client_certificate(
        mut self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Self {
        self.identity = Some((certificate.as_ref().to_owned(), key.as_ref().to_owned()));
        self
    }

    /// Does not look for which host the certificate is: libpq's `verify-ca`. Whoever has any certificate of the
    /// authority can stand in for the server then, so the authority should be your own.
    pub fn verify_ca_only(mut self) -> Self {
        self.any_host = true;
        self
    }

    /// The system's own TLS, where rustls is built in too.
    #[cfg(feature = "postgres-native-tls")]
    pub fn native(mut self) -> Self {
        self.native = true;
        self
    }

    /// Reads what it needs.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or does not hold what it should; or the machine trusts no authority. The error names
    /// the file.
    pub fn build(self) -> Result<Tls, Error> {
        let connector = self.connector().map_err(Error::tls)?;
        Ok(Tls {
            connector,
            options: Arc::new(self),
        })
    }

    fn connector(&self) -> Result<Connector, String> {
        #[cfg(feature = "postgres-native-tls")]
        if self.native || cfg!(not(feature = "postgres-rustls")) {
            return native::Connector::new(self).map(Connector::Native);
        }
        #[cfg(feature = "postgres-rustls")]
        return rustls::Connector::new(self).map(Connector::Rustls);
        #[cfg(not(feature = "postgres-rustls"))]
        unreachable!("native-tls is the only one there is")
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = BoxError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, BoxError> {
        Ok(Handshake {
            connector: self.connector.clone(),
            host: host.to_owned(),
        })
    }
}

/// A handshake with one host that is about to begin.
pub struct Handshake {
    connector: Connector,
    host: String,
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Encrypted<S>, BoxError>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let carrier = match self.connector {
                #[cfg(feature = "postgres-rustls")]
                Connector::Rustls(connector) => {
                    let stream = connector.connect(self.host, stream).await?;
                    Carrier::Rustls(Box::new(stream))
                }
                #[cfg(feature = "postgres-native-tls")]
                Connector::Native(connector) => {
                    Carrier::Native(connector.connect(&self.host, stream).await?)
                }
            };
            Ok(Encrypted(carrier))
        })
    }
}

/// A stream in TLS to a server that was verified.
#[derive(Debug)]
pub struct Encrypted<S>(Carrier<S>);

#[derive(Debug)]
enum Carrier<S> {
    #[cfg(feature = "postgres-rustls")]
    Rustls(Box<rustls::Stream<S>>),
    #[cfg(feature = "postgres-native-tls")]
    Native(native::Stream<S>),
}

/// The same call on whichever carries the stream.
macro_rules! carried {
    ($self:expr, $stream:ident => $call:expr) => {
        match &mut $self.get_mut().0 {
            #[cfg(feature = "postgres-rustls")]
            Carrier::Rustls(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "postgres-native-tls")]
            Carrier::Native(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        carried!(self, stream => stream.poll_read(context, into))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        carried!(self, stream => stream.poll_write(context, from))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        carried!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        carried!(self, stream => stream.poll_shutdown(context))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> tls::TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let end_point = match &self.0 {
            #[cfg(feature = "postgres-rustls")]
            Carrier::Rustls(stream) => rustls::end_point(stream),
            #[cfg(feature = "postgres-native-tls")]
            Carrier::Native(stream) => native::end_point(stream),
        };
        end_point.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}
