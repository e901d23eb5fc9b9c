//! The two lines of an unmanaged pool, of those who get and of those who add: order, and every way to leave.

mod support;

use millpond::unmanaged::{Object, Pool, PoolError};
use std::sync::Arc;
use std::task::Waker;
use support::yard::{Added, Got, add, get};
use support::{Polled, Stone, Yard};

fn woken<T>(line: &[Polled<'_, T>]) -> Vec<usize> {
    let woken = line.iter().enumerate().filter(|(_, one)| one.is_woken());
    woken.map(|(nth, _)| nth).collect()
}

fn getters(pool: &Pool<Stone>, count: usize) -> Vec<Polled<'_, Got>> {
    (0..count).map(|_| get(pool).waits()).collect()
}

fn adders<'a>(pool: &'a Pool<Stone>, yard: &Yard, count: usize) -> Vec<Polled<'a, Added>> {
    (0..count)
        .map(|_| add(pool, yard.stone()).waits())
        .collect()
}

#[test]
fn waiting_is_who_waits() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let held = pool.try_get().unwrap();
    let mut line = Vec::new();
    for count in 1..=20 {
        line.push(get(&pool).waits());
        let now = pool.status();
        assert_eq!((now.waiting, now.available, now.size), (count, 0, 1));
    }
    for count in (10..20).rev() {
        drop(line.remove(count / 2).cancel());
        assert_eq!(pool.status().waiting, count);
    }
    // Who waits to add does not wait for an object.
    let adder = add(&pool, yard.stone()).waits();
    assert_eq!(pool.status().waiting, 10);
    drop(adder);
    drop(held);
    assert_eq!(pool.status().waiting, 9, "one of them is served");
    drop(line);
    yard.all_well(pool, 1, 1);
}

#[test]
fn both_lines_are_served_in_the_order_in_which_they_came() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let mut held = pool.try_get().unwrap();
    let mut line = getters(&pool, 30);
    for nth in 0..30 {
        drop(held);
        assert_eq!(woken(&line), [nth]);
        held = line[nth].ready().unwrap();
    }
    drop(line);
    let mut line = adders(&pool, &yard, 30);
    for nth in 0..30 {
        drop(Object::take(held));
        assert_eq!(woken(&line), [nth]);
        line[nth].ready().unwrap();
        held = pool.try_get().unwrap();
        assert_eq!(held.id, nth + 1);
    }
    drop((held, line));
    yard.all_well(pool, 1, 1);
}

#[test]
fn nobody_overtakes_who_was_woken() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let held = pool.try_get().unwrap();
    let mut getter = get(&pool).waits();
    drop(held);
    assert!(matches!(pool.try_get(), Err(PoolError::Timeout)));
    let mut late = get(&pool).waits();
    let held = getter.woken_ready().unwrap();
    drop(held);
    drop(late.woken_ready().unwrap());

    let mut adder = add(&pool, yard.stone()).waits();
    drop(pool.try_remove().unwrap());
    assert!(pool.try_add(yard.stone()).is_err());
    let mut late_adder = add(&pool, yard.stone()).waits();
    assert!(!late_adder.is_woken());
    adder.woken_ready().unwrap();
    late_adder.pending();
    drop((getter, late, adder, late_adder));
    yard.all_well(pool, 1, 1);
}

#[test]
fn an_added_object_goes_to_the_first_getter_and_is_never_idle_on_the_way() {
    // Where there is room; and from the line of those who add.
    for from_line in [false, true] {
        let yard = Yard::default();
        let pool = Pool::new(1);
        let mut waits = None;
        let mut line = getters(&pool, 2);
        if from_line {
            pool.try_add(yard.stone()).unwrap();
            waits = Some(add(&pool, yard.stone()).waits());
            let first = line.remove(0).woken_ready().unwrap();
            line.push(get(&pool).waits());
            drop(Object::take(first));
            assert!(
                woken(&line).is_empty(),
                "the room is another's, and he has not come yet"
            );
            waits.as_mut().unwrap().woken_ready().unwrap();
        } else {
            pool.try_add(yard.stone()).unwrap();
        }
        assert_eq!(woken(&line), [0]);
        let now = pool.snapshot();
        assert_eq!((now.idle, now.in_use, now.waiting), (0, 1, 1), "{now}");
        assert!(pool.try_get().is_err());
        drop(line.remove(0).ready().unwrap());
        drop(line.remove(0).woken_ready().unwrap());
        drop((waits, line));
        yard.all_well(pool, 1, 1);
    }
}

#[test]
fn a_getter_cancelled_anywhere_loses_nothing() {
    for place in 0..3 {
        for told_before in [false, true] {
            for polled_before in [false, true] {
                let yard = Yard::default();
                let pool = yard.pool(1);
                let held = pool.try_get().unwrap();
                let mut line = getters(&pool, 3);
                if polled_before {
                    drop(line[place].change_waker());
                    line[place].pending();
                }
                let mut held = Some(held);
                if told_before {
                    drop(held.take());
                }
                drop(line.remove(place).cancel());
                assert_eq!(pool.status().waiting, 2 - usize::from(told_before));
                drop(held);
                assert_eq!(woken(&line), [0], "{place} {told_before}");
                drop(line.remove(0).ready().unwrap());
                drop(line.remove(0).woken_ready().unwrap());
                drop(line);
                yard.all_well(pool, 1, 1);
            }
        }
    }
    // Before its first poll, and never polled at all.
    let yard = Yard::default();
    let pool = yard.pool(1);
    drop(get(&pool));
    yard.all_well(pool, 1, 1);
}

