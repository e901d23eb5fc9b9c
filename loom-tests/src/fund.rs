//! Pools in small that draw on one budget, and nothing else of them.

use crate::{Order, Race, Signal, race};
use millpond::engine::budget::{Account, Allowance, Budget, Demand, Draw, Drawn, Member};
use millpond::engine::{
    Claim, Debt, End, Engine, Enter, Finish, GiveBack, Leave, Place, Turn, give_back,
};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

/// Two or three tenants of one budget. Its clones share it.
#[derive(Clone, Debug)]
pub struct Fund {
    budget: Arc<Budget>,
    tenants: Vec<Arc<Tenant>>,
    tally: Arc<Tally>,
}

/// A pool: what lies idle, and what it may make.
pub struct Tenant {
    engine: Engine<Thing>,
    account: Arc<Account>,
    tally: Arc<Tally>,
}

/// An object, with its place in the budget: the object goes first.
#[derive(Debug)]
pub struct Thing {
    _life: Life,
    allowance: Allowance,
}

/// One more lives, as the server would count it.
#[derive(Debug)]
struct Life(Arc<Tally>);

/// loom does not see it: it adds no step, and orders nothing.
#[derive(Debug)]
struct Tally(Mutex<Numbers>);

#[derive(Debug)]
struct Numbers {
    live: usize,
    max: usize,
    ended: usize,
}

/// How many one tenant may have by itself: as many as the largest budget of a model.
const SIZE: usize = 2;

impl Fund {
    /// A budget of `max`, and so many tenants.
    pub fn new(max: usize, tenants: usize) -> Self {
        let budget = Budget::new(max);
        let numbers = Numbers {
            live: 0,
            max,
            ended: 0,
        };
        let tally = Arc::new(Tally(Mutex::new(numbers)));
        let tenant = || {
            let tenant = Arc::new(Tenant {
                engine: Engine::new(SIZE, SIZE, Order::Lifo),
                account: budget.open(),
                tally: Arc::clone(&tally),
            });
            let member: Weak<Tenant> = Arc::downgrade(&tenant);
            tenant.account.introduce(member);
            tenant
        };
        let fund = Self {
            tenants: (0..tenants).map(|_| tenant()).collect(),
            budget,
            tally,
        };
        // Each store makes its first tier now: another thread would find it at a step more.
        for tenant in &fund.tenants {
            tenant.warm();
            tenant.close(tenant.claim().expect("just made"));
        }
        fund.tally.now(|numbers| numbers.ended = 0);
        fund
    }

    /// One of the tenants.
    pub fn tenant(&self, number: usize) -> Arc<Tenant> {
        Arc::clone(&self.tenants[number])
    }

    /// The last handle of a tenant goes; who still holds something of it holds the rest.
    pub fn evict(&mut self, number: usize) {
        drop(self.tenants.remove(number));
    }

    /// Races on this fund; each role may keep an object.
    pub fn race(&self) -> Race<Self, Option<Thing>> {
        race(self)
    }

    /// Changes how many there may be.
    pub fn resize(&self, max: usize) {
        self.tally.now(|it| it.max = max.max(it.max));
        self.budget.resize(max);
        self.tally.now(|it| it.max = max);
    }

    /// How many were closed since the race began.
    pub fn ended(&self) -> usize {
        self.tally.now(|numbers| numbers.ended)
    }

    /// How many live.
    pub fn live(&self) -> usize {
        self.tally.now(|numbers| numbers.live)
    }

    /// [`at_rest`](Self::at_rest), where how many live depends on who came first.
    pub fn rests(self, max: usize) {
        let live = self.live();
        self.at_rest(max, live);
    }

    /// Everybody is done, and `live` lie idle: nobody waits, each that lives is counted, and one tenant after the
    /// other can have all of `max`.
    pub fn at_rest(self, max: usize, live: usize) {
        let counts = self.budget.counts();
        assert_eq!(
            (counts.max, counts.in_use, counts.waiting),
            (max, live, 0),
            "{counts:?}"
        );
        let idle: usize = self.tenants.iter().map(|it| it.idle()).sum();
        assert_eq!((idle, self.tally.now(|it| it.live)), (live, live), "ACC");
        for tenant in &self.tenants {
            let own: Vec<_> = (0..max).map(|_| tenant.hold()).collect();
            tenant.waiting().leave();
            own.into_iter().for_each(|thing| tenant.give_back(thing));
        }
        drop(self.tenants);
        assert_eq!(self.budget.counts().in_use, 0, "nothing outlives its pool");
        assert!(self.budget.counts().shares.is_empty());
    }
}

impl Tenant {
    /// Makes an object on a place that must be free, and holds it.
    pub fn hold(self: &Arc<Self>) -> Thing {
        match Visit::new(self).step() {
            Some(thing) => thing,
            None => panic!("no place is free"),
        }
    }

    /// Makes an object that lies idle when the race begins.
    pub fn warm(self: &Arc<Self>) {
        self.give_back(self.hold());
    }

    /// Takes what lies idle, or comes back, or makes one, however long its place takes.
    pub fn get(self: &Arc<Self>) -> Thing {
        Visit::new(self).wait()
    }

    /// Somebody who waits, before the race begins.
    pub fn waiting(self: &Arc<Self>) -> Visit {
        let mut visit = Visit::new(self);
        assert!(visit.step().is_none(), "nothing is free");
        visit
    }

    /// Gives an object back, and looks whether its place is wanted elsewhere; or closes it for who has less.
    pub fn give_back(&self, mut thing: Thing) {
        let has_line = self.engine.state().waiting() > 0;
        if thing.allowance.yields(has_line) {
            return self.close(thing);
        }
        self.end(give_back(&self.engine, thing));
    }

