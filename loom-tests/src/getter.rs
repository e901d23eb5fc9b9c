//! A getter, polled by hand: the managed layer's way through the engine.

use crate::{Object, Pool, Signal};
use millpond::engine::{Claim, Debt, End, Enter, Finish, Leave, Place, Placed, Turn};
use std::sync::Arc;

/// One getter. It must end with an object, an error, or [`leave`](Self::leave).
#[derive(Debug)]
pub struct Getter {
    pool: Pool,
    signal: Arc<Signal>,
    place: Option<Place<Object>>,
}

/// What a getter hears.
#[derive(Debug)]
#[must_use]
pub enum Said {
    /// It is served.
    Object(Object),
    /// It may connect, and still stands in line.
    Connect,
    /// It waits.
    Pending,
    /// It would have had to wait.
    WouldWait,
    /// It would not wait, and what it stood in line for is gone.
    Dismissed,
    /// The line is full.
    Shed,
    /// The pool is closed.
    Closed,
}

impl Getter {
    /// A getter that has not asked yet.
    pub fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            signal: Signal::new(),
            place: None,
        }
    }

    /// Gets, however long it takes; `None`: the pool is closed, or the line is full.
    pub fn get(mut self) -> Option<Object> {
        let said = self.start(true);
        self.follow(said)
    }

    /// Claims, or else stands in line.
    pub fn start(&mut self, wait: bool) -> Said {
        match self.pool.engine().claim() {
            Claim::Object(object) => taken(object),
            Claim::Empty => self.enter(wait),
            Claim::Closed => self.closed(),
        }
    }

    /// Stands at the back of the line.
    pub fn enter(&mut self, wait: bool) -> Said {
        self.stand(End::Back, wait, None)
    }

    /// Stands there after it has waited elsewhere.
    pub(crate) fn enter_through(&mut self) -> Said {
        self.stand(End::Through, true, None)
    }

    /// Its object was dead: destroys it and stays in front.
    pub fn exchange(&mut self, dead: Object) -> Said {
        let debt = self.pool.engine().doom();
        drop(dead);
        self.stand(End::Front, true, Some(debt))
    }

    fn stand(&mut self, end: End, wait: bool, debt: Option<Debt>) -> Said {
        match self
            .pool
            .engine()
            .enter(end, wait, debt, &self.signal.waker())
        {
            Enter::Object(object) => taken(object),
            Enter::Connect(place) => {
                self.place = Some(place);
                self.connect()
            }
            Enter::Wait(place) => {
                self.place = Some(place);
                Said::Pending
            }
            Enter::WouldWait => Said::WouldWait,
            Enter::Shed => Said::Shed,
            Enter::Closed => self.closed(),
        }
    }

    /// Asks what it has been told.
    pub fn poll(&mut self) -> Said {
        let place = self.place.as_mut().expect("it stands in line");
        match self.pool.engine().poll(place, &self.signal.waker()) {
            Turn::Object(object) => {
                self.place = None;
                taken(object)
            }
            Turn::Connect => self.connect(),
            Turn::Pending => Said::Pending,
            Turn::Dismissed => {
                self.place = None;
                Said::Dismissed
            }
            Turn::Closed => {
                self.place = None;
                self.closed()
            }
        }
    }

    /// Asks with another waker from now on.
    pub fn poll_with(&mut self, signal: &Arc<Signal>) -> Said {
        self.signal = Arc::clone(signal);
        self.poll()
    }

    /// Asks, sleeps and connects until the end; `None`: the pool is closed, or it would have to wait and would not.
    pub fn wait(self) -> Option<Object> {
        self.follow(Said::Pending)
    }

    /// The same, from what it was told last.
    pub fn follow(mut self, mut said: Said) -> Option<Object> {
        loop {
            match said {
                Said::Object(object) => return Some(object),
                Said::Closed | Said::WouldWait | Said::Dismissed | Said::Shed => return None,
                Said::Connect => match self.finish() {
                    Some(object) => return Some(object),
                    None => said = self.poll(),
                },
                Said::Pending => {
                    said = self.poll();
                    if matches!(said, Said::Pending) {
                        self.signal.wait();
                    }
                }
            }
        }
    }

    /// Its connect comes to a good end. `None`: ask again, for it was told something meanwhile, or has to
    /// wait because the pool was shrunk.
    pub fn finish(&mut self) -> Option<Object> {
        let place = self.place.take().expect("it stands in line");
        match self.pool.engine().finish(&place, self.pool.make()) {
            Finish::Mine(object) => return Some(object),
            Finish::Surplus(object, debt) => self.pool.retire(object, debt),
            Finish::Elsewhere(end) => self.pool.end(end),
        }
        self.place = Some(place);
        None
    }

    /// Its connect fails. Says whether the error is its own; else it asks again.
    pub fn fail(&mut self) -> bool {
        self.pool.books().end_connect();
        let place = self.place.as_ref().expect("it stands in line");
        let gone = self.pool.engine().fail(place) == Placed::Gone;
        if gone {
            self.place = None;
        }
        gone
    }

    /// It may not begin to connect after all: it waits on where it stands.
    pub fn put_off(&mut self) {
        self.pool.books().end_connect();
        let place = self.place.as_ref().expect("it stands in line");
        self.pool.engine().put_off(place);
    }

    /// Leaves. What it was handed goes back; a connect that it had begun is ownerless now.
    pub fn leave(mut self) {
        let place = self.place.take().expect("it stands in line");
        if let Leave::Object(object) = self.pool.engine().leave(&place) {
            object.touch();
            self.pool.give_back(object);
        }
    }

    fn closed(&self) -> Said {
        self.pool.books().hear_closed();
        Said::Closed
    }

    fn connect(&self) -> Said {
        self.pool.books().begin_connect();
        Said::Connect
    }
}

fn taken(object: Object) -> Said {
    object.touch();
    Said::Object(object)
}
