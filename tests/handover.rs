//! P4: whichever comes first. A getter that connects still stands in line, and its connect is never in vain.

mod support;

use millpond::managed::{Acquire, PoolError, Reason, Snapshot, TimeoutType};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::{Fault, Gate, Polled, Scene, Step, TestPool, acc, lim, panics};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_getter_that_connects_is_served_by_an_object_that_comes_back() {
    for runtime in [false, true] {
        let scene = Scene::built(2, runtime, |builder| builder);
        let held = scene.hold();
        let gate = Gate::new();
        scene.world.create.then(Step::at(&gate));
        let mut getter = scene.get().waits();
        drop(held);
        let hand = getter.woken_ready().unwrap();
        assert_eq!(hand.id, 0, "the object that came back");
        scene.settle();
        let connects = usize::from(runtime);
        assert_eq!(scene.world.connecting(), connects, "runtime {runtime}");
        assert_eq!(scene.pool.snapshot().connecting, connects);
        gate.open();
        scene.settle();
        assert_eq!(scene.pool.snapshot().idle, connects, "it became idle");
        drop(hand);
        scene.all_well(2);
    }
}

#[test]
fn the_connect_of_a_served_getter_serves_the_next_in_line() {
    let scene = Scene::with_runtime(2);
    let held = scene.hold();
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let mut first = scene.get().waits();
    let mut line = scene.queue(2);
    drop(held);
    let hand = first.woken_ready().unwrap();
    assert!(!line.iter().any(Polled::is_woken), "nothing is free yet");
    gate.open();
    scene.settle();
    assert!(line[0].is_woken() && !line[1].is_woken());
    let made = line[0].ready().unwrap();
    assert_eq!((made.id, scene.world.create.calls()), (1, 2));
    drop(hand);
    drop(line[1].woken_ready().unwrap());
    drop(made);
    drop(line);
    scene.all_well(2);
}

#[test]
fn without_a_runtime_the_connect_of_a_served_getter_makes_room_for_the_next_at_once() {
    let scene = Scene::new(2);
    let held = scene.hold();
    scene.world.create.then(Step::Never);
    let mut first = scene.get().waits();
    let mut second = scene.get().waits();
    drop(held);
    let hand = first.woken_ready().unwrap();
    assert_eq!(scene.world.connecting(), 0, "dropped");
    assert!(second.is_woken(), "it may connect itself");
    drop(second.ready().unwrap());
    drop(hand);
    scene.all_well(2);
}

#[test]
fn a_connect_that_comes_to_nothing_after_its_getter_was_served_is_nobodys_error() {
    for step in [Step::Err, Step::Panic] {
        for hook in [false, true] {
            for next in [false, true] {
                println!("{step:?}, in a hook {hook}, somebody waits {next}");
                let scene = Scene::with_runtime(2);
                let held = scene.hold();
                let gate = Gate::new();
                let script = [&scene.world.create, &scene.world.post_create][usize::from(hook)];
                script.then(Step::at_then(&gate, step.clone()));
                let mut getter = scene.get().waits();
                let mut line = scene.queue(usize::from(next));
                drop(held);
                let hand = getter.woken_ready().unwrap();
                gate.open();
                scene.settle();
                for waiter in &mut line {
                    drop(waiter.woken_ready().unwrap());
                }
                drop(hand);
                drop(line);
                scene.all_well(2);
            }
        }
    }
}

#[test]
fn a_chain_of_a_hundred_failed_connects_hands_the_reservation_on_one_by_one() {
    for step in [Step::Err, Step::Panic] {
        let scene = Scene::new(1);
        let gate = Gate::new();
        scene.world.create.then(Step::at_then(&gate, step.clone()));
        scene.world.create.always(step.clone());
        let mut line = scene.queue(100);
        gate.open();
        for nth in 0..100 {
            let woken = line.iter().filter(|waiter| waiter.is_woken()).count();
            assert_eq!(woken, 1, "one reservation, one of them at a time");
            assert!(line[nth].is_woken(), "the first in line");
            match step {
                Step::Panic => line[nth].panics(),
                _ => assert!(matches!(line[nth].ready(), Err(PoolError::Backend(Fault)))),
            }
        }
        assert_eq!(
            (scene.world.create.calls(), scene.world.book().peak),
            (100, 1)
        );
        drop(line);
        scene.all_well(1);
    }
}

