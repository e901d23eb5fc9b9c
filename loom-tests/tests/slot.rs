//! The record of a slot: written by its one owner, read by whoever looks.
#![cfg(millpond_loom)]

use loom::sync::Arc;
use millpond::engine::slot::Record;
use millpond_loom_tests::{ALL, explore, race};
use std::panic::Location;

/// Forbids that a check-out is read with the time of one getter and the line of code of another.
#[test]
fn record_written_read() {
    let [first, second] = [Location::caller(), here()];
    explore("record_written_read", ALL, move || {
        let record = Arc::new(Record::new(7));
        record.take_out(1, first);
        race::<_, ()>(&record)
            .and(move |record: &Arc<Record>| {
                record.put_in();
                record.take_out(2, second);
            })
            .and(move |record: &Arc<Record>| {
                if let Some(read) = record.holding() {
                    let whose = if read.taken == 1 { first } else { second };
                    assert_eq!((read.id, read.caller), (7, whose));
                }
            })
            .run();
        let at_rest = record.holding().expect("it is out");
        assert_eq!((at_rest.taken, at_rest.caller), (2, second));
    });
}

/// Forbids that an object that is in is read as one that is out.
#[test]
fn record_in_read() {
    let caller = Location::caller();
    explore("record_in_read", ALL, move || {
        let record = Arc::new(Record::new(7));
        race::<_, ()>(&record)
            .and(move |record: &Arc<Record>| {
                record.take_out(1, caller);
                record.put_in();
            })
            .and(move |record: &Arc<Record>| {
                let read = record.holding().map(|read| (read.taken, read.caller));
                assert!(read.is_none() || read == Some((1, caller)));
            })
            .run();
        assert!(record.holding().is_none());
    });
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}
