//! A pool behind a gate, and who comes to it without a priority: the managed layer's way through both engines.

use crate::{Books, Getter, Object, Order, Pool, Race, Said, Signal, race};
use millpond::engine::gate::Gate;
use millpond::engine::{Claim, End, Enter, Finish, GiveBack, Gone, Leave, Place, Turn, give_back};
use std::rc::Rc;
use std::sync::Arc;

/// A pool of which some is kept for those with priority, who go to the [pool](Self::pool) itself. Its clones share
/// one gate. Tickets are objects too, so loom checks that whoever has one knows of whoever had it before.
#[derive(Clone, Debug)]
pub struct Gated {
    pool: Pool,
    gate: Rc<Gate<Object>>,
    tickets: Rc<Books>,
}

/// What one without a priority holds.
#[derive(Debug)]
pub struct Stay {
    object: Object,
    ticket: Object,
}

impl Gated {
    /// A pool of at most `max` objects, of which `reserve` are kept.
    pub fn new(max: usize, reserve: usize) -> Self {
        let gated = Self {
            pool: Pool::new(max, Order::Lifo),
            gate: Rc::new(Gate::new(max, reserve)),
            tickets: Books::new(max, 0),
        };
        // The store's first tier, as in the pool.
        let ticket = gated.visitor().at_once().expect("nobody is here yet");
        gated.give_ticket(ticket);
        gated
    }

    /// The pool behind the gate.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Roles that run at once on this pool.
    pub fn race(&self) -> Race<Self, ()> {
        race(self)
    }

    /// The same, where each may keep what it got.
    pub fn race_keeping(&self) -> Race<Self, Option<Stay>> {
        race(self)
    }

    /// One who has not asked yet.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            gated: self.clone(),
            signal: Signal::new(),
            place: None,
        }
    }

    /// One who stands at the gate, before the race begins.
    pub fn standing(&self) -> Visitor {
        let mut visitor = self.visitor();
        assert!(visitor.come().is_none(), "no ticket");
        visitor
    }

    /// Gets an object and holds it, before the race begins.
    pub fn hold(&self) -> Stay {
        self.visitor().get().expect("nobody interferes")
    }

    /// Gets an object, however long it takes, and gives it back.
    pub fn get_and_give_back(&self) {
        let visit = self.visitor().get().expect("the pool is open");
        self.give_back(visit);
    }

    /// Gives an object back, and then the ticket.
    pub fn give_back(&self, visit: Stay) {
        self.pool.give_back(visit.object);
        self.give_ticket(visit.ticket);
    }

    /// The object is destroyed, and then the ticket is given back.
    pub fn doom(&self, visit: Stay) {
        self.pool.doom(visit.object);
        self.give_ticket(visit.ticket);
    }

    fn give_ticket(&self, ticket: Object) {
        ticket.touch();
        self.end(give_back(self.gate.tickets(), ticket));
    }

    fn end(&self, end: GiveBack<Object>) {
        if let GiveBack::Retire(ticket, debt) = end {
            self.gate.end(ticket, debt);
        }
    }

    /// Changes the maximum, and then the tickets.
    pub fn resize(&self, max: usize) {
        self.pool.resize(max);
        self.gate.follow(self.pool.engine());
    }

    /// Changes the maximum of a pool without objects: several may do so at once.
    pub fn resize_empty(&self, max: usize) {
        assert!(self.pool.engine().resize(max).is_empty());
        self.gate.follow(self.pool.engine());
    }

    /// Closes the gate, and then the pool.
    pub fn close(&self) {
        self.pool.books().close();
        self.gate.close();
        self.pool.close();
    }

    /// Lets nobody new come, and waits until nobody is in line, at the gate or between the two.
    pub fn end_line(&self) {
        self.pool.books().close();
        self.gate.refuse();
        self.pool.engine().refuse();
        let signal = Signal::new();
        let mut gone = Gone::default();
        while self
            .gate
            .poll_line_end(self.pool.engine(), &mut gone, &signal.waker())
            .is_pending()
        {
            signal.wait();
        }
        assert_eq!(
            self.gate.before(),
            0,
            "the end comes after the last of them"
        );
    }

    /// P1 and CAP at the gate and behind it: everybody is done, and so many without a priority can be let in
    /// as `share` says. Ends both.
    pub fn at_rest(self, share: usize, max: usize, live: usize) {
        let state = self.gate.tickets().state();
        assert_eq!(
            (
                state.waiting(),
                state.connecting(),
                state.in_use(),
                state.max()
            ),
            (0, 0, 0, share),
            "{state:?}"
        );
        assert_eq!((self.tickets.live(), self.gate.before()), (state.size(), 0));
        let let_in: Vec<_> = (0..share)
            .map(|_| self.visitor().at_once().expect("CAP: as many tickets"))
            .collect();
        assert!(self.visitor().at_once().is_none(), "CAP: and no more");
        let_in
            .into_iter()
            .for_each(|ticket| self.give_ticket(ticket));
        self.gate.close();
        self.end_gate().at_rest(max, live);
    }

    /// The same of a pool that was closed.
    pub fn at_rest_closed(self) {
        assert!(self.visitor().get().is_none());
        self.end_gate().at_rest_closed();
    }

    fn end_gate(self) -> Pool {
        let state = self.gate.tickets().state();
        assert!(state.is_closed());
        assert_eq!((state.size(), self.tickets.live()), (0, 0), "ONCE");
        self.pool
    }
}