#[test]
fn a_chain_of_a_hundred_abandoned_connects_that_fail_forgets_nobody() {
    let scene = Scene::with_runtime(1);
    scene.world.create.always(Step::Err);
    let mut last = Vec::new();
    for _ in 0..100 {
        let gate = Gate::new();
        scene.world.create.then(Step::at_then(&gate, Step::Err));
        let getter = match last.pop() {
            None => scene.get().waits(),
            Some(next) => {
                let mut next: Polled<'_, _> = next;
                assert!(next.is_woken(), "the one before failed");
                next.pending();
                next
            }
        };
        last.push(scene.get().waits());
        getter.cancel().unwrap();
        scene.settle();
        gate.open();
        scene.settle();
    }
    scene.world.calm();
    drop(last.pop().unwrap().woken_ready().unwrap());
    assert_eq!(scene.world.book().peak, 1);
    scene.all_well(1);
}

#[test]
fn connects_that_were_given_up_warm_a_cold_pool() {
    for max in [1, 2, 3] {
        for at_once in [1, 2, 10] {
            println!("max {max}, {at_once} callers at once");
            let scene = Scene::with_runtime(max);
            scene.world.create.always(Step::Sleep(300 * MS));
            let how = Acquire::new().deadline(100 * MS);
            let mut served = 0;
            for round in 0..6 {
                let mut callers: Vec<_> = (0..at_once).map(|_| scene.acquire(&how)).collect();
                for caller in &mut callers {
                    served += usize::from(caller.poll().is_ready());
                }
                scene.advance(100 * MS);
                for caller in callers.iter_mut().filter(|caller| !caller.is_done()) {
                    match caller.woken_ready() {
                        Ok(hand) => {
                            served += 1;
                            drop(hand);
                        }
                        Err(error) => {
                            let late = matches!(error.reason(), Reason::Deadline(_));
                            assert!(late && round < 3, "round {round}: {error}");
                        }
                    }
                }
                lim(&scene.pool);
            }
            assert!(served >= 3 * at_once, "from the fourth round on: {served}");
            scene.advance(Duration::from_secs(1));
            let now = scene.pool.snapshot();
            assert!(now.idle > 0 && now.connecting == 0, "{now:?}");
            assert!(scene.world.book().peak <= max, "connects at once");
            assert!(scene.world.create.calls() <= max);
            scene.all_well(max);
        }
    }
}

/// How the getter of a black hole goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    Cancelled,
    Served,
}

#[test]
fn a_black_hole_without_a_getter_is_dropped_after_its_bound_and_the_next_in_line_connects() {
    let bounds = [
        (None, Duration::from_secs(10)),
        (Some(3 * MS), 3 * MS),
        (Some(Duration::from_secs(60)), Duration::from_secs(60)),
    ];
    for (create, bound) in bounds {
        for goes in [Goes::Cancelled, Goes::Served] {
            println!("{create:?} {goes:?}");
            let scene = Scene::built(2, true, |builder| builder.create_timeout(create));
            let held = scene.hold();
            scene.world.create.then(Step::Never);
            let mut getter = scene.get().waits();
            let mut next = scene.get().waits();
            // The bound counts from the connect's beginning, not from the getter's end.
            scene.advance(MS);
            let mut kept = vec![held];
            if goes == Goes::Served {
                drop(kept.pop());
                kept.push(getter.woken_ready().unwrap());
            } else {
                getter.cancel().unwrap();
            }
            scene.settle();
            scene.advance(bound - 2 * MS);
            assert!(!next.is_woken() && scene.world.connecting() == 1);
            scene.advance(MS);
            assert_eq!(scene.world.connecting(), 0, "dropped");
            drop(next.woken_ready().unwrap());
            drop(kept);
            scene.all_well(2);
        }
    }
}

