//! A hold that lasts too long is told once, by file and line, and told again if it comes back after all.

mod support;

use millpond::Runtime;
use millpond::managed::{Acquire, Manager, Metrics, Object, Pool, RecycleResult};
use millpond::observe::{Checkout, Level, Listener, Trouble};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Numbers, made at once.
struct Numbers;

impl Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
    }

    async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

/// What was told.
#[derive(Debug, Default)]
struct Told(Mutex<Tales>);

#[derive(Debug, Default)]
struct Tales {
    suspected: Vec<(Checkout, Instant)>,
    returned: Vec<Checkout>,
    left_behind: Vec<Checkout>,
}

impl Listener for Told {
    fn leak_suspected(&self, holder: &Checkout) {
        let told = (holder.clone(), Instant::now());
        self.0.lock().unwrap().suspected.push(told);
    }

    fn leak_returned(&self, holder: &Checkout) {
        self.0.lock().unwrap().returned.push(holder.clone());
    }

    fn left_behind(&self, holders: &[Checkout]) {
        let mut tales = self.0.lock().unwrap();
        tales.left_behind.extend(holders.iter().cloned());
    }
}

impl Told {
    fn suspected(&self) -> Vec<Checkout> {
        let tales = self.0.lock().unwrap();
        tales
            .suspected
            .iter()
            .map(|(told, _)| told.clone())
            .collect()
    }

    fn returned(&self) -> Vec<Checkout> {
        self.0.lock().unwrap().returned.clone()
    }
}

fn watched(threshold: Duration, runtime: Option<Runtime>) -> (Pool<Numbers>, Arc<Told>) {
    let told = Arc::new(Told::default());
    let mut builder = Pool::builder(Numbers)
        .max_size(4)
        .leak_threshold(Some(threshold))
        .listener(told.clone());
    if let Some(runtime) = runtime {
        builder = builder.runtime(runtime);
    }
    (builder.build().unwrap(), told)
}

/// Waits until `done`, for the longest of times; the tests say themselves what is too late.
async fn until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_forgotten_object_and_one_of_a_task_that_sleeps_for_ever_are_named_in_time() {
    let (pool, told) = watched(SHORT, Some(Runtime::Tokio1));
    let begin = Instant::now();
    let forgotten = line!() + 1;
    std::mem::forget(pool.get().await.unwrap());
    let asleep = line!() + 5;
    let sleeper = tokio::spawn({
        let pool = pool.clone();
        async move {
            let how = Acquire::new().label("sleeper");
            let _held = pool.acquire(&how).await.unwrap();
            std::future::pending::<()>().await;
        }
    });
    until("both are told", || told.suspected().len() == 2).await;
    let late = begin.elapsed();
    // The threshold and a second, and as much again for a machine on which others run.
    assert!(late < SHORT + Duration::from_secs(2), "{late:?}");
    let mut suspected = told.suspected();
    suspected.sort_by_key(|holder| holder.caller.line());
    let places = suspected
        .iter()
        .map(|holder| (holder.caller.file(), holder.caller.line()));
    let file = file!();
    assert_eq!(
        places.collect::<Vec<_>>(),
        [(file, forgotten), (file, asleep)]
    );
    assert_eq!(suspected[1].label.as_deref(), Some("sleeper"));
    assert_eq!(
        suspected[1].task.map(|task| task.to_string()),
        Some(sleeper.id().to_string())
    );
    assert!(suspected.iter().all(|holder| holder.held >= SHORT));

    // Each is told once, however long it lasts, and shows wherever one looks.
    tokio::time::sleep(5 * SHORT).await;
    assert_eq!(told.suspected().len(), 2);
    assert_eq!(pool.stats().leaks, 2);
    let health = pool.health();
    let found = health
        .findings
        .iter()
        .find_map(|finding| match finding.trouble {
            Trouble::LeakSuspected { count } => Some((count, finding.level)),
            _ => None,
        });
    assert_eq!(found, Some((2, Level::Warning)), "{health}");
    sleeper.abort();
    until("the sleeper's comes back", || told.returned().len() == 1).await;
    assert_eq!(told.returned()[0].label.as_deref(), Some("sleeper"));
}

#[tokio::test]
async fn one_that_comes_back_after_all_is_told_so_and_may_be_told_again() {
    let (pool, told) = watched(SHORT, Some(Runtime::Tokio1));
    for round in 1..=2 {
        let held = pool.get().await.unwrap();
        until("it is told", || told.suspected().len() == round).await;
        drop(held);
        let returned = told.returned();
        assert_eq!(returned.len(), round, "told as it comes back");
        assert!(returned[round - 1].held >= SHORT, "{returned:?}");
    }
    drop(pool.get().await.unwrap());
    assert_eq!((told.suspected().len(), told.returned().len()), (2, 2));
    assert_eq!(pool.stats().leaks, 2);
}

