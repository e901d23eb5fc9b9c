//! What is known of connections that came back in a state in which nobody else could have used them.

use crate::engine::sync::{AtomicU64, Mutex, Ordering};
use std::panic::Location;

/// How connections came back, and what was done about it, since the start; from [`Manager::returns`](super::Manager::returns).
///
/// One that comes back idle is counted nowhere here: it is kept at once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Returns {
    /// In a transaction, open or failed, that nobody would have ended: it was rolled back.
    pub in_transaction: u64,
    /// Where in the code those were taken, each place once, by file and line: that is where a `COMMIT` or
    /// `ROLLBACK` is missing on some way out.
    pub in_transaction_at: Vec<&'static Location<'static>>,
    /// With something still running that nobody waited for: it was cancelled.
    pub cancelled: u64,
    /// [Reset](super::Reset).
    pub reset: u64,
    /// Asked where they stood, since they are not [watched](super::ClientWrapper::is_watched).
    pub asked: u64,
    /// Closed, because they could not be put in order.
    pub closed: u64,
}

/// The figures of one manager.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    in_transaction: Figure,
    places: Mutex<Vec<&'static Location<'static>>>,
    pub(super) cancelled: Figure,
    pub(super) reset: Figure,
    pub(super) asked: Figure,
    pub(super) closed: Figure,
}

impl Ledger {
    pub(super) fn read(&self) -> Returns {
        Returns {
            in_transaction: self.in_transaction.read(),
            in_transaction_at: self.places.lock().clone(),
            cancelled: self.cancelled.read(),
            reset: self.reset.read(),
            asked: self.asked.read(),
            closed: self.closed.read(),
        }
    }

    /// One came back in a transaction that was taken here. Warns of each place once.
    pub(super) fn in_transaction(&self, target: &str, place: Option<&'static Location<'static>>) {
        self.in_transaction.add_one();
        let Some(place) = place else { return };
        let mut places = self.places.lock();
        if places.contains(&place) {
            return;
        }
        places.push(place);
        drop(places);
        warn(target, place);
    }
}

#[cfg(feature = "tracing")]
fn warn(target: &str, place: &Location<'_>) {
    crate::engine::wake::contain(|| {
        tracing::warn!(
            target: "millpond::postgres",
            server = target,
            file = place.file(),
            line = place.line(),
            "a connection came back in a transaction, which was rolled back; it was taken at {place}"
        );
    });
}

#[cfg(not(feature = "tracing"))]
fn warn(_: &str, _: &Location<'_>) {}

/// A number that rises.
#[derive(Debug, Default)]
pub(super) struct Figure(AtomicU64);

impl Figure {
    pub(super) fn add_one(&self) {
        // ORDERING(return counted): Relaxed; a figure for reports.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        // ORDERING(returns read): Relaxed; a figure for reports.
        self.0.load(Ordering::Relaxed)
    }
}
