//! What a proxy has counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What passed through a [`Proxy`](super::Proxy), and what did not, since it was started.
///
/// Connections that were refused are not in it: the machine refuses them, and the proxy never hears of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Counts {
    /// Clients that were let in.
    pub accepted: u64,
    /// Those of them that are here now, with a server behind them or without.
    pub open: u64,
    /// Those that were reset by a fault, or because a fault had lost something of theirs.
    pub reset: u64,
    /// Those that were reset because the server could not be reached.
    pub unreached: u64,
    /// Bytes that the server was given.
    pub bytes_to_server: u64,
    /// Bytes that the clients were given.
    pub bytes_to_client: u64,
    /// Bytes that a fault has lost, both ways.
    pub bytes_lost: u64,
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) accepted: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) reset: AtomicU64,
    pub(super) unreached: AtomicU64,
    pub(super) to_server: AtomicU64,
    pub(super) to_client: AtomicU64,
    pub(super) lost: AtomicU64,
}

impl Book {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            accepted: self.accepted.load(Relaxed),
            open: self.open.load(Relaxed),
            reset: self.reset.load(Relaxed),
            unreached: self.unreached.load(Relaxed),
            bytes_to_server: self.to_server.load(Relaxed),
            bytes_to_client: self.to_client.load(Relaxed),
            bytes_lost: self.lost.load(Relaxed),
        }
    }
}

/// One more.
pub(super) fn count(what: &AtomicU64) {
    add(what, 1);
}

/// So many more.
pub(super) fn add(what: &AtomicU64, more: usize) {
    what.fetch_add(more as u64, Relaxed);
}
