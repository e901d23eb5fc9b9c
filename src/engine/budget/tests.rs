//! Who gets what is free: the ledger beside a plain reference.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;

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
