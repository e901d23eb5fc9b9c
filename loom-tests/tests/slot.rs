//! The record of a slot: written by its one owner, read by whoever looks.
#![cfg(millpond_loom)]

use loom::sync::Arc;
use millpond::engine::slot::Record;
use millpond::engine::tally::{Bucket, Drained, KEPT, Samples, Tally};
use millpond_loom_tests::{ALL, FIVE, explore, race};
use std::panic::Location;

/// Forbids that a check-out is read with the time of one getter and the task or the line of code of another.
#[test]
fn record_written_read() {
    let [first, second] = [Location::caller(), here()];
    explore("record_written_read", ALL, move || {
        let record = Arc::new(Record::new(7));
        record.set_task(1);
        record.take_out(1, first);
        race::<_, ()>(&record)
            .and(move |record: &Arc<Record>| {
                record.put_in();
                record.set_task(2);
                record.take_out(2, second);
            })
            .and(move |record: &Arc<Record>| {
                if let Some(read) = record.holding() {
                    let whose = if read.taken == 1 { first } else { second };
                    let task = read.taken;
                    assert_eq!((read.id, read.task, read.caller), (7, task, whose));
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

/// What a slot counts, and the histogram to which its samples go.
struct Books {
    samples: Samples,
    count: Tally,
    buckets: [Bucket; 3],
}

impl Books {
    fn new() -> Self {
        Self {
            samples: Samples::new(),
            count: Tally::new(),
            buckets: std::array::from_fn(|_| Bucket::new()),
        }
    }

    fn note(&self, sample: u16) {
        self.samples.note(sample, |drained: &Drained| {
            for sample in drained {
                self.buckets[usize::from(*sample)].add(1);
            }
        });
        self.count.add(1);
    }

    fn read(&self) -> [u64; 3] {
        let mut read = [0, 1, 2].map(|sample: usize| self.buckets[sample].read());
        self.samples.read(|sample| read[usize::from(sample)] += 1);
        read
    }
}

/// Forbids that a sample is counted twice, or as another one, by who reads while its slot hands it on.
#[test]
fn samples_noted_read() {
    const { assert!(KEPT == 2, "the third sample makes room") };
    explore("samples_noted_read", ALL, || {
        let books = Arc::new(Books::new());
        books.note(0);
        race::<_, ()>(&books)
            .and(|books: &Arc<Books>| {
                books.note(1);
                books.note(2);
            })
            .and(|books: &Arc<Books>| {
                let read = books.read();
                assert!(read.iter().all(|count| *count <= 1), "{read:?}");
            })
            .run();
        assert_eq!((books.read(), books.count.read()), ([1; 3], 3));
    });
}

/// Forbids the same where the ring goes round twice.
#[test]
fn samples_handed_on_read() {
    explore("samples_handed_on_read", FIVE, || {
        let books = Arc::new(Books::new());
        [0, 0].into_iter().for_each(|sample| books.note(sample));
        race::<_, ()>(&books)
            .and(|books: &Arc<Books>| [1, 1, 2].into_iter().for_each(|sample| books.note(sample)))
            .and(|books: &Arc<Books>| {
                let read = books.read();
                assert!(read[0] <= 2 && read[1] <= 2 && read[2] <= 1, "{read:?}");
            })
            .run();
        assert_eq!((books.read(), books.count.read()), ([2, 2, 1], 5));
    });
}

/// Forbids that what two owners of a slot counted one after the other is lost between them.
#[test]
fn tally_two_owners_read() {
    explore("tally_two_owners_read", ALL, || {
        let books = Arc::new((Tally::new(), loom::sync::Mutex::new(())));
        let own = |books: &Arc<(Tally, loom::sync::Mutex<()>)>| {
            let _slot = books.1.lock().unwrap();
            books.0.add(1);
        };
        race::<_, ()>(&books)
            .and(own)
            .and(own)
            .and(|books: &Arc<(Tally, loom::sync::Mutex<()>)>| assert!(books.0.read() <= 2))
            .run();
        assert_eq!(books.0.read(), 2);
    });
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}
