//! The rules of the reference model: who gets what when something changes.

use super::*;

impl Model {
    /// Where an object goes that nobody has: to the first in line, else it lies idle; if it is one too
    /// many, it is destroyed.
    pub(super) fn put(&mut self, object: usize) {
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
    pub(super) fn settle(&mut self) {
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
                .find(|number| model.getters[number].patience == Patience::None)
        };
        while let Some(number) = hopeless(self) {
            self.getter(number).told = Some(Told::Dismissed);
            self.line.retain(|other| *other != number);
        }
    }

    /// Connects without a getter run as far as they can, or until they are too late.
    pub(super) fn run_background(&mut self) {
        let outcome = |model: &Self, connect: &Connect| {
            let late = (connect.until <= model.now).then_some(Outcome::Late);
            model.outcome(connect.call).or(late)
        };
        let next = |model: &Self| {
            let mut connects = model.background.iter().enumerate();
            connects.find_map(|(nth, connect)| Some((nth, outcome(model, connect)?)))
        };
        while let Some((nth, outcome)) = next(self) {
            let mut connect = self.background.remove(nth);
            if self.goes_on(&mut connect, outcome) {
                self.background.insert(nth, connect);
                continue;
            }
            if let (Outcome::Of(End::Good), Some(object)) = (outcome, connect.object) {
                self.put(object);
            }
            self.settle();
        }
    }

    pub(super) fn make(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    pub(super) fn pop_idle(&mut self) -> Option<usize> {
        match self.setup.newest_first {
            true => self.idle.pop_back(),
            false => self.idle.pop_front(),
        }
    }

    /// Who stands in line with nothing but a place.
    pub(super) fn hungry(&self) -> Vec<usize> {
        let hungry = |number: &usize| {
            let getter = &self.getters[number];
            !getter.granted && getter.connect.is_none()
        };
        self.line.iter().copied().filter(hungry).collect()
    }

    /// Connects whose getter does not stand in line any more; in a paused pool they help nobody.
    pub(super) fn ownerless(&self) -> usize {
        if self.paused {
            return 0;
        }
        let owned = self.line.len() - self.hungry().len();
        self.counts().connecting - owned
    }

    pub(super) fn has_room(&self) -> bool {
        !self.closed && !self.paused && self.counts().size < self.setup.max
    }

    pub(super) fn max(&self) -> usize {
        if self.closed { 0 } else { self.setup.max }
    }

    /// How a call has ended; none: it waits. What ends in the moment in which its bound is over has ended.
    pub(super) fn outcome(&self, call: Call) -> Option<Outcome> {
        if call.plan.gate.is_none_or(|gate| self.gates[gate]) {
            return Some(Outcome::Of(call.plan.end));
        }
        let late = call.due.is_some_and(|due| due <= self.now);
        late.then_some(Outcome::Late)
    }

    pub(super) fn getter(&mut self, number: usize) -> &mut Getter {
        self.getters.get_mut(&number).expect("a getter that lives")
    }
}
