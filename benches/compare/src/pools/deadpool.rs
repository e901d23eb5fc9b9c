//! deadpool.

use super::{Peer, told};
use crate::item::{Item, Maker};
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleResult};
use std::convert::Infallible;

pub(crate) struct Deadpool(Pool<Maker>);

impl Manager for Maker {
    type Type = Item;
    type Error = Infallible;

    async fn create(&self) -> Result<Item, Infallible> {
        Ok(self.make().await)
    }

    async fn recycle(&self, _: &mut Item, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

impl Peer for Deadpool {
    type Held<'a> = Object<Maker>;

    async fn of(maker: Maker, max_size: usize) -> Self {
        let built = Pool::builder(maker).max_size(max_size).build();
        Self(built.expect("nothing is set that needs a runtime"))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }
}