/// Nobody looks in the background: one that comes back too late is told then.
#[test]
fn without_a_runtime_who_comes_back_late_is_told_and_who_asks_finds_the_others() {
    let (pool, told) = watched(Duration::from_millis(30), None);
    let held = now(pool.get());
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!(told.suspected().len(), 0);
    drop(held);
    assert_eq!((told.suspected().len(), told.returned().len()), (1, 1));

    let held = now(pool.get());
    std::thread::sleep(Duration::from_millis(40));
    let _ = pool.health();
    assert_eq!(told.suspected().len(), 2);
    drop(held);
    assert_eq!((told.suspected().len(), told.returned().len()), (2, 2));
    assert_eq!(pool.stats().leaks, 2);
}

/// Whoever has to stand in line looks for who keeps him waiting.
#[test]
fn without_a_runtime_getters_in_line_look_for_leaks() {
    let (pool, told) = watched(Duration::from_millis(30), None);
    let held: Vec<_> = (0..4).map(|_| now(pool.get())).collect();
    std::thread::sleep(Duration::from_millis(60));
    let mut getter = std::pin::pin!(pool.get());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(getter.as_mut().poll(&mut context).is_pending());
    assert_eq!(told.suspected().len(), 4);
    drop(held);
}

#[test]
fn a_future_of_the_pool_watches_on_another_runtime() {
    let (pool, told) = watched(Duration::from_millis(30), None);
    let watch = pool.watch();
    let held = now(pool.get());
    std::thread::sleep(Duration::from_millis(40));
    let mut watch = std::pin::pin!(watch);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(watch.as_mut().poll(&mut context).is_pending());
    assert_eq!(told.suspected().len(), 1);
    drop(held);
}

#[tokio::test]
async fn what_is_out_when_the_last_handle_goes_is_named() {
    for closed_before in [false, true] {
        let (pool, told) = watched(Duration::from_secs(60), Some(Runtime::Tokio1));
        let here = line!() + 1;
        let held = pool.get().await.unwrap();
        drop(pool.get().await.unwrap());
        let another = pool.clone();
        if closed_before {
            pool.close();
        }
        drop(pool);
        assert!(
            told.0.lock().unwrap().left_behind.is_empty(),
            "a handle is left"
        );
        drop(another);
        let left = told.0.lock().unwrap().left_behind.clone();
        let lines: Vec<_> = left.iter().map(|holder| holder.caller.line()).collect();
        assert_eq!(lines, [here]);
        drop(held);
    }
}

#[tokio::test]
async fn whoever_listens_or_looks_for_leaks_is_told_what_was_left_behind() {
    for threshold in [None, Some(Duration::from_secs(60))] {
        let told = Arc::new(Told::default());
        let builder = Pool::<Numbers>::builder(Numbers).leak_threshold(threshold);
        let pool = builder.listener(told.clone()).build().unwrap();
        let held: Object<Numbers> = pool.get().await.unwrap();
        drop(pool);
        assert_eq!(told.0.lock().unwrap().left_behind.len(), 1);
        drop(held);
    }
}

/// The background task ends with the pool, and does not keep it.
#[tokio::test]
async fn the_task_that_watches_ends_with_its_pool() {
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let (pool, told) = watched(SHORT, Some(Runtime::Tokio1));
    drop(pool.get().await.unwrap());
    assert_eq!(tasks(), before + 1);
    let handles = Arc::strong_count(&told);
    drop(pool);
    assert!(
        Arc::strong_count(&told) < handles,
        "nothing of the pool is left"
    );
    until("the task ends", || tasks() == before).await;
}

#[tokio::test]
async fn a_pool_that_nobody_watches_has_no_task() {
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let builder = Pool::<Numbers>::builder(Numbers).runtime(Runtime::Tokio1);
    let pool = builder.build().unwrap();
    drop(pool.get().await.unwrap());
    assert_eq!(tasks(), before);
    let watch = pool.watch_health();
    assert_eq!(tasks(), before + 1);
    drop(watch);
}

/// A task of a runtime that is gone is started again on the next one.
#[test]
fn the_watch_goes_on_when_its_runtime_is_gone() {
    let (pool, told) = watched(Duration::from_millis(50), Some(Runtime::Tokio1));
    for round in 1..=2 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let made = Object::take(pool.get().await.unwrap());
            assert_eq!(made, 7);
            let _held = pool.get().await.unwrap();
            until("it is told", || told.suspected().len() == round).await;
        });
    }
}

fn now<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(got) => got.unwrap(),
        std::task::Poll::Pending => panic!("pending where it should be ready"),
    }
}
