//! What a configuration demands of a server's certificate, and whether a connector does that: where it does not, or
//! where none is built in that could, the configuration is refused. Nothing is ever less verified than was asked for.

use super::params::Extras;
use super::{Config, Error, SslMode, hosts};
use std::any::{Any, type_name};
use std::path::PathBuf;
use tokio_postgres::Config as PgConfig;
use tokio_postgres::config::SslMode as PgMode;

#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
use super::tls::{Tls, TlsOptions};

/// What is demanded of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// Verified, by this parameter's value.
    mode: Option<SslMode>,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Demand {
    /// What the fields say, and where they do not, the URL.
    pub(super) fn of(config: &Config, extras: &Extras) -> Self {
        let mode = config.ssl_mode.or(extras.ssl_mode);
        Self {
            mode: mode.filter(|mode| mode.verifies()),
            root: config.ssl_root_cert.clone().or(extras.root.clone()),
            certificate: config.ssl_cert.clone().or(extras.certificate.clone()),
            key: config.ssl_key.clone().or(extras.key.clone()),
        }
    }

    /// Whether a connector does what is demanded.
    ///
    /// # Errors
    ///
    /// It does not, or does not tell.
    pub(super) fn is_met_by<T: Any>(&self, connector: &T) -> Result<(), Error> {
        let Some(demanded) = self.demanded() else {
            return Ok(());
        };
        let why = match made_from(connector as &dyn Any) {
            Some(made_from) => return self.is_met_by_options(demanded, made_from),
            None if CAN_VERIFY => {
                "needs the connector that Config::tls makes, since nobody can tell what another one verifies"
            }
            None => {
                "needs the feature postgres-rustls or postgres-native-tls, and the connector that Config::tls makes"
            }
        };
        let given = type_name::<T>();
        Err(Error::tls(format!("{demanded} {why}; given was {given}")))
    }

    /// The strongest of what is demanded, in libpq's words; `None`, if nothing is.
    fn demanded(&self) -> Option<&'static str> {
        let named = [
            (
                self.mode == Some(SslMode::VerifyFull),
                "sslmode=verify-full",
            ),
            (self.mode == Some(SslMode::VerifyCa), "sslmode=verify-ca"),
            (self.root.is_some(), "sslrootcert"),
            (self.certificate.is_some(), "sslcert"),
            (self.key.is_some(), "sslkey"),
        ];
        let mut demanded = named.iter().filter(|(is_set, _)| *is_set);
        demanded.next().map(|(_, name)| *name)
    }
}

#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
impl Demand {
    /// The connector that does it. Where nothing is demanded, one that verifies all the same.
    pub(super) fn connector(&self) -> Result<Tls, Error> {
        self.options()?.build()
    }

    fn options(&self) -> Result<TlsOptions, Error> {
        let mut options = Tls::options();
        if let Some(root) = self.root.as_ref().filter(|root| root.as_os_str() != SYSTEM) {
            options = options.ca(root);
        }
        match (&self.certificate, &self.key) {
            (None, None) => {}
            (Some(certificate), Some(key)) => {
                options = options.client_certificate(certificate, key);
            }
            _ => {
                return Err(Error::tls(
                    "sslcert and sslkey belong together: one is missing",
                ));
            }
        }
        if self.mode == Some(SslMode::VerifyCa) {
            if self.root.is_none()
                || self
                    .root
                    .as_ref()
                    .is_some_and(|root| root.as_os_str() == SYSTEM)
            {
                return Err(Error::tls(
                    "sslmode=verify-ca needs sslrootcert: whoever has a certificate of any authority that this \
                     machine trusts could stand in for the server",
                ));
            }
            options = options.verify_ca_only();
        }
        Ok(options)
    }

    /// Whether what a connector was made from is at least what is demanded.
    fn is_met_by_options(&self, demanded: &str, given: &TlsOptions) -> Result<(), Error> {
        let wanted = self.options()?;
        let is_met = (wanted.any_host || !given.any_host)
            && (self.root.is_none() || wanted.ca == given.ca)
            && (wanted.identity.is_none() || wanted.identity == given.identity);
        match is_met {
            true => Ok(()),
            false => Err(Error::tls(format!(
                "{demanded} is not what this connector was made for; Config::tls makes one that is"
            ))),
        }
    }
}

#[cfg(not(any(feature = "postgres-rustls", feature = "postgres-native-tls")))]
impl Demand {
    fn is_met_by_options(&self, _: &str, never: &Never) -> Result<(), Error> {
        match *never {}
    }
}

/// There is no connector of ours to be made from anything.
#[cfg(not(any(feature = "postgres-rustls", feature = "postgres-native-tls")))]
enum Never {}

#[cfg(not(any(feature = "postgres-rustls", feature = "postgres-native-tls")))]
fn made_from(_: &dyn Any) -> Option<&Never> {
    None
}

#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
fn made_from(connector: &dyn Any) -> Option<&TlsOptions> {
    connector.downcast_ref::<Tls>().map(Tls::made_from)
}

/// A connector of ours is there to verify: a server that offers no TLS is not spoken to then, where `prefer`, which
/// nobody may have said, would do that. On a Unix socket there is nothing to verify.
pub(super) fn insist(connector: &dyn Any, config: &mut PgConfig) {
    if hosts::are_remote(config)
        && made_from(connector).is_some()
        && config.get_ssl_mode() == PgMode::Prefer
    {
        config.ssl_mode(PgMode::Require);
    }
}

/// Whether a connector of ours is built in.
pub(super) const CAN_VERIFY: bool = cfg!(any(
    feature = "postgres-rustls",
    feature = "postgres-native-tls"
));

/// As libpq calls the authorities that the machine trusts.
#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
const SYSTEM: &str = "system";
