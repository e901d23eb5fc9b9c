//! Who gets what is free: the ledger beside a plain reference.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a budget does, in plain code: each account has so many, and a queue of numbered draws.
struct Plain {
    max: usize,
    accounts: Vec<(usize, VecDeque<usize>)>,
    /// Whose turn was longest ago stands first.
    turns: Vec<usize>,
}

impl Plain {
    fn in_use(&self) -> usize {
        self.accounts.iter().map(|(held, _)| held).sum()
    }

    /// Gives out what is free. Says which draws were served, in order.
    fn grant(&mut self) -> Vec<usize> {
        let mut served = Vec::new();
        while self.in_use() < self.max {
            let waiting = |account: &&usize| !self.accounts[**account].1.is_empty();
            let fewest = self.turns.iter().filter(waiting);
            // Of several minima, the first.
            let Some(&account) = fewest.min_by_key(|account| self.accounts[**account].0) else {
                break;
            };
            self.turns.retain(|other| *other != account);
            self.turns.push(account);
            self.accounts[account].0 += 1;
            served.extend(self.accounts[account].1.pop_front());
        }
        served
    }
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Draw(usize),
    Cancel(u8),
    Free(u8),
    Resize(usize),
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => (0..3_usize).prop_map(Move::Draw),
        2 => any::<u8>().prop_map(Move::Cancel),
        4 => any::<u8>().prop_map(Move::Free),
        1 => (0..6_usize).prop_map(Move::Resize),
    ]
}

/// Both, side by side.
struct Duel {
    budget: Arc<Budget>,
    accounts: Vec<Arc<Account>>,
    plain: Plain,
    waiting: Vec<(usize, Draw)>,
    held: Vec<(usize, Allowance)>,
    drawn: usize,
}

impl Duel {
    fn new(max: usize) -> Self {
        let budget = Budget::new(max);
        Self {
            accounts: (0..3).map(|_| budget.open()).collect(),
            budget,
            plain: Plain {
                max,
                accounts: vec![(0, VecDeque::new()); 3],
                turns: vec![0, 1, 2],
            },
            waiting: Vec::new(),
            held: Vec::new(),
            drawn: 0,
        }
    }

    fn play(&mut self, step: Move) {
        match step {
            Move::Draw(account) => {
                let number = self.drawn;
                self.drawn += 1;
                if self.plain.in_use() < self.plain.max {
                    // Nobody waits: it takes no turn.
                    self.plain.accounts[account].0 += 1;
                } else {
                    self.plain.accounts[account].1.push_back(number);
                }
                match self.accounts[account].draw(Waker::noop()) {
                    Drawn::Allowance(allowance) => self.held.push((account, allowance)),
                    Drawn::Later(draw) => self.waiting.push((number, draw)),
                }
            }
            Move::Cancel(nth) => {
                if let Some(nth) = usize::from(nth).checked_rem(self.waiting.len()) {
                    let (number, draw) = self.waiting.remove(nth);
                    drop(draw);
                    let queues = self.plain.accounts.iter_mut();
                    queues.for_each(|(_, queue)| queue.retain(|other| *other != number));
                }
            }
            Move::Free(nth) => {
                if let Some(nth) = usize::from(nth).checked_rem(self.held.len()) {
                    let (account, allowance) = self.held.remove(nth);
                    self.plain.accounts[account].0 -= 1;
                    drop(allowance);
                }
            }
            Move::Resize(max) => {
                self.plain.max = max;
                self.budget.resize(max);
            }
        }
        let served = self.plain.grant();
        self.compare(&served);
    }

