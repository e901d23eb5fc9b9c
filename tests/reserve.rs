//! Slots that are kept for a priority: who has it is served beside any crowd of those who do not, who have all the
//! rest among themselves, in their order, and nothing is lost however any of them ends.

mod support;

use millpond::managed::{Acquire, AcquireError, Drain, Priority, Reason, Settings, TimeoutType};
use millpond::observe::{HandClock, Level};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;
use support::oracle::NO_WAIT;
use support::scene::{Got, TestBuilder};
use support::script::Fault;
use support::{Gate, Hand, Polled, Scene, Step, ignore, panics};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

type Acquired = Result<Hand, AcquireError<Fault>>;

/// A pool without a runtime that keeps `reserve` of `max`.
fn reserving(max: usize, reserve: usize) -> Scene {
    Scene::built(max, false, |builder| builder.reserve(reserve))
}

/// The same with tokio, on a clock that stands still.
fn reserving_in_time(
    max: usize,
    reserve: usize,
    set: impl FnOnce(TestBuilder) -> TestBuilder,
) -> Scene {
    Scene::built(max, true, |builder| set(builder.reserve(reserve)))
}

fn urgent() -> Acquire {
    Acquire::new().priority(Priority::High)
}

/// A get with priority that is served at once.
#[track_caller]
fn hold_urgently(scene: &Scene) -> Hand {
    scene.acquire(&urgent()).ready().unwrap()
}

fn would_wait(got: &Got) -> bool {
    let wait = |error: &millpond::managed::PoolError<Fault>| {
        error.to_string() == "timed out while waiting in line"
    };
    got.as_ref().is_err_and(wait)
}

/// The four oracles, and those of the reserve: of those without priority so many are served and no more, and of
/// those with it all.
#[track_caller]
fn all_well(scene: &Scene, max: usize, reserve: usize) {
    scene.settle();
    scene.world.calm();
    let now = scene.pool.snapshot();
    assert_eq!((now.held_back, now.waiting), (0, 0), "{now:?}");
    support::at_rest(&scene.pool);
    support::acc(&scene.pool);
    let share = max - reserve;
    let ordinary: Vec<_> = (0..share)
        .map(|_| scene.get_within(&NO_WAIT).ready().unwrap())
        .collect();
    assert!(
        would_wait(&scene.get_within(&NO_WAIT).ready()),
        "CAP of all"
    );
    let urgent: Vec<_> = (0..reserve).map(|_| hold_urgently(scene)).collect();
    let beyond = scene.acquire(&self::urgent().try_only()).ready();
    assert!(
        matches!(beyond.unwrap_err().reason(), Reason::WouldWait),
        "CAP"
    );
    drop((ordinary, urgent));
    // Those with priority may have all of it.
    let urgent: Vec<_> = (0..max).map(|_| hold_urgently(scene)).collect();
    assert!(would_wait(&scene.get_within(&NO_WAIT).ready()), "CAP");
    drop(urgent);
    support::at_rest(&scene.pool);
    support::acc(&scene.pool);
    support::once(&scene.pool);
    support::lim(&scene.pool);
}

#[test]
fn beside_a_line_of_others_those_with_priority_are_served_at_once_up_to_the_reserve() {
    let scene = reserving(5, 2);
    let mut held = scene.fill(3);
    let mut line = scene.queue(4);
    let now = scene.pool.snapshot();
    assert_eq!((now.in_use, now.waiting, now.held_back), (3, 4, 4));
    let first = hold_urgently(&scene);
    let second = hold_urgently(&scene);
    let how = urgent();
    let mut third = scene.acquire(&how).waits();
    assert_eq!(
        scene.pool.snapshot().held_back,
        4,
        "the third is in the pool's own line"
    );
    // What comes back from one of the others goes to it, and the ticket to one of them, who stands behind it.
    drop(held.pop());
    let third = third.woken_ready().unwrap();
    assert!(line[0].is_woken() && !line[1].is_woken());
    line[0].pending();
    drop(first);
    let served = line[0].woken_ready().unwrap();
    drop((second, third, served));
    let served = scene.drain(&mut line, held);
    assert_eq!(served, 3);
    drop(line);
    all_well(&scene, 5, 2);
}

