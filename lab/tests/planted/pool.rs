//! A small pool, simple enough to be right: one lock, one line. One defect can be planted in it.
//!
//! ```text
//! get ─► enter ─► a turn at once, or a place in line ─► Turn ─► take ─► Taken
//!                                                        └─ dropped ─► pass_on ─► next in line, else idle
//! ```

use crate::connection::{Connection, State};
use crate::counts::{Counts, Waiter};
use crate::defect::{Defect, When};
use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::data::Level;
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Target, Work};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Config;

/// Makes pools with one defect.
pub(crate) struct Planted {
    defect: Defect,
    hidden: Arc<Semaphore>,
}

impl Planted {
    pub(crate) fn with(defect: Defect) -> Arc<dyn Maker> {
        let hidden = match defect {
            Defect::HiddenBound => HIDDEN,
            _ => Semaphore::MAX_PERMITS,
        };
        Arc::new(Self {
            defect,
            hidden: Arc::new(Semaphore::new(hidden)),
        })
    }
}

#[async_trait]
impl Maker for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn version(&self) -> String {
        format!("{:?}", self.defect)
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let Target::Postgres(config) = &spec.target else {
            return Err("this pool is for PostgreSQL".into());
        };
        let mut config = (**config).clone();
        config.application_name(&spec.name);
        let pool = Arc::new(Pool {
            config,
            spec: spec.clone(),
            defect: self.defect,
            hidden: Arc::clone(&self.hidden),
            counts: Mutex::default(),
        });
        if self.defect != Defect::KeepsNothing {
            pool.connect_kept().await?;
        }
        Ok(Arc::new(Handle(pool)))
    }
}

/// The pool.
#[derive(Debug)]
pub(crate) struct Pool {
    config: Config,
    spec: Spec,
    defect: Defect,
    hidden: Arc<Semaphore>,
    counts: Mutex<Counts>,
}

struct Handle(Arc<Pool>);

/// The right to a connection. Passed on when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pool: Arc<Pool>,
    right: Option<Right>,
}

#[derive(Debug)]
enum Right {
    /// To this one.
    Ready(Connection),
    /// To make one; counted in `size` and `connecting`.
    Room,
}

impl Pool {
    async fn connect_kept(self: &Arc<Self>) -> Result<(), Failure> {
        for _ in 0..self.spec.kept {
            let connection = Connection::open(&self.config).await?;
            let mut counts = self.counts();
            counts.size += 1;
            counts.idle.push_back(connection);
        }
        Ok(())
    }

    async fn served(
        self: &Arc<Self>,
        caller: &'static Location<'static>,
    ) -> Result<Taken, Refusal> {
        let hidden = Arc::clone(&self.hidden).acquire_owned().await;
        let hidden = hidden.map_err(|_| Refusal::Closed)?;
        let turn = match self.enter()? {
            Entry::Turn(turn) => turn,
            Entry::Line(place, hand) => {
                let turn = hand.await.map_err(|_| Refusal::Closed);
                drop(place);
                turn?
            }
        };
        self.take(turn, caller, hidden).await
    }

    /// A turn at once if there is one, else a place in line.
    fn enter(self: &Arc<Self>) -> Result<Entry, Refusal> {
        let mut counts = self.counts();
        if counts.closed {
            return Err(Refusal::Closed);
        }
        if let Some(connection) = counts.idle.pop_front() {
            return Ok(Entry::Turn(self.turn(Right::Ready(connection))));
        }
        let most = self.spec.max_size + usize::from(self.defect == Defect::OneTooMany);
        if counts.size < most {
            counts.size += 1;
            counts.connecting += 1;
            return Ok(Entry::Turn(self.turn(Right::Room)));
        }
        let (hand, handed) = oneshot::channel();
        let number = counts.number();
        counts.waiters.push_back(Waiter { number, hand });
        let pool = Arc::clone(self);
        Ok(Entry::Line(Place { pool, number }, handed))
    }

    /// Makes of a turn what it is for.
    async fn take(
        self: &Arc<Self>,
        mut turn: Turn,
        caller: &'static Location<'static>,
        hidden: OwnedSemaphorePermit,
    ) -> Result<Taken, Refusal> {
        if matches!(&turn.right, Some(Right::Ready(connection)) if connection.is_closed()) {
            self.counts().connecting += 1;
            turn.right = Some(Right::Room);
        }
        if matches!(turn.right, Some(Right::Room)) {
            let opened = Connection::open(&self.config).await;
            let mut counts = self.counts();
            counts.unwell = opened.is_err();
            let connection = opened.map_err(|error| Refusal::Failed(error.into()))?;
            counts.connecting -= 1;
            turn.right = Some(Right::Ready(connection));
        }
        let Some(Right::Ready(mut connection)) = turn.right.take() else {
            return Err(Refusal::Failed("a turn without a right".into()));
        };
        connection.begin();
        let mut counts = self.counts();
        let number = counts.number();
        counts.holders.insert(number, (caller, Instant::now()));
        Ok(Taken {
            pool: Arc::clone(self),
            number,
            connection: Some(connection),
            _hidden: hidden,
        })
    }

    /// Gives a right to the next in line who is still there; to nobody if there is none.
    fn pass_on(self: &Arc<Self>, mut right: Right) {
        if self.defect == Defect::Barges
            && let Right::Ready(connection) = right
        {
            return self.pass_on_later(connection);
        }
        loop {
            let mut counts = self.counts();
            let Some(waiter) = counts.next(self.defect) else {
                return counts.keep(right);
            };
            drop(counts);
            let Err(mut back) = waiter.hand.send(self.turn(right)) else {
                return;
            };
            match back.right.take() {
                Some(again) => right = again,
                None => return,
            }
        }
    }

