//! One thread of a script: it does what its dice say and what is possible then.

use crate::diary;
use crate::dice::Dice;
use crate::getter::{Getter, Said};
use crate::object::Object;
use crate::pool::Pool;
use crate::scene::Shape;

/// A thread of a script.
#[derive(Debug)]
pub(crate) struct Actor {
    number: usize,
    pool: Pool,
    dice: Dice,
    hand: Vec<Object>,
    getter: Option<Getter>,
    resizer: Option<Resizer>,
}

/// What one of the actors has beside the others: it alone changes the bounds, pauses, and closes.
#[derive(Debug)]
pub(crate) struct Resizer {
    pub(crate) shape: Shape,
    pub(crate) max: usize,
    pub(crate) cap: usize,
    pub(crate) paused: bool,
}

/// What an actor can do.
#[derive(Clone, Copy, Debug)]
enum Step {
    Get,
    GetAtOnce,
    Claim,
    GiveBack,
    Doom,
    Exchange,
    Poll,
    Renew,
    Leave,
    Wait,
    Finish,
    Fail,
    Made,
    GiveUp,
    Reserve,
    Look,
    Resize,
    SetCap,
    Pause,
    Resume,
    Close,
}

impl Actor {
    pub(crate) fn new(number: usize, pool: &Pool, dice: Dice, resizer: Option<Resizer>) -> Self {
        Self {
            number,
            pool: pool.clone(),
            dice,
            hand: Vec::new(),
            getter: None,
            resizer,
        }
    }

    /// Does so many steps, and leaves nothing of its own behind.
    pub(crate) fn play(mut self, steps: usize) {
        for step in 0..steps {
            let choice = self.choose();
            self.act(choice);
            if self.is_time_to_close(step, steps) {
                self.act(Step::Close);
            }
        }
        if self.getter.is_some() {
            let waits = self.dice.chance(1, 2);
            self.act(if waits { Step::Wait } else { Step::Leave });
        }
        self.let_go();
    }

    /// Possible steps, with their weights. There is always one.
    fn choose(&mut self) -> Step {
        let mut steps = vec![(1, Step::Look), (3, Step::Made), (2, Step::GiveUp)];
        match &self.getter {
            Some(getter) if getter.connects() => {
                steps.extend([(6, Step::Finish), (3, Step::Fail), (3, Step::Leave)]);
                steps.extend([(2, Step::Poll), (1, Step::Renew)]);
            }
            Some(_) => {
                steps.extend([(5, Step::Poll), (3, Step::Leave), (3, Step::Wait)]);
                steps.push((1, Step::Renew));
            }
            None => steps.extend([
                (8, Step::Get),
                (3, Step::GetAtOnce),
                (3, Step::Claim),
                (1, Step::Reserve),
            ]),
        }
        if !self.hand.is_empty() {
            steps.extend([(8, Step::GiveBack), (2, Step::Doom)]);
            if self.getter.is_none() {
                steps.push((2, Step::Exchange));
            }
        }
        if let Some(resizer) = &self.resizer {
            steps.extend([(5, Step::Resize), (3, Step::SetCap)]);
            steps.push(match resizer.paused {
                true => (5, Step::Resume),
                false => (3, Step::Pause),
            });
        }
        self.dice.pick(&steps)
    }

    fn act(&mut self, step: Step) {
        let before = self.pool.check();
        diary::write(self.number, format!("{step:?}"), before);
        match step {
            Step::Get => self.begin(|getter| getter.start(true)),
            Step::GetAtOnce => self.begin(|getter| getter.start(false)),
            Step::Claim => self.claim(),
            Step::GiveBack => self.give_back(),
            Step::Doom => {
                let object = self.some_object();
                self.pool.doom(object);
            }
            Step::Exchange => {
                let dead = self.some_object();
                self.begin(|getter| getter.exchange(dead));
            }
            Step::Poll => self.poll(),
            Step::Renew => self.getter().renew(),
            Step::Leave => self.leave(),
            Step::Wait => self.wait(),
            Step::Finish => self.finish(),
            Step::Fail => self.fail(),
            Step::Made => self.end_ownerless(true),
            Step::GiveUp => self.end_ownerless(false),
            Step::Reserve => self.reserve(),
            Step::Look => {}
            Step::Resize => self.resize(),
            Step::SetCap => {
                let cap = self.dice.between(0, MOST);
                self.set_cap(cap);
            }
            Step::Pause => {
                self.resizer().paused = true;
                self.pool.pause();
            }
            Step::Resume => self.resume(),
            Step::Close => self.pool.close(),
        }
        self.pool.check();
    }