#[test]
fn the_reserve_is_made_when_it_is_wanted_and_lies_idle_beside_the_line() {
    let scene = reserving(3, 1);
    drop([
        hold_urgently(&scene),
        hold_urgently(&scene),
        hold_urgently(&scene),
    ]);
    let held = scene.fill(2);
    let mut line = scene.queue(2);
    let now = scene.pool.snapshot();
    assert_eq!((now.idle, now.waiting, now.held_back), (1, 2, 2));
    assert_eq!(
        now.to_string(),
        "2/3 in use, 1 idle, 2 waiting, 2 of them held back by the reserve"
    );
    assert_eq!(scene.pool.status().waiting, 2);
    let urgent = hold_urgently(&scene);
    assert_eq!(scene.world.made(), 3, "the idle one");
    drop(urgent);
    assert!(
        line.iter().all(|getter| !getter.is_woken()),
        "it is not for them"
    );
    assert_eq!(scene.drain(&mut line, held), 2);
    drop(line);
    all_well(&scene, 3, 1);
}

#[test]
fn those_held_back_are_served_in_their_order_and_nobody_overtakes() {
    let scene = reserving(3, 1);
    let mut held = VecDeque::from(scene.fill(2));
    let mut line = VecDeque::from(scene.queue(5));
    while let Some(mut first) = line.pop_front() {
        drop(held.pop_front());
        assert!(line.iter().all(|other| !other.is_woken()));
        // A newcomer takes neither the ticket nor the object.
        assert!(would_wait(&scene.get_within(&NO_WAIT).ready()));
        held.push_back(first.woken_ready().unwrap());
    }
    drop(held);
    all_well(&scene, 3, 1);
}

#[test]
fn whoever_leaves_the_gate_leaves_nothing_behind() {
    let scene = reserving(3, 1);
    let held = scene.fill(2);
    let mut line = scene.queue(4);
    // Before it is given a ticket, and after.
    line.remove(1).cancel().unwrap();
    drop(held);
    assert!(line[0].is_woken() && line[1].is_woken() && !line[2].is_woken());
    assert_eq!(
        scene.pool.snapshot().held_back,
        3,
        "two were given tickets, and have not come yet"
    );
    line.remove(0).cancel().unwrap();
    assert!(line[1].is_woken(), "the ticket of the one that left");
    line.into_iter().for_each(|getter| getter.cancel().unwrap());
    assert_eq!(scene.pool.snapshot().idle, 2);
    all_well(&scene, 3, 1);
}

#[test]
fn a_ticket_goes_back_when_its_holder_ends_in_any_way() {
    let scene = reserving(3, 2);
    let ways: [(&str, fn(&Scene)); 9] = [
        ("returned", |scene| drop(scene.hold())),
        ("taken", |scene| drop(scene.hold().take())),
        ("broken", |scene| {
            let held = scene.hold();
            scene.world.broken.then(Step::Err);
            drop(held);
        }),
        ("retired in a panic", |scene| {
            let held = scene.hold();
            scene.world.broken.then(Step::Panic);
            panics(|| drop(held));
        }),
        ("its connect failed", |scene| {
            drop(scene.retain(|_| false));
            scene.world.create.then(Step::Err);
            assert!(scene.get().ready().is_err());
        }),
        ("its connect panicked", |scene| {
            drop(scene.retain(|_| false));
            scene.world.create.then(Step::Panic);
            scene.get().panics();
        }),
        ("cancelled while it connected", |scene| {
            drop(scene.retain(|_| false));
            scene.world.create.then(Step::Never);
            scene.get().waits().cancel().unwrap();
        }),
        ("cancelled in its check", |scene| {
            drop(scene.hold());
            scene.world.recycle.then(Step::Never);
            scene.get().waits().cancel().unwrap();
        }),
        ("its check panicked", |scene| {
            drop(scene.hold());
            scene.world.recycle.then(Step::Panic);
            scene.get().panics();
        }),
    ];
    for (way, end) in ways {
        end(&scene);
        let next = scene.get_within(&NO_WAIT).ready();
        assert!(next.is_ok(), "{way}: {next:?}");
        let other = scene.get_within(&NO_WAIT).ready();
        assert!(would_wait(&other), "{way}: {other:?}");
    }
    all_well(&scene, 3, 2);
}

