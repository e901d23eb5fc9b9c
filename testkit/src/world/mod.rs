//! A manager that does what its scripts say, and the book of everything that it made.

mod book;
mod hand;
mod hooks;

pub use book::{Book, Life};
pub use hand::Hand;

use crate::script::{Script, ScriptedError};
use millpond::managed::{Manager, Metrics, RecycleError, RecycleResult};
use millpond::observe::CloseReason;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A manager whose every call does what a [`Script`] says, and everything that it made. A handle: a test keeps one, and
/// its pool has another.
///
/// As it is, every call is good. Its [`Scripts`] are its fields:
///
/// ```
/// use millpond::managed::Pool;
/// use millpond_testkit::{Gate, Polled, Step, World};
///
/// let world = World::default();
/// let pool: Pool<World> = Pool::builder(world.clone()).max_size(2).build()?;
///
/// // The first connect fails, the second waits at a gate.
/// let gate = Gate::new();
/// world.create.then(Step::Err);
/// world.create.then(Step::at(&gate));
/// assert!(Polled::of(pool.get()).ready().is_err());
/// let mut getter = Polled::of(pool.get()).waits();
/// assert_eq!((world.connecting(), world.live()), (1, 0));
/// gate.open();
/// let held = getter.woken_ready()?;
///
/// // What comes back is found broken, and is gone.
/// world.broken.then(Step::Err);
/// drop(held);
/// assert_eq!((world.made(), world.gone()), (1, vec![0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What went wrong with an object that it made (in two hands, detached twice, looked at after its end) is in its
/// [`book`](World::book), and the [oracles](crate::oracles) ask for it.
#[derive(Clone, Debug, Default)]
pub struct World(Arc<Everything>);

#[derive(Debug, Default)]
struct Everything {
    scripts: Scripts,
    book: Mutex<Book>,
}

/// What the calls of a [`World`] do, one script for each method of [`Manager`], and for the hooks of
/// [`World::builder`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Scripts {
    /// `create`.
    pub create: Script,
    /// The hook after it.
    pub post_create: Script,
    /// The hook before `recycle`.
    pub pre_recycle: Script,
    /// `recycle`.
    pub recycle: Script,
    /// The hook after it.
    pub post_recycle: Script,
    /// `probe`.
    pub probe: Script,
    /// `detach`, which cannot wait or fail. It may panic.
    pub detach: Script,
    /// `has_broken`, which cannot wait: an error says that it has.
    pub broken: Script,
    /// `needs_tidying`, which cannot wait: an error says that it does.
    pub untidy: Script,
    /// `tidy`.
    pub tidy: Script,
    /// `closes_slowly`, which cannot wait: an error says that it does.
    pub slow: Script,
    /// `close`, which cannot fail.
    pub close: Script,
    /// The `Drop` of an object, which cannot wait or fail. It may panic.
    pub drops: Script,
}

/// An object of a [`World`].
#[derive(Debug)]
pub struct Thing {
    /// Its number: the first one that was made is 0.
    pub id: usize,
    away: AtomicBool,
    world: World,
}

impl World {
    /// What exists, what existed, and what went wrong. The world stands still while it is looked at.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, no connect may begin that makes more than this: what [`assert_limit`](crate::oracles::assert_limit)
    /// looks for. The `max_size` of its pool, or of all its pools together.
    pub fn limit(&self, most: usize) {
        self.book().limit = most;
    }

    /// From now on everything goes well.
    pub fn calm(&self) {
        let Scripts {
            create,
            post_create,
            pre_recycle,
            recycle,
            post_recycle,
            probe,
            detach,
            broken,
            untidy,
            tidy,
            slow,
            close,
            drops,
        } = &self.0.scripts;
        let of_hooks = [post_create, pre_recycle, post_recycle];
        let of_methods = [
            create, recycle, probe, detach, broken, untidy, tidy, slow, close, drops,
        ];
        of_methods.into_iter().for_each(Script::calm);
        of_hooks.into_iter().for_each(Script::calm);
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
        self.of(|life| life.dropped == 0 && !life.away)
    }

