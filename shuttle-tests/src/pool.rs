//! The engine with what the managed layer does around it, and nothing else.

use crate::books::Books;
use crate::getter::{Getter, Said};
use crate::object::Object;
use crate::sights::{Sight, see};
use crate::signal::Signal;
use millpond::engine::idle::Order;
use millpond::engine::state::State;
use millpond::engine::{Claim, Debt, Engine, GiveBack, Gone, give_back};
use std::sync::Arc;

/// A pool in small. Its clones share one engine.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    engine: Arc<Engine<Object>>,
    books: Arc<Books>,
}

impl Pool {
    /// An empty pool of at most `max` objects, at most `cap` of them being made at once.
    pub(crate) fn new(max: usize, cap: usize, order: Order) -> Self {
        Self {
            engine: Arc::new(Engine::new(max, cap, order)),
            books: Arc::new(Books::new(max, cap)),
        }
    }

    pub(crate) fn engine(&self) -> &Engine<Object> {
        &self.engine
    }

    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    /// One picture of the word, checked against the books of the same instant.
    pub(crate) fn check(&self) -> State {
        let state = self.engine.state();
        self.books.check(state);
        state
    }

    /// The good end of a connect that was begun.
    pub(crate) fn make(&self) -> Object {
        Object::new(&self.books)
    }

    /// Gives an object back.
    pub(crate) fn give_back(&self, object: Object) {
        let end = give_back(self.engine(), object.put());
        self.end(end);
    }

    /// A connect that nobody owns comes to a good end.
    pub(crate) fn made(&self) {
        let end = self.engine.made(self.make().put());
        self.end(end);
    }

    /// A connect that nobody owns comes to a bad end.
    pub(crate) fn give_up(&self) {
        self.books.end_connect();
        self.engine.give_up();
    }

    /// Begins a connect for the pool, if there is room that nobody in line wants.
    pub(crate) fn reserve(&self) -> bool {
        let reserved = self.engine.reserve();
        if reserved {
            self.books.begin_connect();
        }
        reserved
    }

    /// Retires an object out of the caller's hand.
    pub(crate) fn doom(&self, object: Object) {
        let debt = self.engine.doom();
        self.retire(object, debt);
    }

    /// Destroys an object first, and pays for it after.
    pub(crate) fn retire(&self, object: Object, debt: Debt) {
        drop(object);
        self.engine.bury(debt);
    }

    /// Pays what a return may owe.
    pub(crate) fn end(&self, end: GiveBack<Object>) {
        if let GiveBack::Retire(object, debt) = end {
            see(Sight::Retired);
            self.retire(object, debt);
        }
    }

    /// Changes the maximum and destroys the surplus.
    pub(crate) fn resize(&self, max: usize) {
        self.books.allow(max);
        self.retire_all(self.engine.resize(max));
    }

    /// At most `cap` connects at once from now on.
    pub(crate) fn set_cap(&self, cap: usize) {
        self.books.allow_at_once(cap);
        self.engine.set_cap(cap);
        self.books.grant_at_once(cap);
    }

    /// Gives out nothing from now on, if it is not closed.
    pub(crate) fn pause(&self) {
        if self.engine.pause() {
            see(Sight::Paused);
        }
    }

    /// What is parked.
    pub(crate) fn unpark(&self) -> Vec<Object> {
        let parked = self.engine.unpark();
        parked.into_iter().map(Object::taken).collect()
    }

    /// Gives out again, and destroys what there is no place for.
    pub(crate) fn resume(&self, objects: Vec<Object>) {
        if !objects.is_empty() {
            see(Sight::Unparked);
        }
        let objects = objects.into_iter().map(Object::put).collect();
        self.retire_all(self.engine.resume(objects));
    }

    /// Closes the pool and destroys what lay idle.
    pub(crate) fn close(&self) {
        self.retire_all(self.engine.close());
    }

    fn retire_all(&self, doomed: Vec<(Object, Debt)>) {
        doomed
            .into_iter()
            .for_each(|(object, debt)| self.retire(object, debt));
    }

    /// Sleeps until nothing of the closed pool is left.
    pub(crate) fn wait_for_end(&self) {
        let (signal, mut gone) = (Signal::new(), Gone::default());
        let mut poll = || self.engine.poll_gone(&mut gone, &signal.waker());
        while poll().is_pending() {
            signal.wait();
        }
        assert_eq!(self.books.living(), (0, 0), "the end comes after the last");
    }

    /// Everybody is done. P1, ACC, CAP: what lives is idle, as many as the maximum can be taken at once, and no
    /// more. Of a closed pool nothing is left. ONCE: what was idle dies with the pool.
    pub(crate) fn at_rest(self, closed: bool) {
        let state = self.check();
        let (live, connecting) = self.books.living();
        assert_eq!(state.is_closed(), closed);
        assert_eq!(
            (state.waiting(), state.connecting(), connecting),
            (0, 0, 0),
            "ACC: {state:?}"
        );
        assert_eq!(
            (state.size(), state.idle()),
            (live, live),
            "ACC: {live} live: {state:?}"
        );
        assert!(
            live <= state.max(),
            "LIM: a shrunk pool keeps more: {state:?}"
        );
        self.exhaust(state.max());
        let books = Arc::clone(&self.books);
        drop(Arc::into_inner(self.engine).expect("everybody is done"));
        assert_eq!(books.living(), (0, 0), "ONCE");
    }

    fn exhaust(&self, max: usize) {
        let held: Vec<_> = (0..max)
            .map(|_| self.get_at_once().expect("CAP: as many as the maximum"))
            .collect();
        assert!(self.get_at_once().is_none(), "CAP: and no more");
        held.into_iter().for_each(|object| self.give_back(object));
        let state = self.check();
        assert_eq!((state.size(), state.idle()), (max, max), "{state:?}");
    }

    fn get_at_once(&self) -> Option<Object> {
        let mut getter = Getter::new(self);
        match getter.start(false) {
            Said::Object(object) => Some(object),
            Said::Connect => getter.finish(),
            _ => None,
        }
    }

    /// Claims an idle object.
    pub(crate) fn claim(&self) -> Claim<Object> {
        match self.engine.claim() {
            Claim::Object(object) => Claim::Object(object.taken()),
            other => other,
        }
    }
}
