//! qp.

use super::{Peer, told};
use crate::item::{Item, Maker};
use qp::resource::Manage;
use qp::{Pool, Pooled};
use std::convert::Infallible;

pub(crate) struct Qp(Pool<Maker>);

#[async_trait::async_trait]
impl Manage for Maker {
    type Output = Item;
    type Error = Infallible;

    async fn try_create(&self) -> Result<Item, Infallible> {
        Ok(self.make().await)
    }
}

impl Peer for Qp {
    type Held<'a> = Pooled<'a, Maker>;

    async fn of(maker: Maker, max_size: usize) -> Self {
        Self(Pool::new(maker, max_size))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.acquire().await.map_err(told)
    }
}
