//! Whether the work was really done, and the pool is whole after it.

use crate::item::Books;
use crate::pools::Peer;
use std::time::Duration;
use tokio::time::timeout;

/// Every object can be taken, no more than there may be, all uses are on them, and none was in two hands.
pub(super) async fn audit<P: Peer>(
    pool: &P,
    books: &Books,
    max_size: usize,
    uses: u64,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut all = Vec::with_capacity(max_size);
    while all.len() < max_size {
        match timeout(LONG, pool.get()).await {
            Ok(Ok(held)) => all.push(held),
            Ok(Err(error)) => {
                faults.push(format!("afterwards a get failed: {error}"));
                break;
            }
            Err(_) => {
                let lost = max_size - all.len();
                faults.push(format!("{lost} of {max_size} objects lost"));
                break;
            }
        }
    }
    if all.len() == max_size
        && timeout(SHORT, pool.get())
            .await
            .is_ok_and(|got| got.is_ok())
    {
        faults.push(format!("more than {max_size} objects to be had"));
    }
    let counted: u64 = all.iter().map(|held| held.uses()).sum();
    let counted = counted + books.uses_of_the_gone();
    if faults.is_empty() && counted != uses {
        faults.push(format!("{counted} uses of objects, {uses} gets"));
    }
    faults.extend(books.faults(max_size));
    faults
}

/// Nothing is out: all come at once, but where the machine has other things to do.
const LONG: Duration = Duration::from_secs(3);
const SHORT: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{InHand, Item, Maker};
    use crate::pools::{Floor, Millpond};
    use std::ops::Deref;
    use std::sync::Mutex;

    fn audited<P: Peer>(pool: &P, books: &Books, max_size: usize, uses: u64) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime needs little");
        runtime.block_on(audit(pool, books, max_size, uses))
    }

    fn made<P: Peer>(max_size: usize) -> (P, Maker) {
        let maker = Maker::new(None);
        let runtime = super::super::on_one_thread();
        (runtime.block_on(P::of(maker.clone(), max_size)), maker)
    }

    #[test]
    fn a_whole_pool_has_no_fault() {
        let (pool, maker) = made::<Millpond>(3);
        assert_eq!(audited(&pool, &maker.books, 3, 0), Vec::<String>::new());
    }

    #[test]
    fn work_that_was_not_done_is_noticed() {
        let (pool, maker) = made::<Floor>(3);
        assert_eq!(
            audited(&pool, &maker.books, 3, 1),
            ["0 uses of objects, 1 gets"]
        );
    }

    #[test]
    fn a_lost_object_is_noticed() {
        let (pool, maker) = made::<Floor>(3);
        let runtime = super::super::on_one_thread();
        let held = runtime.block_on(pool.get()).expect("there are three");
        assert_eq!(audited(&pool, &maker.books, 3, 0), ["1 of 3 objects lost"]);
        drop(held);
    }

    /// A pool that hands the same object to everybody.
    struct Generous(&'static Item, Mutex<Vec<InHand<'static>>>);

    /// What it hands out.
    struct Shared(&'static Item);

    impl Deref for Shared {
        type Target = Item;

        fn deref(&self) -> &Item {
            self.0
        }
    }

    impl Peer for Generous {
        type Held<'a> = Shared;

        async fn of(maker: Maker, _: usize) -> Self {
            Self(Box::leak(Box::new(maker.made())), Mutex::default())
        }

        async fn get(&self) -> Result<Shared, String> {
            let hand = self.0.in_hand();
            self.1.lock().expect("nobody panics").push(hand);
            Ok(Shared(self.0))
        }
    }

    #[test]
    fn a_pool_that_gives_one_object_to_two_is_noticed() {
        let (pool, maker) = made::<Generous>(2);
        let faults = audited(&pool, &maker.books, 2, 0);
        assert!(
            faults.contains(&"more than 2 objects to be had".to_owned()),
            "{faults:?}"
        );
        assert!(
            faults.contains(&"an object in two hands, 2 times".to_owned()),
            "{faults:?}"
        );
    }
}
