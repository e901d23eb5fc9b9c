//! The idle store: where objects lie until the next getter comes.
//!
//! ```text
//! push(object)   never refuses: the store grows with the objects that were really made
//! pop()          never finds nothing: whoever pops has claimed one object that was pushed and counted
//! ```
//!
//! The store does not count. The word does, and it is changed *after* a push and *before* a pop, so
//! there is always at least one object for each popper. Between two of them, who gets which one is
//! settled by the store alone; what comes out may be another object than a popper has in mind.
//!
//! * [`Fifo`]: the object that has lain longest comes first; on crossbeam's `ArrayQueue`.
//! * [`Lifo`]: the object that came last comes first; a stack of indices of our own.

use super::sync::{
    ArrayQueue, AtomicCell, AtomicU32, AtomicU64, AtomicUsize, Backoff, OnceLock, Ordering,
};
use std::fmt;

/// In which order idle objects are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Least recently returned first.
    Fifo,
    /// Most recently returned first.
    Lifo,
}

/// Either of the two stores.
#[derive(Debug)]
#[cfg_attr(
    not(millpond_loom),
    expect(
        clippy::large_enum_variant,
        reason = "one for each pool, and a box would cost every get a load"
    )
)]
pub enum Store<T> {
    /// See [`Fifo`].
    Fifo(Fifo<T>),
    /// See [`Lifo`].
    Lifo(Lifo<T>),
}

impl<T> Store<T> {
    /// An empty store.
    pub fn new(order: Order) -> Self {
        match order {
            Order::Fifo => Self::Fifo(Fifo::new()),
            Order::Lifo => Self::Lifo(Lifo::new()),
        }
    }

    /// In which order it gives objects out.
    pub fn order(&self) -> Order {
        match self {
            Self::Fifo(_) => Order::Fifo,
            Self::Lifo(_) => Order::Lifo,
        }
    }

    /// Puts `object` in.
    #[inline(always)]
    pub fn push(&self, object: T) {
        match self {
            Self::Fifo(fifo) => fifo.push(object),
            Self::Lifo(lifo) => lifo.push(object),
        }
    }

    /// Takes an object out that the caller has claimed.
    #[inline(always)]
    pub fn pop(&self) -> T {
        match self {
            Self::Fifo(fifo) => fifo.pop(),
            Self::Lifo(lifo) => lifo.pop(),
        }
    }
}

/// How many objects each tier of a store holds. A tier is made when the ones before it are full, so
/// that memory follows the objects that were made, not the maximum that was asked for; the last one
/// alone holds more than a pool can have. Under loom every atomic is costly to make, and no model holds
/// more than a few objects: small tiers, so that it sees the later ones too.
const TIERS: [usize; 4] = if cfg!(millpond_loom) {
    [4, 4, 4, 4]
} else {
    [64, 512, 4_096, 131_072]
};

/// First in, first out, on crossbeam's `ArrayQueue`: linearizable, and it owns what lies in it without
/// any `unsafe` of ours. Not lock-free in the strict sense: a pop waits for a push that was
/// preempted between taking its place and filling it, and the other way round.
///
/// Queues are chained in tiers. Pushes go to the newest tier, pops look through the older ones first, so
/// the order is exact but for a push that runs beside the making of a tier.
pub struct Fifo<T> {
    first: ArrayQueue<T>,
    later: [OnceLock<ArrayQueue<T>>; TIERS.len() - 1],
    newest: AtomicUsize,
}

impl<T> Fifo<T> {
    fn new() -> Self {
        Self {
            first: ArrayQueue::new(TIERS[0]),
            later: std::array::from_fn(|_| OnceLock::new()),
            newest: AtomicUsize::new(0),
        }
    }

    #[inline]
    fn push(&self, object: T) {
        // ORDERING(newest tier): Relaxed; the number is a hint, the `OnceLock` orders the tier itself,
        // and a push into an older tier is found by pops all the same.
        let newest = self.newest.load(Ordering::Relaxed);
        if newest > 0 {
            return self.push_later(object, newest);
        }
        if let Err(object) = self.first.push(object) {
            self.push_later(object, 1);
        }
    }

