//! Objects that are brought to an unmanaged pool, the book of them, and the oracles for such a pool.

use super::Polled;
use millpond::unmanaged::{Object, Pool, PoolError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Where the objects come from: a handle, so that a test and its objects share one.
#[derive(Clone, Debug, Default)]
pub struct Yard(Arc<Mutex<Vec<Life>>>);

/// One object's life.
#[derive(Clone, Debug, Default)]
pub struct Life {
    pub dropped: usize,
    /// Its `Drop` panics.
    pub loaded: bool,
}

/// An object.
#[derive(Debug)]
pub struct Stone {
    pub id: usize,
    in_hand: AtomicBool,
    yard: Yard,
}

pub type Got = Result<Object<Stone>, PoolError>;
pub type Added = Result<(), (Stone, PoolError)>;

impl Yard {
    fn book(&self) -> MutexGuard<'_, Vec<Life>> {
        self.0.lock().unwrap()
    }

    /// A new object.
    pub fn stone(&self) -> Stone {
        let mut book = self.book();
        book.push(Life::default());
        Stone {
            id: book.len() - 1,
            in_hand: AtomicBool::new(false),
            yard: self.clone(),
        }
    }

    /// A full pool of `count` objects, the highest number on top.
    pub fn pool(&self, count: usize) -> Pool<Stone> {
        Pool::from((0..count).map(|_| self.stone()).collect::<Vec<_>>())
    }

    /// From now on the `Drop` of this object panics.
    pub fn load(&self, id: usize) {
        self.book()[id].loaded = true;
    }

    /// How many objects were ever brought.
    pub fn made(&self) -> usize {
        self.book().len()
    }

    /// How many objects exist, wherever they are.
    pub fn live(&self) -> usize {
        self.book().iter().filter(|life| life.dropped == 0).count()
    }

    /// ONCE: no object was dropped twice.
    #[track_caller]
    pub fn once(&self) {
        let book = self.book();
        assert!(book.iter().all(|life| life.dropped <= 1), "{book:?}");
    }

    /// ACC, CAP and ONCE: everybody is done, `size` objects of at most `max` lie idle and are all there
    /// are, as many can be taken and no more, and there is room for the rest and no more. Ends the pool.
    #[track_caller]
    pub fn all_well(&self, pool: Pool<Stone>, max: usize, size: usize) {
        let now = pool.snapshot();
        assert_eq!(
            (now.size, now.idle, now.max_size),
            (size, size, max),
            "{now}"
        );
        assert_eq!(
            (now.waiting, now.connecting, now.in_use),
            (0, 0, 0),
            "{now}"
        );
        assert_eq!(self.live(), size, "ACC");
        let taken: Vec<_> = (0..size).map(|_| pool.try_get().unwrap()).collect();
        assert!(matches!(pool.try_get(), Err(PoolError::Timeout)), "CAP");
        (size..max).for_each(|_| pool.try_add(self.stone()).unwrap());
        let (stone, error) = pool.try_add(self.stone()).unwrap_err();
        assert!(matches!(error, PoolError::Timeout), "CAP");
        drop((stone, taken));
        assert_eq!((pool.snapshot().idle, self.live()), (max, max));
        drop(pool);
        assert_eq!(self.live(), 0, "nothing outlives the last handle");
        self.once();
    }

    /// The same of a closed pool: nothing is left of it.
    #[track_caller]
    pub fn all_gone(&self, pool: &Pool<Stone>) {
        let now = pool.snapshot();
        assert!(now.closed && pool.is_closed());
        assert_eq!((now.size, now.waiting, now.connecting), (0, 0, 0), "{now}");
        assert_eq!(self.live(), 0, "ACC");
        assert!(matches!(pool.try_get(), Err(PoolError::Closed)));
        let (stone, error) = pool.try_add(self.stone()).unwrap_err();
        assert!(matches!(error, PoolError::Closed));
        drop(stone);
        self.once();
    }
}

/// A get in the test's hand.
pub fn get(pool: &Pool<Stone>) -> Polled<'_, Got> {
    Polled::new(None, pool.get())
}

/// An add in the test's hand.
pub fn add(pool: &Pool<Stone>, stone: Stone) -> Polled<'_, Added> {
    Polled::new(None, pool.add(stone))
}

impl Stone {
    /// It is in one hand from now on, and must not be in another.
    pub fn pick_up(&self) {
        let before = self.in_hand.swap(true, Ordering::Relaxed);
        assert!(!before, "object {} is in two hands", self.id);
    }

    pub fn put_down(&self) {
        self.in_hand.store(false, Ordering::Relaxed);
    }
}

impl Drop for Stone {
    fn drop(&mut self) {
        let mut book = self.yard.book();
        let life = &mut book[self.id];
        life.dropped += 1;
        let loaded = life.loaded;
        drop(book);
        assert!(!loaded || std::thread::panicking(), "this one was loaded");
    }
}
