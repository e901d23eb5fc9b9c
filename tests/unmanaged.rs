//! The face of the unmanaged pool: what goes in, what comes out, what is counted, and every way to an end.

mod support;

use millpond::Runtime;
use millpond::unmanaged::{Object, Pool, PoolConfig, PoolError};
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;
use support::yard::{add, get};
use support::{Polled, Stone, Yard, panics};

const MS: Duration = Duration::from_millis(1);

/// `(max_size, size, available, waiting)`
fn status<T>(pool: &Pool<T>) -> (usize, usize, usize, usize) {
    let now = pool.status();
    (now.max_size, now.size, now.available, now.waiting)
}

#[test]
fn a_pool_is_made_of_anything_that_knows_its_length_and_gives_out_the_last_first() {
    let pools = [
        Pool::from(vec![1, 2, 3]),
        Pool::from([1, 2, 3]),
        Pool::from(1..4),
        Pool::from(BTreeSet::from([3, 1, 2])),
    ];
    for pool in pools {
        assert_eq!(status(&pool), (3, 3, 3, 0));
        let taken: Vec<_> = (0..3).map(|_| pool.try_get().unwrap()).collect();
        assert_eq!(
            taken.iter().map(|number| **number).collect::<Vec<_>>(),
            [3, 2, 1]
        );
        let (number, error) = pool.try_add(4).unwrap_err();
        assert!(number == 4 && matches!(error, PoolError::Timeout));
    }
}

#[test]
fn an_object_is_used_as_what_it_is() {
    let pool = Pool::from([String::from("a")]);
    let mut word = pool.try_get().unwrap();
    word.push('b');
    AsMut::<String>::as_mut(&mut word).push('c');
    assert_eq!(
        (word.len(), AsRef::<String>::as_ref(&word).as_str()),
        (3, "abc")
    );
    assert!(format!("{word:?}").contains("\"abc\""));
    drop(word);
    assert_eq!(*pool.try_get().unwrap(), "abc");
    assert!(format!("{pool:?}").contains("max_size: 1"));
}

#[test]
fn what_is_pooled_need_not_outlive_everything_nor_be_shared() {
    fn crosses_threads<T: Send + Sync>() {}
    fn is_sent<T: Send>(_: &T) {}
    crosses_threads::<Pool<std::cell::Cell<u8>>>();
    is_sent(&Object::take(Pool::from([1]).try_get().unwrap()));
    let words = [String::from("here"), String::from("there")];
    let pool: Pool<&String> = Pool::from(words.iter());
    is_sent(&pool.get());
    is_sent(&pool.add(&words[0]));
    assert_eq!(*pool.try_get().unwrap(), "there");
    let not_sent: Pool<std::rc::Rc<u8>> = Pool::from([std::rc::Rc::new(1)]);
    assert_eq!(**not_sent.try_get().unwrap(), 1);
}

#[test]
fn counts_follow_every_step() {
    let yard = Yard::default();
    let pool = Pool::new(2);
    assert_eq!(status(&pool), (2, 0, 0, 0));
    pool.try_add(yard.stone()).unwrap();
    assert_eq!(status(&pool), (2, 1, 1, 0));
    let one = pool.try_get().unwrap();
    assert_eq!(status(&pool), (2, 1, 0, 0));
    let [mut first, second] = [get(&pool).waits(), get(&pool).waits()];
    assert_eq!(status(&pool), (2, 1, 0, 2));
    pool.try_add(yard.stone()).unwrap();
    assert_eq!(status(&pool), (2, 2, 0, 1), "handed over, and never idle");
    let two = first.woken_ready().unwrap();
    drop(second.cancel());
    assert_eq!(status(&pool), (2, 2, 0, 0));
    drop(Object::take(two));
    assert_eq!(status(&pool), (2, 1, 0, 0));
    drop(one);
    assert_eq!(status(&pool), (2, 1, 1, 0));
    drop(first);
    yard.all_well(pool, 2, 1);
}

#[test]
fn room_on_its_way_to_somebody_is_not_an_object_yet() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let mut adder = add(&pool, yard.stone()).waits();
    drop(pool.try_remove().unwrap());
    let now = pool.snapshot();
    assert_eq!((now.size, now.connecting, now.idle), (1, 1, 0));
    assert_eq!(status(&pool), (1, 0, 0, 0));
    adder.woken_ready().unwrap();
    assert_eq!(status(&pool), (1, 1, 1, 0));
    drop(adder);
    yard.all_well(pool, 1, 1);
}