#[test]
fn an_adder_cancelled_anywhere_loses_nothing() {
    for place in 0..3 {
        for told_before in [false, true] {
            for polled_before in [false, true] {
                let yard = Yard::default();
                let pool = yard.pool(1);
                let held = pool.try_get().unwrap();
                let mut line = adders(&pool, &yard, 3);
                if polled_before {
                    drop(line[place].change_waker());
                    line[place].pending();
                }
                let mut held = Some(held);
                if told_before {
                    drop(held.take().map(Object::take));
                }
                drop(line.remove(place).cancel());
                assert_eq!(yard.live(), 3 - usize::from(told_before));
                drop(held.map(Object::take));
                assert_eq!(woken(&line), [0], "{place} {told_before}");
                line.remove(0).ready().unwrap();
                assert!(line[0].poll().is_pending(), "there is room for one");
                drop(line);
                yard.all_well(pool, 1, 1);
            }
        }
    }
    let yard = Yard::default();
    let pool = yard.pool(0);
    drop(add(&pool, yard.stone()));
    assert_eq!((yard.live(), pool.snapshot().size), (0, 0));
}

#[test]
fn a_woken_one_that_is_cancelled_passes_on_what_it_was_given_down_the_whole_line() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let held = pool.try_get().unwrap();
    let mut line = getters(&pool, 20);
    drop(held);
    while line.len() > 1 {
        assert_eq!(woken(&line), [0]);
        drop(line.remove(0).cancel());
    }
    let last = line.remove(0).woken_ready().unwrap();
    drop(line);
    let mut line = adders(&pool, &yard, 20);
    drop(Object::take(last));
    while line.len() > 1 {
        assert_eq!(woken(&line), [0]);
        assert_eq!(pool.snapshot().connecting, 1);
        drop(line.remove(0).cancel());
    }
    line.remove(0).woken_ready().unwrap();
    assert_eq!(pool.try_get().unwrap().id, 20);
    drop(line);
    yard.all_well(pool, 1, 1);
}

#[test]
fn the_last_waker_of_an_adder_is_the_one_that_is_woken() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let mut adder = add(&pool, yard.stone()).waits();
    let old = adder.change_waker();
    adder.pending();
    adder.pending();
    drop(pool.try_remove().unwrap());
    assert_eq!(old.wakes(), 0);
    adder.woken_ready().unwrap();
    drop(adder);

    // There and back again.
    let mut adder = add(&pool, yard.stone()).waits();
    let [first, second] = [adder.change_waker(), adder.change_waker()];
    for flag in [&second, &first] {
        let waker = Waker::from(Arc::clone(flag));
        assert!(adder.poll_with(&waker).is_pending());
    }
    drop(pool.try_remove().unwrap());
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    adder.ready().unwrap();
    drop(adder);
    yard.all_well(pool, 1, 1);
}

#[test]
fn more_room_than_may_be_given_at_once_reaches_everybody() {
    const MANY: usize = 1_500;
    let yard = Yard::default();
    let pool = yard.pool(MANY);
    let mut line = adders(&pool, &yard, MANY);
    for _ in 0..MANY {
        drop(pool.try_remove().unwrap());
    }
    assert_eq!(woken(&line).len(), 1_023);
    assert!(
        pool.try_add(yard.stone()).is_err(),
        "the rest of the room is promised too"
    );
    for (nth, adder) in line.iter_mut().enumerate() {
        assert!(adder.is_woken(), "{nth}");
        adder.ready().unwrap();
    }
    drop(line);
    yard.all_well(pool, MANY, MANY);
}

#[test]
fn a_cancelled_get_and_a_cancelled_add_may_meet() {
    // The object of a cancelled get goes to the next; the room of a removed one to who adds, whose object goes
    // to who waits.
    let yard = Yard::default();
    let pool = yard.pool(1);
    let held = pool.try_get().unwrap();
    let mut line = getters(&pool, 2);
    let mut remove = Polled::new(None, pool.remove()).waits();
    let mut brings = adders(&pool, &yard, 2);
    let mut last = get(&pool).waits();
    drop(held);
    drop(line.remove(0).cancel());
    drop(line.remove(0).woken_ready().unwrap());
    let removed = remove.woken_ready().unwrap();
    assert_eq!((removed.id, woken(&brings)), (0, vec![0]));
    drop(brings.remove(0).cancel());
    assert!(!last.is_woken());
    brings.remove(0).woken_ready().unwrap();
    assert_eq!(last.woken_ready().unwrap().id, 2);
    drop((removed, line, remove, last, brings));
    yard.all_well(pool, 1, 1);
}
