//! TLS by rustls, with ring.

use super::{BoxError, TlsOptions, end_point};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{
    WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// A stream that rustls carries.
pub(super) type Stream<S> = tokio_rustls::client::TlsStream<S>;

#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    pub(super) fn new(options: &TlsOptions) -> Result<Self, String> {
        let roots = Arc::new(roots(options.ca.as_deref())?);
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let verified = match options.any_host {
            false => config.with_root_certificates(roots),
            true => {
                let verifier = AnyHost::new(roots, provider)?;
                config
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let mut config = match &options.identity {
            None => verified.with_no_client_auth(),
            Some((certificate, key)) => verified
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|e| {
                    format!(
                        "{} does not suit {}: {e}",
                        key.display(),
                        certificate.display()
                    )
                })?,
        };
        // What a server demands that is spoken to in TLS from the first byte on (sslnegotiation=direct).
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn connect<S>(self, host: String, stream: S) -> Result<Stream<S>, BoxError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let host = ServerName::try_from(host)?;
        Ok(self.0.connect(host, stream).await?)
    }
}

/// What a login may be bound to.
pub(super) fn end_point<S>(stream: &Stream<S>) -> Option<Vec<u8>> {
    let certificates = stream.get_ref().1.peer_certificates()?;
    end_point::of(certificates.first()?)
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in certificates(path)? {
            let wrong = |e| format!("{} holds a certificate that is none: {e}", path.display());
            roots.add(certificate).map_err(wrong)?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    // A machine's own collection may hold some that are too old to be read.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why: String = found.errors.iter().map(|e| format!("; {e}")).collect();
        return Err(format!(
            "this machine trusts no authority that could be read{why}"
        ));
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    match certificates.is_empty() {
        true => Err(format!("{} holds no certificate in PEM", path.display())),
        false => Ok(certificates),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let unread = |e| {
        format!(
            "{} holds no private key that can be read: {e}",
            path.display()
        )
    };
    PrivateKeyDer::from_pem_file(path).map_err(unread)
}

/// Verifies who signed a certificate, and not for which host it is.
#[derive(Debug)]
struct AnyHost {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    /// For what is the same with or without a host.
    signatures: Arc<WebPkiServerVerifier>,
}

impl AnyHost {
    fn new(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let signatures =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()
                .map_err(|e| e.to_string())?;
        Ok(Self {
            roots,
            provider,
            signatures,
        })
    }
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(certificate)?,
            &self.roots,
            between,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_verify_schemes()
    }
}