    /// Which objects were dropped.
    pub fn gone(&self) -> Vec<usize> {
        self.of(|life| life.dropped > 0)
    }

    /// How many objects were dropped.
    pub fn dropped(&self) -> usize {
        self.gone().len()
    }

    /// How many objects were detached.
    pub fn detached(&self) -> usize {
        self.of(|life| life.detached > 0).len()
    }

    /// How many calls of `create` are under way.
    pub fn connecting(&self) -> usize {
        self.book().connecting
    }

    /// How many handles of this world there are: the test's own, the objects', and those that a pool keeps in its
    /// manager and its hooks for as long as anything of it exists.
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Which objects have such a life.
    fn of(&self, such: impl Fn(&Life) -> bool) -> Vec<usize> {
        let book = self.book();
        let numbers = 0..book.lives.len();
        numbers.filter(|id| such(&book.lives[*id])).collect()
    }
}

impl Deref for World {
    type Target = Scripts;
    fn deref(&self) -> &Scripts {
        &self.0.scripts
    }
}

/// A call of `create` under way.
struct Connecting<'a>(&'a World);

impl<'a> Connecting<'a> {
    fn begin(world: &'a World) -> Self {
        world.book().begin_connect();
        Self(world)
    }

    fn made(self) -> Thing {
        let world = self.0.clone();
        let id = world.book().made();
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
    type Error = ScriptedError;

    async fn create(&self) -> Result<Thing, ScriptedError> {
        let connecting = Connecting::begin(self);
        self.create.next().play().await?;
        Ok(connecting.made())
    }

    async fn recycle(&self, thing: &mut Thing, _: &Metrics) -> RecycleResult<ScriptedError> {
        self.book().touch(thing.id, "recycle");
        let said = self.recycle.next().play().await;
        said.map_err(RecycleError::Backend)
    }

    fn detach(&self, thing: &mut Thing) {
        self.book().detach(thing.id, thing.away.load(Relaxed));
        as_scripted(&self.detach);
    }

    fn has_broken(&self, thing: &mut Thing) -> bool {
        self.book().touch(thing.id, "has_broken");
        self.broken.next().play_now().is_err()
    }

    fn needs_tidying(&self, thing: &mut Thing) -> bool {
        self.book().touch(thing.id, "needs_tidying");
        self.untidy.next().play_now().is_err()
    }

    async fn tidy(&self, thing: &mut Thing) -> RecycleResult<ScriptedError> {
        self.book().touch(thing.id, "tidy");
        let said = self.tidy.next().play().await;
        said.map_err(RecycleError::Backend)
    }

    fn closes_slowly(&self, thing: &mut Thing, reason: CloseReason) -> bool {
        let mut book = self.book();
        if book.lives[thing.id].detached != 1 || reason == CloseReason::Taken {
            let id = thing.id;
            book.violate(format_args!("object {id} is to be closed for {reason:?}"));
        }
        drop(book);
        self.slow.next().play_now().is_err()
    }

    async fn close(&self, thing: Thing) {
        let said = self.close.next().play().await;
        drop(thing);
        said.expect("a close cannot fail");
    }

    async fn probe(&self, thing: &mut Thing) -> RecycleResult<ScriptedError> {
        self.book().touch(thing.id, "probe");
        let said = self.probe.next().play().await;
        said.map_err(RecycleError::Backend)
    }

    fn target(&self) -> Cow<'static, str> {
        Cow::Borrowed("the scripted world")
    }
}

impl Thing {
    /// It will leave its pool alive: from its `detach` on, it is not the pool's. To be called before
    /// `Object::take`, and of what `retain` takes out; [`Hand::take`] does.
    pub fn goes_away(&self) {
        self.away.store(true, Relaxed);
    }

    /// The world that it is of.
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.world.book().dropped(self.id);
        as_scripted(&self.world.drops);
    }
}

/// A call that cannot fail, but may panic.
fn as_scripted(script: &Script) {
    let said = script.next().play_now();
    said.expect("this call cannot fail: let it panic");
}