#[test]
fn whose_object_is_dead_keeps_its_ticket_and_its_turn() {
    let scene = reserving(3, 1);
    drop(scene.fill(2));
    scene.world.recycle.then(Step::Err);
    scene.world.recycle.then(Step::Err);
    let gate = Gate::new();
    scene.world.create.then(Step::at(&gate));
    let mut first = scene.get().waits();
    let second = scene.hold();
    let mut third = scene.get().waits();
    assert_eq!(scene.pool.snapshot().held_back, 1);
    drop(hold_urgently(&scene));
    let got = first.woken_ready().unwrap();
    gate.open();
    drop((got, second));
    drop(third.woken_ready().unwrap());
    all_well(&scene, 3, 1);
}

#[test]
fn a_panic_or_a_cancel_among_the_others_costs_the_priority_nothing() {
    let scene = reserving(4, 2);
    let mut held = scene.fill(2);
    let mut line = scene.queue(3);
    for round in 0..20 {
        let urgent = [hold_urgently(&scene), hold_urgently(&scene)];
        match round % 3 {
            0 => {
                scene.world.recycle.then(Step::Panic);
                drop(held.pop());
                line[0].panics();
            }
            1 => {
                drop(held.pop());
                line.remove(0).cancel().unwrap();
                line.push(scene.get().waits());
            }
            _ => {
                scene.world.broken.then(Step::Panic);
                let goes = held.pop();
                ignore(|| drop(goes));
            }
        }
        drop(urgent);
        while held.len() < 2 {
            if line.iter().all(Polled::is_done) {
                line = scene.queue(3);
            }
            line.retain(|getter| !getter.is_done());
            let woken = line.iter().position(Polled::is_woken);
            match woken {
                Some(nth) => held.push(line.remove(nth).woken_ready().unwrap()),
                None => held.push(scene.hold()),
            }
        }
        while line.len() < 3 {
            line.push(scene.get().waits());
        }
    }
    drop(line);
    drop(held);
    all_well(&scene, 4, 2);
}

#[test]
fn time_at_the_gate_counts_as_any_other_in_line() {
    let set = |builder: TestBuilder| builder.wait_timeout(Some(50 * MS));
    let scene = reserving_in_time(2, 1, set);
    let held = scene.hold();
    let mut late = scene.get().waits();
    let how = Acquire::new().deadline(30 * MS).label("late");
    let mut sooner = scene.acquire(&how).waits();
    scene.advance(31 * MS);
    let error = sooner.woken_ready().unwrap_err();
    assert!(
        matches!(error.reason(), Reason::Deadline(TimeoutType::Wait)),
        "{error}"
    );
    assert_eq!(
        (error.snapshot().waiting, error.snapshot().held_back),
        (1, 1)
    );
    scene.advance(20 * MS);
    assert!(would_wait(&late.woken_ready()));
    let stats = scene.pool.stats();
    assert_eq!(stats.gets.timed_out.wait, 2);
    // The bound goes on in the pool's own line: it does not begin again there.
    let mut first = scene.get().waits();
    let other = hold_urgently(&scene);
    scene.advance(40 * MS);
    let how = urgent();
    let ahead = scene.acquire(&how).waits();
    drop(held);
    first.pending();
    scene.advance(11 * MS);
    assert!(would_wait(&first.woken_ready()));
    drop((ahead, other));
    all_well(&scene, 2, 1);
}