    fn compare(&mut self, served: &[usize]) {
        for (number, draw) in std::mem::take(&mut self.waiting) {
            let account = draw.account.as_ref().expect("it waits").number;
            match draw.poll(Waker::noop()) {
                Drawn::Allowance(allowance) => {
                    assert!(
                        served.contains(&number),
                        "draw {number} was served, not {served:?}"
                    );
                    self.held.push((account, allowance));
                }
                Drawn::Later(draw) => {
                    assert!(!served.contains(&number), "draw {number} was not served");
                    self.waiting.push((number, draw));
                }
            }
        }
        let counts = self.budget.counts();
        let shares = counts.shares.iter();
        let shares: Vec<_> = shares.map(|share| (share.held, share.waiting)).collect();
        let plain = self.plain.accounts.iter();
        let plain: Vec<_> = plain.map(|(held, queue)| (*held, queue.len())).collect();
        assert_eq!(shares, plain);
        assert_eq!(
            (counts.max, counts.in_use),
            (self.plain.max, self.plain.in_use())
        );
        let waiting: usize = plain.iter().map(|(_, waiting)| waiting).sum();
        assert_eq!(counts.waiting, waiting);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_free_goes_to_who_has_fewest_in_turn_and_there_to_the_first(
        max in 0..5_usize,
        script in vec(a_move(), 0..60),
    ) {
        let mut duel = Duel::new(max);
        script.into_iter().for_each(|step| duel.play(step));
        let budget = Arc::clone(&duel.budget);
        drop(duel);
        let counts = budget.counts();
        prop_assert_eq!((counts.in_use, counts.waiting, counts.shares.len()), (0, 0, 0));
    }
}

#[test]
fn an_account_that_was_closed_leaves_its_place_to_the_next_that_is_opened() {
    let budget = Budget::new(1);
    let (first, second) = (budget.open(), budget.open());
    drop(first);
    assert_eq!((budget.open().number, second.number), (0, 1));
}

#[test]
fn an_object_is_asked_back_once_and_no_more_are_asked_back_than_are_wanted() {
    let budget = Budget::new(4);
    let (rich, poor) = (budget.open(), budget.open());
    let mut held: Vec<_> = (0..4).map(|_| rich.try_draw().expect("free")).collect();
    assert!(!held[0].yields(true), "nobody wants it");
    let Drawn::Later(draw) = poor.draw(Waker::noop()) else {
        panic!("nothing is free");
    };
    assert!(
        !held[0].yields(false),
        "it becomes idle, and is closed from there"
    );
    assert!(held[0].yields(true));
    assert!(!held[0].yields(true), "it is on its way");
    assert!(!held[1].yields(true), "one for one");
    drop(held.remove(0));
    let Drawn::Allowance(_got) = draw.poll(Waker::noop()) else {
        panic!("it is there");
    };
    assert!(!held[0].yields(true), "nobody wants it any more");
}

#[test]
fn what_was_asked_back_is_not_asked_back_again_for_the_next_who_waits() {
    let budget = Budget::new(4);
    let (rich, poor) = (budget.open(), budget.open());
    let mut held: Vec<_> = (0..4).map(|_| rich.try_draw().expect("free")).collect();
    let _first = poor.draw(Waker::noop());
    assert!(held[0].yields(true));
    let _second = poor.draw(Waker::noop());
    assert!(!held[0].yields(true), "it is on its way to the first");
}

#[test]
fn what_is_on_its_way_makes_one_account_poorer_and_the_other_richer() {
    let budget = Budget::new(3);
    let (rich, poor) = (budget.open(), budget.open());
    let mut held: Vec<_> = (0..3).map(|_| rich.try_draw().expect("free")).collect();
    let _draws = [poor.draw(Waker::noop()), poor.draw(Waker::noop())];
    assert!(held[0].yields(true));
    assert!(
        !held[1].yields(true),
        "two here and one there: as even as can be"
    );
}

#[test]
fn the_only_object_is_used_eight_times_more_before_it_goes_to_who_has_none() {
    let budget = Budget::new(1);
    let (busy, poor) = (budget.open(), budget.open());
    let mut held = busy.try_draw().expect("free");
    let _draw = poor.draw(Waker::noop());
    assert!((0..8).all(|_| !held.yields(true)));
    assert!(held.yields(true));
}

/// A pool that closes nothing.
#[derive(Default)]
struct Miser {
    asked: Mutex<usize>,
    panics: bool,
}

impl Miser {
    fn asked(&self) -> usize {
        *self.asked.lock()
    }
}

impl Member for Miser {
    fn close_idle<'a>(&self, demand: Demand<'a>) -> Option<Demand<'a>> {
        *self.asked.lock() += 1;
        assert!(!self.panics, "not mine");
        Some(demand)
    }

    fn name(&self) -> String {
        "miser".to_owned()
    }
}

/// An account of a pool that closes nothing.
fn miser(budget: &Arc<Budget>, panics: bool) -> (Arc<Account>, std::sync::Arc<Miser>) {
    let account = budget.open();
    let asked = Mutex::new(0);
    let miser = std::sync::Arc::new(Miser { asked, panics });
    let member: Weak<Miser> = std::sync::Arc::downgrade(&miser);
    account.introduce(member);
    (account, miser)
}

#[test]
fn only_who_keeps_something_is_asked_to_close_it_and_nobody_for_its_own_sake() {
    let budget = Budget::new(2);
    let (none, has_none) = miser(&budget, false);
    let (one, has_one) = miser(&budget, false);
    let (other, has_other) = miser(&budget, false);
    let _one = one.try_draw().expect("free");
    let mut leaves = other.try_draw().expect("free");
    let asked = || [&has_none, &has_one, &has_other].map(|miser| miser.asked());
    let waits = one.draw(Waker::noop());
    assert_eq!(asked(), [0, 0, 1], "not who waits itself, nor who has none");
    drop(waits);
    leaves.leaving = true;
    let mut ledger = budget.ledger.lock();
    ledger.mark_leaving(other.number);
    ledger.leaving += 1;
    drop(ledger);
    let _wait = [none.draw(Waker::noop()), none.draw(Waker::noop())];
    assert_eq!(asked(), [0, 1, 1], "nor whose object is on its way");
}

#[test]
fn who_keeps_most_is_asked_first() {
    let mut ledger = Ledger::new(6);
    let misers = [4, 2].map(|count| {
        let number = ledger.open();
        assert!((0..count).all(|_| ledger.take(number)));
        let miser = std::sync::Arc::new(Miser::default());
        let member: Weak<Miser> = std::sync::Arc::downgrade(&miser);
        ledger.introduce(number, member);
        miser
    });
    ledger.max = 5;
    let first = |ledger: &Ledger| {
        let member = ledger.members(None)[0].upgrade().expect("both are there");
        let address = std::sync::Arc::as_ptr(&member).cast::<Miser>();
        misers
            .iter()
            .position(|miser| std::sync::Arc::as_ptr(miser) == address)
    };
    assert_eq!(first(&ledger), Some(0));
    (0..3).for_each(|_| ledger.mark_leaving(0));
    assert_eq!(first(&ledger), Some(1), "the other has one that stays");
}

#[test]
fn a_search_that_a_panic_ends_is_none_that_the_next_one_relies_on() {
    let budget = Budget::new(1);
    let (has, miser) = miser(&budget, true);
    let waits = budget.open();
    let _held = has.try_draw().expect("free");
    for round in 1..=3 {
        let drawn = catch_unwind(AssertUnwindSafe(|| waits.draw(Waker::noop())));
        assert!(drawn.is_err() && miser.asked() == round, "{round}");
        assert_eq!(budget.counts().waiting, 0);
    }
}
