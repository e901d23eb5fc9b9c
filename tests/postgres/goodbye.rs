//! How a connection is closed: in order, and in bounded time.

use crate::ground::{Connecting, database, eventually, pool, proxied};
use millpond::managed::Manager as _;
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{Connect, Manager, ManagerConfig, Object};
use millpond_testdb::Server;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

fn log(server: &Server) -> String {
    std::fs::read_to_string(server.log_path().unwrap()).unwrap()
}

fn disconnections(server: &Server, name: &str) -> usize {
    log(server)
        .lines()
        .filter(|line| line.contains("disconnection:") && line.contains(name))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_says_goodbye() {
    let server = Server::builder()
        .setting("log_disconnections", "on")
        .setting("log_line_prefix", "%a ")
        .start()
        .unwrap();
    let mut config = server.config("postgres");
    config.application_name("farewell");
    let pool = pool(config, 8);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let client = pool.get().await.unwrap();
        client.simple_query("SELECT 1").await.unwrap();
        clients.push(client);
    }
    // By the pool's end, out of the pool, by a shrink, and by a thread that knows no runtime.
    drop(Object::take(clients.pop().unwrap()));
    let client = Object::take(clients.pop().unwrap());
    std::thread::spawn(move || drop(client)).join().unwrap();
    let open = clients.pop().unwrap();
    open.batch_execute("BEGIN; SELECT 1").await.unwrap();
    clients.push(open);
    drop(clients.split_off(3));
    pool.resize(4);
    pool.close();
    drop(clients);

    eventually("all are disconnected", || {
        disconnections(&server, "farewell") == 8
    })
    .await;
    let log = log(&server);
    for bad in [
        "unexpected EOF",
        "could not receive",
        "could not send",
        "connection to client lost",
    ] {
        assert!(!log.contains(bad), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_is_sent_before_goodbye() {
    let db = database();
    db.query("CREATE TABLE note (text text)").unwrap();
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    {
        let write = pin!(client.batch_execute("INSERT INTO note VALUES ('last words')"));
        let _ = write.poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(Object::take(client));
    eventually("it was written", || {
        db.query("SELECT text FROM note").unwrap().as_deref() == Some("last words")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_say_goodbye_is_cut() {
    let db = database();
    let (closed, seen) = mpsc::channel();
    let config = proxied(&db, None, move || closed.send(()).unwrap());
    let pool = pool(config, 1);
    let client = pool.get().await.unwrap();
    {
        let sleep = pin!(client.batch_execute("SELECT pg_sleep(600)"));
        let _ = sleep.poll(&mut Context::from_waker(Waker::noop()));
    }
    let began = Instant::now();
    drop(Object::take(client));
    tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_secs(10)).unwrap())
        .await
        .unwrap();
    let took = began.elapsed();
    assert!(took > Duration::from_millis(900), "took {took:?}");
    assert!(took < Duration::from_secs(5), "took {took:?}");
}

/// A connection of one's own, with a task that does not end with it. It is seen to hold the `Arc`.
struct Lingers(Arc<()>);

impl Connect for Lingers {
    fn connect(&self, config: &PgConfig) -> Connecting<'_> {
        let (config, held) = (config.clone(), self.0.clone());
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let task = tokio::spawn(async move {
                let _ = connection.await;
                std::future::pending::<()>().await;
                drop(held);
            });
            Ok((client, task))
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_of_ones_own_that_does_not_end_is_aborted() {
    let db = database();
    let held = Arc::new(());
    let lingers = Lingers(held.clone());
    let manager = Manager::from_connect(db.config(), lingers, ManagerConfig::default());
    let client = manager.create().await.unwrap();
    client.simple_query("SELECT 1").await.unwrap();
    assert_eq!(Arc::strong_count(&held), 3);
    drop(client);
    eventually("the task is gone", || Arc::strong_count(&held) == 2).await;
}
