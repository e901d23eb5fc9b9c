//! An episode's ills, carried out and healed.

use super::plan::{Episode, Ill};
use crate::Failure;
use crate::harm::Harmed;
use crate::site::Site;
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
                Ill::Way(fault) => self.proxy.add(*fault),
                Ill::Cut => self.proxy.reset_all(),
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
        self.proxy.heal();
        for harmed in harmed {
            harmed.heal().await?;
        }
        Ok(())
    }
}