#[test]
fn what_was_waited_at_the_gate_stands_in_the_figures() {
    let clock = HandClock::new();
    let scene = Scene::built(2, false, |builder| builder.reserve(1).clock(&clock));
    let held = scene.hold();
    let mut waits = scene.get().waits();
    clock.advance(3 * S);
    drop(held);
    drop(waits.woken_ready().unwrap());
    let stats = scene.pool.stats();
    assert_eq!((stats.gets.created, stats.gets.after_waiting), (1, 1));
    let longest = stats.wait_time.quantile(1.0).unwrap();
    assert!(longest >= 2_900 * MS, "{longest:?}");
    all_well(&scene, 2, 1);
}

#[test]
fn the_health_knows_of_those_at_the_gate() {
    let clock = HandClock::new();
    let scene = Scene::built(8, false, |builder| builder.reserve(6).clock(&clock));
    let held = scene.fill(2);
    assert_eq!(scene.pool.health().level, Level::Healthy);
    let line = scene.queue(1);
    assert_eq!(scene.pool.health().level, Level::Healthy, "just now");
    clock.advance(2 * S);
    assert_eq!(
        scene.pool.health().level,
        Level::Warning,
        "a line that stays"
    );
    drop((line, held));
    all_well(&scene, 8, 6);
}

#[test]
fn at_most_so_many_wait_at_the_gate_and_who_was_let_in_is_not_sent_away() {
    let scene = Scene::built(2, false, |builder| builder.reserve(1).max_waiters(2));
    let held = scene.hold();
    let mut line = scene.queue(2);
    let how = Acquire::new();
    let error = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(error.reason(), Reason::LineFull), "{error}");
    // The pool's own line is full of those with priority, and still it is open to one from the gate.
    let urgent = hold_urgently(&scene);
    let how = self::urgent();
    let mut ahead = [scene.acquire(&how).waits(), scene.acquire(&how).waits()];
    let beyond = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(beyond.reason(), Reason::LineFull), "{beyond}");
    drop(held);
    let first = ahead[0].woken_ready().unwrap();
    line[0].pending();
    assert_eq!(scene.pool.snapshot().held_back, 1);
    drop(urgent);
    let second = ahead[1].woken_ready().unwrap();
    drop((first, second));
    assert_eq!(scene.drain(&mut line, Vec::new()), 2);
    drop((line, ahead));
    all_well(&scene, 2, 1);
}

#[test]
fn the_expected_wait_of_one_held_back_is_that_of_all_before_it() {
    let clock = HandClock::new();
    let set = |builder: TestBuilder| {
        builder
            .clock(&clock)
            .shed_overload(true)
            .wait_timeout(Some(S))
    };
    let scene = reserving_in_time(4, 2, set);
    // Two a second come back.
    let mut held = scene.fill(2);
    for _ in 0..20 {
        clock.advance(500 * MS);
        scene.advance(500 * MS);
        held.remove(0);
        held.push(scene.hold());
    }
    clock.advance(500 * MS);
    scene.advance(500 * MS);
    let first = scene.get().waits();
    let how = Acquire::new();
    let second = scene.acquire(&how).waits();
    let third = scene.acquire(&how).ready().unwrap_err();
    assert!(
        matches!(third.reason(), Reason::Overloaded { .. }),
        "{third}"
    );
    // The room that is kept is free for one with priority, whatever stands at the gate.
    drop(hold_urgently(&scene));
    drop((first, second, held));
    all_well(&scene, 4, 2);
}

#[test]
fn after_a_resize_as_many_are_served_as_the_maximum_leaves_beside_the_reserve_and_one_at_least() {
    let scene = reserving(5, 2);
    let mut held = scene.fill(3);
    let mut line = scene.queue(4);
    scene.resize(7);
    held.extend(
        line.drain(..2)
            .map(|mut getter| getter.woken_ready().unwrap()),
    );
    assert!(line.iter().all(|getter| !getter.is_woken()));
    scene.resize(3);
    assert_eq!(scene.pool.snapshot().max_size, 3);
    while held.len() > 1 {
        drop(held.pop());
        assert!(
            line.iter().all(|getter| !getter.is_woken()),
            "{}",
            held.len()
        );
    }
    drop(held.pop());
    let kept = line[0].woken_ready().unwrap();
    assert!(!line[1].is_woken());
    drop([hold_urgently(&scene), hold_urgently(&scene)]);
    drop(kept);
    drop(line[1].woken_ready().unwrap());
    drop(line);
    all_well(&scene, 3, 2);
    // At or below it the reserve yields.
    for max in [2, 1] {
        scene.resize(max);
        drop(scene.get_within(&NO_WAIT).ready().unwrap());
        let held = scene.hold();
        assert!(would_wait(&scene.get_within(&NO_WAIT).ready()));
        drop(held);
    }
    scene.resize(0);
    assert!(would_wait(&scene.get_within(&NO_WAIT).ready()));
    let mut waits = scene.get().waits();
    scene.resize(5);
    drop(waits.woken_ready().unwrap());
    all_well(&scene, 5, 2);
}

