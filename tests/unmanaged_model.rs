//! Any script of moves, on an unmanaged pool and on a model of plain lists side by side: after each move the
//! counts, the answers, who is woken and what lives are equal.

mod support;

use millpond::unmanaged::{Object, Pool, PoolError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::task::Poll;
use support::yard::{Added, Got, add, get};
use support::{Polled, Stone, Yard};

#[derive(Clone, Debug)]
enum Move {
    Get,
    TryGet,
    PollGetter(u8),
    CancelGetter(u8),
    Return(u8),
    Take(u8),
    Add,
    TryAdd,
    PollAdder(u8),
    CancelAdder(u8),
    Close,
}

/// The pool as it should be: who has what.
#[derive(Debug, Default)]
struct Model {
    max: usize,
    closed: bool,
    idle: Vec<usize>,
    held: Vec<usize>,
    /// In order of arrival, with the object that was handed over; `closed` tells the others.
    getters: Vec<Option<usize>>,
    /// In order of arrival: the object, and whether room was given for it.
    adders: Vec<(usize, bool)>,
}

impl Model {
    fn given(&self) -> usize {
        self.adders.iter().filter(|(_, given)| *given).count()
    }

    fn handed(&self) -> usize {
        self.getters.iter().flatten().count()
    }

    fn size(&self) -> usize {
        self.idle.len() + self.held.len() + self.handed() + self.given()
    }

    fn has_room(&self) -> bool {
        !self.closed && self.size() < self.max && self.adders.iter().all(|(_, given)| *given)
    }

    /// An object that nobody holds.
    fn put(&mut self, id: usize) {
        if self.closed {
            return;
        }
        match self.getters.iter_mut().find(|handed| handed.is_none()) {
            Some(first) => *first = Some(id),
            None => self.idle.push(id),
        }
    }

    /// Room goes to the first who waits for it.
    fn settle(&mut self) {
        while !self.closed && self.size() < self.max {
            match self.adders.iter_mut().find(|(_, given)| !given) {
                Some((_, given)) => *given = true,
                None => return,
            }
        }
    }

    fn close(&mut self) {
        self.closed = true;
        self.idle.clear();
        self.adders.iter_mut().for_each(|(_, given)| *given = false);
    }

    /// Objects that exist, in the pool, in hands, and with those who wait to add.
    fn live(&self) -> usize {
        self.idle.len() + self.held.len() + self.handed() + self.adders.len()
    }
}

/// The pool itself, and whoever is about it.
struct Scene<'a> {
    pool: &'a Pool<Stone>,
    yard: &'a Yard,
    model: Model,
    held: Vec<Object<Stone>>,
    getters: Vec<Polled<'a, Got>>,
    adders: Vec<Polled<'a, Added>>,
}

/// One of `len`, if there is one.
fn pick(nth: u8, len: usize) -> Option<usize> {
    usize::from(nth).checked_rem(len)
}

impl<'a> Scene<'a> {
    fn play(&mut self, step: &Move) {
        match step {
            Move::Get => self.get(),
            Move::TryGet => {
                let got = self.pool.try_get();
                match self.model.idle.pop() {
                    Some(id) => self.take_in_hand(got, id),
                    None => self.refused(got.err()),
                }
            }
            Move::PollGetter(nth) => {
                if let Some(nth) = pick(*nth, self.getters.len()) {
                    self.poll_getter(nth);
                }
            }
            Move::CancelGetter(nth) => {
                if let Some(nth) = pick(*nth, self.getters.len()) {
                    drop(self.getters.remove(nth).cancel());
                    if let Some(id) = self.model.getters.remove(nth) {
                        self.model.put(id);
                    }
                }
            }
            Move::Return(nth) => {
                if let Some(nth) = pick(*nth, self.held.len()) {
                    drop(self.held.remove(nth));
                    let id = self.model.held.remove(nth);
                    self.model.put(id);
                }
            }
            Move::Take(nth) => {
                if let Some(nth) = pick(*nth, self.held.len()) {
                    let stone = Object::take(self.held.remove(nth));
                    assert_eq!(stone.id, self.model.held.remove(nth));
                    self.model.settle();
                }
            }
            Move::Add => self.add(),
            Move::TryAdd => {
                let stone = self.yard.stone();
                let id = stone.id;
                let added = self.pool.try_add(stone);
                if self.model.has_room() {
                    added.unwrap();
                    self.model.put(id);
                } else {
                    let (stone, error) = added.unwrap_err();
                    assert_eq!(stone.id, id);
                    self.refused(Some(error));
                }
            }
            Move::PollAdder(nth) => {
                if let Some(nth) = pick(*nth, self.adders.len()) {
                    self.poll_adder(nth);
                }
            }
            Move::CancelAdder(nth) => {
                if let Some(nth) = pick(*nth, self.adders.len()) {
                    drop(self.adders.remove(nth).cancel());
                    self.model.adders.remove(nth);
                    self.model.settle();
                }
            }
            Move::Close => {
                self.pool.close();
                self.model.close();
            }
        }
    }

    fn get(&mut self) {
        let mut getter = get(self.pool);
        match (getter.poll(), self.model.idle.pop()) {
            (Poll::Ready(got), Some(id)) => self.take_in_hand(got, id),
            (Poll::Ready(got), None) => {
                assert!(self.model.closed, "{got:?}");
                self.refused(got.err());
            }
            (Poll::Pending, idle) => {
                assert!(idle.is_none() && !self.model.closed);
                self.getters.push(getter);
                self.model.getters.push(None);
            }
        }
    }

