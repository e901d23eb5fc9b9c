//! What is pooled in the models, and the books that are kept about it.
//!
//! loom runs all threads of a model on one thread of the system, one step at a time. So the books are
//! plain cells, invisible to loom: they add no step and no ordering to what is explored.

use loom::cell::Cell as Watched;
use std::cell::Cell;
use std::rc::Rc;

/// An object. Each touch is checked by loom: who touches it must know of every touch before.
#[derive(Debug)]
pub struct Object {
    uses: Watched<u32>,
    books: Rc<Books>,
}

impl Object {
    /// An object comes to life, at the end of a connect.
    pub(crate) fn new(books: &Rc<Books>) -> Self {
        books.end_connect();
        Self::brought(books)
    }

    /// An object that was not made for the pool.
    pub(crate) fn brought(books: &Rc<Books>) -> Self {
        books.live.set(books.live.get() + 1);
        Self {
            uses: Watched::new(0),
            books: Rc::clone(books),
        }
    }

    /// Uses it: taken, and about to be given back.
    pub fn touch(&self) {
        self.uses.set(self.uses.get() + 1);
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.touch();
        self.books.see_server();
        self.books.live.set(self.books.live.get() - 1);
        self.books.destroyed.set(self.books.destroyed.get() + 1);
    }
}

/// What lives, is being made, and was destroyed, as the server would count it.
#[derive(Debug)]
pub struct Books {
    live: Cell<usize>,
    connecting: Cell<usize>,
    destroyed: Cell<usize>,
    max: Cell<usize>,
    cap: Cell<usize>,
    paused: Cell<bool>,
    closed: Cell<bool>,
    /// In a pool of one: touched when a connect begins and when an object is destroyed. So loom checks that
    /// the old one's end has happened before the next one's beginning.
    server: Option<Watched<u32>>,
}

impl Books {
    pub(crate) fn new(max: usize, cap: usize) -> Rc<Self> {
        Rc::new(Self {
            live: Cell::new(0),
            connecting: Cell::new(0),
            destroyed: Cell::new(0),
            max: Cell::new(max),
            cap: Cell::new(cap),
            paused: Cell::new(false),
            closed: Cell::new(false),
            // Objects that are brought live before there is room for them.
            server: (max == 1 && cap > 0).then(|| Watched::new(0)),
        })
    }

    /// Objects that exist.
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// Connects under way.
    pub fn connecting(&self) -> usize {
        self.connecting.get()
    }

    /// Objects that are gone.
    pub fn destroyed(&self) -> usize {
        self.destroyed.get()
    }

    /// The maximum that holds for a connect that begins now.
    pub fn max(&self) -> usize {
        self.max.get()
    }

    /// Whether the pool makes objects, or they are brought.
    pub(crate) fn makes(&self) -> bool {
        self.cap.get() > 0
    }

    /// The cap that holds for a connect that begins now.
    pub fn cap(&self) -> usize {
        self.cap.get()
    }

    pub(crate) fn set_cap(&self, cap: usize) {
        self.cap.set(cap);
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.set(paused);
    }

    pub(crate) fn set_max(&self, max: usize) {
        self.max.set(max);
    }

    /// The pool is being closed, or nobody may join it any more: from now on somebody may hear of it.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// Somebody hears that the pool is closed.
    pub(crate) fn hear_closed(&self) {
        assert!(self.closed.get(), "an open pool says that it is closed");
    }

    /// A connect begins. LIM: with it, no more than the maximum; no more at once than the cap; and none while the
    /// pool is paused.
    pub(crate) fn begin_connect(&self) {
        self.see_server();
        self.connecting.set(self.connecting() + 1);
        let (live, connecting, max) = (self.live(), self.connecting(), self.max());
        assert!(
            live + connecting <= max,
            "{live} live and {connecting} connecting, of {max}"
        );
        assert!(!self.paused.get(), "a connect begins in a paused pool");
        let cap = self.cap();
        assert!(connecting <= cap, "{connecting} connect at once, of {cap}");
    }

    /// A connect ends, well or badly.
    pub(crate) fn end_connect(&self) {
        self.see_server();
        self.connecting.set(
            self.connecting()
                .checked_sub(1)
                .expect("a connect had begun"),
        );
    }

    /// Whoever is here knows of everything that ended before.
    pub fn see_server(&self) {
        if let Some(server) = self.server.as_ref().filter(|_| self.max() == 1) {
            server.set(server.get() + 1);
        }
    }
}