#[test]
fn a_pause_holds_all_and_who_resumes_serves_those_with_priority_too() {
    let scene = reserving(3, 1);
    let held = scene.fill(2);
    scene.pool.pause();
    let mut line = scene.queue(2);
    let how = urgent();
    let mut heartbeat = scene.acquire(&how).waits();
    drop(held);
    line.iter_mut().for_each(Polled::pending);
    assert_eq!(
        scene.pool.snapshot().held_back,
        0,
        "they are in the pool's own line"
    );
    let mut behind = scene.get().waits();
    scene.pool.resume();
    let beat = heartbeat.woken_ready().unwrap();
    let [first, second] = [
        line[0].woken_ready().unwrap(),
        line[1].woken_ready().unwrap(),
    ];
    assert!(!behind.is_woken());
    drop((first, second, beat));
    drop(behind.woken_ready().unwrap());
    drop((line, heartbeat, behind));
    all_well(&scene, 3, 1);
}

#[test]
fn a_close_is_heard_at_the_gate_and_by_who_has_a_ticket() {
    let scene = reserving(3, 1);
    let mut held = scene.fill(2);
    let mut line = scene.queue(3);
    drop(held.pop());
    assert!(line[0].is_woken());
    let mut gone = scene.polled(scene.pool.closed()).waits();
    scene.pool.close();
    for getter in &mut line {
        let said = getter.woken_ready();
        assert_eq!(said.unwrap_err().to_string(), "the pool is closed");
    }
    let how = urgent();
    let said = scene.acquire(&how).ready().unwrap_err();
    assert!(matches!(said.reason(), Reason::Closed));
    gone.pending();
    drop(held);
    gone.woken_ready();
    drop(line);
    scene.all_gone();
}

#[test]
fn nothing_is_left_of_a_pool_whose_handles_are_gone() {
    let mut scene = reserving(3, 1);
    let pool = scene.sole_handle();
    let take = || Polled::new(None, pool.get()).ready().unwrap();
    let held = [take(), take()];
    let waits = Polled::new(None, pool.get()).waits();
    waits.cancel().unwrap();
    drop(pool);
    drop(held);
    scene.all_freed();
}

#[test]
fn a_drain_serves_those_at_the_gate_too() {
    let scene = reserving_in_time(3, 1, |builder| builder);
    let mut held = scene.fill(2);
    let mut line = scene.queue(2);
    let mut drained = scene.polled(scene.pool.drain(Drain::Serve, 10 * S)).waits();
    for how in [Acquire::new(), urgent()] {
        let mut late = scene.acquire(&how);
        match late.poll() {
            Poll::Ready(Err(error)) => assert!(matches!(error.reason(), Reason::Closed)),
            // There is room that is kept, so it stands in no line.
            other => panic!("{other:?}"),
        }
    }
    drop(held.pop());
    // It has a ticket, and nobody is in either line for it: it has not come yet, and is waited for.
    let second = line.pop().unwrap();
    second.cancel().unwrap();
    drained.pending();
    assert!(!scene.pool.is_closed());
    held.push(line[0].woken_ready().unwrap());
    drained.pending();
    assert!(scene.pool.is_closed());
    drop(held);
    drained.woken_ready().unwrap();
    scene.all_gone();
}

