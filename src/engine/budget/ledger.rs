//! What a budget's lock guards: who has how many allowances, and who waits for one. A plain data structure.

use super::Member;
use crate::engine::queue::{End, Node, Queue, Stake};
use crate::engine::sync::Arc;
use crate::engine::waiter::Waiter;
use crate::engine::wake::WakeList;
use std::cmp::Reverse;
use std::sync::Weak;
use std::task::Waker;

/// All accounts of one budget.
pub(super) struct Ledger {
    /// How many allowances may be out.
    pub(super) max: usize,
    /// How many are.
    pub(super) in_use: usize,
    /// How many of those somebody saw to that they come back soon, or is looking for.
    pub(super) leaving: usize,
    /// How many wait for one.
    pub(super) waiting: usize,
    /// Rises with each one who begins to wait, and with each object that becomes idle while somebody waits: who
    /// looked for something to close, and found nothing, looks again if it has risen meanwhile.
    pub(super) news: u64,
    turn: u64,
    accounts: Vec<Option<Sheet>>,
}

/// One account.
struct Sheet {
    held: usize,
    leaving: usize,
    line: Queue<()>,
    /// When it was last given what it waited for, as a turn's number.
    served: u64,
    /// How often others kept what they could have left to it while it had nothing.
    passed: u32,
    member: Option<Weak<dyn Member>>,
}

/// What one account has.
#[derive(Debug)]
pub struct Share {
    /// Whose it is, if it still is anybody's.
    pub member: Option<Weak<dyn Member>>,
    /// Its allowances.
    pub held: usize,
    /// How many wait for one there.
    pub waiting: usize,
}

