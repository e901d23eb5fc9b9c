//! A pool that tells nothing of itself: neither its counts nor its health nor who holds its connections.

use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Makes them, over the pools of another.
pub(crate) struct Mute(Arc<dyn Maker>);

impl Mute {
    pub(crate) fn over(maker: Arc<dyn Maker>) -> Arc<dyn Maker> {
        Arc::new(Self(maker))
    }
}

#[async_trait]
impl Maker for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }

    fn version(&self) -> String {
        self.0.version()
    }

    fn keeps(&self) -> bool {
        false
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        Ok(Arc::new(Silent(self.0.make(spec).await?)))
    }
}

struct Silent(Arc<dyn Subject>);

#[async_trait]
impl Subject for Silent {
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        self.0.get(within, caller).await
    }

    fn look(&self) -> Look {
        Look::default()
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
