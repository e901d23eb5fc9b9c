//! A floor: tokio's semaphore and an `ArrayQueue`, and nothing else. No manager, no counts, no pool.

use super::{Peer, told};
use crate::item::{Item, Maker};
use crossbeam_queue::ArrayQueue;
use std::ops::Deref;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) struct Floor {
    permits: Semaphore,
    idle: ArrayQueue<Item>,
    maker: Maker,
}

/// What it hands out. The object goes back before the permit does.
pub(crate) struct Taken<'a> {
    item: Option<Item>,
    idle: &'a ArrayQueue<Item>,
    _permit: SemaphorePermit<'a>,
}

impl Deref for Taken<'_> {
    type Target = Item;

    fn deref(&self) -> &Item {
        self.item.as_ref().expect("held until it is dropped")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            self.idle.push(item).expect("it came from here");
        }
    }
}

impl Peer for Floor {
    type Held<'a> = Taken<'a>;

    async fn of(maker: Maker, max_size: usize) -> Self {
        Self {
            permits: Semaphore::new(max_size),
            idle: ArrayQueue::new(max_size),
            maker,
        }
    }

    async fn get(&self) -> Result<Taken<'_>, String> {
        let permit = self.permits.acquire().await.map_err(told)?;
        let item = match self.idle.pop() {
            Some(item) => item,
            None => self.maker.make().await,
        };
        Ok(Taken {
            item: Some(item),
            idle: &self.idle,
            _permit: permit,
        })
    }
}