    fn begin(&mut self, start: impl FnOnce(&mut Getter) -> Said) {
        let mut getter = Getter::new(&self.pool);
        let said = start(&mut getter);
        self.getter = Some(getter);
        self.hear(said);
    }

    fn hear(&mut self, said: Said) {
        match said {
            Said::Object(object) => {
                self.getter = None;
                self.hand.push(object);
            }
            Said::Over => self.getter = None,
            Said::Connect | Said::Pending => {}
        }
    }

    fn claim(&mut self) {
        let mut getter = Getter::new(&self.pool);
        if let Some(object) = getter.claim() {
            self.hand.push(object);
        }
    }

    fn give_back(&mut self) {
        let object = self.some_object();
        self.pool.give_back(object);
    }

    fn poll(&mut self) {
        let said = self.getter().poll();
        self.hear(said);
    }

    fn leave(&mut self) {
        let getter = self.getter.take().expect("it gets");
        self.hand.extend(getter.leave());
    }

    /// Sleeps until the get is over. Whoever waits for others has nothing that others may wait for.
    fn wait(&mut self) {
        self.let_go();
        while self.getter.is_some() {
            if self.getter().connects() {
                self.finish();
                continue;
            }
            let said = self.getter().poll();
            if matches!(said, Said::Pending) {
                self.getter().sleep();
            }
            self.hear(said);
        }
    }

    fn finish(&mut self) {
        let object = self.getter().finish();
        if let Some(object) = object {
            self.hear(Said::Object(object));
        }
    }

    fn fail(&mut self) {
        if self.getter().fail() {
            self.getter = None;
        }
    }

    fn end_ownerless(&mut self, well: bool) {
        if !self.pool.books().adopt() {
            return;
        }
        if well {
            self.pool.made();
        } else {
            self.pool.give_up();
        }
    }

    fn reserve(&mut self) {
        if self.pool.reserve() {
            self.pool.books().abandon();
        }
    }

    fn resize(&mut self) {
        let resizer = self
            .resizer
            .as_mut()
            .expect("the one who changes the bounds");
        resizer.max = match resizer.shape {
            Shape::Growing => (resizer.max + self.dice.between(0, 1)).min(MOST),
            Shape::Breathing | Shape::Closing => self.dice.between(0, MOST),
        };
        self.pool.resize(resizer.max);
    }

    fn set_cap(&mut self, cap: usize) {
        self.resizer().cap = cap;
        self.pool.set_cap(cap);
    }

    /// What is stale of the parked objects goes.
    fn resume(&mut self) {
        self.resizer().paused = false;
        let stale = self.dice.chance(1, 4);
        let mut kept = self.pool.unpark();
        if stale {
            kept.drain(..).for_each(|object| self.pool.doom(object));
        }
        self.pool.resume(kept);
    }

    fn is_time_to_close(&mut self, step: usize, steps: usize) -> bool {
        let closes = |resizer: &Resizer| matches!(resizer.shape, Shape::Closing);
        let last = step + 1 == steps;
        self.resizer.as_ref().is_some_and(closes) && (last || self.dice.chance(1, steps))
    }

    /// Everything that others may wait for: the objects in hand, connects without an owner, a maximum and a
    /// cap above nothing, the end of a pause.
    fn let_go(&mut self) {
        if self.resizer.as_ref().is_some_and(|resizer| resizer.paused) {
            self.resume();
        }
        if self
            .resizer
            .as_ref()
            .is_some_and(|resizer| resizer.cap == 0)
        {
            self.set_cap(1);
        }
        if let Some(resizer) = self.resizer.as_mut().filter(|resizer| resizer.max == 0) {
            resizer.max = 1;
            self.pool.resize(1);
        }
        while !self.hand.is_empty() {
            self.give_back();
        }
        while self.pool.books().adopt() {
            if self.dice.chance(1, 2) {
                self.pool.made();
            } else {
                self.pool.give_up();
            }
        }
        self.pool.check();
    }

    fn some_object(&mut self) -> Object {
        let at = self.dice.between(0, self.hand.len() - 1);
        self.hand.swap_remove(at)
    }

    fn resizer(&mut self) -> &mut Resizer {
        self.resizer
            .as_mut()
            .expect("the one who changes the bounds")
    }

    fn getter(&mut self) -> &mut Getter {
        self.getter.as_mut().expect("it gets")
    }
}

/// The largest maximum. The stand-in for the queue has as many places.
pub(crate) const MOST: usize = 4;
