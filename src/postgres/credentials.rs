//! Credentials that change: asked for at each connect, instead of once and for all.

use super::BoxFuture;
use super::chain::Causes;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use tokio_postgres::Config as PgConfig;

/// What one connect says who it is with. `Debug` shows no password.
///
/// What is not given is that of the configuration.
///
/// # Examples
///
/// ```
/// use millpond::postgres::Credentials;
///
/// let today = Credentials::password("open sesame").user("alice");
/// assert_eq!(format!("{today:?}"), r#"Credentials { user: Some("alice"), password: Some(_) }"#);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Credentials {
    user: Option<String>,
    password: Option<Vec<u8>>,
}

impl Credentials {
    /// This password, or a token that stands for one.
    pub fn password(password: impl Into<Vec<u8>>) -> Self {
        Self {
            user: None,
            password: Some(password.into()),
        }
    }

    /// And this user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The configuration with these in it.
    pub(super) fn put_into(self, config: &PgConfig) -> PgConfig {
        let mut config = config.clone();
        if let Some(user) = self.user {
            config.user(user);
        }
        if let Some(password) = self.password {
            config.password(password);
        }
        config
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.password.as_ref().map(|_| format_args!("_"));
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &hidden)
            .finish()
    }
}

/// Gives the credentials of each connect: a vault's lease, a token of the cloud's, a file that somebody rotates.
/// For [`Manager::credentials`](super::Manager::credentials). A closure that returns a future is one.
///
/// It is asked by as many connects at once as the pool begins, and within the bound of each
/// ([`Manager::connect_bound`](super::Manager::connect_bound)): one that fetches from afar keeps what it fetched for
/// as long as that is good.
pub trait CredentialProvider: Send + Sync + 'static {
    /// The credentials of one connect.
    ///
    /// # Errors
    ///
    /// What kept them from being had: told in the error of the connect, so it must hold no secret.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any await.
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, CredentialError>>;
}

impl<F, Asked, E> CredentialProvider for F
where
    F: Fn() -> Asked + Send + Sync + 'static,
    Asked: Future<Output = Result<Credentials, E>> + Send,
    E: Into<CredentialError>,
{
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, CredentialError>> {
        Box::pin(async move { self().await.map_err(Into::into) })
    }
}

/// Why there are no credentials: made of any error, by `?` or `into`.
#[derive(Debug)]
pub struct CredentialError {
    pub(super) cause: Box<dyn StdError + Send + Sync>,
    is_permanent: bool,
}

impl CredentialError {
    /// One that time alone does not heal: [`Error::is_transient`](super::Error::is_transient) says no. Others are
    /// transient, as a vault that cannot be reached is, but for an I/O error such as a file that is not there.
    pub fn permanent(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            cause: cause.into(),
            is_permanent: true,
        }
    }

    pub(super) fn is_transient(&self) -> bool {
        !self.is_permanent
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for CredentialError {
    fn from(cause: E) -> Self {
        let cause = cause.into();
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let is_permanent = matches!(
            io,
            Some(
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidData
            )
        );
        Self {
            cause,
            is_permanent,
        }
    }
}

/// The whole chain of causes in one line.
impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Causes(&*self.cause).fmt(f)
    }
}