#[test]
fn a_black_hole_with_a_getter_is_its_time_out_and_the_next_in_line_connects() {
    let scene = Scene::built(1, true, |builder| builder.create_timeout(Some(50 * MS)));
    scene.world.create.then(Step::Never);
    let mut getter = scene.get().waits();
    let mut next = scene.get().waits();
    scene.advance(49 * MS);
    assert!(!getter.is_woken());
    scene.advance(MS);
    let said = getter.woken_ready();
    assert!(matches!(said, Err(PoolError::Timeout(TimeoutType::Create))));
    assert_eq!(scene.world.connecting(), 0);
    drop(next.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn without_a_runtime_a_cancelled_black_hole_is_given_up_at_once() {
    let scene = Scene::new(1);
    scene.world.create.then(Step::Never);
    let getter = scene.get().waits();
    let mut next = scene.get().waits();
    getter.cancel().unwrap();
    assert_eq!(scene.world.connecting(), 0);
    drop(next.woken_ready().unwrap());
    scene.all_well(1);
}

/// A waker that writes down what the pool looks like when it is called.
struct Looks {
    pool: TestPool,
    seen: Mutex<Vec<Snapshot>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        self.seen.lock().unwrap().push(self.pool.snapshot());
    }
}

#[test]
fn an_object_that_is_handed_over_is_never_counted_idle_on_the_way() {
    for way in ["return", "cancel", "background", "retain", "warm up"] {
        println!("{way}");
        let scene = Scene::with_runtime(1);
        let looks = Arc::new(Looks {
            pool: scene.pool.clone(),
            seen: Mutex::default(),
        });
        let waker = Waker::from(Arc::clone(&looks));
        let mut getter = scene.get();
        let mut join = || assert!(getter.poll_with(&waker).is_pending());
        let gate = Gate::new();
        match way {
            "return" => {
                let held = scene.hold();
                join();
                drop(held);
            }
            "cancel" => {
                let held = scene.hold();
                let first = scene.get().waits();
                join();
                drop(held);
                first.cancel().unwrap();
            }
            "background" => {
                scene.world.create.then(Step::at(&gate));
                scene.get().waits().cancel().unwrap();
                join();
                gate.open();
                scene.settle();
            }
            "retain" => {
                drop(scene.hold());
                scene.retain(|_| {
                    join();
                    true
                });
            }
            _ => {
                scene.world.create.then(Step::at(&gate));
                let mut warm = scene.polled(scene.pool.warm_up(1)).waits();
                join();
                gate.open();
                assert!(warm.woken_ready().is_ok());
            }
        }
        let seen = looks.seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 1, "woken once");
        let now = scene.pool.snapshot();
        for look in seen.into_iter().chain([now]) {
            assert_eq!((look.idle, look.in_use, look.waiting), (0, 1, 0));
        }
        let mut thief = scene.get_within(&NO_WAIT);
        assert!(thief.ready().is_err(), "nobody can take it on the way");
        drop(getter.ready().unwrap());
        assert_eq!(scene.world.made(), 1);
        scene.all_well(1);
    }
}

#[test]
fn an_object_that_comes_back_in_the_same_moment_as_the_getters_own_loses_neither() {
    for runtime in [false, true] {
        let scene = Scene::built(2, runtime, |builder| builder);
        let held = scene.hold();
        let gate = Gate::new();
        scene.world.create.then(Step::at(&gate));
        let mut getter = scene.get().waits();
        gate.open();
        drop(held);
        let hand = getter.woken_ready().unwrap();
        assert_eq!(hand.id, 0);
        scene.settle();
        // Without a background, the connect that was ready but not polled is dropped: nothing was made.
        let both = 1 + usize::from(runtime);
        assert_eq!(
            (scene.world.made(), scene.pool.snapshot().size),
            (both, both)
        );
        drop(hand);
        scene.all_well(2);
    }
}

