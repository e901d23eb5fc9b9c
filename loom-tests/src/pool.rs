//! The engine with what the managed layer does around it, and nothing else.

use crate::{Adder, Books, Getter, Kept, Object, Race, Said, Signal, race};
use millpond::engine::idle::Order;
use millpond::engine::sync::Backoff;
use millpond::engine::{Add, Claim, Debt, Engine, GiveBack, Gone, give_back};
use std::rc::Rc;

/// A pool in small. Its clones share one engine.
#[derive(Clone, Debug)]
pub struct Pool {
    parts: Rc<Parts>,
}

#[derive(Debug)]
struct Parts {
    engine: Engine<Object>,
    books: Rc<Books>,
    order: Order,
}

impl Pool {
    /// An empty pool of at most `max` objects, all of which may be made at once.
    pub fn new(max: usize, order: Order) -> Self {
        Self::capped(max, max, order)
    }

    /// An empty pool in which at most `cap` objects are made at once.
    pub fn capped(max: usize, cap: usize, order: Order) -> Self {
        let (engine, books) = (Engine::new(max, cap, order), Books::new(max, cap));
        let parts = Rc::new(Parts {
            engine,
            books,
            order,
        });
        let pool = Self { parts };
        pool.open_store();
        Backoff::take_pauses();
        pool
    }

    /// An empty pool in which nothing is made: objects are brought.
    pub fn unmanaged(max: usize, order: Order) -> Self {
        Self::capped(max, 0, order)
    }

    /// Lets the store make its first tier now, before the race: another thread would find it at a step more
    /// for every push and pop. The races for a tier are models of their own.
    fn open_store(&self) {
        if self.books().makes() {
            self.warm(1);
        } else {
            assert!(self.add());
        }
        let object = self.claim().expect("just made");
        self.doom(object);
    }

    /// The engine.
    pub fn engine(&self) -> &Engine<Object> {
        &self.parts.engine
    }

    /// What really lives.
    pub fn books(&self) -> &Books {
        &self.parts.books
    }

    /// Makes an object: the good end of a connect that was begun.
    pub(crate) fn make(&self) -> Object {
        Object::new(&self.parts.books)
    }

    /// Makes an object and holds it, before the race begins.
    pub fn hold(&self) -> Object {
        let mut getter = Getter::new(self);
        assert!(
            matches!(getter.enter(true), Said::Connect),
            "room for one more"
        );
        getter.finish().expect("nobody interferes")
    }

    /// Brings an object from elsewhere, used before.
    pub(crate) fn bring(&self) -> Object {
        let object = Object::brought(&self.parts.books);
        object.touch();
        object
    }

    /// Brings an object, if there is room that nobody waits for; says whether there was.
    pub fn add(&self) -> bool {
        matches!(self.engine().add(self.bring()), Add::In)
    }

    /// Brings an object and holds it, before the race begins.
    pub fn hold_brought(&self) -> Object {
        assert!(self.add(), "room for one more");
        self.claim().expect("nobody interferes")
    }

    /// Somebody who waits in line to add, before the race begins.
    pub fn adding(&self) -> Adder {
        let mut adder = Adder::new(self);
        assert!(adder.poll().is_none(), "no room");
        adder
    }

    /// Makes `count` objects that lie idle when the race begins.
    pub fn warm(&self, count: usize) {
        let held: Vec<_> = (0..count).map(|_| self.hold()).collect();
        held.into_iter().for_each(|object| self.give_back(object));
    }

    /// A connect whose getter has left.
    pub fn ownerless(&self) {
        let mut getter = Getter::new(self);
        assert!(
            matches!(getter.enter(true), Said::Connect),
            "room for one more"
        );
        getter.leave();
    }

    /// A getter that waits in line, before the race begins.
    pub fn waiting(&self) -> Getter {
        let mut getter = Getter::new(self);
        assert!(matches!(getter.enter(true), Said::Pending), "no room");
        getter
    }

    /// A getter that would not wait, and stands in line for an ownerless connect before the race begins.
    pub fn hoping(&self) -> Getter {
        let mut getter = Getter::new(self);
        assert!(
            matches!(getter.enter(false), Said::Pending),
            "an ownerless connect"
        );
        getter
    }

    /// A getter that connects, before the race begins.
    pub fn connecting(&self) -> Getter {
        let mut getter = Getter::new(self);
        assert!(
            matches!(getter.enter(true), Said::Connect),
            "room for one more"
        );
        getter
    }

    /// Claims an idle object, if there is one.
    pub fn claim(&self) -> Option<Object> {
        match self.engine().claim() {
            Claim::Object(object) => {
                object.touch();
                Some(object)
            }
            Claim::Empty | Claim::Closed => None,
        }
    }

    /// Gets an object, however long it takes; `None`: the pool is closed.
    pub fn get(&self) -> Option<Object> {
        Getter::new(self).get()
    }

    /// Gets an object and gives it back.
    pub fn get_and_give_back(&self) {
        let object = self.get().expect("the pool is open");
        self.give_back(object);
    }

    /// Gives an object back.
    pub fn give_back(&self, object: Object) {
        object.touch();
        let end = give_back(self.engine(), object);
        self.end(end);
    }

    /// Races on this pool; each role may keep an object.
    pub fn race(&self) -> Race<Self, Kept> {
        race(self)
    }

    /// Gives back what the roles of a race have kept.
    pub fn give_back_all(&self, kept: Vec<Kept>) {
        kept.into_iter()
            .filter_map(|Kept(object)| object)
            .for_each(|object| self.give_back(object));
    }

    /// A connect that nobody owns comes to a good end.
    pub fn made(&self) {
        let end = self.engine().made(self.make());
        self.end(end);
    }

