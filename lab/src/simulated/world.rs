//! A server that exists in one process's memory: who is connected to it, what the weather is on the way there, and the
//! book of everything that must never happen.

use super::digest::Digest;
use crate::chaos::signal::Signal;
use millpond::managed::Bell;
use millpond_testkit::Draw;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// The world of one run: a handle.
#[derive(Clone, Debug)]
pub(super) struct World(Arc<Everything>);

#[derive(Debug)]
struct Everything {
    weather: Signal<Weather>,
    book: Mutex<Book>,
}

/// What is wrong now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weather {
    /// Nobody listens.
    pub(super) is_down: bool,
    /// It listens, and answers nothing before this is over.
    pub(super) is_frozen: bool,
    /// What is sent is lost.
    pub(super) has_hole: bool,
    /// The most connections that it takes.
    pub(super) room: usize,
    /// How many times slower everything is.
    pub(super) slow: u32,
    /// So many of a hundred calls fail.
    pub(super) fails: u64,
    /// So many of a hundred calls of the manager panic.
    pub(super) panics: u64,
}

/// Nothing is wrong.
pub(super) const FAIR: Weather = Weather {
    is_down: false,
    is_frozen: false,
    has_hole: false,
    room: usize::MAX,
    slow: 1,
    fails: 0,
    panics: 0,
};

#[derive(Debug)]
struct Book {
    draw: Draw,
    digest: Digest,
    next: u64,
    /// The connections that the server has.
    sessions: BTreeSet<u64>,
    /// The client's ends that exist, and whether each was told that the server's has gone.
    wires: BTreeMap<u64, bool>,
    /// Ends that the client has closed, of which the server will hear when the weather is better.
    unheard: Vec<u64>,
    connecting: usize,
    limit: usize,
    violations: Vec<String>,
    bell: Option<Bell>,
}

/// Why something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Refused,
    Full,
    Gone,
    Reset,
    Failed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "nobody listens",
            Self::Full => "too many connections (53300)",
            Self::Gone => "the connection is closed",
            Self::Reset => "reset",
            Self::Failed => "the server failed",
        })
    }
}

impl std::error::Error for Fault {}

/// What is written into the digest, beside when and about which connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Connected = 1,
    NotConnected,
    Closed,
    Asked,
    NotAnswered,
    Taken,
    GivenBack,
    NotTaken,
    Weather,
    Whole,
}

impl World {
    /// Where no pool may ever have more than `limit` connections.
    pub(super) fn new(seed: u64, limit: usize) -> Self {
        Self(Arc::new(Everything {
            weather: Signal::new(FAIR),
            book: Mutex::new(Book {
                draw: Draw::branch(seed, u64::MAX),
                digest: Digest::new(),
                next: 0,
                sessions: BTreeSet::new(),
                wires: BTreeMap::new(),
                unheard: Vec::new(),
                connecting: 0,
                limit,
                violations: Vec::new(),
                bell: None,
            }),
        }))
    }

    pub(super) fn hang(&self, bell: Bell) {
        self.book().bell = Some(bell);
    }

    /// How many connections the server has.
    pub(super) fn sessions(&self) -> usize {
        self.book().sessions.len()
    }

    /// What must never happen and did.
    pub(super) fn violations(&self) -> Vec<String> {
        self.book().violations.clone()
    }

    pub(super) fn violate(&self, what: String) {
        self.book().violations.push(what);
    }

    /// Everything that has happened, as one number.
    pub(super) fn digest(&self) -> u64 {
        self.book().digest.value()
    }

    pub(super) fn note(&self, event: Event, about: u64) {
        self.book().digest.add(event as u64, about);
    }

    /// The weather changes. The server hears of those that have gone meanwhile as soon as it can.
    pub(super) fn turn(&self, change: impl FnOnce(&mut Weather)) {
        self.0.weather.change(change);
        self.note(Event::Weather, 0);
        let now = self.weather();
        if now.is_down {
            self.end(|_| true, true);
        }
        if !now.is_frozen && !now.has_hole {
            let mut book = self.book();
            for gone in std::mem::take(&mut book.unheard) {
                book.sessions.remove(&gone);
            }
        }
    }

    fn weather(&self) -> Weather {
        self.0.weather.now()
    }

