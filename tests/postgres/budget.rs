//! Several pools, one for each tenant, under what one server lets in.

use crate::ground::{backend_pid, builder, database, eventually};
use millpond::managed::Budget;
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::{Pool, tokio_postgres};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NAME: &str = "tenant";
const CAP: usize = 10;

/// Somebody outside of the pools who counts their connections at the server.
struct Watchman {
    client: tokio_postgres::Client,
}

impl Watchman {
    async fn of(mut config: tokio_postgres::Config) -> Self {
        config.application_name("watchman");
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { client }
    }

    async fn count(&self) -> usize {
        let query = "SELECT count(*) FROM pg_stat_activity \
                     WHERE application_name = $1 AND datname = current_database()";
        let row = self.client.query_one(query, &[&NAME]).await.unwrap();
        usize::try_from(row.get::<_, i64>(0)).unwrap()
    }
}

/// Asks one small question after the other, until it is over, and counts the answers.
async fn ask(pool: Pool, pause: Duration, answers: Arc<AtomicUsize>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let client = pool.get().await.unwrap();
        assert!(backend_pid(&client).await > 0);
        drop(client);
        answers.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(pause).await;
    }
}

/// A place is free when the server has heard the goodbye of whoever had it, so the server never counts more either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_pools_of_ten_under_a_budget_of_ten_share_what_the_server_lets_in() {
    let db = database();
    let mut config = db.config();
    config.application_name(NAME);
    let budget = Budget::new(CAP);
    let wait = Some(Duration::from_secs(20));
    let pool = |_| {
        let builder = builder(config.clone(), CAP).budget(&budget);
        builder.wait_timeout(wait).build().unwrap()
    };
    let pools: [Pool; 3] = [0, 1, 2].map(pool);
    let watchman = Arc::new(Watchman::of(db.config()).await);
    let (over, most) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let watched = {
        let (watchman, budget) = (Arc::clone(&watchman), budget.clone());
        let (over, most) = (Arc::clone(&over), Arc::clone(&most));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let now = budget.snapshot();
                assert!(now.in_use <= CAP, "{now:?}");
                let there = watchman.count().await;
                most.fetch_max(there, Ordering::Relaxed);
                assert!(there <= CAP, "{there} connections at the server");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    };

    // One tenant after the other is busy, and takes what the one before it has left lying idle; the quiet ones are
    // served beside it.
    for busy in 0..3 {
        let turn = Arc::new(AtomicBool::new(false));
        let answers: [_; 3] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
        let mut asking = Vec::new();
        for (nth, pool) in pools.iter().enumerate() {
            let (tasks, pause) = match nth == busy {
                true => (15, 0),
                false => (1, 20),
            };
            for _ in 0..tasks {
                let (answers, turn) = (Arc::clone(&answers[nth]), Arc::clone(&turn));
                let pause = Duration::from_millis(pause);
                asking.push(tokio::spawn(ask(pool.clone(), pause, answers, turn)));
            }
        }
        eventually("the busy one has what the others do not need", || {
            pools[busy].snapshot().in_use >= CAP - 2
        })
        .await;
        let so_far = answers.each_ref().map(|it| it.load(Ordering::Relaxed));
        eventually("each is served", || {
            let more = |nth: usize| answers[nth].load(Ordering::Relaxed) - so_far[nth];
            (0..3).all(|nth| more(nth) >= if nth == busy { 100 } else { 3 })
        })
        .await;
        turn.store(true, Ordering::Relaxed);
        for asking in asking {
            asking.await.unwrap();
        }
        println!("answers while tenant {busy} is busy: {answers:?}");
    }
    over.store(true, Ordering::Relaxed);
    watched.await.unwrap();
    println!(
        "at most {} at the server at once",
        most.load(Ordering::Relaxed)
    );

    let began = Instant::now();
    while watchman.count().await != budget.snapshot().in_use {
        let there = watchman.count().await;
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{there}, {budget:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(budget.snapshot().in_use <= CAP);
    assert_eq!(budget.snapshot().waiting, 0);
}