    /// Into the newest tier, or into the next one where that is full.
    fn push_later(&self, mut object: T, newest: usize) {
        for (tier, capacity) in TIERS.into_iter().enumerate().skip(newest) {
            let queue = self.later[tier - 1].get_or_init(|| {
                // ORDERING(newer tier): Relaxed; see `newest tier`. From now on pushes go here, and the
                // older tiers run empty.
                self.newest.fetch_max(tier, Ordering::Relaxed);
                ArrayQueue::new(capacity)
            });
            match queue.push(object) {
                Ok(()) => return,
                Err(back) => object = back,
            }
        }
        unreachable!("the last tier holds more objects than a pool can have");
    }

    #[inline]
    fn pop(&self) -> T {
        match self.first.pop() {
            Some(object) => object,
            None => self.pop_later(),
        }
    }

    #[cold]
    fn pop_later(&self) -> T {
        let backoff = Backoff::default();
        loop {
            let later = self.later.iter().map_while(OnceLock::get);
            let mut tiers = std::iter::once(&self.first).chain(later);
            if let Some(object) = tiers.find_map(ArrayQueue::pop) {
                return object;
            }
            backoff.pause();
        }
    }
}

/// Last in, first out: a stack of numbered nodes (R. K. Treiber's, 1986), with a tag beside the top's
/// number that changes at every step, so that a top that went and came back is not taken for the same
/// one (ABA). A second stack keeps the nodes that are free.
///
/// ```text
/// push: node = pop(free) or a fresh one; node.object = object; push(top, node)
/// pop:  node = pop(top); object = node.object; push(free, node)
/// ```
///
/// A node is free again before its object leaves `pop`, so there are never more nodes in use than
/// objects.
pub struct Lifo<T> {
    top: AtomicU64,
    free: AtomicU64,
    fresh: AtomicU32,
    tiers: [OnceLock<Box<[Node<T>]>>; TIERS.len()],
}

struct Node<T> {
    below: AtomicU32,
    object: AtomicCell<Option<T>>,
}

impl<T> Lifo<T> {
    fn new() -> Self {
        Self {
            top: AtomicU64::new(Top::EMPTY.bits()),
            free: AtomicU64::new(Top::EMPTY.bits()),
            fresh: AtomicU32::new(0),
            tiers: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    #[inline]
    fn push(&self, object: T) {
        let number = self
            .pop_number(&self.free)
            .unwrap_or_else(|| self.fresh_number());
        let before = self.node(number).object.swap(Some(object));
        assert!(before.is_none(), "a free node held an object");
        self.push_number(&self.top, number);
    }

    #[inline]
    fn pop(&self) -> T {
        let backoff = Backoff::default();
        loop {
            if let Some(number) = self.pop_number(&self.top) {
                let object = self.node(number).object.take();
                self.push_number(&self.free, number);
                return object.expect("a node on the stack holds an object");
            }
            backoff.pause();
        }
    }

    fn push_number(&self, stack: &AtomicU64, number: u32) {
        // ORDERING(stack top): Relaxed; only compared, and written down below the new top.
        let mut bits = stack.load(Ordering::Relaxed);
        loop {
            let top = Top::from_bits(bits);
            // ORDERING(stack below): Relaxed; published by the compare-and-swap that follows.
            self.node(number).below.store(top.number, Ordering::Relaxed);
            let next = Top {
                tag: top.tag.wrapping_add(1),
                number,
            };
            // ORDERING(stack push): Release pairs with the Acquire of the pop: the node's object and what
            // lies below it are written before it is on top. Relaxed, a popper finds neither.
            match stack.compare_exchange_weak(
                bits,
                next.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => bits = now,
            }
        }
    }

    fn pop_number(&self, stack: &AtomicU64) -> Option<u32> {
        // ORDERING(stack pop): Acquire pairs with the Release of the push that put this top there.
        let mut bits = stack.load(Ordering::Acquire);
        loop {
            let top = Top::from_bits(bits);
            if top.number == Top::NONE {
                return None;
            }
            // ORDERING(stack next): Relaxed; ordered by the Acquire above, and worthless if the tag moved.
            let below = self.node(top.number).below.load(Ordering::Relaxed);
            let next = Top {
                tag: top.tag.wrapping_add(1),
                number: below,
            };
            // ORDERING(stack popped): Relaxed on success: this node's push was acquired by the load, and
            // the swap continues the release sequences of the pushes below it. Acquire on failure: the
            // next round reads the new top's node.
            match stack.compare_exchange_weak(
                bits,
                next.bits(),
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(top.number),
                Err(now) => bits = now,
            }
        }
    }

    #[cold]
    fn fresh_number(&self) -> u32 {
        // ORDERING(fresh node): Relaxed; the number is ours alone, and nobody else knows the node yet.
        self.fresh.fetch_add(1, Ordering::Relaxed)
    }

    #[inline]
    fn node(&self, number: u32) -> &Node<T> {
        let mut place = number as usize;
        for (tier, size) in TIERS.into_iter().enumerate() {
            if place < size {
                return &self.tiers[tier].get_or_init(|| Node::row(size))[place];
            }
            place -= size;
        }
        unreachable!("more nodes than objects that a pool can have");
    }
}

impl<T> Node<T> {
    #[cold]
    fn row(size: usize) -> Box<[Self]> {
        let free = || Self {
            below: AtomicU32::new(Top::NONE),
            object: AtomicCell::new(None),
        };
        std::iter::repeat_with(free).take(size).collect()
    }
}

/// The top of a stack, with the tag that tells two visits of one node apart.
#[derive(Clone, Copy)]
struct Top {
    tag: u32,
    number: u32,
}

impl Top {
    const NONE: u32 = u32::MAX;
    const EMPTY: Self = Self {
        tag: 0,
        number: Self::NONE,
    };

    const fn bits(self) -> u64 {
        ((self.tag as u64) << 32) | self.number as u64
    }

    const fn from_bits(bits: u64) -> Self {
        Self {
            tag: (bits >> 32) as u32,
            number: bits as u32,
        }
    }
}

impl<T> fmt::Debug for Fifo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fifo").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Lifo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifo").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(millpond_loom, millpond_shuttle))))]
mod tests {
    //! What both queues must keep, crossbeam's here and loom's stand-in in `loom-tests/tests/idle_store.rs`,
    //! and what the tiers add to it.
    use super::super::sync::Mutex;
    use super::*;
    use std::thread::scope;

