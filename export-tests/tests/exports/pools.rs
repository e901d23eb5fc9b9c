//! Pools to which everything has happened, pools to which nothing has, and one that is somebody else's.

use millpond::Runtime;
use millpond::managed::{
    Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, Timeouts,
};
use millpond::observe::{Health, IdleBounds, Kind, Observe, Pools, Snapshot, State, Stats};
use millpond::unmanaged;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What a call of the manager does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// It fails.
    Fail,
    /// It never ends.
    Hang,
}

/// Makes numbers, and does as it is told where it is told something.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    creates: Mutex<VecDeque<Step>>,
    recycles: Mutex<VecDeque<Step>>,
}

impl Scripted {
    /// What the next call of `create` does that was not told before.
    pub(crate) fn create(&self, step: Step) {
        self.creates.lock().expect("no panic").push_back(step);
    }

    /// The same for `recycle`.
    pub(crate) fn recycle(&self, step: Step) {
        self.recycles.lock().expect("no panic").push_back(step);
    }
}

async fn next(steps: &Mutex<VecDeque<Step>>) -> Result<(), &'static str> {
    let step = steps.lock().expect("no panic").pop_front();
    match step {
        None => Ok(()),
        Some(Step::Fail) => Err("no such server"),
        Some(Step::Hang) => pending().await,
    }
}

impl Manager for Scripted {
    type Type = u64;
    type Error = &'static str;

    async fn create(&self) -> Result<u64, &'static str> {
        next(&self.creates).await.map(|()| 7)
    }

    async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<&'static str> {
        next(&self.recycles).await.map_err(RecycleError::Backend)
    }

    fn describe(&self, error: &&'static str) -> Option<String> {
        Some((*error).to_owned())
    }

    fn target(&self) -> Cow<'static, str> {
        "scripted".into()
    }
}

/// The pools of one test, and what keeps them as they are.
pub(crate) struct Scene {
    pub(crate) pools: Pools,
    /// Everything has happened in it, and is happening.
    pub(crate) busy: Pool<Scripted>,
    /// Of the same name, with a line and a connect under way.
    pub(crate) line: Pool<Scripted>,
    /// Not connected, with a bound on what lies idle; nobody looks for leaks.
    pub(crate) fresh: Pool<Scripted>,
    /// Closed with an object out.
    pub(crate) closed: Pool<Scripted>,
    pub(crate) unmanaged: unmanaged::Pool<u8>,
    _foreign: Arc<Foreign>,
    _out: Vec<Object<Scripted>>,
    _getters: Vec<Getter>,
}

type Getter =
    Pin<Box<dyn Future<Output = Result<Object<Scripted>, PoolError<&'static str>>> + Send>>;

/// The names under which they are listed.
pub(crate) const NAMES: [&str; 6] = ["busy", "busy#2", "closed", "foreign", "fresh", "unmanaged"];

fn named(name: &str, max: usize, leaks: Option<Duration>) -> Pool<Scripted> {
    let builder = Pool::builder(Scripted::default())
        .name(name)
        .max_size(max)
        .runtime(Runtime::Tokio1)
        .leak_threshold(leaks);
    let builder = match name {
        "fresh" => builder.max_idle(Some(5)),
        _ => builder,
    };
    builder.build().expect("it builds")
}

/// Whoever is out now is a leak.
const AT_ONCE: Option<Duration> = Some(Duration::from_nanos(1));
/// Short enough to wait for, and nothing that ends depends on it.
const SHORT: Duration = Duration::from_millis(2);

impl Scene {
    /// Lets everything happen.
    pub(crate) async fn new() -> Self {
        let pools = Pools::new();
        let busy = named("busy", 2, AT_ONCE);
        let line = named("busy", 1, None);
        let fresh = named("fresh", 8, None);
        let closed = named("closed", 4, None);
        let unmanaged = unmanaged::Pool::from(vec![1, 2, 3]);
        let foreign = Arc::new(Foreign);
        for pool in [&busy, &line, &fresh, &closed] {
            pools.list(pool);
        }
        pools.list_as("unmanaged", &unmanaged);
        pools.list(&foreign);

        let mut out = everything_happens(&busy).await;
        line.manager().create(Step::Hang);
        let getters = (0..3).map(|_| waiting(&line)).collect();
        out.push(closed.get().await.expect("it is open"));
        closed.close();
        assert!(closed.get().await.is_err());
        let taken = unmanaged.get().await.expect("there are three");
        std::mem::forget(taken);
        Self {
            pools,
            busy,
            line,
            fresh,
            closed,
            unmanaged,
            _foreign: foreign,
            _out: out,
            _getters: getters,
        }
    }

    /// The pools that keep figures, under their names in the list.
    pub(crate) fn managed(&self) -> [(&'static str, &Pool<Scripted>); 4] {
        [
            ("busy", &self.busy),
            ("busy#2", &self.line),
            ("closed", &self.closed),
            ("fresh", &self.fresh),
        ]
    }
}

/// Each way in which a get can end but for a line of half a million, and each reason why an object leaves that
/// there is. Returns what is still out.
async fn everything_happens(pool: &Pool<Scripted>) -> Vec<Object<Scripted>> {
    let manager = pool.manager();
    for _ in 0..5 {
        drop(pool.get().await.expect("made, then idle"));
    }
    let both = [pool.get().await, pool.get().await];
    let mut served = waiting(pool);
    drop(both);
    let served = now(&mut served).expect("one came back").expect("in time");
    drop(served);
    let [first, second] = [pool.get().await, pool.get().await];
    let no_wait = Timeouts {
        wait: Some(Duration::ZERO),
        ..Timeouts::new()
    };
    assert!(pool.timeout_get(&no_wait).await.is_err());
    drop(waiting(pool));
    let _mine = Object::take(first.expect("idle"));
    drop(second);
    manager.recycle(Step::Fail);
    manager.create(Step::Fail);
    assert!(pool.get().await.is_err());
    manager.create(Step::Hang);
    let short = Timeouts {
        create: Some(SHORT),
        ..Timeouts::new()
    };
    assert!(pool.timeout_get(&short).await.is_err());
    drop(pool.get().await.expect("made"));
    manager.recycle(Step::Hang);
    let short = Timeouts {
        recycle: Some(SHORT),
        ..Timeouts::new()
    };
    drop(pool.timeout_get(&short).await);
    let leaked = pool.get().await.expect("made or idle");
    std::mem::forget(leaked);
    vec![pool.get().await.expect("made")]
}

/// A getter that stands in line.
pub(crate) fn waiting(pool: &Pool<Scripted>) -> Getter {
    let pool = pool.clone();
    let mut getter: Getter = Box::pin(async move { pool.get().await });
    assert!(now(&mut getter).is_none(), "it has to wait");
    getter
}

/// What a future says when it is polled once.
pub(crate) fn now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Somebody else's pool, which has bounds on what it keeps idle, and figures of its own of nothing else.
#[derive(Debug)]
pub(crate) struct Foreign;

impl Observe for Foreign {
    fn name(&self) -> Cow<'_, str> {
        "foreign".into()
    }

    fn kind(&self) -> Kind {
        Kind::Foreign("test")
    }

    fn state(&self) -> State {
        State::Open
    }

    fn snapshot(&self) -> Option<Snapshot> {
        None
    }

    fn idle_bounds(&self) -> IdleBounds {
        let mut bounds = IdleBounds::default();
        (bounds.max, bounds.min) = (Some(9), Some(4));
        bounds
    }

    fn stats(&self) -> Option<Stats> {
        None
    }

    fn health(&self) -> Option<Health> {
        None
    }
}
