//! All slots of a pool, for those who look: who holds what, and the sums of what the slots count.

use super::Checkout;
use super::clock::Clock;
use super::counters::{SlotSums, Times};
use crate::engine::slot::Record;
use crate::engine::sync::{Arc, Mutex};
use std::cmp::Reverse;

/// The records of all objects that exist, and what those that are gone have counted. Touched when one is
/// made and when one goes, never by a get.
#[derive(Debug)]
pub(crate) struct Registry(Mutex<Book>);

#[derive(Debug)]
struct Book {
    /// By key; `None` where a slot is gone and its key not given out again.
    records: Vec<Option<Arc<Record>>>,
    free: Vec<usize>,
    gone: SlotSums,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Book {
            records: Vec::new(),
            free: Vec::new(),
            gone: SlotSums::default(),
        }))
    }

    /// A slot was made. The key is needed to forget it.
    pub(crate) fn add(&self, record: Arc<Record>) -> usize {
        let mut book = self.0.lock();
        match book.free.pop() {
            Some(key) => {
                book.records[key] = Some(record);
                key
            }
            None => {
                book.records.push(Some(record));
                book.records.len() - 1
            }
        }
    }

    /// A slot is gone: what it counted stays.
    pub(crate) fn remove(&self, key: usize, times: &Times) {
        let mut book = self.0.lock();
        let Some(record) = book.records[key].take() else {
            unreachable!("a slot goes once");
        };
        book.free.push(key);
        book.gone.add(&record);
        times.keep(&record.books);
        // As many were made at once, so many places were needed; they are given back when all are gone.
        if book.free.len() == book.records.len() {
            book.records = Vec::new();
            book.free = Vec::new();
        }
        drop(book);
        drop(record);
    }

    /// The sums over all slots, those that are gone included; `each` is shown those that are there, with the
    /// registry locked, so that none goes meanwhile.
    pub(crate) fn sums(&self, before: impl FnOnce(), mut each: impl FnMut(&Record)) -> SlotSums {
        let book = self.0.lock();
        before();
        let mut sums = book.gone;
        for record in book.records.iter().flatten() {
            each(record);
            sums.add(record);
        }
        sums
    }

    /// Who holds an object now, longest first.
    pub(crate) fn checkouts(&self, clock: &Clock) -> Vec<Checkout> {
        let records: Vec<_> = self.0.lock().records.iter().flatten().cloned().collect();
        let now = clock.now();
        let mut checkouts: Vec<_> = records
            .iter()
            .filter_map(|record| record.holding())
            .map(|holding| {
                let held = clock.between(holding.taken, now);
                Checkout::of(holding, held)
            })
            .collect();
        checkouts.sort_by_key(|checkout| (Reverse(checkout.held), checkout.id));
        checkouts
    }
}
