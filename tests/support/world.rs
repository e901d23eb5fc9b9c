//! A manager that does what its scripts say, and the book of everything that it made.

use super::script::{Fault, Script};
use millpond::managed::{Manager, Metrics, RecycleError, RecycleResult};
use millpond::observe::CloseReason;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The manager of the tests: a handle, so that a test and its pool share one.
#[derive(Clone, Debug, Default)]
pub struct World(Arc<Everything>);

#[derive(Debug, Default)]
pub struct Everything {
    pub create: Script,
    pub post_create: Script,
    pub pre_recycle: Script,
    pub recycle: Script,
    pub post_recycle: Script,
    pub probe: Script,
    /// `detach`: may panic.
    pub detach: Script,
    /// `has_broken`: an error says that it is.
    pub broken: Script,
    /// `needs_tidying`: an error says that it does.
    pub untidy: Script,
    pub tidy: Script,
    /// `closes_slowly`: an error says that it does.
    pub slow: Script,
    pub close: Script,
    /// The `Drop` of an object: may panic.
    pub drops: Script,
    book: Mutex<Book>,
}

/// What exists, what existed, and what went wrong.
#[derive(Debug, Default)]
pub struct Book {
    pub lives: Vec<Life>,
    /// Calls of `create` under way.
    pub connecting: usize,
    /// Objects that exist and were not given away.
    pub live: usize,
    /// The most that live and connecting ever were together.
    pub peak: usize,
    /// LIM: no connect may begin that makes more than this together.
    pub limit: usize,
    pub violations: Vec<String>,
}

/// One object's life.
#[derive(Clone, Debug, Default)]
pub struct Life {
    pub detached: usize,
    pub dropped: usize,
    pub in_hand: bool,
    /// It was taken out alive.
    pub away: bool,
}

/// An object.
#[derive(Debug)]
pub struct Thing {
    pub id: usize,
    away: AtomicBool,
    world: World,
}

impl World {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap()
    }

    /// Sets the limit of LIM.
    pub fn limit(&self, most: usize) {
        self.book().limit = most;
    }

    /// From now on everything goes well.
    pub fn calm(&self) {
        let all = [
            &self.create,
            &self.post_create,
            &self.pre_recycle,
            &self.recycle,
            &self.post_recycle,
            &self.probe,
            &self.detach,
            &self.broken,
            &self.untidy,
            &self.tidy,
            &self.slow,
            &self.close,
            &self.drops,
        ];
        all.into_iter().for_each(Script::calm);
    }

    /// How many objects were ever made.
    pub fn made(&self) -> usize {
        self.book().lives.len()
    }

    /// How many objects exist in the pool.
    pub fn live(&self) -> usize {
        self.book().live
    }

    /// Which objects exist in the pool, in the order in which they were made.
    pub fn objects(&self) -> Vec<usize> {
        let book = self.book();
        let here = |id: &usize| book.lives[*id].dropped == 0 && !book.lives[*id].away;
        (0..book.lives.len()).filter(here).collect()
    }

    /// Which objects were dropped.
    pub fn gone(&self) -> Vec<usize> {
        let book = self.book();
        let gone = |id: &usize| book.lives[*id].dropped > 0;
        (0..book.lives.len()).filter(gone).collect()
    }

    /// How many handles of this world there are: the tests' own, the objects', and those that a pool
    /// keeps in its manager and its hooks for as long as anything of it exists.
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// How many calls of `create` are under way.
    pub fn connecting(&self) -> usize {
        self.book().connecting
    }

    /// How many objects were dropped.
    pub fn dropped(&self) -> usize {
        self.book().lives.iter().filter(|l| l.dropped > 0).count()
    }

    /// How many objects were detached.
    pub fn detached(&self) -> usize {
        self.book().lives.iter().filter(|l| l.detached > 0).count()
    }

    pub(super) fn pick_up(&self, thing: &Thing) {
        let mut book = self.book();
        if std::mem::replace(&mut book.lives[thing.id].in_hand, true) {
            book.violate(format!("object {} is in two hands", thing.id));
        }
    }

    pub(super) fn put_down(&self, thing: &Thing) {
        self.book().lives[thing.id].in_hand = false;
    }

    fn touch(&self, thing: &Thing, what: &str) {
        let mut book = self.book();
        let life = book.lives[thing.id].clone();
        if life.in_hand || life.detached > 0 || life.dropped > 0 {
            book.violate(format!("{what} of object {} that is {life:?}", thing.id));
        }
    }

    fn begin_connect(&self) -> Connecting<'_> {
        let mut book = self.book();
        book.connecting += 1;
        let now = book.live + book.connecting;
        book.peak = book.peak.max(now);
        if now > book.limit {
            let limit = book.limit;
            book.violate(format!("{now} connections where {limit} may be"));
        }
        Connecting(self)
    }
}

