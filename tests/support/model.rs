//! The reference model: what a pool of at most `max` objects does, one move at a time, in plain code.
//!
//! Nothing is counted here: every number of [`Counts`] is the length of what it stands for. It knows
//! neither the pool's types nor any test framework, so that property tests and fuzzers share it.

mod bounds;
mod rules;
mod words;

use std::collections::{BTreeMap, VecDeque};
pub use words::*;

#[derive(Debug)]
pub struct Model {
    setup: Setup,
    closed: bool,
    paused: bool,
    made: usize,
    now: u64,
    gates: Vec<bool>,
    /// What the next calls of each stage do; when there is no plan, all goes well.
    plans: [VecDeque<Plan>; 5],
    /// The longest idle first.
    idle: VecDeque<usize>,
    /// Idle when the pool was paused, or back since then.
    parked: VecDeque<usize>,
    held: Vec<usize>,
    getters: BTreeMap<usize, Getter>,
    /// Getters, first come first.
    line: VecDeque<usize>,
    background: Vec<Connect>,
}

#[derive(Debug)]
struct Getter {
    patience: Patience,
    began: bool,
    /// When it has waited long enough; known from when it waits first.
    wait_due: Option<u64>,
    checking: Option<(usize, Call)>,
    /// It may connect, and has not begun to.
    granted: bool,
    connect: Option<Connect>,
    /// What it was told, and has not heard yet.
    told: Option<Told>,
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
struct Call {
    stage: Stage,
    plan: Plan,
    /// When its bound is over.
    due: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Connect {
    call: Call,
    /// What was made, and is with its hook.
    object: Option<usize>,
    /// Until when it may go on without a getter.
    until: u64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Of(End),
    Late,
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
            now: 0,
            gates: Vec::new(),
            plans: Default::default(),
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
        let connects = || self.connects();
        let connecting = connects().count() + of(|g| g.granted);
        let creating = connects().filter(|connect| connect.object.is_none());
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
            creating: creating.count(),
        }
    }

    fn connects(&self) -> impl Iterator<Item = &Connect> {
        let owned = self.getters.values().filter_map(|g| g.connect.as_ref());
        owned.chain(&self.background)
    }

    /// Every object that the pool has, in the order in which they were made.
    pub fn objects(&self) -> Vec<usize> {
        let in_getter = |getter: &Getter| match (getter.told, getter.checking) {
            (Some(Told::Object(object)), _) | (_, Some((object, _))) => Some(object),
            _ => None,
        };
        let mut objects: Vec<_> = self.getters.values().filter_map(in_getter).collect();
        objects.extend(self.idle.iter().chain(&self.parked).chain(&self.held));
        objects.extend(self.connects().filter_map(|connect| connect.object));
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
        let check = getter.checking.map(|(_, call)| call);
        let call = getter.connect.map(|connect| connect.call).or(check);
        let over = match call {
            Some(call) => self.outcome(call).is_some(),
            None => getter.wait_due.is_some_and(|due| due <= self.now),
        };
        getter.told.is_some() || getter.granted || over
    }

    /// What the next call of this stage that has no plan yet does.
    pub fn plan(&mut self, stage: Stage, plan: Plan) {
        self.plans[stage as usize].push_back(plan);
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

    /// Time passes.
    pub fn pass(&mut self, ticks: u64) {
        self.now += ticks * TICK;
        self.run_background();
    }

    /// A getter numbered `number` that was not polled yet.
    pub fn get(&mut self, number: usize, patience: Patience) {
        let getter = Getter {
            patience,
            began: false,
            wait_due: None,
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
                Some((object, call)) => self.check(number, object, call),
                None => self.stand(number),
            };
            if let Some(answer) = going_on {
                return answer;
            }
        }
    }