    #[test]
    fn a_full_queue_gives_back_what_it_does_not_take() {
        let queue = ArrayQueue::new(2);
        assert_eq!(
            (queue.push(1), queue.push(2), queue.push(3)),
            (Ok(()), Ok(()), Err(3))
        );
        assert_eq!(
            (queue.pop(), queue.pop(), queue.pop()),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn oldest_first_across_all_tiers_and_newest_first_on_the_stack() {
        for count in [1, TIERS[0], TIERS[0] + 1, TIERS[0] + TIERS[1] + 1, 6_000] {
            let (fifo, lifo) = (Store::new(Order::Fifo), Store::new(Order::Lifo));
            (0..count).for_each(|object| {
                fifo.push(object);
                lifo.push(object);
            });
            assert!((0..count).all(|object| fifo.pop() == object));
            assert!((0..count).rev().all(|object| lifo.pop() == object));
        }
    }

    #[test]
    fn what_several_threads_push_several_pop_once_each_and_in_the_order_of_its_pusher() {
        const EACH: usize = 20_000;
        for order in [Order::Fifo, Order::Lifo] {
            let store = Store::new(order);
            let book = Mutex::new((0, 2 * EACH));
            let popped: Vec<Vec<(usize, usize)>> = scope(|threads| {
                for pusher in 0..2 {
                    let (store, book) = (&store, &book);
                    threads.spawn(move || {
                        for number in 0..EACH {
                            store.push((pusher, number));
                            book.lock().0 += 1;
                        }
                    });
                }
                let popper = || threads.spawn(|| drain(&store, &book));
                let poppers = [popper(), popper()];
                poppers.map(|popper| popper.join().unwrap()).into()
            });
            let mut all: Vec<_> = popped.iter().flatten().copied().collect();
            all.sort_unstable();
            assert!(
                all.into_iter()
                    .eq((0..2).flat_map(|p| (0..EACH).map(move |n| (p, n))))
            );
            if order == Order::Fifo {
                for mine in &popped {
                    let of = |pusher| mine.iter().filter(move |(by, _)| *by == pusher);
                    assert!((0..2).all(|pusher| of(pusher).is_sorted()));
                }
            }
        }
    }

    /// Claims what is counted and pops it, until nothing is left to come.
    fn drain<T>(store: &Store<T>, book: &Mutex<(usize, usize)>) -> Vec<T> {
        let mut mine = Vec::new();
        loop {
            let (counted, left) = &mut *book.lock();
            if *left == 0 {
                return mine;
            }
            if *counted > 0 {
                *counted -= 1;
                *left -= 1;
                mine.push(store.pop());
            }
        }
    }
}