    /// A connect that nobody owns comes to a bad end.
    pub fn give_up(&self) {
        self.books().end_connect();
        self.engine().give_up();
    }

    /// Connects for the pool, if there is room that nobody in line wants.
    pub fn warm_up(&self) {
        if self.engine().reserve() {
            self.books().begin_connect();
            self.made();
        }
    }

    /// Waits until nothing of the closed pool is left.
    pub fn wait_for_end(&self) {
        self.wait_on_for_end(Gone::default());
    }

    /// Waits for the end before the race begins, and gives away what it has to go on with.
    pub fn awaiting_end(&self) -> Gone {
        let mut gone = Gone::default();
        let asked = self.engine().poll_gone(&mut gone, &Signal::new().waker());
        assert!(asked.is_pending(), "it is not the end yet");
        gone
    }

    /// Goes on waiting for the end, with another waker.
    pub fn wait_on_for_end(&self, mut gone: Gone) {
        let signal = Signal::new();
        while self
            .engine()
            .poll_gone(&mut gone, &signal.waker())
            .is_pending()
        {
            signal.wait();
        }
        assert_eq!(
            self.books().live(),
            0,
            "the end comes after the last object's"
        );
    }

    /// Destroys an object first, and pays for it after.
    pub fn retire(&self, object: Object, debt: Debt) {
        drop(object);
        self.engine().bury(debt);
    }

    /// Retires an object out of the caller's hand.
    pub fn doom(&self, object: Object) {
        let debt = self.engine().doom();
        self.retire(object, debt);
    }

    /// Pays what a return may owe.
    pub(crate) fn end(&self, end: GiveBack<Object>) {
        if let GiveBack::Retire(object, debt) = end {
            self.retire(object, debt);
        }
    }

    /// Changes the maximum and destroys the surplus.
    pub fn resize(&self, max: usize) {
        // Growing, a connect may begin from now on; shrinking, none may when it is done.
        self.books().set_max(max.max(self.books().max()));
        let surplus = self.engine().resize(max);
        self.books().set_max(max);
        surplus
            .into_iter()
            .for_each(|(object, debt)| self.retire(object, debt));
    }

    /// The maximum was changed beside this pool's own [`resize`](Self::resize).
    pub fn accept(&self, max: usize) {
        self.books().set_max(max);
    }

    /// Closes the pool and destroys what lay idle.
    pub fn close(&self) {
        self.books().close();
        let idle = self.engine().close();
        idle.into_iter()
            .for_each(|(object, debt)| self.retire(object, debt));
    }

    /// P1, ACC and CAP: everybody is done, `live` objects of at most `max` exist, all of them idle, and
    /// `max` can be taken at once. Ends the pool.
    pub fn at_rest(self, max: usize, live: usize) {
        let state = self.engine().state();
        assert!(!state.is_closed());
        assert_eq!(
            (state.size(), state.idle(), state.max()),
            (live, live, max),
            "{state:?}"
        );
        assert_eq!(
            (state.waiting(), state.connecting(), state.in_use()),
            (0, 0, 0),
            "{state:?}"
        );
        assert_eq!(
            (self.books().live(), self.books().connecting()),
            (live, 0),
            "ACC"
        );
        let held: Vec<_> = (0..max)
            .map(|_| self.get_at_once().expect("CAP: as many as the maximum"))
            .collect();
        assert!(self.get_at_once().is_none(), "CAP: and no more");
        held.into_iter().for_each(|object| self.give_back(object));
        assert_eq!(self.engine().state().idle(), max);
        self.end_with(max);
    }

    /// The same of a pool into which objects are brought, of which `live` are there: it has room for the
    /// rest, and for no more.
    pub fn at_rest_brought(self, max: usize, live: usize) {
        let state = self.engine().state();
        assert_eq!((state.size(), state.idle()), (live, live), "{state:?}");
        assert_eq!(self.books().live(), live, "ACC");
        assert!(
            (live..max).all(|_| self.add()),
            "CAP: room for as many as the maximum"
        );
        assert!(!self.add(), "CAP: and no more");
        self.at_rest(max, max);
    }

    /// The same of a closed pool: nothing is left, and nothing is given out.
    pub fn at_rest_closed(self) {
        let state = self.engine().state();
        assert!(state.is_closed());
        assert_eq!(
            (state.size(), state.idle(), state.max()),
            (0, 0, 0),
            "{state:?}"
        );
        assert_eq!(
            (state.waiting(), state.connecting(), state.in_use()),
            (0, 0, 0),
            "{state:?}"
        );
        assert_eq!(
            (self.books().live(), self.books().connecting()),
            (0, 0),
            "ACC"
        );
        assert!(matches!(self.engine().claim(), Claim::Closed));
        assert!(self.get().is_none());
        assert!(!self.add());
        self.end_with(0);
    }

    pub(crate) fn get_at_once(&self) -> Option<Object> {
        let mut getter = Getter::new(self);
        match getter.start(false) {
            Said::Object(object) => Some(object),
            Said::Connect => getter.finish(),
            Said::WouldWait | Said::Pending | Said::Dismissed | Said::Shed | Said::Closed => None,
        }
    }

    /// ONCE: what was idle dies with the pool, and only then.
    fn end_with(self, idle: usize) {
        // What was counted lies on the stack: a pop that waits would have been let in too early. In the queue it may
        // lie behind a place that another push is about to fill.
        let pauses = Backoff::take_pauses();
        assert!(
            pauses == 0 || self.parts.order == Order::Fifo,
            "{pauses} pops found nothing"
        );
        let books = Rc::clone(&self.parts.books);
        let before = books.destroyed();
        drop(Rc::into_inner(self.parts).expect("every thread of the model is done"));
        assert_eq!(
            (books.live(), books.destroyed()),
            (0, before + idle),
            "ONCE"
        );
    }
}
