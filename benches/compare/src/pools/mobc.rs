//! mobc. Every return is a task of its own; kept are as many as there may be, not two.

use super::{Peer, told};
use crate::item::{Item, Maker};
use mobc::{Connection, Manager, Pool};
use std::convert::Infallible;

pub(crate) struct Mobc(Pool<Maker>);

#[async_trait::async_trait]
impl Manager for Maker {
    type Connection = Item;
    type Error = Infallible;

    async fn connect(&self) -> Result<Item, Infallible> {
        Ok(self.make().await)
    }

    async fn check(&self, item: Item) -> Result<Item, Infallible> {
        Ok(item)
    }
}

impl Peer for Mobc {
    type Held<'a> = Connection<Maker>;

    async fn of(maker: Maker, max_size: usize) -> Self {
        let max_size = max_size as u64;
        let builder = Pool::builder().max_open(max_size).max_idle(max_size);
        Self(builder.get_timeout(None).build(maker))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }
}