#[test]
fn any_maximum_is_taken_and_65_535_objects_are_held() {
    let huge = Pool::new(usize::MAX);
    assert_eq!(status(&huge), (usize::MAX, 0, 0, 0));
    for number in 0..65_535 {
        huge.try_add(number).unwrap();
    }
    assert!(matches!(huge.try_add(0), Err((0, PoolError::Timeout))));
    assert_eq!(huge.status().available, 65_535);
    assert_eq!(Pool::from(0..65_535).status().size, 65_535);
    panics(|| drop(Pool::from(0..65_536)));
    let none = Pool::new(0);
    assert!(matches!(none.try_add(1), Err((1, PoolError::Timeout))));
    let processors = thread::available_parallelism().unwrap().get();
    assert_eq!(Pool::<()>::default().status().max_size, 2 * processors);
}

fn timed(timeout: Option<Duration>, runtime: Option<Runtime>) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        timeout,
        runtime,
    }
}

#[test]
fn a_bound_without_a_runtime_is_refused_before_anything_is_touched() {
    for idle in [false, true] {
        let pool = Pool::from_config(&timed(Some(MS), None));
        if idle {
            pool.try_add(1).unwrap();
        }
        let mut gets = [
            Polled::new(None, pool.get()),
            Polled::new(None, pool.timeout_get(Some(MS))),
        ];
        for get in &mut gets {
            assert!(matches!(get.ready(), Err(PoolError::NoRuntimeSpecified)));
        }
        let mut remove = Polled::new(None, pool.remove());
        assert!(matches!(remove.ready(), Err(PoolError::NoRuntimeSpecified)));
        // No bound, and a bound of zero, need no timer.
        let mut zero = Polled::new(None, pool.timeout_get(Some(Duration::ZERO)));
        assert_eq!(zero.ready().is_ok(), idle);
        drop(zero);
        let mut unbound = Polled::new(None, pool.timeout_get(None));
        assert_eq!(unbound.poll().is_ready(), idle);
        drop(unbound);
        assert_eq!(pool.snapshot().in_use, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_ends_the_wait_and_leaves_nothing_behind() {
    let yard = Yard::default();
    let pool = Pool::from_config(&timed(Some(50 * MS), Some(Runtime::Tokio1)));
    pool.try_add(yard.stone()).unwrap();
    let held = pool.get().await.unwrap();
    let begun = tokio::time::Instant::now();
    assert!(matches!(pool.get().await, Err(PoolError::Timeout)));
    assert!(matches!(pool.remove().await, Err(PoolError::Timeout)));
    assert_eq!(begun.elapsed(), 100 * MS);
    let longer = pool.timeout_get(Some(70 * MS)).await;
    assert!(matches!(longer, Err(PoolError::Timeout)));
    let longer = pool.timeout_remove(Some(80 * MS)).await;
    assert!(matches!(longer, Err(PoolError::Timeout)));
    assert_eq!(begun.elapsed(), 250 * MS);
    assert_eq!(pool.status().waiting, 0);
    // Served in time; and what is there at once is never too late.
    let (served, ()) = tokio::join!(pool.timeout_get(Some(50 * MS)), async {
        tokio::time::advance(49 * MS).await;
        drop(held);
    });
    drop(served.unwrap());
    drop(
        pool.timeout_get(Some(Duration::from_nanos(1)))
            .await
            .unwrap(),
    );
    drop(pool.timeout_get(Some(Duration::MAX)).await.unwrap());
    yard.all_well(pool, 1, 1);
}

#[test]
fn a_close_ends_every_state_and_strands_nothing() {
    // What lies idle, or else who waits; whether room was given; and who asks again or is dropped unasked.
    for state in 0..64_u8 {
        let is = |bit: u8| state >> bit & 1 == 1;
        let yard = Yard::default();
        let pool = yard.pool(4);
        let [back, idle, leaves, held] = [0, 1, 2, 3].map(|_| pool.try_get().unwrap());
        let mut handed = get(&pool).waits();
        drop(back);
        let mut line = Vec::new();
        let idle = if is(0) {
            drop(idle);
            None
        } else {
            line.push(get(&pool).waits());
            Some(idle)
        };
        let mut adders = [add(&pool, yard.stone()), add(&pool, yard.stone())].map(Polled::waits);
        let leaves = if is(1) {
            drop(Object::take(leaves));
            assert!(adders[0].is_woken() && !adders[1].is_woken());
            None
        } else {
            Some(leaves)
        };
        pool.close();
        assert_eq!(status(&pool).2, 0);
        if is(2) {
            drop(handed.woken_ready().unwrap());
        }
        for getter in line.iter_mut().filter(|_| is(3)) {
            assert!(matches!(getter.woken_ready(), Err(PoolError::Closed)));
        }
        for adder in adders.iter_mut().filter(|_| is(4)) {
            let (stone, error) = adder.woken_ready().unwrap_err();
            assert!(matches!(error, PoolError::Closed), "{}: {error}", stone.id);
        }
        if is(5) {
            drop((handed, line, adders));
            drop((held, idle, leaves));
        } else {
            drop((held, idle, leaves));
            drop((handed, line, adders));
        }
        yard.all_gone(&pool);
        // Closed for good, and to all.
        pool.close();
        assert!(matches!(get(&pool).ready(), Err(PoolError::Closed)));
        assert!(matches!(
            add(&pool, yard.stone()).ready(),
            Err((_, PoolError::Closed))
        ));
        assert_eq!(status(&pool), (4, 0, 0, 0));
    }
}

#[test]
fn an_object_comes_back_from_anywhere_and_dies_where_its_pool_is_gone() {
    for closed_first in [false, true] {
        let yard = Yard::default();
        let pool = yard.pool(3);
        let [one, two, three] = [0, 1, 2].map(|_| pool.try_get().unwrap());
        thread::spawn(move || drop(one)).join().unwrap();
        assert_eq!(status(&pool), (3, 3, 1, 0));
        if closed_first {
            pool.close();
        }
        let other = pool.clone();
        drop(pool);
        assert_eq!(
            other.is_closed(),
            closed_first,
            "the last handle is still there"
        );
        drop(other);
        assert_eq!(yard.live(), 2, "what was idle is gone");
        thread::spawn(move || drop(two)).join().unwrap();
        assert_eq!(yard.live(), 1);
        let stone = Object::take(three);
        assert_eq!(yard.live(), 1, "taken alive");
        drop(stone);
        yard.once();
    }
}

#[test]
fn an_object_that_panics_when_it_is_dropped_costs_nothing_else() {
    // At a close, among others.
    let yard = Yard::default();
    let pool = yard.pool(3);
    let mut waits = add(&pool, yard.stone()).waits();
    yard.load(1);
    panics(|| pool.close());
    assert!(matches!(waits.woken_ready(), Err((_, PoolError::Closed))));
    yard.all_gone(&pool);

    // On the way back to a closed pool, and to one whose last handle is gone.
    for keep in [true, false] {
        let yard = Yard::default();
        let pool = yard.pool(2);
        let [one, two] = [pool.try_get().unwrap(), pool.try_get().unwrap()];
        yard.load(one.id);
        let pool = keep.then_some(pool);
        if let Some(pool) = &pool {
            pool.close();
        }
        panics(|| drop(one));
        drop(two);
        if let Some(pool) = &pool {
            yard.all_gone(pool);
        }
        assert_eq!(yard.live(), 0);
        yard.once();
    }

    // With an add that is cancelled: the room goes on to the next.
    let yard = Yard::default();
    let pool = yard.pool(1);
    let stone = yard.stone();
    yard.load(stone.id);
    let (first, mut second) = (add(&pool, stone).waits(), add(&pool, yard.stone()).waits());
    drop(pool.try_remove().unwrap());
    assert!(first.is_woken() && !second.is_woken());
    first.cancel().unwrap_err();
    second.woken_ready().unwrap();
    drop(second);
    yard.all_well(pool, 1, 1);

    // In a hand that unwinds: the object itself comes back unharmed.
    let yard = Yard::default();
    let pool = yard.pool(1);
    panics(|| {
        let _object = pool.try_get().unwrap();
        panic!("scripted");
    });
    yard.all_well(pool, 1, 1);
}

#[test]
fn what_left_can_be_added_again() {
    let yard = Yard::default();
    let pool = yard.pool(1);
    let other = Pool::new(1);
    let stone: Stone = Polled::new(None, pool.remove()).ready().unwrap();
    other.try_add(stone).unwrap();
    let stone = Object::take(other.try_get().unwrap());
    pool.try_add(stone).unwrap();
    assert_eq!((other.status().size, yard.made()), (0, 1));
    yard.all_well(pool, 1, 1);
}

#[test]
fn errors_say_what_to_do() {
    let error: Box<dyn std::error::Error> = Box::new(PoolError::NoRuntimeSpecified);
    assert!(error.to_string().contains("PoolConfig::runtime"));
    assert_eq!(PoolError::Closed.to_string(), "the pool is closed");
    let copied = PoolError::Timeout;
    assert_eq!(format!("{copied:?} {copied:?}"), "Timeout Timeout");
}

#[cfg(feature = "serde")]
#[test]
fn the_configuration_is_written_as_deadpool_writes_it() {
    let config: PoolConfig = serde_json::from_str(r#"{"max_size": 3}"#).unwrap();
    assert_eq!((config.max_size, config.timeout), (3, None));
    let config = PoolConfig {
        runtime: Some(Runtime::Tokio1),
        timeout: Some(2500 * MS),
        ..config
    };
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(
        text,
        r#"{"max_size":3,"timeout":{"secs":2,"nanos":500000000}}"#
    );
    let back: PoolConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(back.timeout, config.timeout);
    assert!(back.runtime.is_none());
}
