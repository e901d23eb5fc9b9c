//! The idle stores by themselves, and the contract that the stand-in queue keeps as crossbeam's does.
#![cfg(millpond_loom)]

use loom::cell::Cell;
use millpond::engine::idle::Store;
use millpond::engine::sync::ArrayQueue;
use millpond_loom_tests::{ALL, FIVE, Object, Order, Pool, THREE, explore, race};
use std::rc::Rc;

/// A value whose causality loom checks.
type Value = Cell<u32>;

/// Forbids that two pushes and two pops lose a value, give one out twice, or unseen.
#[test]
fn lifo_push_pop() {
    explore("lifo_push_pop", FIVE, || push_pop(Order::Lifo));
}

/// The same of the other store.
#[test]
fn fifo_push_pop() {
    explore("fifo_push_pop", ALL, || push_pop(Order::Fifo));
}

fn push_pop(order: Order) {
    let store = Rc::new(Store::<Value>::new(order));
    // The first tier is there before the race.
    store.push(Cell::new(0));
    store.pop();
    let push_pop = |value| {
        move |store: &Rc<Store<Value>>| {
            store.push(Cell::new(value));
            store.pop().get()
        }
    };
    let values = race::<_, u32>(&store)
        .and(push_pop(1))
        .and(push_pop(2))
        .run();
    assert!(values == [1, 2] || values == [2, 1], "{values:?}");
}

/// Forbids that a pop takes a top that went and came back for the one it saw (ABA).
#[test]
fn stack_aba() {
    explore("stack_aba", FIVE, || {
        let store = Rc::new(Store::<Value>::new(Order::Lifo));
        (1..=3).for_each(|value| store.push(Cell::new(value)));
        let values = race::<_, u32>(&store)
            .and(|store: &Rc<Store<Value>>| store.pop().get())
            .and(|store: &Rc<Store<Value>>| {
                let (first, second) = (store.pop(), store.pop());
                store.push(first);
                second.get()
            })
            .run();
        let mut values = [values[0], values[1], store.pop().get()];
        values.sort_unstable();
        assert_eq!(values, [1, 2, 3]);
    });
}

/// Forbids that a free node is used twice: two push after two have popped.
#[test]
fn stack_nodes() {
    explore("stack_nodes", FIVE, || {
        let store = Rc::new(Store::<Value>::new(Order::Lifo));
        (1..=2).for_each(|value| store.push(Cell::new(value)));
        let pop_push = |store: &Rc<Store<Value>>| {
            let value = store.pop();
            value.set(value.get() + 2);
            store.push(value);
        };
        race::<_, ()>(&store).and(pop_push).and(pop_push).run();
        let sum = store.pop().get() + store.pop().get();
        assert_eq!(sum, 1 + 2 + 4);
    });
}

/// Forbids that the queue gives out the values of one pusher in another order than they came.
#[test]
fn fifo_order() {
    explore("fifo_order", ALL, || {
        let store = Rc::new(Store::<Value>::new(Order::Fifo));
        race::<_, ()>(&store)
            .and(|store: &Rc<Store<Value>>| (1..=2).for_each(|value| store.push(Cell::new(value))))
            .and(|store: &Rc<Store<Value>>| {
                let values = [store.pop().get(), store.pop().get()];
                assert_eq!(values, [1, 2]);
            })
            .run();
    });
}

/// Forbids that the stand-in queue takes more than its capacity, or refuses below it.
#[test]
fn fifo_full() {
    explore("fifo_full", ALL, || {
        let queue = Rc::new(ArrayQueue::new(2));
        assert!(queue.push(1).is_ok());
        let push = |value| move |queue: &Rc<ArrayQueue<u32>>| queue.push(value).is_ok();
        let took = race::<_, bool>(&queue).and(push(2)).and(push(3)).run();
        assert!(took[0] != took[1], "one of them finds a place");
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.pop(), Some(if took[0] { 2 } else { 3 }));
        assert_eq!(queue.pop(), None);
    });
}

/// How many values fill the first tier, under loom.
const TIER: u32 = 4;

fn full_tier(order: Order) -> Rc<Store<Value>> {
    let store = Rc::new(Store::<Value>::new(order));
    (1..=TIER).for_each(|value| store.push(Cell::new(value)));
    store
}

fn push(value: u32) -> impl FnOnce(&Rc<Store<Value>>) -> Option<u32> {
    move |store| {
        store.push(Cell::new(value));
        None
    }
}

fn pop(store: &Rc<Store<Value>>) -> Option<u32> {
    Some(store.pop().get())
}

/// Forbids that a push which makes the next tier disturbs the order in which a pop finds the values before it.
#[test]
fn fifo_next_tier() {
    explore("fifo_next_tier", ALL, || {
        let store = full_tier(Order::Fifo);
        let ends = race::<_, Option<u32>>(&store)
            .and(push(TIER + 1))
            .and(pop)
            .run();
        assert_eq!(ends, [None, Some(1)]);
        (2..=TIER + 1).for_each(|value| assert_eq!(store.pop().get(), value));
    });
}

/// Forbids that two pushes make the next tier twice, and one value lies in the one that is lost.
#[test]
fn fifo_next_tier_push_push() {
    explore("fifo_next_tier_push_push", ALL, || {
        next_tier_push_push(Order::Fifo);
    });
}

/// The same of the other store.
#[test]
fn lifo_next_tier_push_push() {
    explore("lifo_next_tier_push_push", ALL, || {
        next_tier_push_push(Order::Lifo);
    });
}

fn next_tier_push_push(order: Order) {
    let store = full_tier(order);
    race::<_, Option<u32>>(&store)
        .and(push(TIER + 1))
        .and(push(TIER + 2))
        .run();
    let mut values: Vec<_> = (0..TIER + 2).map(|_| store.pop().get()).collect();
    if order == Order::Fifo {
        assert!(values[..4].iter().copied().eq(1..=TIER), "{values:?}");
    }
    values.sort_unstable();
    assert!(values.iter().copied().eq(1..=TIER + 2), "{values:?}");
}

/// Forbids that a pop finds the object unseen that was counted in a tier made for it.
#[test]
fn lifo_next_tier_claim() {
    explore("lifo_next_tier_claim", ALL, || {
        let (pool, last) = full_tier_of_five(Order::Lifo);
        let kept = pool
            .race()
            .and(|pool| pool.give_back(last))
            .and(Pool::claim)
            .run();
        pool.give_back_all(kept);
        pool.at_rest(5, 5);
    });
}

/// Forbids that what was counted in a tier made for it, behind all that lies before, is not found by a close.
#[test]
fn fifo_next_tier_close() {
    explore("fifo_next_tier_close", THREE, || {
        let (pool, last) = full_tier_of_five(Order::Fifo);
        pool.race()
            .and(|pool| pool.give_back(last))
            .and(Pool::close)
            .run();
        pool.at_rest_closed();
    });
}

/// A pool whose idle objects fill the first tier, and the object for which a push makes the next.
fn full_tier_of_five(order: Order) -> (Pool, Object) {
    let pool = Pool::new(5, order);
    let last = pool.hold();
    pool.warm(4);
    (pool, last)
}
