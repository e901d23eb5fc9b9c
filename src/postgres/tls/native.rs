//! TLS by the system's own library: OpenSSL on Linux, SChannel on Windows, Security Framework on macOS.

use super::{BoxError, TlsOptions};
use native_tls::{Certificate, Identity, Protocol};
use std::fs;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_native_tls::TlsConnector;

/// A stream that the system's library carries.
pub(super) type Stream<S> = tokio_native_tls::TlsStream<S>;

#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    pub(super) fn new(options: &TlsOptions) -> Result<Self, String> {
        let mut builder = native_tls::TlsConnector::builder();
        builder
            .min_protocol_version(Some(Protocol::Tlsv12))
            .danger_accept_invalid_hostnames(options.any_host)
            .request_alpns(&["postgresql"]);
        if let Some(path) = &options.ca {
            builder.disable_built_in_roots(true);
            for certificate in certificates(path)? {
                builder.add_root_certificate(certificate);
            }
        }
        if let Some((certificate, key)) = &options.identity {
            let identity = Identity::from_pkcs8(&read(certificate)?, &read(key)?);
            let (certificate, key) = (certificate.display(), key.display());
            let unread =
                |e| format!("{certificate} and {key} are no certificate with its key: {e}");
            builder.identity(identity.map_err(unread)?);
        }
        let connector = builder.build().map_err(|e| e.to_string())?;
        Ok(Self(TlsConnector::from(connector)))
    }

    pub(super) async fn connect<S>(self, host: &str, stream: S) -> Result<Stream<S>, BoxError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Ok(self.0.connect(host, stream).await?)
    }
}

/// What a login may be bound to.
pub(super) fn end_point<S>(stream: &Stream<S>) -> Option<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.get_ref().tls_server_end_point().ok().flatten()
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, String> {
    let unread = |e| format!("{} cannot be read: {e}", path.display());
    let certificates = Certificate::stack_from_pem(&read(path)?).map_err(unread)?;
    match certificates.is_empty() {
        true => Err(format!("{} holds no certificate in PEM", path.display())),
        false => Ok(certificates),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}
