//! The load: callers who want a connection again and again, each within a bound; and, in a wild crowd, some who give up
//! half-way, who are in a hurry, who leave in the middle of their work, and who panic with a connection in their hands.

use super::board::Board;
use super::signal::Signal;
use crate::data::Outcome;
use crate::punctual;
use crate::record::Recorder;
use crate::subject::{Lease, Refusal, Subject, Work};
use millpond_testkit::Draw;
use std::panic::{Location, resume_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How the callers of a crowd are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// How many they are.
    pub(crate) callers: usize,
    /// How long one waits for a connection.
    pub(crate) within: Duration,
    /// How long one waits for an answer.
    pub(crate) patience: Duration,
    /// Whether they do everything that callers do, or only ask.
    pub(crate) wild: bool,
}

/// How long a caller thinks between two visits: at most, and down to a 256th of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace(pub(crate) Duration);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Go(Pace),
    Rest,
    Over,
}

/// A crowd at work. Dropped, it is gone at once.
#[derive(Debug)]
pub(crate) struct Crowd {
    order: Arc<Signal<Order>>,
    callers: JoinSet<()>,
    board: Arc<Board>,
}

impl Crowd {
    /// A crowd that comes to this pool; what its callers do is drawn from the seed.
    pub(crate) fn start(
        pool: &Arc<dyn Subject>,
        recorder: &Recorder,
        manners: Manners,
        pace: Pace,
        seed: u64,
    ) -> Self {
        let order = Arc::new(Signal::new(Order::Go(pace)));
        let board = Arc::new(Board::new(manners.callers));
        let mut callers = JoinSet::new();
        for number in 0..manners.callers {
            let caller = Caller {
                number,
                pool: Arc::clone(pool),
                recorder: recorder.clone(),
                board: Arc::clone(&board),
                manners,
                draw: Draw::branch(seed, number as u64),
            };
            callers.spawn(caller.go_by(Arc::clone(&order)));
        }
        Self {
            order,
            callers,
            board,
        }
    }

    /// What its callers have met.
    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// They go on, at this pace.
    pub(crate) fn go(&self, pace: Pace) {
        self.order.change(|order| *order = Order::Go(pace));
    }

    /// They finish what they do and rest.
    ///
    /// # Errors
    ///
    /// Some did not come to an end within the bound: who, and in the middle of what.
    pub(crate) async fn rest(&self, within: Duration) -> Result<(), String> {
        self.order.change(|order| *order = Order::Rest);
        let all_rest = async {
            while !self.board.all_rest() {
                sleep(LOOK).await;
            }
        };
        let rested = timeout(within, all_rest).await;
        rested.map_err(|_| self.board.stuck())
    }

    /// They finish what they do and go home.
    ///
    /// # Errors
    ///
    /// As [`rest`](Self::rest).
    pub(crate) async fn end(mut self, within: Duration) -> Result<(), String> {
        self.order.change(|order| *order = Order::Over);
        let all = async { while self.callers.join_next().await.is_some() {} };
        let ended = timeout(within, all).await;
        ended.map_err(|_| self.board.stuck())
    }
}

/// One of them.
struct Caller {
    number: usize,
    pool: Arc<dyn Subject>,
    recorder: Recorder,
    board: Arc<Board>,
    manners: Manners,
    draw: Draw,
}

/// What one comes for.
#[derive(Clone, Copy, Debug)]
enum Errand {
    Work(Work),
    /// Takes what there is within so long.
    Hurry(Duration),
    /// Has had enough of waiting after so long.
    LeaveTheLine(Duration),
    /// Has had enough of working after so long.
    LeaveTheWork(Duration),
    Panic,
}

impl Caller {
    async fn go_by(mut self, order: Arc<Signal<Order>>) {
        loop {
            let pace = match order.now() {
                Order::Over => return self.board.rests(self.number),
                Order::Rest => {
                    self.board.rests(self.number);
                    order.until(|now| *now != Order::Rest).await;
                    continue;
                }
                Order::Go(pace) => pace,
            };
            self.board.does(self.number, "thinking");
            let thinks = self.draw.between(pace.0 / 2, pace.0) / (1 << self.draw.below(8));
            let other = order.until(|now| *now != Order::Go(pace));
            if timeout(thinks, other).await.is_err() {
                self.visit().await;
            }
        }
    }

