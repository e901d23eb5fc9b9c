//! The route to the servers: everything that a connect needs.

use super::Error;
use super::connect::Open;
use super::search::{Found, Search};
use crate::engine::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::Config as PgConfig;

/// How one comes to the servers, within which time, and what is asked of them.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) config: PgConfig,
    pub(super) open: Arc<dyn Open>,
    pub(super) bound: Duration,
    pub(super) search: Arc<Search>,
    pub(super) target: Arc<str>,
}

impl Route {
    /// Goes to whichever of the hosts is best.
    pub(super) async fn go(&self, runtime: &Handle) -> Result<Found, Error> {
        let places = self.search.order(&self.config);
        self.go_to(&places, runtime).await
    }

    /// Goes to one of the hosts at these places.
    pub(super) async fn go_to(&self, places: &[usize], runtime: &Handle) -> Result<Found, Error> {
        let (open, bound) = (&self.open, self.bound);
        let found = open.open(&self.config, runtime, bound, &self.search, places);
        let failed = |attempts| Error::connect(&self.target, attempts);
        found.await.map_err(failed)
    }
}