    /// Lays it aside, and sees a moment later whether somebody waits.
    fn pass_on_later(self: &Arc<Self>, connection: Connection) {
        self.counts().keep(Right::Ready(connection));
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            sleep(Duration::from_millis(2)).await;
            let mut counts = pool.counts();
            if counts.idle.is_empty() {
                return;
            }
            let Some(waiter) = counts.next(pool.defect) else {
                return;
            };
            let Some(connection) = counts.idle.pop_front() else {
                return;
            };
            drop(counts);
            // Whoever is gone drops it, and so it is passed on again.
            let _ = waiter.hand.send(pool.turn(Right::Ready(connection)));
        });
    }

    fn turn(self: &Arc<Self>, right: Right) -> Turn {
        Turn {
            pool: Arc::clone(self),
            right: Some(right),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one that comes back is thrown away.
    fn lose_one(&self) {
        self.counts().to_lose += 1;
    }

    fn loses(&self, when: When) -> bool {
        self.defect == Defect::Loses(when)
    }
}

impl Counts {
    /// Nobody wants it.
    fn keep(&mut self, right: Right) {
        match right {
            Right::Ready(connection) if !self.closed => self.idle.push_back(connection),
            Right::Ready(_) => self.size -= 1,
            Right::Room => {
                self.size -= 1;
                self.connecting -= 1;
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match self.right.take() {
            Some(Right::Room) if self.pool.loses(When::Connecting) => {}
            Some(Right::Ready(_)) if self.pool.loses(When::Handed) => {}
            Some(right) => self.pool.pass_on(right),
            None => {}
        }
    }
}

enum Entry {
    Turn(Turn),
    Line(Place, oneshot::Receiver<Turn>),
}

/// A place in line. Left when it is dropped.
struct Place {
    pool: Arc<Pool>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.pool.defect != Defect::CountsTheGone {
            let mut counts = self.pool.counts();
            counts.waiters.retain(|waiter| waiter.number != self.number);
        }
    }
}

#[async_trait]
impl Subject for Handle {
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let bound = match self.0.defect {
            Defect::TimesOutEarly => within.mul_f64(0.9),
            Defect::TimesOutLate => within + Duration::from_millis(120),
            _ => within,
        };
        match timeout(bound, self.0.served(caller)).await {
            Ok(taken) => Ok(Box::new(taken?)),
            Err(_) => {
                if self.0.defect == Defect::LosesTimedOut {
                    self.0.lose_one();
                }
                Err(Refusal::TimedOut)
            }
        }
    }

    fn look(&self) -> Look {
        let counts = self.0.counts();
        let (most, in_use) = (self.0.spec.max_size, counts.in_use());
        let lie = usize::from(self.0.defect == Defect::CountsLie && in_use >= most);
        Look {
            max: Some(most),
            size: Some(match self.0.defect {
                Defect::SizeLies => counts.size.saturating_sub(1),
                _ => counts.size,
            }),
            connecting: Some(counts.connecting),
            in_use: Some(in_use - lie),
            idle: Some(counts.idle.len() + lie),
            waiting: Some(counts.waiters.len()),
            health: Some(match in_use * 100 / most {
                _ if self.0.defect == Defect::StaysHealthy => Level::Healthy,
                _ if counts.unwell => Level::Critical,
                95.. => Level::Critical,
                80.. => Level::Warning,
                _ => Level::Healthy,
            }),
        }
    }

    fn leaks(&self) -> Option<Vec<String>> {
        let threshold = self.0.spec.leak_threshold?;
        let counts = self.0.counts();
        let held = counts
            .holders
            .values()
            .map(|(caller, since)| (caller, since.elapsed()));
        let late =
            held.filter(|(_, held)| *held >= threshold && self.0.defect != Defect::NamesNobody);
        let name = |(caller, held): (&&'static Location<'static>, Duration)| {
            format!("{}:{} for {held:.1?}", caller.file(), caller.line())
        };
        Some(late.map(name).collect())
    }

    async fn close(&self) {
        let mut counts = self.0.counts();
        counts.closed = true;
        if self.0.defect == Defect::LeavesOneOpen {
            std::mem::forget(counts.idle.pop_front());
        }
        let (idle, waiters) = (
            std::mem::take(&mut counts.idle),
            std::mem::take(&mut counts.waiters),
        );
        counts.size -= idle.len();
        drop(counts);
        drop((idle, waiters));
    }
}

/// A connection that was taken. Passed on when it is dropped.
struct Taken {
    pool: Arc<Pool>,
    number: u64,
    connection: Option<Connection>,
    _hidden: OwnedSemaphorePermit,
}

#[async_trait]
impl Lease for Taken {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        let connection = self.connection.as_mut().ok_or("it was given back")?;
        connection.work(work).await
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.pool.counts().holders.remove(&self.number);
        let Some(connection) = self.connection.take() else {
            return;
        };
        let lost = match connection.state() {
            _ if std::thread::panicking() => self.pool.loses(When::Panicking),
            State::AtWork => self.pool.loses(When::AtWork),
            State::Failed => self.pool.loses(When::Failed),
            State::Good => self.pool.counts().loses_one(),
        };
        if lost {
            return;
        }
        let dead = connection.is_closed();
        let right = if dead {
            self.pool.counts().connecting += 1;
            Right::Room
        } else {
            Right::Ready(connection)
        };
        self.pool.pass_on(right);
    }
}

/// What all pools together may have in use, where they share a bound that nobody was told of.
const HIDDEN: usize = 5;