    async fn visit(&mut self) {
        let errand = match self.manners.wild {
            true => self.any_errand(),
            false => Errand::Work(Work::Ask),
        };
        match errand {
            Errand::Work(work) => self.work(work, self.manners.within).await,
            Errand::Hurry(within) => self.work(Work::Ask, within).await,
            Errand::LeaveTheLine(after) => {
                self.board.does(self.number, "about to leave the line");
                let get = self.pool.get(self.manners.within, Location::caller());
                let begun = Instant::now();
                let left = timeout(after, get).await;
                drop(left);
                let took = begun.elapsed();
                self.recorder.refusal("leavers", Outcome::Cancelled, took);
            }
            Errand::LeaveTheWork(after) => self.leave_work(after).await,
            Errand::Panic => self.panic().await,
        }
    }

    /// Four in ten ask, two work for a while; the others are what services are made of too.
    fn any_errand(&mut self) -> Errand {
        let draw = &mut self.draw;
        let mut between = |least, most| draw.between(least * MS, most * MS);
        let (short, long) = (between(0, 30), between(1, 50));
        match self.draw.below(100) {
            0..40 => Errand::Work(Work::Ask),
            40..60 => Errand::Work(Work::Sleep(short)),
            60..70 => Errand::Work(Work::Fail),
            70..80 => Errand::Hurry(long),
            80..90 => Errand::LeaveTheLine(short),
            90..96 => Errand::LeaveTheWork(short),
            _ => Errand::Panic,
        }
    }

    async fn take(&self, within: Duration) -> Option<(Box<dyn Lease>, Instant, Duration)> {
        self.board.does(self.number, "waiting for a connection");
        let begun = Instant::now();
        let got = punctual::get(&*self.pool, within, Location::caller()).await;
        self.board.got(got.took, got.late);
        match got.ended {
            Ok(lease) => Some((lease, begun, got.took)),
            Err(refusal) => {
                let outcome = match refusal {
                    Refusal::TimedOut => Outcome::TimedOut,
                    Refusal::Shed(_) => Outcome::Shed,
                    Refusal::Closed | Refusal::Failed(_) => Outcome::Failed,
                };
                self.recorder.refusal("callers", outcome, got.took);
                if within == self.manners.within {
                    self.board.trouble(begun);
                }
                None
            }
        }
    }

    async fn work(&self, work: Work, within: Duration) {
        let Some((mut lease, begun, wait)) = self.take(within).await else {
            return;
        };
        self.board.does(self.number, "waiting for an answer");
        let done = timeout(self.manners.patience, lease.work(work)).await;
        let good = matches!(done, Ok(Ok(())));
        self.board.does(self.number, "giving back");
        drop(lease);
        let outcome = if good {
            self.board.served(begun);
            Outcome::Served
        } else {
            self.board.trouble(begun);
            Outcome::Failed
        };
        let total = begun.elapsed();
        self.recorder.request("callers", outcome, wait, total);
    }

    async fn leave_work(&self, after: Duration) {
        let Some((mut lease, begun, wait)) = self.take(self.manners.within).await else {
            return;
        };
        self.board.does(self.number, "about to leave its work");
        let left = timeout(after, lease.work(Work::Sleep(LONG_WORK))).await;
        drop((left, lease));
        let total = begun.elapsed();
        self.recorder
            .request("leavers", Outcome::Cancelled, wait, total);
    }

    async fn panic(&self) {
        let Some((mut lease, begun, wait)) = self.take(self.manners.within).await else {
            return;
        };
        self.board.does(self.number, "about to panic");
        let patience = self.manners.patience;
        let task = tokio::spawn(async move {
            let _ = timeout(patience, lease.work(Work::Ask)).await;
            // A panic that prints nothing; the connection is dropped by it.
            resume_unwind(Box::new("planted"));
        });
        let _ = task.await;
        let total = begun.elapsed();
        self.recorder
            .request("leavers", Outcome::Panicked, wait, total);
    }
}

const MS: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_millis(2);
/// Longer than anybody stays.
const LONG_WORK: Duration = Duration::from_millis(500);