impl Ledger {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            in_use: 0,
            leaving: 0,
            waiting: 0,
            news: 0,
            turn: 0,
            accounts: Vec::new(),
        }
    }

    /// Opens an account, in the place of one that was closed if there is one.
    pub(super) fn open(&mut self) -> usize {
        let free = self.accounts.iter().position(Option::is_none);
        let number = free.unwrap_or(self.accounts.len());
        if free.is_none() {
            self.accounts.push(None);
        }
        self.accounts[number] = Some(Sheet {
            held: 0,
            leaving: 0,
            line: Queue::new(),
            served: self.turn,
            passed: 0,
            member: None,
        });
        number
    }

    /// Closes an account that nobody has anything to do with any more.
    pub(super) fn shut(&mut self, number: usize) -> Option<Weak<dyn Member>> {
        let sheet = self.accounts[number].take().expect("open until now");
        assert!(
            sheet.held == 0 && sheet.line.front().is_none(),
            "an account was closed beside what it has"
        );
        sheet.member
    }

    /// Says whose account it is.
    pub(super) fn introduce(&mut self, number: usize, member: Weak<dyn Member>) {
        self.sheet(number).member = Some(member);
    }

    /// How many allowances are missing: to those who wait, and below the maximum.
    pub(super) fn wanted(&self) -> usize {
        self.waiting + self.over()
    }

    /// How many are out beyond the maximum.
    pub(super) fn over(&self) -> usize {
        self.in_use.saturating_sub(self.max)
    }

    /// Takes an allowance, if one is free. Nobody waits then, so nobody is overtaken.
    pub(super) fn take(&mut self, number: usize) -> bool {
        let free = self.in_use < self.max;
        if free {
            self.in_use += 1;
            self.sheet(number).held += 1;
        }
        free
    }

    /// An allowance comes back.
    pub(super) fn free(&mut self, number: usize, leaving: bool) {
        self.in_use -= 1;
        let sheet = self.sheet(number);
        sheet.held -= 1;
        if leaving {
            sheet.leaving -= 1;
            self.leaving -= 1;
        }
    }

    /// Somebody waits from now on.
    pub(super) fn join(&mut self, number: usize, waiter: Arc<Waiter<()>>, waker: Waker) {
        self.waiting += 1;
        let node = Node::new(waiter, waker, Stake::Hungry, true);
        self.sheet(number).line.enter(End::Back, node);
    }

    /// Somebody waits no more; what is left of its place, unless it has been served.
    pub(super) fn leave(&mut self, number: usize, waiter: &Waiter<()>) -> Option<Node<()>> {
        let place = waiter.number()?;
        self.waiting -= 1;
        Some(self.sheet(number).line.remove(place))
    }

    /// Replaces the waker of somebody who waits. Gives the new one back if it has been served.
    pub(super) fn wake_by(
        &mut self,
        number: usize,
        waiter: &Waiter<()>,
        waker: Waker,
    ) -> Result<Option<Waker>, Waker> {
        match waiter.number() {
            Some(place) => Ok(self.sheet(number).line.node(place).waker.replace(waker)),
            None => Err(waker),
        }
    }

    /// Gives what is free to those who wait: first to who has fewest (max-min fair), in turn where several have
    /// as few; within one account to who came first.
    pub(super) fn grant(&mut self, wakes: &mut WakeList) {
        while self.in_use < self.max {
            let Some(number) = self.neediest(None) else {
                return;
            };
            self.turn += 1;
            self.in_use += 1;
            self.waiting -= 1;
            let turn = self.turn;
            let sheet = self.sheet(number);
            sheet.held += 1;
            sheet.served = turn;
            sheet.passed = 0;
            let first = sheet.line.front().expect("somebody waits there");
            let mut node = sheet.line.remove(first);
            node.waiter.hand_over(());
            wakes.add(node.waker.take());
        }
    }

    /// Whether who has an object of this account in hand closes it, for others; `has_line`: else somebody in line
    /// in its own pool gets it.
    pub(super) fn yields(&mut self, number: usize, has_line: bool) -> bool {
        if self.wanted() <= self.leaving {
            return false;
        }
        let yields = self.over() > self.leaving || has_line && self.is_too_rich(number);
        if yields {
            self.mark_leaving(number);
            self.leaving += 1;
        }
        yields
    }

    /// Whether the account has at least two more than another that waits: with one more they would only change
    /// places. Who waits with nothing at all gets a turn all the same, after some others.
    fn is_too_rich(&mut self, number: usize) -> bool {
        let Some(needy) = self.neediest(Some(number)) else {
            return false;
        };
        let rich = self.sheet(number);
        let rich = rich.held - rich.leaving;
        // What is on its way goes to the neediest.
        let on_its_way = self.leaving;
        let needy = self.sheet(needy);
        let poor = needy.held + on_its_way;
        if rich >= poor + 2 {
            return true;
        }
        if poor > 0 {
            return false;
        }
        needy.passed += 1;
        needy.passed > PATIENCE
    }

    /// One allowance of the account was asked back.
    pub(super) fn mark_leaving(&mut self, number: usize) {
        self.sheet(number).leaving += 1;
    }

    /// Whose idle objects could be closed: who keeps most first; or `only` this one. Nobody's for its own sake.
    pub(super) fn members(&self, only: Option<usize>) -> Vec<Weak<dyn Member>> {
        let numbered = self.accounts.iter().enumerate();
        let asked = numbered.filter(|(number, _)| only.is_none_or(|only| only == *number));
        let could = |sheet: &&Sheet| {
            let for_others = self.wanted() > sheet.line.hungry();
            for_others && sheet.held > sheet.leaving
        };
        let mut sheets: Vec<_> = asked
            .filter_map(|(_, sheet)| sheet.as_ref())
            .filter(could)
            .collect();
        sheets.sort_by_key(|sheet| Reverse(sheet.held - sheet.leaving));
        let members = sheets.into_iter().map(|sheet| sheet.member.clone());
        members.flatten().collect()
    }

    /// What everybody has.
    pub(super) fn shares(&self) -> Vec<Share> {
        let share = |sheet: &Sheet| Share {
            member: sheet.member.clone(),
            held: sheet.held,
            waiting: sheet.line.hungry(),
        };
        self.accounts.iter().flatten().map(share).collect()
    }

    /// Who waits and has fewest, `but` this one.
    fn neediest(&self, but: Option<usize>) -> Option<usize> {
        if self.waiting == 0 {
            return None;
        }
        let numbered = self.accounts.iter().enumerate();
        let waiting = numbered.filter_map(|(number, sheet)| {
            let sheet = sheet.as_ref()?;
            let waits = but != Some(number) && sheet.line.front().is_some();
            waits.then_some((number, sheet))
        });
        let neediest = waiting.min_by_key(|(_, sheet)| (sheet.held, sheet.served));
        neediest.map(|(number, _)| number)
    }

    fn sheet(&mut self, number: usize) -> &mut Sheet {
        let sheet = self.accounts[number].as_mut();
        sheet.expect("open while anybody has to do with it")
    }
}

/// So often an object is used on in its own pool, of the few that a budget has, before somebody elsewhere who has
/// none gets it: a connect for each use would cost more than the use.
const PATIENCE: u32 = 8;
