//! The reference model: what a pool of at most `max` objects does, one move at a time, in plain code.
//!
//! Nothing is counted here: every number of [`Counts`] is the length of what it stands for. It knows
//! neither the pool's types nor any test framework, so that property tests and fuzzers share it.

mod bounds;

use std::collections::{BTreeMap, VecDeque};

/// How a call of the manager's ends; if `gate` is closed, not before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub end: End,
    pub gate: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Good,
    Fails,
    Panics,
}

/// What a getter that is polled comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Pending,
    Object(usize),
    Failed,
    Panicked,
    WouldWait,
    Closed,
}

/// Everything that a snapshot shows, and what of it is under way in the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub max_size: usize,
    pub size: usize,
    pub idle: usize,
    pub connecting: usize,
    pub in_use: usize,
    pub waiting: usize,
    pub closed: bool,
    /// Calls of `create` under way: reservations that somebody has picked up.
    pub creating: usize,
}

/// How a model is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub max: usize,
    /// Connects go on without their getter.
    pub background: bool,
    /// The newest idle object is given out first.
    pub newest_first: bool,
}

#[derive(Debug)]
pub struct Model {
    setup: Setup,
    closed: bool,
    paused: bool,
    made: usize,
    gates: Vec<bool>,
    /// What the next calls do; when there is no plan, all goes well.
    pub creates: VecDeque<Plan>,
    pub checks: VecDeque<Plan>,
    /// The longest idle first.
    idle: VecDeque<usize>,
    /// Idle when the pool was paused, or back since then.
    parked: VecDeque<usize>,
    held: Vec<usize>,
    getters: BTreeMap<usize, Getter>,
    /// Getters, first come first.
    line: VecDeque<usize>,
    background: Vec<Plan>,
}

#[derive(Debug)]
struct Getter {
    patient: bool,
    began: bool,
    checking: Option<(usize, Plan)>,
    /// It may connect, and has not begun to.
    granted: bool,
    connect: Option<Plan>,
    /// What it was told, and has not heard yet.
    told: Option<Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Object(usize),
    Closed,
    Dismissed,
}

const GOOD: Plan = Plan {
    end: End::Good,
    gate: None,
};

