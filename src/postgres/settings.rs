//! Settings of a connection that a [`Config`](super::Config) can read and write, as tokio-postgres' own
//! types cannot.

use std::fmt;
use tokio_postgres::config as pg;

/// What the server must be: libpq's `target_session_attrs`, all six.
///
/// It is known when a connection is made, and followed: a connection whose server is no longer what was asked
/// for is not handed out again. See [`Manager::target_session_attrs`](super::Manager::target_session_attrs).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum TargetSessionAttrs {
    /// Nothing special.
    Any,
    /// Writing: not a standby, and `default_transaction_read_only` off.
    ReadWrite,
    /// Reading only: a standby, or `default_transaction_read_only` on.
    ReadOnly,
    /// No standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby, and where none of the hosts is one, whatever there is.
    PreferStandby,
}

impl TargetSessionAttrs {
    /// The one of libpq's name: `read-write`, `prefer-standby`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut all = ALL_ATTRS.iter();
        all.find(|attrs| attrs.name() == name).copied()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }

    /// What tokio-postgres was told.
    pub(super) fn of(config: &tokio_postgres::Config) -> Self {
        match config.get_target_session_attrs() {
            pg::TargetSessionAttrs::ReadOnly => Self::ReadOnly,
            pg::TargetSessionAttrs::ReadWrite => Self::ReadWrite,
            _ => Self::Any,
        }
    }
}

/// As libpq writes it: `prefer-standby`.
impl fmt::Display for TargetSessionAttrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The nearest that tokio-postgres has, for one who connects without this crate's manager: it asks a primary to be
/// writable, takes what is read-only for a standby, and prefers nothing.
impl From<TargetSessionAttrs> for pg::TargetSessionAttrs {
    fn from(value: TargetSessionAttrs) -> Self {
        match value {
            TargetSessionAttrs::Any | TargetSessionAttrs::PreferStandby => Self::Any,
            TargetSessionAttrs::ReadWrite | TargetSessionAttrs::Primary => Self::ReadWrite,
            TargetSessionAttrs::ReadOnly | TargetSessionAttrs::Standby => Self::ReadOnly,
        }
    }
}

const ALL_ATTRS: [TargetSessionAttrs; 6] = [
    TargetSessionAttrs::Any,
    TargetSessionAttrs::ReadWrite,
    TargetSessionAttrs::ReadOnly,
    TargetSessionAttrs::Primary,
    TargetSessionAttrs::Standby,
    TargetSessionAttrs::PreferStandby,
];

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum SslMode {
    /// Never.
    Disable,
    /// Where the server offers it and a connector was given; else silently not, so that whoever is on the way can
    /// see to it that there is none. With the connector of this crate, `Tls`, as [`Require`](Self::Require).
    Prefer,
    /// Always: a server that does not offer it is an error. Whether the server is the right one is for the connector
    /// to verify; `Tls` does.
    Require,
    /// And the server's certificate is signed by a trusted authority. Needs `Tls`, and refuses other connectors.
    VerifyCa,
    /// And it is for the host that was asked for. Needs `Tls`, and refuses other connectors.
    VerifyFull,
}

impl SslMode {
    /// Whether it is one that tokio-postgres leaves to a connector.
    pub(super) fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl From<SslMode> for pg::SslMode {
    fn from(value: SslMode) -> Self {
        match value {
            SslMode::Disable => Self::Disable,
            SslMode::Prefer => Self::Prefer,
            // That the connector verifies is seen to where the two come together.
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Self::Require,
        }
    }
}

/// Whether authentication is bound to the TLS session, so that nobody can stand in between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Always: a connection without TLS, or a server that cannot, is an error.
    Require,
}

impl From<ChannelBinding> for pg::ChannelBinding {
    fn from(value: ChannelBinding) -> Self {
        match value {
            ChannelBinding::Disable => Self::Disable,
            ChannelBinding::Prefer => Self::Prefer,
            ChannelBinding::Require => Self::Require,
        }
    }
}

/// In which order several hosts, and several addresses of one, are tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum LoadBalanceHosts {
    /// As they were given.
    Disable,
    /// In a new random order for each connection.
    Random,
}

impl From<LoadBalanceHosts> for pg::LoadBalanceHosts {
    fn from(value: LoadBalanceHosts) -> Self {
        match value {
            LoadBalanceHosts::Disable => Self::Disable,
            LoadBalanceHosts::Random => Self::Random,
        }
    }
}
