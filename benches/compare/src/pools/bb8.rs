//! bb8. It cannot be without a limit in time: its 30 s stand.

use super::{Peer, told};
use crate::item::{Item, Maker};
use bb8::{ManageConnection, Pool, PooledConnection};
use std::convert::Infallible;

pub(crate) struct Bb8(Pool<Maker>);

impl ManageConnection for Maker {
    type Connection = Item;
    type Error = Infallible;

    async fn connect(&self) -> Result<Item, Infallible> {
        Ok(self.make().await)
    }

    async fn is_valid(&self, _: &mut Item) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Item) -> bool {
        false
    }
}

impl Peer for Bb8 {
    type Held<'a> = PooledConnection<'a, Maker>;

    async fn of(maker: Maker, max_size: usize) -> Self {
        let max_size = u32::try_from(max_size).expect("a few thousand");
        let built = Pool::builder().max_size(max_size).build(maker).await;
        Self(built.expect("nothing is made yet"))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await.map_err(told)
    }
}