    /// Closes an object that it holds.
    pub fn close(&self, thing: Thing) {
        let debt = self.engine.doom();
        self.retire(thing, debt);
    }

    fn end(&self, end: GiveBack<Thing>) {
        match end {
            GiveBack::Kept => self.account.came_home(),
            GiveBack::Retire(thing, debt) => self.retire(thing, debt),
        }
    }

    fn retire(&self, thing: Thing, debt: Debt) {
        drop(thing);
        self.engine.bury(debt);
    }

    /// Takes what lies idle.
    pub fn claim(&self) -> Option<Thing> {
        match self.engine.claim() {
            Claim::Object(thing) => Some(thing),
            Claim::Empty | Claim::Closed => None,
        }
    }

    fn idle(&self) -> usize {
        self.engine.state().idle()
    }
}

impl Member for Tenant {
    fn close_idle<'a>(&self, demand: Demand<'a>) -> Option<Demand<'a>> {
        let Some(mut thing) = self.claim() else {
            return Some(demand);
        };
        thing.allowance.leave(demand);
        self.close(thing);
        None
    }

    fn name(&self) -> String {
        "a tenant".to_owned()
    }
}

/// A getter of one tenant: the managed layer's way through engine and budget, polled by hand.
pub struct Visit {
    tenant: Arc<Tenant>,
    signal: Arc<Signal>,
    place: Option<Place<Thing>>,
    /// Whether it has a reservation, and may have asked for a place in the budget.
    connects: bool,
    draw: Option<Draw>,
}

impl Visit {
    fn new(tenant: &Arc<Tenant>) -> Self {
        Self {
            tenant: Arc::clone(tenant),
            signal: Signal::new(),
            place: None,
            connects: false,
            draw: None,
        }
    }

    /// Asks once.
    pub fn step(&mut self) -> Option<Thing> {
        if self.place.is_none() {
            if let Some(thing) = self.tenant.claim().or_else(|| self.enter()) {
                return Some(thing);
            }
        }
        loop {
            let waker = self.signal.waker();
            let place = self.place.as_mut().expect("it stands in line");
            match self.tenant.engine.poll(place, &waker) {
                Turn::Object(thing) => {
                    self.place = None;
                    self.disown();
                    return Some(thing);
                }
                Turn::Connect => self.connects = true,
                Turn::Pending => {}
                Turn::Closed | Turn::Dismissed => unreachable!("it waits, and nobody closes"),
            }
            if !self.connects {
                return None;
            }
            let drawn = match self.draw.take() {
                None => self.tenant.account.draw(&waker),
                Some(draw) => draw.poll(&waker),
            };
            match drawn {
                Drawn::Later(draw) => {
                    self.draw = Some(draw);
                    return None;
                }
                Drawn::Allowance(allowance) => {
                    if let Some(thing) = self.finish(allowance) {
                        return Some(thing);
                    }
                }
            }
        }
    }

    /// Asks until it has something.
    pub fn wait(mut self) -> Thing {
        loop {
            match self.step() {
                Some(thing) => return thing,
                None => self.signal.wait(),
            }
        }
    }

    /// Asks with another waker from now on.
    pub fn anew(mut self) -> Self {
        self.signal = Signal::new();
        self
    }

    /// Leaves. What it was handed goes back.
    pub fn leave(mut self) {
        let place = self.place.take().expect("it stands in line");
        if let Leave::Object(thing) = self.tenant.engine.leave(&place) {
            self.tenant.give_back(thing);
        }
        self.disown();
    }

    fn enter(&mut self) -> Option<Thing> {
        let waker = self.signal.waker();
        match self.tenant.engine.enter(End::Back, true, None, &waker) {
            Enter::Object(thing) => return Some(thing),
            Enter::Wait(place) => self.place = Some(place),
            Enter::Connect(place) => {
                self.place = Some(place);
                self.connects = true;
            }
            Enter::WouldWait | Enter::Shed | Enter::Closed => unreachable!("it waits"),
        }
        None
    }

    /// LIM: with this one, no more live than the budget has.
    fn finish(&mut self, allowance: Allowance) -> Option<Thing> {
        let life = Life::new(&self.tenant.tally);
        let thing = Thing {
            _life: life,
            allowance,
        };
        self.connects = false;
        let place = self.place.as_ref().expect("it stands in line");
        match self.tenant.engine.finish(place, thing) {
            Finish::Mine(thing) => {
                self.place = None;
                return Some(thing);
            }
            Finish::Elsewhere(end) => self.tenant.end(end),
            Finish::Surplus(thing, debt) => self.tenant.retire(thing, debt),
        }
        None
    }

    /// It had not begun to connect: it stands no more in the budget's line, and its reservation is the next one's.
    fn disown(&mut self) {
        if std::mem::take(&mut self.connects) {
            drop(self.draw.take());
            self.tenant.engine.give_up();
        }
    }
}

impl Life {
    fn new(tally: &Arc<Tally>) -> Self {
        tally.now(|it| {
            it.live += 1;
            assert!(it.live <= it.max, "LIM: {} live, of {}", it.live, it.max);
        });
        Self(Arc::clone(tally))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.now(|it| {
            it.live -= 1;
            it.ended += 1;
        });
    }
}

impl Tally {
    fn now<R>(&self, look: impl FnOnce(&mut Numbers) -> R) -> R {
        // A model that fails has told why already.
        look(&mut self.0.lock().unwrap_or_else(|failed| failed.into_inner()))
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("tenant", &self.tenant)
            .field("connects", &self.connects)
            .finish_non_exhaustive()
    }
}
