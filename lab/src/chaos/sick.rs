//! An episode's ills, carried out and healed.

use super::plan::{Episode, Ill};
use crate::Failure;
use crate::harm::Harmed;
use crate::site::{Site, blocking};
use millpond_testkit::proxy::Proxy;
use std::sync::Arc;

/// A pool's way to its server and the server itself, which fall ill and recover.
#[derive(Debug)]
pub(super) struct Sick {
    site: Site,
    proxy: Arc<Proxy>,
    /// The pool's name at the server.
    name: String,
}

impl Sick {
    pub(super) fn new(site: &Site, proxy: Arc<Proxy>, name: &str) -> Self {
        Self {
            site: site.clone(),
            proxy,
            name: name.to_owned(),
        }
    }

    /// Everything of an episode begins. What was done to the server, and how much had to be left out there.
    ///
    /// # Errors
    ///
    /// The harness failed.
    pub(super) async fn fall(&self, episode: &Episode) -> Result<(Vec<Harmed>, usize), Failure> {
        let mut harmed = Vec::new();
        let mut left_out = 0;
        for ill in &episode.ills {
            match ill {
                Ill::Way(fault) => {
                    let fault = *fault;
                    self.order(move |proxy| proxy.add(fault)).await?;
                }
                Ill::Cut => self.order(Proxy::reset_all).await?,
                Ill::Terminated if self.site.server().is_some() => {
                    self.site.terminate(&self.name).await?;
                }
                Ill::Killed if self.site.is_ours() => {
                    self.site.kill(&self.name).await?;
                }
                Ill::Server(harm) if self.site.is_ours() => {
                    harmed.push(self.site.harm(*harm).await?);
                }
                Ill::Terminated | Ill::Killed | Ill::Server(_) => left_out += 1,
            }
        }
        Ok((harmed, left_out))
    }

    /// Everything is well again.
    ///
    /// # Errors
    ///
    /// The harness failed.
    pub(super) async fn recover(&self, harmed: Vec<Harmed>) -> Result<(), Failure> {
        self.order(Proxy::heal).await?;
        for harmed in harmed {
            harmed.heal().await?;
        }
        Ok(())
    }

    /// The proxy says when it is done, which blocks: not here, where callers' timers run.
    async fn order(&self, order: impl FnOnce(&Proxy) + Send + 'static) -> Result<(), Failure> {
        let proxy = Arc::clone(&self.proxy);
        blocking(move || {
            order(&proxy);
            Ok(())
        })
        .await
    }
}