#[test]
fn a_drain_that_refuses_tells_those_at_the_gate() {
    let scene = reserving_in_time(2, 1, |builder| builder);
    let held = scene.hold();
    let mut line = scene.queue(2);
    let mut drained = scene.polled(scene.pool.drain(Drain::Refuse, S)).waits();
    for getter in &mut line {
        assert!(getter.woken_ready().is_err());
    }
    drop(held);
    drained.woken_ready().unwrap();
    scene.all_gone();
}

#[test]
fn what_the_pool_does_for_itself_takes_no_tickets() {
    let scene = reserving_in_time(3, 2, |builder| builder.min_idle(2));
    let held = scene.hold();
    scene.settle();
    scene.advance(S);
    assert_eq!(
        scene.pool.snapshot().idle,
        2,
        "spare ones, also beside a line"
    );
    let mut line = scene.queue(1);
    let mut seen = 0;
    drop(scene.retain(|_| {
        seen += 1;
        true
    }));
    assert_eq!(seen, 2);
    assert!(!line[0].is_woken());
    scene.polled(scene.pool.warm_up(3)).ready().unwrap();
    drop(held);
    drop(line[0].woken_ready().unwrap());
    drop(line);
    scene.advance(S);
    all_well(&scene, 3, 2);
}

#[test]
fn without_a_reserve_a_priority_changes_nothing() {
    let scene = Scene::new(1);
    let held = scene.hold();
    let mut first = scene.get().waits();
    let how = urgent();
    let mut second = scene.acquire(&how).waits();
    drop(held);
    drop(first.woken_ready().unwrap());
    drop(second.woken_ready().unwrap());
    drop((first, second));
    scene.all_well(1);
}

#[test]
fn a_reserve_that_leaves_nothing_is_an_error() {
    for reserve in [3, 4, usize::MAX] {
        let built = std::panic::catch_unwind(|| reserving(3, reserve));
        let words = built.err().expect("refused").downcast::<String>().unwrap();
        assert!(
            words.contains(&format!("reserve = {reserve} of max_size = 3")),
            "{words}"
        );
        let reserve = reserve.to_string();
        let pairs = [("max_size", "3"), ("reserve", reserve.as_str())];
        let error = Settings::from_pairs(pairs).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("reserve = \"{reserve}\": nobody")),
            "{error}"
        );
    }
    let settings = Settings::from_pairs([("max_size", "3"), ("reserve", "2")]).unwrap();
    let scene = Scene::built(3, false, |builder| builder.settings(settings).unwrap());
    all_well(&scene, 3, 2);
}

// Any script of both.

#[derive(Clone, Debug)]
enum Deed {
    Come { urgent: bool },
    Cancel(u8),
    Poll(u8),
    Return(u8),
    Take(u8),
    Create(bool),
    Recycle(bool),
    Resize(u8),
    Pause,
    Resume,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => any::<bool>().prop_map(|urgent| Deed::Come { urgent }),
        2 => any::<u8>().prop_map(Deed::Cancel),
        4 => any::<u8>().prop_map(Deed::Poll),
        6 => any::<u8>().prop_map(Deed::Return),
        1 => any::<u8>().prop_map(Deed::Take),
        1 => any::<bool>().prop_map(Deed::Create),
        2 => any::<bool>().prop_map(Deed::Recycle),
        1 => (0..7_u8).prop_map(Deed::Resize),
        1 => Just(Deed::Pause),
        2 => Just(Deed::Resume),
    ]
}

/// Who waits and who holds, with and without priority.
struct Crowd<'a> {
    scene: &'a Scene,
    line: Vec<(bool, Polled<'a, Acquired>)>,
    held: Vec<(bool, Hand)>,
}