impl Book {
    pub fn violate(&mut self, what: String) {
        self.violations.push(what);
    }
}

impl Deref for World {
    type Target = Everything;
    fn deref(&self) -> &Everything {
        &self.0
    }
}

/// A call of `create` under way.
struct Connecting<'a>(&'a World);

impl Connecting<'_> {
    fn made(self) -> Thing {
        let world = self.0.clone();
        let mut book = world.book();
        let id = book.lives.len();
        book.lives.push(Life::default());
        book.live += 1;
        book.connecting -= 1;
        drop(book);
        std::mem::forget(self);
        Thing {
            id,
            away: AtomicBool::new(false),
            world,
        }
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.0.book().connecting -= 1;
    }
}

impl Manager for World {
    type Type = Thing;
    type Error = Fault;

    async fn create(&self) -> Result<Thing, Fault> {
        let connecting = self.begin_connect();
        self.create.next().play().await?;
        Ok(connecting.made())
    }

    async fn recycle(&self, thing: &mut Thing, _: &Metrics) -> RecycleResult<Fault> {
        self.touch(thing, "recycle");
        let said = self.recycle.next().play().await;
        said.map_err(RecycleError::Backend)
    }

    fn detach(&self, thing: &mut Thing) {
        {
            let mut book = self.book();
            let away = thing.away.load(Ordering::Relaxed);
            let life = &mut book.lives[thing.id];
            life.detached += 1;
            life.away = away;
            if life.in_hand || life.detached > 1 || life.dropped > 0 {
                let what = format!("detach of object {} that is {life:?}", thing.id);
                book.violate(what);
            }
            if away {
                book.live -= 1;
            }
        }
        self.detach.next().play_now().unwrap();
    }

    fn has_broken(&self, thing: &mut Thing) -> bool {
        self.touch(thing, "has_broken");
        self.broken.next().play_now().is_err()
    }

    fn needs_tidying(&self, thing: &mut Thing) -> bool {
        self.touch(thing, "needs_tidying");
        self.untidy.next().play_now().is_err()
    }

    async fn tidy(&self, thing: &mut Thing) -> RecycleResult<Fault> {
        self.touch(thing, "tidy");
        let said = self.tidy.next().play().await;
        said.map_err(RecycleError::Backend)
    }

    fn closes_slowly(&self, thing: &mut Thing, reason: CloseReason) -> bool {
        if self.book().lives[thing.id].detached != 1 || reason == CloseReason::Taken {
            let what = format!("object {} is to be closed for {reason:?}", thing.id);
            self.book().violate(what);
        }
        self.slow.next().play_now().is_err()
    }

    async fn close(&self, thing: Thing) {
        let said = self.close.next().play().await;
        drop(thing);
        said.unwrap();
    }

    async fn probe(&self, thing: &mut Thing) -> RecycleResult<Fault> {
        self.touch(thing, "probe");
        let said = self.probe.next().play().await;
        said.map_err(RecycleError::Backend)
    }

    fn target(&self) -> Cow<'static, str> {
        Cow::Borrowed("the scripted world")
    }
}

impl Thing {
    /// It will leave its pool alive: from its `detach` on, it is not the pool's.
    pub fn goes_away(&self) {
        self.away.store(true, Ordering::Relaxed);
    }

    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        {
            let mut book = self.world.book();
            let life = &mut book.lives[self.id];
            life.dropped += 1;
            let (away, bad) = (life.away, life.in_hand || life.detached != 1);
            if bad {
                let what = format!("drop of object {} that is {life:?}", self.id);
                book.violate(what);
            }
            if !away {
                book.live -= 1;
            }
        }
        let world = self.world.clone();
        world.drops.next().play_now().unwrap();
    }
}
