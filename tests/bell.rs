//! A manager that hears of the death of an idle object rings, and the object is gone before anybody asks.
#![cfg(not(any(millpond_loom, millpond_shuttle)))]

use millpond::managed::{Bell, Manager, Metrics, Object, Pool, QueueMode, RecycleResult};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Makes objects that can be killed while they lie idle.
#[derive(Clone, Default)]
struct Mortals {
    bell: Arc<Mutex<Option<Bell>>>,
    asked: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

struct Mortal {
    dead: Arc<AtomicBool>,
    /// Whether asking it panics.
    cursed: Arc<AtomicBool>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Manager for Mortals {
    type Type = Mortal;
    type Error = Infallible;

    async fn create(&self) -> Result<Mortal, Infallible> {
        Ok(Mortal {
            dead: Arc::default(),
            cursed: Arc::default(),
            dropped: Arc::clone(&self.dropped),
        })
    }

    async fn recycle(&self, _: &mut Mortal, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }

    fn has_broken(&self, mortal: &mut Mortal) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(!mortal.cursed.load(Ordering::Relaxed), "cursed");
        mortal.dead.load(Ordering::Relaxed)
    }

    fn hang(&self, bell: Bell) {
        let before = self.bell.lock().unwrap().replace(bell);
        assert!(before.is_none(), "a pool is built once");
    }
}

impl Mortals {
    fn ring(&self) {
        let bell = self.bell.lock().unwrap().clone();
        bell.expect("it was hung").ring();
    }
}

fn pool(mortals: &Mortals, mode: QueueMode) -> Pool<Mortals> {
    let builder = Pool::builder(mortals.clone()).max_size(5).queue_mode(mode);
    builder.build().unwrap()
}

async fn held(pool: &Pool<Mortals>, count: usize) -> Vec<Object<Mortals>> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(pool.get().await.unwrap());
    }
    held
}

#[tokio::test]
async fn the_dead_go_and_the_others_stay_where_they_are() {
    for mode in [QueueMode::Fifo, QueueMode::Lifo] {
        let mortals = Mortals::default();
        let pool = pool(&mortals, mode);
        let mut held = held(&pool, 5).await;
        let in_use = held.pop().unwrap();
        for mortal in [&held[1], &held[3], &in_use] {
            mortal.dead.store(true, Ordering::Relaxed);
        }
        let ids: Vec<_> = held.iter().map(Object::id).collect();
        // Dead ones are not kept when they come back: these die afterwards.
        let dead: Vec<_> = held.iter().map(|mortal| Arc::clone(&mortal.dead)).collect();
        dead.iter()
            .for_each(|dead| dead.store(false, Ordering::Relaxed));
        drop(held);
        assert_eq!(pool.snapshot().idle, 4);
        for nth in [1, 3] {
            dead[nth].store(true, Ordering::Relaxed);
        }
        mortals.ring();
        assert_eq!((pool.snapshot().idle, pool.snapshot().in_use), (2, 1));
        assert_eq!(mortals.dropped.load(Ordering::Relaxed), 2);
        assert_eq!(pool.stats().closed.broken, 2);

        let next = [pool.get().await.unwrap(), pool.get().await.unwrap()];
        let mut left = [ids[0], ids[2]];
        if matches!(mode, QueueMode::Lifo) {
            left.reverse();
        }
        assert_eq!(next.each_ref().map(Object::id), left, "in their order");
        drop(in_use);
        assert_eq!(
            pool.stats().closed.broken,
            3,
            "one in use, when it came back"
        );
    }
}

#[tokio::test]
async fn ringing_for_nothing_changes_nothing() {
    let mortals = Mortals::default();
    let pool = pool(&mortals, QueueMode::Fifo);
    mortals.ring();
    drop(held(&pool, 3).await);
    let asked = mortals.asked.load(Ordering::Relaxed);
    mortals.ring();
    assert_eq!(mortals.asked.load(Ordering::Relaxed), asked + 3);
    assert_eq!((pool.snapshot().idle, pool.stats().closed.total()), (3, 0));
}

#[tokio::test]
async fn one_that_cannot_even_be_asked_goes_too_and_nobody_hears_of_it() {
    let mortals = Mortals::default();
    let pool = pool(&mortals, QueueMode::Fifo);
    let held = held(&pool, 3).await;
    let cursed = Arc::clone(&held[1].cursed);
    drop(held);
    cursed.store(true, Ordering::Relaxed);
    mortals.ring();
    assert_eq!((pool.snapshot().idle, pool.stats().closed.broken), (2, 1));
}

#[tokio::test]
async fn a_bell_outlives_its_pool() {
    let mortals = Mortals::default();
    let pool = pool(&mortals, QueueMode::Fifo);
    drop(held(&pool, 2).await);
    let bell = mortals.bell.lock().unwrap().take().unwrap();
    pool.close();
    bell.ring();
    drop(pool);
    bell.clone().ring();
    assert_eq!(mortals.dropped.load(Ordering::Relaxed), 2);
}
