//! Settings of a connection that a [`Config`](super::Config) can read and write, as tokio-postgres' own
//! types cannot.

use tokio_postgres::config as pg;

/// What the server must allow.
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
}

impl From<TargetSessionAttrs> for pg::TargetSessionAttrs {
    fn from(value: TargetSessionAttrs) -> Self {
        match value {
            TargetSessionAttrs::Any => Self::Any,
            TargetSessionAttrs::ReadWrite => Self::ReadWrite,
            TargetSessionAttrs::ReadOnly => Self::ReadOnly,
        }
    }
}

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum SslMode {
    /// Never.
    Disable,
    /// Where the server offers it and a connector was given; else silently not.
    Prefer,
    /// Always: a server that does not offer it is an error.
    Require,
}

impl From<SslMode> for pg::SslMode {
    fn from(value: SslMode) -> Self {
        match value {
            SslMode::Disable => Self::Disable,
            SslMode::Prefer => Self::Prefer,
            SslMode::Require => Self::Require,
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
