//! The route to the servers: everything that a connect needs.

use super::connect::Open;
use super::search::{Found, Search};
use super::{CredentialProvider, Error};
use crate::engine::sync::Arc;
use std::borrow::Cow;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::Config as PgConfig;

/// How one comes to the servers, within which time, and what is asked of them.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) config: PgConfig,
    pub(super) open: Arc<dyn Open>,
    pub(super) bound: Duration,
    pub(super) search: Arc<Search>,
    pub(super) target: Arc<str>,
    /// Who gives the user and the password, where that is not the configuration.
    pub(super) credentials: Option<Arc<dyn CredentialProvider>>,
}

impl Route {
    /// Goes to whichever of the hosts is best.
    pub(super) async fn go(&self, runtime: &Handle) -> Result<Found, Error> {
        let places = self.search.order(&self.config);
        self.go_to(&places, runtime).await
    }

    /// Goes to one of the hosts at these places.
    pub(super) async fn go_to(&self, places: &[usize], runtime: &Handle) -> Result<Found, Error> {
        let (config, bound) = self.with_credentials().await?;
        let open = &self.open;
        let found = open.open(&config, runtime, bound, &self.search, places);
        let failed = |attempts| Error::connect(&self.target, attempts);
        found.await.map_err(failed)
    }

    /// The configuration with the credentials of this connect, and what is left of the bound.
    async fn with_credentials(&self) -> Result<(Cow<'_, PgConfig>, Duration), Error> {
        let Some(provider) = &self.credentials else {
            return Ok((Cow::Borrowed(&self.config), self.bound));
        };
        let began = Instant::now();
        let given = match timeout(self.bound, provider.credentials()).await {
            Ok(Ok(given)) => given,
            Ok(Err(cause)) => return Err(Error::credentials(&self.target, cause)),
            Err(_) => return Err(Error::credentials_late(&self.target, self.bound)),
        };
        let left = self.bound.saturating_sub(began.elapsed());
        Ok((Cow::Owned(given.put_into(&self.config)), left))
    }
}
