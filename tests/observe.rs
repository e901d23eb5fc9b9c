//! One way of looking at every kind of pool, a list of named pools, and a listener to whom everything is
//! told: none of them steers.

mod support;

use millpond::managed::{
    Acquire, Manager, Metrics, Object, Pool, RecycleResult, Timeouts, WeakPool,
};
use millpond::observe::{
    CloseReason, HandClock, Kind, Level, Listener, Observe, Phase, Pools, Snapshot, State,
};
use millpond::unmanaged;
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use support::{Polled, Scene, Step};

const MS: Duration = Duration::from_millis(1);

#[test]
fn in_every_state_every_figure_is_there_and_nothing_panics() {
    let scene = Scene::new(2);
    let observed: &dyn Observe = &scene.pool;
    let look = || {
        assert_eq!(observed.kind(), Kind::Managed);
        assert_eq!(observed.name(), "the scripted world");
        assert_eq!(observed.target().as_deref(), Some("the scripted world"));
        assert!(format!("{observed:?}").contains("the scripted world"));
        let health = observed.health().unwrap();
        let stats = observed.stats().unwrap();
        assert_eq!(observed.leaks_suspected(), None, "nobody looks for leaks");
        let out = observed.checkouts().unwrap().len();
        (
            observed.state(),
            observed.snapshot().unwrap(),
            health.level,
            stats.gets.started,
            out,
        )
    };
    let (state, snapshot, level, ..) = look();
    assert_eq!(
        (state, snapshot.size, level),
        (State::NotConnected, 0, Level::Healthy)
    );
    let held = scene.fill(2);
    let getter = scene.get().waits();
    let (state, snapshot, level, started, out) = look();
    assert_eq!(
        (state, snapshot.in_use, snapshot.waiting),
        (State::Open, 2, 1)
    );
    assert_eq!((level, started, out), (Level::Critical, 3, 2));
    scene.pool.close();
    drop(getter);
    let (state, snapshot, ..) = look();
    assert_eq!(
        (state, snapshot.size, snapshot.max_size),
        (State::Closed, 2, 0)
    );
    drop(held);
    assert_eq!(look().1.size, 0);
}

#[test]
fn where_somebody_looks_for_leaks_their_number_is_known() {
    let clock = HandClock::new();
    let minute = Duration::from_secs(60);
    let scene = Scene::built(1, false, |builder| {
        builder.leak_threshold(Some(minute)).clock(&clock)
    });
    let observed: &dyn Observe = &scene.pool;
    let held = scene.hold();
    assert_eq!(observed.leaks_suspected(), Some(0));
    clock.advance(minute);
    assert_eq!(observed.leaks_suspected(), Some(1));
    drop(held);
    assert_eq!(observed.leaks_suspected(), Some(0));
}

/// A pool that is somebody else's, and knows next to nothing of itself.
struct Stone;

impl Observe for Stone {
    fn name(&self) -> Cow<'_, str> {
        "stone".into()
    }

    fn kind(&self) -> Kind {
        Kind::Foreign("stone")
    }

    fn state(&self) -> State {
        State::Open
    }

    fn snapshot(&self) -> Option<Snapshot> {
        None
    }
}

#[test]
fn what_a_kind_has_no_figure_for_is_unknown_and_not_zero() {
    let stone: &dyn Observe = &Stone;
    assert_eq!((stone.kind().name(), stone.snapshot()), ("stone", None));
    assert!(stone.stats().is_none() && stone.health().is_none() && stone.checkouts().is_none());
    assert_eq!((stone.target(), stone.leaks_suspected()), (None, None));
    assert_eq!(
        (stone.idle_bounds().max, stone.idle_bounds().min),
        (None, None)
    );
    assert!(format!("{stone:?}").contains("None"));
}

#[test]
fn an_unmanaged_pool_shows_its_counts_and_knows_no_more() {
    let pool = unmanaged::Pool::new(2);
    let observed: &dyn Observe = &pool;
    assert_eq!(
        (observed.kind(), observed.state()),
        (Kind::Unmanaged, State::Open)
    );
    pool.try_add(7_u8).unwrap();
    let held = pool.try_get().unwrap();
    let now = observed.snapshot().unwrap();
    assert_eq!((now.size, now.in_use, now.max_size), (1, 1, 2));
    assert!(observed.stats().is_none() && observed.health().is_none());
    assert!(observed.checkouts().is_none());
    let pools = Pools::new();
    assert_eq!(pools.list_as("numbers", &pool), "numbers");
    assert_eq!(pools.list(&pool), "numbers", "it is listed already");
    pool.close();
    assert_eq!(pools.all()[0].1.state(), State::Closed);
    drop(held);
    drop(pool);
    assert!(pools.all().is_empty());
}

