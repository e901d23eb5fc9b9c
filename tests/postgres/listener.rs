//! `Listener`: what is sent is heard, and what may have been missed is told.

use crate::ground::{Own, database, eventually, local, pool};
use crate::transact::end_from_outside;
use millpond::Runtime;
use millpond::postgres::tokio_postgres::{NoTls, Notification};
use millpond::postgres::{Event, Gap, Listener, Manager, ManagerConfig, Pool, notify};
use millpond_testdb::{Database, Server, Stop};
use std::time::Duration;
use tokio::time::timeout;

const MS: Duration = Duration::from_millis(1);

async fn event(listener: &mut Listener) -> Event {
    let event = timeout(Duration::from_secs(20), listener.recv()).await;
    event.expect("something is heard").expect("it goes on")
}

async fn notification(listener: &mut Listener) -> Notification {
    match event(listener).await {
        Event::Notification(notification) => notification,
        other => panic!("no notification: {other:?}"),
    }
}

async fn payload(listener: &mut Listener) -> String {
    notification(listener).await.payload().to_owned()
}

fn send(db: &Database, channel: &str, payload: &str) {
    db.query(&format!("SELECT pg_notify('{channel}', '{payload}')"))
        .unwrap();
}

/// The backend of a listener: the only one that has said LISTEN last.
fn backend(db: &Database) -> i32 {
    let pid = db.query("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()");
    pid.unwrap().expect("somebody listens").parse().unwrap()
}

fn backends(db: &Database) -> String {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    db.query(count).unwrap().unwrap()
}

