//! The idle stores by themselves, and the contract that the stand-in queue keeps as crossbeam's does.
#![cfg(millpond_loom)]

use loom::cell::Cell;
use millpond::engine::idle::Store;
use millpond::engine::sync::ArrayQueue;
use millpond_loom_tests::{ALL, FIVE, Order, explore, race};
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
    // The first tier is made behind a `OnceLock`, which loom does not see.
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