/// The getter's own connect ends in one poll, in the middle of which it is handed an object.
#[test]
fn an_object_handed_over_in_the_middle_of_the_connects_last_poll_loses_nothing() {
    for hook in [false, true] {
        for end in [Step::Ok, Step::Err, Step::Panic] {
            for behind in [0, 1] {
                println!("in a hook {hook}, then {end:?}, {behind} behind");
                let scene = Scene::new(2);
                let held = scene.hold();
                let gate = Gate::new();
                let returns = Step::run_then(move || drop(held), end.clone());
                let script = [&scene.world.create, &scene.world.post_create][usize::from(hook)];
                script.then(Step::At(gate.clone(), Box::new(returns)));
                let mut getter = scene.get().waits();
                let mut line = scene.queue(behind);
                gate.open();
                if let Step::Panic = end {
                    getter.panics();
                } else {
                    let hand = getter.woken_ready().expect("it was served: no error");
                    assert_eq!(hand.id, 0, "the one that was handed over");
                    acc(&scene.pool);
                    for waiter in &mut line {
                        drop(waiter.woken_ready().unwrap());
                    }
                    drop(hand);
                }
                for waiter in line.iter_mut().filter(|waiter| !waiter.is_done()) {
                    drop(waiter.woken_ready().unwrap());
                }
                drop(line);
                scene.all_well(2);
            }
        }
    }
}

#[test]
fn a_panic_while_a_handed_over_object_lies_in_the_cell_hands_it_to_the_next() {
    let scene = Scene::new(2);
    let held = scene.hold();
    let gate = Gate::new();
    let returns = Step::run_then(move || drop(held), Step::Panic);
    let at_gate = Step::At(gate.clone(), Box::new(returns));
    scene.world.create.then(at_gate);
    let mut getter = scene.get().waits();
    let mut next = scene.get().waits();
    gate.open();
    assert!(panics(|| drop(getter.poll())));
    drop(getter);
    let hand = next.woken_ready().unwrap();
    assert_eq!((hand.id, scene.world.made()), (0, 1));
    drop(hand);
    scene.all_well(2);
}

#[test]
fn several_connects_without_getters_serve_the_line_in_its_order() {
    let scene = Scene::with_runtime(3);
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    for gate in &gates {
        scene.world.create.then(Step::at(gate));
    }
    for getter in scene.queue(3) {
        getter.cancel().unwrap();
    }
    let mut line = scene.queue(3);
    for (nth, gate) in [2, 0, 1].into_iter().enumerate() {
        gates[gate].open();
        scene.settle();
        let told: Vec<_> = line.iter().map(Polled::is_woken).collect();
        assert_eq!(told, (0..3).map(|n| n <= nth).collect::<Vec<_>>());
    }
    assert_eq!(scene.world.create.calls(), 3, "nobody connected twice");
    line.iter_mut().for_each(|waiter| drop(waiter.ready()));
    drop(line);
    scene.all_well(3);
}

#[test]
fn a_background_connect_that_a_shrink_made_surplus_is_destroyed() {
    let scene = Scene::with_runtime(2);
    let held = scene.hold();
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    scene.get().waits().cancel().unwrap();
    scene.resize(1);
    let mut next = scene.get().waits();
    gate.open();
    scene.settle();
    assert_eq!(scene.world.gone(), [1]);
    assert!(!next.is_woken());
    drop(held);
    drop(next.woken_ready().unwrap());
    scene.all_well(1);
}

#[test]
fn a_handed_over_object_that_is_dead_leaves_its_getter_first_with_its_connect_still_under_way() {
    for runtime in [false, true] {
        let scene = Scene::built(2, runtime, |builder| builder);
        let held = scene.hold();
        let gate = Gate::new();
        scene.world.create.then(Step::at(&gate));
        let mut getter = scene.get().waits();
        let mut behind = scene.get().waits();
        scene.world.recycle.then(Step::Err);
        drop(held);
        // Dead: the getter stands in line again, before the one behind, and connects where it died.
        match getter.poll() {
            Poll::Ready(got) => drop(got.unwrap()),
            Poll::Pending => panic!("there is room, and creating is at once"),
        }
        assert_eq!(scene.world.gone(), [0]);
        gate.open();
        scene.settle();
        drop(behind.woken_ready().unwrap());
        scene.all_well(2);
    }
}
