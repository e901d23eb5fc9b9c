//! What all pools hold here, and what one manager for all of them makes: objects that notice what must not happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// One object.
#[derive(Debug)]
pub(crate) struct Item {
    in_hand: AtomicBool,
    uses: AtomicU64,
    books: Arc<Books>,
}

/// What is known of all objects of one pool.
#[derive(Debug, Default)]
pub(crate) struct Books {
    alive: AtomicUsize,
    most: AtomicUsize,
    made: AtomicUsize,
    uses_of_the_gone: AtomicU64,
    in_two_hands: AtomicUsize,
}

/// Makes objects; the one manager of every pool.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    pub(crate) books: Arc<Books>,
    /// How long making one takes.
    pub(crate) takes: Option<Duration>,
}

impl Maker {
    pub(crate) fn new(takes: Option<Duration>) -> Self {
        let books = Arc::default();
        Self { books, takes }
    }

    pub(crate) async fn make(&self) -> Item {
        if let Some(takes) = self.takes {
            tokio::time::sleep(takes).await;
        }
        self.made()
    }

    pub(crate) fn made(&self) -> Item {
        let alive = self.books.alive.fetch_add(1, SeqCst) + 1;
        self.books.most.fetch_max(alive, SeqCst);
        self.books.made.fetch_add(1, SeqCst);
        Item {
            in_hand: AtomicBool::new(false),
            uses: AtomicU64::new(0),
            books: Arc::clone(&self.books),
        }
    }
}

impl Item {
    /// Takes it in hand, where it must not be in another; a use of it.
    pub(crate) fn in_hand(&self) -> InHand<'_> {
        if self.in_hand.swap(true, SeqCst) {
            self.books.in_two_hands.fetch_add(1, SeqCst);
        }
        self.uses.fetch_add(1, SeqCst);
        InHand(self)
    }

    pub(crate) fn uses(&self) -> u64 {
        self.uses.load(SeqCst)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.books.uses_of_the_gone.fetch_add(self.uses(), SeqCst);
        self.books.alive.fetch_sub(1, SeqCst);
    }
}

/// An object in hand.
#[derive(Debug)]
pub(crate) struct InHand<'a>(&'a Item);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_hand.store(false, SeqCst);
    }
}

impl Books {
    pub(crate) fn made(&self) -> usize {
        self.made.load(SeqCst)
    }

    pub(crate) fn uses_of_the_gone(&self) -> u64 {
        self.uses_of_the_gone.load(SeqCst)
    }

    /// What has gone wrong, for a pool that may have so many.
    pub(crate) fn faults(&self, max_size: usize) -> Vec<String> {
        let mut faults = Vec::new();
        let twice = self.in_two_hands.load(SeqCst);
        if twice > 0 {
            faults.push(format!("an object in two hands, {twice} times"));
        }
        let most = self.most.load(SeqCst);
        if most > max_size {
            faults.push(format!(
                "{most} objects at once where {max_size} are allowed"
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_in_two_hands_is_noticed() {
        let maker = Maker::new(None);
        let item = maker.made();
        drop(item.in_hand());
        drop(item.in_hand());
        assert_eq!(maker.books.faults(1), Vec::<String>::new());
        let (_one, _other) = (item.in_hand(), item.in_hand());
        assert_eq!(maker.books.faults(1), ["an object in two hands, 1 times"]);
        assert_eq!(item.uses(), 4);
    }

    #[test]
    fn one_object_too_many_is_noticed_even_when_it_is_gone() {
        let maker = Maker::new(None);
        drop((maker.made(), maker.made()));
        assert_eq!(
            maker.books.faults(1),
            ["2 objects at once where 1 are allowed"]
        );
        assert_eq!(maker.books.faults(2), Vec::<String>::new());
        assert_eq!(maker.books.made(), 2);
    }
}
