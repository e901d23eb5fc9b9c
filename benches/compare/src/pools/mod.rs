//! The pools, behind one face. Each is set as the others are: `max_size`, the one manager, no limit in time where it
//! can be without, its own default for checks at check-out (all of them check, but qp's check is part of its `acquire`).

mod bb8;
mod deadpool;
mod fast_pool;
mod millpond;
mod mobc;
mod qp;
mod semaphore;

pub(crate) use self::bb8::Bb8;
pub(crate) use self::deadpool::Deadpool;
pub(crate) use self::fast_pool::FastPool;
pub(crate) use self::millpond::Millpond;
pub(crate) use self::mobc::Mobc;
pub(crate) use self::qp::Qp;
pub(crate) use self::semaphore::Floor;

use crate::item::{Item, Maker};
use std::future::Future;
use std::ops::Deref;

/// A pool of items.
pub(crate) trait Peer: Sized + Send + Sync + 'static {
    /// An object that goes back when it is dropped.
    type Held<'a>: Deref<Target = Item> + Send
    where
        Self: 'a;

    /// A pool of at most so many, empty at first.
    fn of(maker: Maker, max_size: usize) -> impl Future<Output = Self> + Send;

    /// Gets one.
    fn get(&self) -> impl Future<Output = Result<Self::Held<'_>, String>> + Send;
}

/// How an error of a pool is told.
fn told(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