    fn poll_getter(&mut self, nth: usize) {
        match (self.getters[nth].poll(), self.model.getters[nth]) {
            (Poll::Pending, handed) => assert!(handed.is_none() && !self.model.closed),
            (Poll::Ready(got), handed) => {
                self.model.getters.remove(nth);
                drop(self.getters.remove(nth));
                match handed {
                    Some(id) => self.take_in_hand(got, id),
                    None => self.refused(got.err()),
                }
            }
        }
    }

    fn add(&mut self) {
        let stone = self.yard.stone();
        let id = stone.id;
        let mut adder = add(self.pool, stone);
        match adder.poll() {
            Poll::Ready(Ok(())) => {
                assert!(self.model.has_room());
                self.model.put(id);
            }
            Poll::Ready(Err((stone, error))) => {
                assert!(stone.id == id && self.model.closed);
                self.refused(Some(error));
            }
            Poll::Pending => {
                assert!(!self.model.has_room() && !self.model.closed);
                self.adders.push(adder);
                self.model.adders.push((id, false));
            }
        }
    }

    fn poll_adder(&mut self, nth: usize) {
        let (id, given) = self.model.adders[nth];
        match self.adders[nth].poll() {
            Poll::Pending => return assert!(!given && !self.model.closed),
            Poll::Ready(Ok(())) => {
                assert!(given);
                self.model.adders.remove(nth);
                self.model.put(id);
            }
            Poll::Ready(Err((stone, error))) => {
                assert_eq!(stone.id, id);
                self.model.adders.remove(nth);
                self.refused(Some(error));
            }
        }
        drop(self.adders.remove(nth));
    }

    fn take_in_hand(&mut self, got: Got, id: usize) {
        let object = got.unwrap();
        assert_eq!(object.id, id);
        self.held.push(object);
        self.model.held.push(id);
    }

    /// It must have failed, and with the one error that it can be.
    fn refused(&self, error: Option<PoolError>) {
        match error.expect("it cannot have succeeded") {
            PoolError::Closed => assert!(self.model.closed),
            PoolError::Timeout => assert!(!self.model.closed),
            error => panic!("{error}"),
        }
    }

    fn compare(&self) {
        let (now, model) = (self.pool.snapshot(), &self.model);
        assert_eq!(now.closed, model.closed);
        let waiting = model
            .getters
            .iter()
            .filter(|it| it.is_none() && !model.closed);
        assert_eq!(
            (now.size, now.idle, now.waiting, now.connecting),
            (
                model.size(),
                model.idle.len(),
                waiting.count(),
                model.given()
            ),
            "{model:?}"
        );
        assert_eq!(now.in_use, model.held.len() + model.handed());
        assert_eq!(self.yard.live(), model.live(), "{model:?}");
        for (getter, handed) in self.getters.iter().zip(&model.getters) {
            assert_eq!(getter.is_woken(), handed.is_some() || model.closed);
        }
        for (adder, (_, given)) in self.adders.iter().zip(&model.adders) {
            assert_eq!(adder.is_woken(), *given || model.closed);
        }
        let status = self.pool.status();
        assert_eq!(
            (status.max_size, status.size),
            (model.max, now.size - now.connecting)
        );
        assert_eq!((status.available, status.waiting), (now.idle, now.waiting));
    }
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        10 => Just(Move::Get),
        2 => Just(Move::TryGet),
        8 => any::<u8>().prop_map(Move::PollGetter),
        4 => any::<u8>().prop_map(Move::CancelGetter),
        6 => any::<u8>().prop_map(Move::Return),
        6 => any::<u8>().prop_map(Move::Take),
        10 => Just(Move::Add),
        2 => Just(Move::TryAdd),
        8 => any::<u8>().prop_map(Move::PollAdder),
        4 => any::<u8>().prop_map(Move::CancelAdder),
    ]
}

/// A script, which may close the pool somewhere.
fn script() -> impl Strategy<Value = Vec<Move>> {
    let close = prop_oneof![3 => Just(None), 1 => (0..80_usize).prop_map(Some)];
    (vec(a_move(), 1..80), close).prop_map(|(mut moves, close)| {
        if let Some(at) = close {
            moves.insert(at.min(moves.len()), Move::Close);
        }
        moves
    })
}

/// The same cases in every run; `PROPTEST_CASES` asks for a long one with others.
fn cases() -> Config {
    let asked = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return Config {
            failure_persistence: None,
            ..asked
        };
    }
    Config {
        cases: 2_000,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..asked
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn after_every_move_the_pool_is_what_the_model_is(max in 0..4_usize, script in script()) {
        let yard = Yard::default();
        let pool = Pool::new(max);
        let mut scene = Scene {
            pool: &pool,
            yard: &yard,
            model: Model { max, ..Model::default() },
            held: Vec::new(),
            getters: Vec::new(),
            adders: Vec::new(),
        };
        for step in &script {
            scene.play(step);
            scene.compare();
        }
        let closed = scene.model.closed;
        drop(scene);
        if closed {
            yard.all_gone(&pool);
        } else {
            let size = pool.snapshot().size;
            yard.all_well(pool, max, size);
        }
    }
}