impl Model {
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            closed: false,
            paused: false,
            made: 0,
            gates: Vec::new(),
            creates: VecDeque::new(),
            checks: VecDeque::new(),
            idle: VecDeque::new(),
            parked: VecDeque::new(),
            held: Vec::new(),
            getters: BTreeMap::new(),
            line: VecDeque::new(),
            background: Vec::new(),
        }
    }

    pub fn counts(&self) -> Counts {
        let of = |what: fn(&Getter) -> bool| self.getters.values().filter(|g| what(g)).count();
        let creating = of(|g| g.connect.is_some()) + self.background.len();
        let connecting = creating + of(|g| g.granted);
        let handed_over = of(|g| matches!(g.told, Some(Told::Object(_))));
        let checked = of(|g| g.checking.is_some());
        let in_use = self.held.len() + self.parked.len() + checked + handed_over;
        Counts {
            max_size: self.max(),
            size: self.idle.len() + connecting + in_use,
            idle: self.idle.len(),
            connecting,
            in_use,
            waiting: self.line.len(),
            closed: self.closed,
            creating,
        }
    }

    /// Every object that the pool has, in the order in which they were made.
    pub fn objects(&self) -> Vec<usize> {
        let in_getter = |getter: &Getter| match (getter.told, getter.checking) {
            (Some(Told::Object(object)), _) | (_, Some((object, _))) => Some(object),
            _ => None,
        };
        let mut objects: Vec<_> = self.getters.values().filter_map(in_getter).collect();
        objects.extend(self.idle.iter().chain(&self.parked).chain(&self.held));
        objects.sort_unstable();
        objects
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    pub fn held(&self) -> &[usize] {
        &self.held
    }

    pub fn getters(&self) -> Vec<usize> {
        self.getters.keys().copied().collect()
    }

    /// Whether there is something that a getter was told, or may do, and must have been woken for.
    pub fn has_news(&self, getter: usize) -> bool {
        let getter = &self.getters[&getter];
        let check = getter.checking.map(|(_, plan)| plan);
        let ended = getter
            .connect
            .or(check)
            .is_some_and(|plan| !self.waits(plan));
        getter.told.is_some() || getter.granted || ended
    }

    /// A gate, closed at first.
    pub fn gate(&mut self) -> usize {
        self.gates.push(false);
        self.gates.len() - 1
    }

    pub fn open(&mut self, gate: usize) {
        self.gates[gate] = true;
        self.run_background();
    }

    /// A getter numbered `number` that was not polled yet.
    pub fn get(&mut self, number: usize, patient: bool) {
        let getter = Getter {
            patient,
            began: false,
            checking: None,
            granted: false,
            connect: None,
            told: None,
        };
        self.getters.insert(number, getter);
    }

    pub fn poll(&mut self, number: usize) -> Answer {
        let answer = self.advance(number);
        match answer {
            Answer::Pending => {}
            _ => drop(self.getters.remove(&number)),
        }
        if let Answer::Object(object) = answer {
            self.held.push(object);
        }
        self.run_background();
        answer
    }

    fn advance(&mut self, number: usize) -> Answer {
        if !std::mem::replace(&mut self.getter(number).began, true) {
            if self.closed {
                return Answer::Closed;
            }
            match self.pop_idle() {
                Some(object) => self.begin_check(number, object),
                None => {
                    if let Some(answer) = self.enter(number, false) {
                        return answer;
                    }
                }
            }
        }
        loop {
            let going_on = match self.getter(number).checking {
                Some((object, plan)) => self.check(number, object, plan),
                None => self.stand(number),
            };
            if let Some(answer) = going_on {
                return answer;
            }
        }
    }

    fn check(&mut self, number: usize, object: usize, plan: Plan) -> Option<Answer> {
        if self.waits(plan) {
            return Some(Answer::Pending);
        }
        self.getter(number).checking = None;
        match plan.end {
            End::Good => Some(Answer::Object(object)),
            // The object is gone, and its getter stands first in line for another.
            End::Fails => match self.pop_idle() {
                Some(next) => {
                    self.begin_check(number, next);
                    None
                }
                None => self.enter(number, true),
            },
            End::Panics => {
                self.settle();
                Some(Answer::Panicked)
            }
        }
    }

    fn begin_check(&mut self, number: usize, object: usize) {
        let plan = self.checks.pop_front().unwrap_or(GOOD);
        self.getter(number).checking = Some((object, plan));
    }

    fn enter(&mut self, number: usize, first: bool) -> Option<Answer> {
        let hungry = self.hungry().len();
        let answer = if self.closed {
            Some(Answer::Closed)
        } else if self.has_room() {
            self.begin_connect(number);
            None
        } else if !self.getter(number).patient && self.ownerless() <= hungry {
            Some(Answer::WouldWait)
        } else {
            None
        };
        match (answer, first) {
            (Some(_), _) => {}
            (None, true) => self.line.push_front(number),
            (None, false) => self.line.push_back(number),
        }
        self.settle();
        answer
    }

    /// One step of a getter that stood in line when it was last seen.
    fn stand(&mut self, number: usize) -> Option<Answer> {
        if let Some(told) = self.getter(number).told.take() {
            if let Told::Object(object) = told {
                self.begin_check(number, object);
            }
            self.disown(number);
            return match told {
                Told::Object(_) => None,
                Told::Closed => Some(Answer::Closed),
                Told::Dismissed => Some(Answer::WouldWait),
            };
        }
        if std::mem::take(&mut self.getter(number).granted) {
            self.begin_connect(number);
        }
        let ended = self.getter(number).connect;
        let Some(plan) = ended.filter(|plan| !self.waits(*plan)) else {
            return Some(Answer::Pending);
        };
        let made = (plan.end == End::Good).then(|| self.make());
        let surplus = self.counts().size > self.max();
        self.getter(number).connect = None;
        let answer = match (plan.end, made) {
            (End::Good, Some(_)) if surplus => None,
            (End::Good, Some(object)) => Some(Answer::Object(object)),
            (End::Panics, _) => Some(Answer::Panicked),
            _ => Some(Answer::Failed),
        };
        if answer.is_some() {
            self.line.retain(|other| *other != number);
        }
        // What it has in hand now is counted while the others get what it leaves.
        match answer {
            Some(Answer::Object(object)) => {
                self.held.push(object);
                self.settle();
                self.held.pop();
            }
            _ => self.settle(),
        }
        answer
    }

    fn begin_connect(&mut self, number: usize) {
        let plan = self.creates.pop_front().unwrap_or(GOOD);
        self.getter(number).connect = Some(plan);
    }

    /// A getter has no use for its connect any more.
    fn disown(&mut self, number: usize) {
        if let Some(plan) = self.getter(number).connect.take() {
            if self.setup.background && !self.closed {
                self.background.push(plan);
            }
        }
        self.settle();
    }

    pub fn cancel(&mut self, number: usize) {
        let place = self.line.iter().position(|other| *other == number);
        place.map(|place| self.line.remove(place));
        let getter = self.getter(number);
        getter.granted = false;
        getter.checking = None;
        if let Some(Told::Object(object)) = getter.told.take() {
            self.put(object);
        }
        self.disown(number);
        self.getters.remove(&number);
        self.run_background();
    }

    /// The holder drops an object; `broken`: it is known to be dead.
    pub fn give_back(&mut self, object: usize, broken: bool) {
        self.held.retain(|other| *other != object);
        if !broken {
            self.put(object);
        }
        self.settle();
    }

    /// An object leaves the pool.
    pub fn take(&mut self, object: usize) {
        self.held.retain(|other| *other != object);
        self.settle();
    }
}