/// One without a priority, polled by hand.
#[derive(Debug)]
pub struct Visitor {
    gated: Gated,
    signal: Arc<Signal>,
    place: Option<Place<Object>>,
}

impl Visitor {
    /// Gets, however long it takes; `None`: closed.
    pub fn get(mut self) -> Option<Stay> {
        if let Some(ticket) = self.claim() {
            let object = self.go_in(|getter| getter.start(true));
            return self.with(ticket, object);
        }
        match self.come() {
            Some(ticket) => {
                let object = self.go_in_through();
                self.with(ticket, object)
            }
            None => self.wait(),
        }
    }

    /// From the line of the gate to the end.
    pub fn wait(mut self) -> Option<Stay> {
        let ticket = loop {
            let Some(mut place) = self.place.take() else {
                self.gone_by();
                return None;
            };
            let tickets = self.gated.gate.tickets();
            match tickets.poll(&mut place, &self.signal.waker()) {
                Turn::Object(ticket) => break taken(ticket),
                Turn::Closed | Turn::Dismissed => {}
                Turn::Connect => {
                    if let Some(ticket) = self.make(place) {
                        break ticket;
                    }
                }
                Turn::Pending => {
                    self.place = Some(place);
                    self.signal.wait();
                }
            }
        };
        let object = self.go_in_through();
        self.with(ticket, object)
    }

    /// Leaves the gate; a ticket that it was given goes to the next.
    pub fn leave(mut self) {
        let place = self.place.take().expect("it stands at the gate");
        if let Leave::Object(ticket) = self.gated.gate.tickets().leave(&place) {
            self.gated.give_ticket(taken(ticket));
        }
        self.gone_by();
    }

    /// A ticket that is free, and the object that must then be idle, or the ticket again.
    pub fn find_idle(self) -> bool {
        let Some(ticket) = self.claim() else {
            return false;
        };
        let object = self.gated.pool.claim();
        let object = object.expect("who takes the ticket finds the object idle");
        self.gated.give_back(Stay { object, ticket });
        true
    }

    fn claim(&self) -> Option<Object> {
        match self.gated.gate.tickets().claim() {
            Claim::Object(ticket) => Some(taken(ticket)),
            Claim::Empty | Claim::Closed => None,
        }
    }

    /// Comes to the gate and asks. `None`: it stands there, or hears at its first poll why not.
    fn come(&mut self) -> Option<Object> {
        self.gated.gate.come();
        self.enter(true)
    }

    fn enter(&mut self, wait: bool) -> Option<Object> {
        let tickets = self.gated.gate.tickets();
        match tickets.enter(End::Back, wait, None, &self.signal.waker()) {
            Enter::Object(ticket) => return Some(taken(ticket)),
            Enter::Connect(place) => return self.make(place),
            Enter::Wait(place) => self.place = Some(place),
            Enter::WouldWait | Enter::Shed | Enter::Closed => {}
        }
        None
    }

    /// A ticket without waiting.
    fn at_once(mut self) -> Option<Object> {
        self.claim().or_else(|| self.enter(false))
    }

    fn make(&mut self, place: Place<Object>) -> Option<Object> {
        let made = Object::brought(&self.gated.tickets);
        match self.gated.gate.tickets().finish(&place, made) {
            Finish::Mine(ticket) => return Some(ticket),
            Finish::Surplus(ticket, debt) => self.gated.gate.end(ticket, debt),
            Finish::Elsewhere(end) => self.gated.end(end),
        }
        self.place = Some(place);
        None
    }

    fn go_in(&self, start: impl FnOnce(&mut Getter) -> Said) -> Option<Object> {
        let mut getter = Getter::new(&self.gated.pool);
        let said = start(&mut getter);
        getter.follow(said)
    }

    fn go_in_through(&self) -> Option<Object> {
        self.go_in(|getter| {
            let said = getter.enter_through();
            self.gone_by();
            said
        })
    }

    fn gone_by(&self) {
        self.gated.gate.gone_by(self.gated.pool.engine());
    }

    fn with(self, ticket: Object, object: Option<Object>) -> Option<Stay> {
        match object {
            Some(object) => Some(Stay { object, ticket }),
            None => {
                self.gated.give_ticket(ticket);
                None
            }
        }
    }
}

fn taken(ticket: Object) -> Object {
    ticket.touch();
    ticket
}