impl Crowd<'_> {
    fn poll(&mut self, nth: usize) {
        if let Poll::Ready(got) = self.line[nth].1.poll() {
            let (urgent, _) = self.line.remove(nth);
            self.held.extend(got.ok().map(|hand| (urgent, hand)));
        }
    }

    /// Polls everybody who was woken, the last to come first, until nobody is.
    fn run(&mut self) {
        while let Some(nth) = self.line.iter().rposition(|(_, getter)| getter.is_woken()) {
            self.poll(nth);
        }
    }

    fn urgent(&self) -> (usize, usize) {
        let held = self.held.iter().filter(|(urgent, _)| *urgent).count();
        (held, self.line.iter().filter(|(urgent, _)| *urgent).count())
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 600,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn whatever_happens_the_reserve_is_there_and_the_rest_is_for_all(
        max in 2..6_usize,
        reserve in 1..3_usize,
        script in vec(deed(), 1..80),
    ) {
        let reserve = reserve.min(max - 1);
        let scene = reserving(max, reserve);
        let (how, ordinary) = (urgent(), Acquire::new());
        let (mut max, mut paused) = (max, false);
        let mut crowd = Crowd { scene: &scene, line: Vec::new(), held: Vec::new() };
        for deed in script {
            let step = |good: bool| if good { Step::Ok } else { Step::Err };
            let pick = |nth: u8, len: usize| usize::from(nth).checked_rem(len);
            match deed {
                Deed::Come { urgent } => {
                    let how = if urgent { &how } else { &ordinary };
                    crowd.line.push((urgent, crowd.scene.acquire(how)));
                    crowd.poll(crowd.line.len() - 1);
                }
                Deed::Cancel(nth) => if let Some(nth) = pick(nth, crowd.line.len()) {
                    crowd.line.remove(nth).1.cancel().unwrap();
                }
                Deed::Poll(nth) => if let Some(nth) = pick(nth, crowd.line.len()) {
                    crowd.poll(nth);
                }
                Deed::Return(nth) => if let Some(nth) = pick(nth, crowd.held.len()) {
                    drop(crowd.held.remove(nth));
                }
                Deed::Take(nth) => if let Some(nth) = pick(nth, crowd.held.len()) {
                    drop(crowd.held.remove(nth).1.take());
                }
                Deed::Create(good) => scene.world.create.then(step(good)),
                Deed::Recycle(good) => scene.world.recycle.then(step(good)),
                Deed::Resize(to) => {
                    max = usize::from(to);
                    scene.resize(max);
                }
                Deed::Pause => {
                    scene.pool.pause();
                    paused = true;
                }
                Deed::Resume => {
                    scene.pool.resume();
                    paused = false;
                }
            }
            crowd.run();
            let now = scene.pool.snapshot();
            let share = max.saturating_sub(reserve).max(max.min(1));
            let (urgent_held, urgent_waiting) = crowd.urgent();
            let (others_held, others_waiting) =
                (crowd.held.len() - urgent_held, crowd.line.len() - urgent_waiting);
            prop_assert_eq!(now.waiting, crowd.line.len(), "{:?}", now);
            prop_assert!(now.waiting == now.held_back || now.idle == 0, "{:?}", now);
            if paused || max == 0 {
                continue;
            }
            // One with priority waits only while the others have no more than their share, and so as many with
            // priority as the reserve is have an object; but for what a shrink found out.
            let others_within = others_held <= share && now.size <= max;
            prop_assert!(
                !others_within || urgent_waiting == 0 || urgent_held >= reserve.min(max - share),
                "{:?}: {} urgent hold, {} wait; others: {}", now, urgent_held, urgent_waiting, others_held
            );
            // And one without waits only while they have all of their share, or those with priority more than theirs.
            prop_assert!(
                others_waiting == 0 || others_held >= share || now.idle + urgent_held + others_held >= max,
                "{:?}: others: {} hold, {} wait; {} urgent hold", now, others_held, others_waiting, urgent_held
            );
        }
        scene.world.calm();
        scene.pool.resume();
        let last = max.max(reserve + 1);
        scene.resize(last);
        crowd.run();
        while !crowd.line.is_empty() {
            prop_assert!(!crowd.held.is_empty(), "nobody holds, and some wait: {:?}", scene.pool.snapshot());
            drop(crowd.held.remove(0));
            crowd.run();
        }
        drop(crowd);
        all_well(&scene, last, reserve);
    }
}