    fn check(&mut self, number: usize, object: usize, call: Call) -> Option<Answer> {
        let Some(outcome) = self.outcome(call) else {
            return Some(Answer::Pending);
        };
        self.getter(number).checking = None;
        let next = match call.stage {
            Stage::PreRecycle => Some(Stage::Recycle),
            Stage::Recycle if self.setup.hooks => Some(Stage::PostRecycle),
            _ => None,
        };
        match (outcome, next) {
            (Outcome::Of(End::Good), None) => Some(Answer::Object(object)),
            (Outcome::Of(End::Good), Some(next)) => {
                let call = self.begin(number, next);
                self.getter(number).checking = Some((object, call));
                None
            }
            // The object is gone, and its getter stands first in line for another.
            (Outcome::Of(End::Fails) | Outcome::Late, _) => match self.pop_idle() {
                Some(next) => {
                    self.begin_check(number, next);
                    None
                }
                None => self.enter(number, true),
            },
            (Outcome::Of(End::Panics), _) => {
                self.settle();
                Some(Answer::Panicked)
            }
        }
    }

    fn begin_check(&mut self, number: usize, object: usize) {
        let first = match self.setup.hooks {
            true => Stage::PreRecycle,
            false => Stage::Recycle,
        };
        let call = self.begin(number, first);
        self.getter(number).checking = Some((object, call));
    }

    /// A call begins; its getter may have a bound for it. The hooks have none.
    fn begin(&mut self, number: usize, stage: Stage) -> Call {
        let bounded = self.getter(number).patience == Patience::Bounded;
        let bound = match stage {
            Stage::Create => Some(CREATE_BOUND),
            Stage::Recycle => Some(RECYCLE_BOUND),
            _ => None,
        };
        Call {
            stage,
            plan: self.next_plan(stage),
            due: bound.filter(|_| bounded).map(|bound| self.now + bound),
        }
    }

    fn next_plan(&mut self, stage: Stage) -> Plan {
        self.plans[stage as usize].pop_front().unwrap_or(GOOD)
    }

    fn enter(&mut self, number: usize, first: bool) -> Option<Answer> {
        let hungry = self.hungry().len();
        let answer = if self.closed {
            Some(Answer::Closed)
        } else if self.has_room() {
            self.begin_connect(number);
            None
        } else if self.getter(number).patience == Patience::None && self.ownerless() <= hungry {
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
        let Some(mut connect) = self.getter(number).connect else {
            return Some(self.wait(number));
        };
        let Some(outcome) = self.outcome(connect.call) else {
            return Some(Answer::Pending);
        };
        if self.goes_on(&mut connect, outcome) {
            self.getter(number).connect = Some(connect);
            return None;
        }
        let surplus = self.counts().size > self.max();
        self.getter(number).connect = None;
        let answer = match (outcome, connect.object) {
            (Outcome::Of(End::Good), Some(_)) if surplus => None,
            (Outcome::Of(End::Good), Some(object)) => Some(Answer::Object(object)),
            (Outcome::Of(End::Panics), _) => Some(Answer::Panicked),
            (Outcome::Late, _) => Some(Answer::CreateLate),
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

    /// It has neither object nor connect: it may have waited long enough.
    fn wait(&mut self, number: usize) -> Answer {
        let now = self.now;
        let getter = self.getter(number);
        if getter.patience != Patience::Bounded
            || *getter.wait_due.get_or_insert(now + WAIT_BOUND) > now
        {
            return Answer::Pending;
        }
        self.line.retain(|other| *other != number);
        self.settle();
        Answer::WouldWait
    }

    fn begin_connect(&mut self, number: usize) {
        let call = self.begin(number, Stage::Create);
        let bound = call.due.map_or(UNOWNED_BOUND, |_| CREATE_BOUND);
        self.getter(number).connect = Some(Connect {
            call,
            object: None,
            until: self.now + bound,
        });
    }

    /// A call of a connect ended. Whether its hook comes now; if not, it is at its end.
    fn goes_on(&mut self, connect: &mut Connect, outcome: Outcome) -> bool {
        if outcome != Outcome::Of(End::Good) || connect.call.stage != Stage::Create {
            return false;
        }
        connect.object = Some(self.make());
        if self.setup.hooks {
            connect.call = Call {
                stage: Stage::PostCreate,
                plan: self.next_plan(Stage::PostCreate),
                due: None,
            };
        }
        self.setup.hooks
    }

    /// A getter has no use for its connect any more.
    fn disown(&mut self, number: usize) {
        if let Some(connect) = self.getter(number).connect.take() {
            if self.setup.background && !self.closed {
                self.background.push(connect);
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
