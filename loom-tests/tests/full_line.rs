//! A line that is full: beyond it a getter is shed. Under loom a line holds [`MAX_WAITING`] getters.
#![cfg(millpond_loom)]

use millpond::engine::state::MAX_WAITING;
use millpond_loom_tests::{ALL, Getter, Object, Order, Pool, Said, explore, race};

/// A pool of one, whose line is full, and its object.
fn full() -> (Pool, Object, Vec<Getter>) {
    let pool = Pool::new(1, Order::Lifo);
    let object = pool.hold();
    let line = (0..MAX_WAITING).map(|_| pool.waiting()).collect();
    (pool, object, line)
}

/// Who comes last; none: it was shed.
fn come(pool: &Pool) -> Option<Getter> {
    let mut getter = Getter::new(pool);
    match getter.start(true) {
        Said::Pending => Some(getter),
        Said::Shed => None,
        other => panic!("{other:?} beside a full line"),
    }
}

/// The getters of `line` are served in their order; then nobody waits.
fn serve(line: Vec<Getter>, pool: &Pool) {
    for getter in line {
        let object = getter.wait().expect("the pool is open");
        pool.give_back(object);
    }
}

/// Forbids that a newcomer is counted in a line that has no place, or shed where one has left, uncounted.
#[test]
fn full_line_cancel() {
    explore("full_line_cancel", ALL, || {
        let (pool, object, mut line) = full();
        let leaves = line.remove(0);
        let leave = |_: &Pool| {
            leaves.leave();
            None
        };
        let came = race::<_, Option<Getter>>(&pool).and(leave).and(come).run();
        line.extend(came.into_iter().flatten());
        assert_eq!(pool.engine().state().waiting(), line.len());
        pool.give_back(object);
        serve(line, &pool);
        pool.at_rest(1, 1);
    });
}

/// Forbids that a newcomer beside a return takes the object from the full line, or stands in it uncounted.
#[test]
fn full_line_return() {
    explore("full_line_return", ALL, || {
        let (pool, object, mut line) = full();
        let serve_first = |pool: &Pool| {
            pool.give_back(object);
            None
        };
        let came = race::<_, Option<Getter>>(&pool)
            .and(serve_first)
            .and(come)
            .run();
        line.extend(came.into_iter().flatten());
        serve(line, &pool);
        pool.at_rest(1, 1);
    });
}

/// Forbids that the room of a dead object is lost whose getter is shed as it asks for another.
#[test]
fn full_line_exchange() {
    explore("full_line_exchange", ALL, || {
        let (pool, dead, mut line) = full();
        let leaves = line.pop().expect("the line is full");
        let exchange = |pool: &Pool| {
            let mut getter = Getter::new(pool);
            let said = getter.exchange(dead);
            if let Some(object) = getter.follow(said) {
                pool.give_back(object);
            }
        };
        pool.race().and(exchange).and(|_| leaves.leave()).run();
        serve(line, &pool);
        pool.at_rest(1, 1);
    });
}

/// Forbids that who is shed while the pool closes is counted, or that somebody in the line does not hear of it.
#[test]
fn full_line_close() {
    explore("full_line_close", ALL, || {
        let (pool, object, line) = full();
        let come = |pool: &Pool| {
            let got = Getter::new(pool).get();
            assert!(got.is_none(), "shed or closed");
        };
        pool.race().and(Pool::close).and(come).run();
        for getter in line {
            assert!(getter.wait().is_none(), "nothing has come back");
        }
        pool.give_back(object);
        pool.at_rest_closed();
    });
}