    /// The server's ends of these connections go; the client is told, or not.
    pub(super) fn end(&self, which: impl Fn(u64) -> bool, told: bool) {
        let bell = {
            let mut book = self.book();
            let gone: Vec<u64> = book
                .sessions
                .iter()
                .copied()
                .filter(|id| which(*id))
                .collect();
            for id in gone {
                book.sessions.remove(&id);
                if let Some(knows) = book.wires.get_mut(&id) {
                    *knows |= told;
                }
            }
            book.bell.clone()
        };
        if let Some(bell) = bell.filter(|_| told) {
            bell.ring();
        }
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Wire, Fault> {
        let connecting = Connecting::begin(self);
        self.may_panic();
        let connected = self.reach().await;
        match connected {
            Ok(()) => Ok(connecting.done()),
            Err(fault) => {
                self.note(Event::NotConnected, fault as u64);
                Err(fault)
            }
        }
    }

    async fn reach(&self) -> Result<(), Fault> {
        self.travels(CONNECT).await?;
        let now = self.weather();
        if now.is_down {
            return Err(Fault::Refused);
        }
        if self.sessions() >= now.room {
            return Err(Fault::Full);
        }
        self.may_fail()
    }

    /// There and back. What is lost on the way is reset when that is over.
    async fn travels(&self, (least, most): (Duration, Duration)) -> Result<(), Fault> {
        let takes = self.book().draw.between(least, most) * self.weather().slow;
        sleep(takes).await;
        let weather = &self.0.weather;
        if weather.now().has_hole {
            weather.until(|now| !now.has_hole).await;
            return Err(Fault::Reset);
        }
        weather.until(|now| !now.is_frozen).await;
        Ok(())
    }

    fn may_fail(&self) -> Result<(), Fault> {
        let fails = self.weather().fails;
        match fails > 0 && self.book().draw.below(100) < fails {
            true => Err(Fault::Failed),
            false => Ok(()),
        }
    }

    /// A panic of the manager that prints nothing.
    pub(super) fn may_panic(&self) {
        let panics = self.weather().panics;
        if panics > 0 && self.book().draw.below(100) < panics {
            resume_unwind(Box::new("planted"));
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connect under way, which counts. Dropped, it does not any more.
struct Connecting<'a>(&'a World);

impl<'a> Connecting<'a> {
    fn begin(world: &'a World) -> Self {
        let mut book = world.book();
        book.connecting += 1;
        let (now, limit) = (book.wires.len() + book.connecting, book.limit);
        if now > limit {
            book.violations
                .push(format!("LIM: {now} connections where {limit} may be"));
        }
        Self(world)
    }

    fn done(self) -> Wire {
        let mut book = self.0.book();
        let id = book.next;
        book.next += 1;
        book.sessions.insert(id);
        book.wires.insert(id, false);
        book.digest.add(Event::Connected as u64, id);
        drop(book);
        Wire {
            id,
            world: self.0.clone(),
            is_busy: false,
            in_hand: false,
        }
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.0.book().connecting -= 1;
    }
}

/// A client's end of a connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) id: u64,
    world: World,
    /// It is in the middle of something.
    pub(super) is_busy: bool,
    pub(super) in_hand: bool,
}

impl Wire {
    /// A question and its answer. Of a server's end that has gone without a word no answer ever comes.
    pub(super) async fn ask(&mut self, takes: Duration) -> Result<(), Fault> {
        self.is_busy = true;
        let answered = self.answer(takes).await;
        self.is_busy = false;
        let event = match answered {
            Ok(()) => Event::Asked,
            Err(_) => Event::NotAnswered,
        };
        self.world.note(event, self.id);
        answered
    }

    async fn answer(&self, takes: Duration) -> Result<(), Fault> {
        let travelled = self.world.travels(ROUND_TRIP).await;
        if travelled.is_err() {
            // TCP leaves no hole: the connection is reset.
            self.world.end(|id| id == self.id, true);
        }
        travelled?;
        if takes > Duration::ZERO {
            sleep(takes).await;
        }
        if !self.is_at_the_server() {
            if !self.is_told() {
                std::future::pending::<()>().await;
            }
            return Err(Fault::Gone);
        }
        self.world.may_fail()
    }

    /// Says goodbye.
    pub(super) async fn goodbye(self) {
        let _ = self.world.travels(ROUND_TRIP).await;
    }

    /// Whether it is known here that the server's end has gone.
    pub(super) fn is_told(&self) -> bool {
        let book = self.world.book();
        book.wires.get(&self.id).copied().unwrap_or(true)
    }

    fn is_at_the_server(&self) -> bool {
        self.world.book().sessions.contains(&self.id)
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let weather = self.world.weather();
        let mut book = self.world.book();
        let known = book.wires.remove(&self.id).is_some();
        if !known || self.in_hand {
            let id = self.id;
            book.violations.push(format!(
                "ONCE: connection {id} is dropped twice, or in somebody's hand"
            ));
        }
        if weather.is_frozen || weather.has_hole {
            book.unheard.push(self.id);
        } else {
            book.sessions.remove(&self.id);
        }
        book.digest.add(Event::Closed as u64, self.id);
    }
}

const MS: Duration = Duration::from_millis(1);
const CONNECT: (Duration, Duration) = (Duration::from_millis(3), Duration::from_millis(40));
const ROUND_TRIP: (Duration, Duration) = (Duration::from_micros(200), MS);
