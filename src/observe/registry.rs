//! All slots of a pool, for those who look.

use super::Checkout;
use super::clock::Clock;
use crate::engine::slot::Record;
use crate::engine::sync::{Arc, Mutex};
use std::cmp::Reverse;
use std::collections::HashMap;

/// The records of all objects that exist. Touched when one is made and when one goes, never by a get.
#[derive(Debug)]
pub(crate) struct Registry(Mutex<HashMap<usize, Arc<Record>>>);

impl Registry {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// A slot was made.
    pub(crate) fn add(&self, record: Arc<Record>) {
        self.0.lock().insert(record.id(), record);
    }

    /// A slot is gone.
    pub(crate) fn remove(&self, id: usize) {
        let gone = self.0.lock().remove(&id);
        drop(gone);
    }

    /// Who holds an object now, longest first.
    pub(crate) fn checkouts(&self, clock: &Clock) -> Vec<Checkout> {
        let records: Vec<_> = self.0.lock().values().cloned().collect();
        let now = clock.now();
        let mut checkouts: Vec<_> = records
            .iter()
            .filter_map(|record| record.holding())
            .map(|holding| Checkout {
                id: holding.id,
                held: clock.between(holding.taken, now),
                caller: holding.caller,
                label: holding.label,
            })
            .collect();
        checkouts.sort_by_key(|checkout| (Reverse(checkout.held), checkout.id));
        checkouts
    }
}
