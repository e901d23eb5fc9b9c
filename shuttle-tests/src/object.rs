//! What is pooled in the scripts.

use crate::books::Books;
use std::sync::Arc;

/// An object that counts its uses in a plain number; the books count them too.
#[derive(Debug)]
pub(crate) struct Object {
    number: usize,
    uses: u32,
    books: Arc<Books>,
}

impl Object {
    /// An object comes to life in somebody's hand, at the end of a connect.
    pub(crate) fn new(books: &Arc<Books>) -> Self {
        Self {
            number: books.born(),
            uses: 0,
            books: Arc::clone(books),
        }
    }

    /// It comes out of the engine, to be used.
    pub(crate) fn taken(mut self) -> Self {
        let before = self.books.take(self.number);
        assert_eq!(self.uses, before, "a use of object {} is lost", self.number);
        self.uses += 1;
        self
    }

    /// It is about to go back into the engine.
    pub(crate) fn put(self) -> Self {
        self.books.put(self.number);
        self
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.books.die();
        }
    }
}