/// Its connection is ended, and it has another one: it may be disconnected for less than a look takes.
async fn ends_and_comes_back(db: &Database, listener: &Listener) {
    end_from_outside(db, backend(db));
    eventually("another one listens", || {
        backends(db) == "1" && listener.is_connected()
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_to_its_channels_is_heard_in_order() {
    let db = database();
    let pool = pool(db.config(), 1);
    let odd = r#"we"ird Näme; --"#;
    let mut listener = pool.listen(["orders", odd]).await.unwrap();
    assert!(listener.is_connected());
    assert_eq!(pool.snapshot().size, 0, "it is none of the pool's");
    let mut client = pool.get().await.unwrap();
    notify(&client, "orders", "1").await.unwrap();
    notify(&client, "Orders", "to another").await.unwrap();
    notify(&client, odd, "it's 2").await.unwrap();
    let tx = client.transaction().await.unwrap();
    notify(tx.client(), "orders", "rolled back").await.unwrap();
    tx.rollback().await.unwrap();
    let tx = client.transaction().await.unwrap();
    notify(tx.client(), "orders", "3").await.unwrap();
    tx.commit().await.unwrap();
    for (channel, payload) in [("orders", "1"), (odd, "it's 2"), ("orders", "3")] {
        let heard = notification(&mut listener).await;
        assert_eq!((heard.channel(), heard.payload()), (channel, payload));
    }
    assert!(listener.try_recv().is_none());
    assert!(notify(&client, "", "x").await.is_err());
}

#[tokio::test]
async fn channels_come_and_go() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut listener = pool.listener().start().await.unwrap();
    send(&db, "a", "before");
    listener.listen("a").await.unwrap();
    listener.listen("b").await.unwrap();
    send(&db, "a", "1");
    listener.unlisten("a").await.unwrap();
    send(&db, "a", "after");
    send(&db, "b", "2");
    assert_eq!(payload(&mut listener).await, "1");
    assert_eq!(payload(&mut listener).await, "2");
    let long = listener.listen("x".repeat(64)).await.unwrap_err();
    assert!(long.to_string().contains("longer than 63 bytes"), "{long}");
}

#[tokio::test]
async fn after_a_restart_of_the_server_a_gap_is_told_and_then_all_is_heard_again() {
    let server = Server::private().unwrap();
    let pool = pool(local(server.port().unwrap()), 1);
    let listener = pool.listener().channel("orders").pauses(5 * MS, 50 * MS);
    let mut listener = listener.start().await.unwrap();
    server
        .query("SELECT pg_notify('orders', 'before')")
        .unwrap();
    assert_eq!(payload(&mut listener).await, "before");

    server.stop(Stop::Fast).unwrap();
    let Event::Lost(why) = event(&mut listener).await else {
        panic!("it is not told that the connection broke");
    };
    assert!(why.contains("57P01"), "{why}");
    assert!(!listener.is_connected());
    eventually("a try fails", || {
        listener
            .trouble()
            .is_some_and(|why| why.contains("refused"))
    })
    .await;
    // What is asked for meanwhile holds for the next connection.
    let mut later = Box::pin(listener.listen("later"));
    assert!(timeout(MS, &mut later).await.is_err());
    server.start().unwrap();
    later.await.unwrap();
    assert!(listener.is_connected());

    server.query("SELECT pg_notify('orders', 'after')").unwrap();
    server.query("SELECT pg_notify('later', 'too')").unwrap();
    let Event::Gap(gap) = event(&mut listener).await else {
        panic!("no gap is told");
    };
    assert_eq!((gap.reconnected, gap.dropped), (true, 0));
    assert_eq!(payload(&mut listener).await, "after");
    assert_eq!(payload(&mut listener).await, "too");
}

#[tokio::test]
async fn whoever_reads_slowly_is_told_what_was_dropped_and_no_more_is_kept() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut listener = pool.listener().channel("c").room(10).start().await.unwrap();
    let flood = "SELECT pg_notify('c', n || repeat('x', 1000)) FROM generate_series(1, 5000) n";
    db.query(&format!("SELECT count(*) FROM ({flood}) sent"))
        .unwrap();
    eventually("all have come", || {
        assert!(listener.waiting() <= 11);
        listener.dropped() == 4990
    })
    .await;
    for n in 1..=10 {
        assert!(payload(&mut listener).await.starts_with(&format!("{n}x")));
    }
    let Event::Gap(gap) = event(&mut listener).await else {
        panic!("no gap is told");
    };
    assert_eq!((gap.reconnected, gap.dropped), (false, 4990));
    send(&db, "c", "next");
    assert_eq!(payload(&mut listener).await, "next");
    assert!(listener.is_connected());
}

/// Outages that nobody reads about do not pile up either.
#[tokio::test]
async fn outages_that_nobody_has_read_about_are_one_gap() {
    let db = database();
    let pool = pool(db.config(), 1);
    let listener = pool.listener().channel("c").room(2).pauses(MS, MS);
    let mut listener = listener.start().await.unwrap();
    for n in 0..3 {
        send(&db, "c", "x");
        eventually("it has heard", || listener.waiting() > 0).await;
        ends_and_comes_back(&db, &listener).await;
        assert!(listener.waiting() <= 6, "round {n}");
    }
    for _ in 0..3 {
        ends_and_comes_back(&db, &listener).await;
    }
    let (mut heard, mut told) = (Vec::new(), 0);
    while let Some(event) = listener.try_recv() {
        heard.push(match event {
            Event::Notification(_) => "notification",
            Event::Lost(_) => "lost",
            Event::Gap(Gap { dropped, .. }) => {
                told += dropped;
                "gap"
            }
        });
    }
    let one = ["notification", "lost", "gap"];
    assert_eq!(
        heard,
        [one, one].concat(),
        "the third did not fit, and the rest are one outage"
    );
    assert_eq!((told, listener.dropped()), (1, 1));
}

#[tokio::test]
async fn a_receive_that_is_cancelled_loses_nothing() {
    let db = database();
    let pool = pool(db.config(), 1);
    let mut listener = pool.listen(["c"]).await.unwrap();
    let mut heard = Vec::new();
    for n in 0..200 {
        if n % 4 == 0 {
            let four = format!(
                "SELECT pg_notify('c', n::text) FROM generate_series({n}, {}) n",
                n + 3
            );
            db.query(&format!("SELECT count(*) FROM ({four}) sent"))
                .unwrap();
        }
        if let Ok(Some(Event::Notification(one))) =
            timeout(Duration::from_micros(n % 7 * 30), listener.recv()).await
        {
            heard.push(one.payload().to_owned());
        }
    }
    while heard.len() < 200 {
        heard.push(payload(&mut listener).await);
    }
    assert_eq!(heard, (0..200).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_has_fallen_silent_is_noticed() {
    let server = Server::private().unwrap();
    let pool = pool(local(server.port().unwrap()), 1);
    let listener = pool.listener().channel("c").pauses(5 * MS, 50 * MS);
    let mut listener = listener.check_every(Some(200 * MS)).start().await.unwrap();
    server.freeze().unwrap();
    let Event::Lost(why) = event(&mut listener).await else {
        panic!("its silence is not noticed");
    };
    assert!(why.contains("did not answer"), "{why}");
    server.thaw().unwrap();
    assert!(matches!(event(&mut listener).await, Event::Gap(_)));
    server.query("SELECT pg_notify('c', 'x')").unwrap();
    assert_eq!(payload(&mut listener).await, "x");
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let db = database();
    let pool = pool(db.config(), 1);
    let listener = pool.listen(["c"]).await.unwrap();
    assert_eq!(backends(&db), "1");
    drop(listener);
    eventually("its connection is gone", || backends(&db) == "0").await;
}

#[tokio::test]
async fn after_its_pool_is_closed_it_does_not_connect_again() {
    let db = database();
    let pool = pool(db.config(), 1);
    let listener = pool.listener().channel("c").pauses(MS, MS);
    let mut listener = listener.start().await.unwrap();
    pool.close();
    send(&db, "c", "still heard");
    assert_eq!(payload(&mut listener).await, "still heard");
    end_from_outside(&db, backend(&db));
    assert!(matches!(event(&mut listener).await, Event::Lost(_)));
    let end = timeout(Duration::from_secs(20), listener.recv()).await;
    assert!(end.expect("it ends").is_none());
    assert_eq!(listener.trouble().as_deref(), Some("the pool is closed"));
    assert!(listener.listen("d").await.is_err());
    assert!(pool.listen(["c"]).await.is_err());
}

/// Nobody waits for ever for what will not come.
#[test]
fn it_ends_with_its_runtime() {
    let db = database();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let first = runtime();
    let pool = Pool::builder(Manager::new(db.config(), NoTls))
        .build()
        .unwrap();
    let mut listener = first.block_on(pool.listen(["c"])).unwrap();
    drop(first);
    runtime().block_on(async {
        let end = timeout(Duration::from_secs(20), listener.recv()).await;
        assert!(end.expect("it ends").is_none());
    });
}

#[tokio::test]
async fn what_cannot_be_is_said_at_once() {
    let db = database();
    let manager = Manager::from_connect(db.config(), Own, ManagerConfig::default());
    let own = Pool::builder(manager).build().unwrap();
    let error = own.listen(["c"]).await.unwrap_err();
    assert!(error.to_string().contains("hears nothing"), "{error}");

    let mut config = db.config();
    config.dbname("no_such_database");
    let error = pool(config, 1).listen(["c"]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "3D000");

    let builder = Pool::builder(Manager::new(db.config(), NoTls)).runtime(Runtime::Tokio1);
    let error = builder.build().unwrap().listen([""]).await.unwrap_err();
    assert!(error.to_string().contains("is empty"), "{error}");
}
