//! fast_pool. It cannot be without limits in time: its 10 s for a check and 30 s for a wait stand.

use super::Peer;
use crate::item::{Item, Maker};
use fast_pool::{ConnectionGuard, Manager, Pool};

pub(crate) struct FastPool(Pool<Maker>);

impl Manager for Maker {
    type Connection = Item;
    type Error = String;

    async fn connect(&self) -> Result<Item, String> {
        Ok(self.make().await)
    }

    async fn check(&self, _: &mut Item) -> Result<(), String> {
        Ok(())
    }
}

impl Peer for FastPool {
    type Held<'a> = ConnectionGuard<Maker>;

    async fn of(maker: Maker, max_size: usize) -> Self {
        let pool = Pool::new(maker);
        pool.set_max_open(max_size as u64);
        pool.set_max_idle_conns(max_size as u64);
        Self(pool)
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.get().await
    }
}