fn named(name: &str) -> Scene {
    Scene::built(1, false, |builder| builder.name(name))
}

/// A manager that notes what it is told of its pool's name.
struct Told(Arc<Mutex<Vec<String>>>);

impl Manager for Told {
    type Type = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }

    fn named(&mut self, name: &str) {
        self.0.lock().unwrap().push(name.to_owned());
    }
}

#[test]
fn a_manager_is_told_the_name_of_its_pool_and_of_none_where_there_is_none() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let builder = || Pool::<Told>::builder(Told(Arc::clone(&told)));
    drop(builder().build().unwrap());
    assert!(told.lock().unwrap().is_empty());
    drop(builder().name("first").name("second").build().unwrap());
    assert_eq!(*told.lock().unwrap(), ["second"]);
}

#[test]
fn pools_of_one_name_are_listed_beside_one_another_and_each_once() {
    let pools = Pools::new();
    let [one, two, other] = ["main", "main", "other"].map(named);
    assert_eq!(pools.list(&one.pool), "main");
    assert_eq!(pools.list(&two.pool), "main#2");
    assert_eq!(pools.list(&other.pool), "other");
    assert_eq!(
        pools.list(&one.pool.clone()),
        "main",
        "it is listed already"
    );
    let held = two.hold();
    let in_use = || {
        let all = pools.all().into_iter();
        let figures = all.map(|(name, pool)| (name, pool.snapshot().unwrap().in_use));
        figures.collect::<Vec<_>>()
    };
    let listed = |name: &str, in_use| (name.to_owned(), in_use);
    assert_eq!(
        in_use(),
        [listed("main", 0), listed("main#2", 1), listed("other", 0)]
    );
    let named_so: Vec<_> = pools
        .all()
        .iter()
        .map(|(_, pool)| pool.name().into_owned())
        .collect();
    assert_eq!(
        named_so,
        ["main", "main", "other"],
        "whatever it is listed as"
    );
    drop(held);
    assert!(pools.unlist("other") && !pools.unlist("other"));
    let foreign = Arc::new(Stone);
    assert_eq!(pools.list(&foreign), "stone");
    assert_eq!(format!("{pools:?}"), r#"{"main", "main#2", "stone"}"#);
}

#[test]
fn being_listed_keeps_no_pool_open_and_who_is_gone_leaves_the_list() {
    let pools = Pools::new();
    let mut scene = named("main");
    let pool = scene.sole_handle();
    pools.list(&pool);
    let held = Polled::new(None, pool.get()).ready().unwrap();
    drop(pool);
    let all = pools.all();
    assert_eq!(
        all[0].1.state(),
        State::Closed,
        "closed with its last handle"
    );
    drop(all);
    drop(held);
    scene.all_freed();
    assert!(pools.all().is_empty());
    assert_eq!(
        pools.list(&named("main").pool),
        "main",
        "the name is free again"
    );
}

#[test]
fn the_list_of_the_process_is_one() {
    let scene = named("the only one of this name");
    let name = Pools::global().list(&scene.pool);
    let found = Pools::global()
        .all()
        .into_iter()
        .any(|(listed, _)| listed == name);
    assert!(found);
}

/// All that was told, in its order.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<String>>);

impl Ear {
    fn hear(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Listener for Ear {
    fn acquired(&self, waited: Duration) {
        self.hear(if waited.is_zero() {
            "acquired at once"
        } else {
            "acquired"
        });
    }

    fn returned(&self, _: Duration) {
        self.hear("returned");
    }

    fn timed_out(&self, phase: Phase, _: Duration) {
        self.hear(format!("timed out: {phase:?}"));
    }

    fn created(&self, _: Duration) {
        self.hear("created");
    }

    fn create_failed(&self, why: &str) {
        self.hear(format!("create failed: {why}"));
    }

    fn checked(&self, _: Duration) {
        self.hear("checked");
    }

    fn closed(&self, reason: CloseReason) {
        self.hear(format!("closed: {}", reason.name()));
    }
}

fn heard_of(max: usize) -> (Scene, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    let scene = Scene::built(max, false, |builder| builder.listener(ear.clone()));
    (scene, ear)
}

#[test]
fn a_listener_is_told_everything_in_its_order() {
    let (scene, ear) = heard_of(1);
    let held = scene.hold();
    assert_eq!(ear.heard(), ["created", "acquired"]);
    drop(held);
    assert_eq!(ear.heard(), ["returned"]);
    let held = scene.hold();
    assert_eq!(ear.heard(), ["acquired at once"]);
    let how = Acquire::new().try_only();
    assert!(scene.acquire(&how).ready().is_err());
    assert_eq!(ear.heard(), ["timed out: Wait"]);
    drop(Object::take(held.into_object()));
    assert_eq!(ear.heard(), ["returned", "closed: taken"]);
    scene.world.create.then(Step::Err);
    assert!(scene.get().ready().is_err());
    scene.world.post_create.then(Step::Err);
    assert!(scene.get().ready().is_err());
    let failed = "create failed: no reason told";
    assert_eq!(ear.heard(), [failed, failed]);
    drop(scene.hold());
    ear.heard();
    let gate = support::Gate::new();
    scene.world.recycle.then(Step::at_then(&gate, Step::Err));
    let mut getter = scene.get().waits();
    gate.open();
    drop(getter.woken_ready().unwrap());
    let expected = [
        "checked",
        "closed: check_failed",
        "created",
        "acquired",
        "returned",
    ];
    assert_eq!(ear.heard(), expected);
    scene.pool.close();
    assert_eq!(ear.heard(), ["closed: pool_closed"]);
}

/// A listener that panics whatever it is told.
struct Bomb;

impl Listener for Bomb {
    fn acquired(&self, _: Duration) {
        panic!("acquired");
    }
    fn returned(&self, _: Duration) {
        panic!("returned");
    }
    fn timed_out(&self, _: Phase, _: Duration) {
        panic!("timed out");
    }
    fn created(&self, _: Duration) {
        panic!("created");
    }
    fn create_failed(&self, _: &str) {
        panic!("create failed");
    }
    fn closed(&self, _: CloseReason) {
        panic!("closed");
    }
}

#[test]
fn a_listener_that_panics_loses_nothing() {
    let scene = Scene::built(2, true, |builder| builder.listener(Arc::new(Bomb)));
    scene.world.create.then(Step::Err);
    assert!(scene.get().ready().is_err());
    let held = scene.fill(2);
    let bounds = Timeouts::wait_millis(5);
    let mut getter = scene.get_within(&bounds).waits();
    scene.advance(5 * MS);
    assert!(getter.woken_ready().is_err());
    let mut getter = scene.get().waits();
    drop(held);
    drop(getter.woken_ready().unwrap().take());
    scene.all_well(2);
}

/// A listener may look at the pool, whatever it is told: no lock of the pool's is held.
#[derive(Default)]
struct Nosy(OnceLock<WeakPool<support::World>>);

impl Nosy {
    fn look(&self) {
        let Some(pool) = self.0.get().and_then(WeakPool::upgrade) else {
            return;
        };
        let _ = (
            pool.snapshot(),
            pool.stats(),
            pool.checkouts(),
            pool.health(),
        );
    }
}

impl Listener for Nosy {
    fn acquired(&self, _: Duration) {
        self.look();
    }
    fn returned(&self, _: Duration) {
        self.look();
    }
    fn created(&self, _: Duration) {
        self.look();
    }
    fn closed(&self, _: CloseReason) {
        self.look();
    }
}

#[test]
fn a_listener_may_look_at_the_pool() {
    let nosy = Arc::new(Nosy::default());
    let scene = Scene::built(2, true, |builder| builder.listener(nosy.clone()));
    assert!(nosy.0.set(scene.pool.weak()).is_ok());
    let held = scene.fill(2);
    let mut getter = scene.get().waits();
    drop(held);
    drop(getter.woken_ready().unwrap().take());
    scene.resize(1);
    scene.all_well(1);
}