/// The rules.
impl Model {
    /// Where an object goes that nobody has: to the first in line, else it lies idle; if it is one too
    /// many, it is destroyed.
    fn put(&mut self, object: usize) {
        // It is in nobody's hand, so it is not counted here.
        if self.closed || self.counts().size >= self.max() {
            return;
        }
        let first = match self.paused {
            true => None,
            false => self.line.pop_front(),
        };
        match first {
            Some(first) => {
                let getter = self.getter(first);
                getter.told = Some(Told::Object(object));
                getter.granted = false;
            }
            None if self.paused => self.parked.push_back(object),
            None => self.idle.push_back(object),
        }
        self.settle();
    }

    /// While there is room, the first in line without a right to connect gets one. Who would not wait for
    /// others stays only behind fewer than there are connects that nobody owns.
    fn settle(&mut self) {
        while self.has_room() {
            let Some(first) = self.hungry().first().copied() else {
                break;
            };
            self.getter(first).granted = true;
        }
        let hopeless = |model: &Self| {
            let hungry = model.hungry();
            let behind = hungry.into_iter().skip(model.ownerless());
            behind
                .into_iter()
                .find(|number| !model.getters[number].patient)
        };
        while let Some(number) = hopeless(self) {
            self.getter(number).told = Some(Told::Dismissed);
            self.line.retain(|other| *other != number);
        }
    }

    /// Connects without a getter run as far as they can.
    fn run_background(&mut self) {
        while let Some(nth) = self.background.iter().position(|plan| !self.waits(*plan)) {
            if self.background.remove(nth).end == End::Good {
                let object = self.make();
                self.put(object);
            }
            self.settle();
        }
    }

    fn make(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    fn pop_idle(&mut self) -> Option<usize> {
        match self.setup.newest_first {
            true => self.idle.pop_back(),
            false => self.idle.pop_front(),
        }
    }

    /// Who stands in line with nothing but a place.
    fn hungry(&self) -> Vec<usize> {
        let hungry = |number: &usize| {
            let getter = &self.getters[number];
            !getter.granted && getter.connect.is_none()
        };
        self.line.iter().copied().filter(hungry).collect()
    }

    /// Connects whose getter does not stand in line any more; in a paused pool they help nobody.
    fn ownerless(&self) -> usize {
        if self.paused {
            return 0;
        }
        let owned = self.line.len() - self.hungry().len();
        self.counts().connecting - owned
    }

    fn has_room(&self) -> bool {
        !self.closed && !self.paused && self.counts().size < self.setup.max
    }

    fn max(&self) -> usize {
        if self.closed { 0 } else { self.setup.max }
    }

    fn waits(&self, plan: Plan) -> bool {
        plan.gate.is_some_and(|gate| !self.gates[gate])
    }

    fn getter(&mut self, number: usize) -> &mut Getter {
        self.getters.get_mut(&number).expect("a getter that lives")
    }
}
