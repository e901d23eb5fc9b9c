//! The counts of a pool, its idle connections, its holders and its line: all under one lock.

use crate::connection::Connection;
use crate::defect::Defect;
use crate::pool::Turn;
use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// See the file.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Connections that exist or are being made.
    pub(crate) size: usize,
    /// Of these, those that are being made.
    pub(crate) connecting: usize,
    /// Of these, those that lie ready, the longest first.
    pub(crate) idle: VecDeque<Connection>,
    /// Who waits, the longest first.
    pub(crate) waiters: VecDeque<Waiter>,
    /// Who holds a connection since when.
    pub(crate) holders: BTreeMap<u64, (&'static Location<'static>, Instant)>,
    /// Whether the last connect failed.
    pub(crate) unwell: bool,
    pub(crate) closed: bool,
    /// How many that come back are to be lost.
    pub(crate) to_lose: usize,
    given_back: u64,
    numbers: u64,
}

/// Somebody in line.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) number: u64,
    pub(crate) hand: oneshot::Sender<Turn>,
}

impl Counts {
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn in_use(&self) -> usize {
        self.size - self.connecting - self.idle.len()
    }

    /// Whether one that comes back is to be lost.
    pub(crate) fn loses_one(&mut self) -> bool {
        let lost = self.to_lose > 0;
        self.to_lose -= usize::from(lost);
        lost
    }

    /// Whose turn it is, out of the line.
    pub(crate) fn next(&mut self, defect: Defect) -> Option<Waiter> {
        match defect {
            Defect::LastComeFirst => self.waiters.pop_back(),
            Defect::Lottery if !self.waiters.is_empty() => {
                let any = fastrand::usize(..self.waiters.len());
                self.waiters.remove(any)
            }
            Defect::LosesWakeUp => {
                self.given_back += 1;
                let lost = self.given_back % 3 == 0;
                if lost { None } else { self.waiters.pop_front() }
            }
            _ => self.waiters.pop_front(),
        }
    }
}
