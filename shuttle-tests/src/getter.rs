//! One get, polled by hand: the managed layer's way through the engine.

use crate::object::Object;
use crate::pool::Pool;
use crate::sights::{Sight, see};
use crate::signal::Signal;
use millpond::engine::{Claim, Debt, End, Enter, Finish, Leave, Place, Placed, Turn};
use std::sync::Arc;

/// A getter. It must end with an object, an error, or [`leave`](Self::leave).
#[derive(Debug)]
pub(crate) struct Getter {
    pool: Pool,
    signal: Arc<Signal>,
    place: Option<Place<Object>>,
    connecting: bool,
    began: u64,
    /// Since when it stands in line.
    stood: u64,
}

/// What a getter hears.
#[derive(Debug)]
#[must_use]
pub(crate) enum Said {
    /// It is served.
    Object(Object),
    /// It may connect, and still stands in line.
    Connect,
    /// It waits.
    Pending,
    /// It is over without an object: it would have had to wait, it failed, or the pool is closed.
    Over,
}

impl Getter {
    /// A getter that begins now.
    pub(crate) fn new(pool: &Pool) -> Self {
        let began = pool.books().tick();
        Self {
            pool: pool.clone(),
            signal: Signal::new(),
            place: None,
            connecting: false,
            began,
            stood: began,
        }
    }

    /// Whether a connect of its own is under way.
    pub(crate) fn connects(&self) -> bool {
        self.connecting
    }

    /// Claims, and no more.
    pub(crate) fn claim(&mut self) -> Option<Object> {
        match self.pool.claim() {
            Claim::Object(object) => {
                self.pool.books().serve(self.began);
                Some(object)
            }
            Claim::Empty | Claim::Closed => None,
        }
    }

    /// Claims, or else stands in line.
    pub(crate) fn start(&mut self, wait: bool) -> Said {
        match self.pool.claim() {
            Claim::Object(object) => self.served(object),
            Claim::Empty => self.stand(End::Back, wait, None),
            Claim::Closed => Said::Over,
        }
    }

    /// Its object was dead: destroys it and stays in front.
    pub(crate) fn exchange(&mut self, dead: Object) -> Said {
        let debt = self.pool.engine().doom();
        drop(dead);
        see(Sight::Exchanged);
        // Who stands at the front passes others by right.
        self.began = 0;
        self.stand(End::Front, true, Some(debt))
    }

    fn stand(&mut self, end: End, wait: bool, debt: Option<Debt>) -> Said {
        let waker = self.signal.waker();
        let entered = self.pool.engine().enter(end, wait, debt, &waker);
        self.stood = self.pool.books().tick();
        match entered {
            Enter::Object(object) => {
                see(Sight::IdleAfterAll);
                self.served(object.taken())
            }
            Enter::Connect(place) => {
                see(Sight::OwnConnect);
                self.place = Some(place);
                self.connect()
            }
            Enter::Wait(place) => {
                self.place = Some(place);
                Said::Pending
            }
            Enter::Shed => panic!("the line is full"),
            Enter::WouldWait => {
                see(Sight::WouldWait);
                Said::Over
            }
            Enter::Closed => Said::Over,
        }
    }

    /// Asks what it has been told.
    ///
    /// Who stands in line is served before everybody who began to get after that: if such a one has its
    /// object, this getter must be out of the line.
    pub(crate) fn poll(&mut self) -> Said {
        let passed = self.pool.books().served() > self.stood;
        let turn = self.ask();
        let still_stands = matches!(turn, Turn::Pending | Turn::Connect);
        let turn = match turn {
            // It may have been served a moment ago and not been told yet. A new waker makes it look under
            // the lock.
            Turn::Pending if passed => {
                self.renew();
                self.ask()
            }
            turn => turn,
        };
        let stands = still_stands && matches!(turn, Turn::Pending | Turn::Connect);
        assert!(
            !(passed && stands),
            "FAIR: one who came later was served before"
        );
        self.hear(turn)
    }

    /// It is polled with another waker from now on.
    pub(crate) fn renew(&mut self) {
        self.signal = Signal::new();
    }

    /// Sleeps until it is woken.
    pub(crate) fn sleep(&self) {
        see(Sight::Slept);
        self.signal.wait();
    }

    fn ask(&mut self) -> Turn<Object> {
        let place = self.place.as_mut().expect("it stands in line");
        self.pool.engine().poll(place, &self.signal.waker())
    }

    fn hear(&mut self, turn: Turn<Object>) -> Said {
        match turn {
            Turn::Pending => Said::Pending,
            Turn::Connect => {
                see(Sight::Granted);
                self.connect()
            }
            Turn::Object(object) => {
                see(if self.connecting {
                    Sight::ServedConnecting
                } else {
                    Sight::Served
                });
                self.go();
                self.served(object.taken())
            }
            Turn::Dismissed => {
                see(Sight::Dismissed);
                self.go();
                Said::Over
            }
            Turn::Closed => {
                see(Sight::Closed);
                self.go();
                Said::Over
            }
        }
    }

    /// Its connect comes to a good end. `None`: ask again, for it was told something meanwhile, or has to
    /// wait because the pool was shrunk.
    pub(crate) fn finish(&mut self) -> Option<Object> {
        let place = self.place.as_ref().expect("it stands in line");
        let made = self.pool.make().put();
        self.connecting = false;
        match self.pool.engine().finish(place, made) {
            Finish::Mine(object) => {
                see(Sight::Mine);
                self.go();
                return Some(object.taken());
            }
            Finish::Surplus(object, debt) => {
                see(Sight::Surplus);
                self.pool.retire(object, debt);
            }
            Finish::Elsewhere(end) => {
                see(Sight::Elsewhere);
                self.pool.end(end);
            }
        }
        None
    }

    /// Its connect fails. Says whether the error is its own; else it asks again.
    pub(crate) fn fail(&mut self) -> bool {
        self.connecting = false;
        self.pool.books().end_connect();
        let place = self.place.as_ref().expect("it stands in line");
        let gone = self.pool.engine().fail(place) == Placed::Gone;
        see(if gone {
            Sight::Failed
        } else {
            Sight::FailedTold
        });
        if gone {
            self.go();
        }
        gone
    }

    /// Leaves. A connect that it had begun is ownerless now; what it was handed is the caller's.
    pub(crate) fn leave(mut self) -> Option<Object> {
        let place = self.place.as_ref().expect("it stands in line");
        let left = self.pool.engine().leave(place);
        self.go();
        match left {
            Leave::Object(object) => {
                see(Sight::LeftServed);
                Some(object.taken())
            }
            Leave::Gone => {
                see(Sight::Left);
                None
            }
        }
    }

    fn connect(&mut self) -> Said {
        self.connecting = true;
        self.pool.books().begin_connect();
        Said::Connect
    }

    fn served(&self, object: Object) -> Said {
        self.pool.books().serve(self.began);
        Said::Object(object)
    }

    /// It stands in line no more.
    fn go(&mut self) {
        self.place = None;
        if std::mem::take(&mut self.connecting) {
            self.pool.books().abandon();
        }
    }
}
