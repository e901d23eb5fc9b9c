//! Connections that come back in the middle of something: the next user finds none of it.

use crate::ground::{backend_pid, builder, database, eventually};
use crate::ways::{By, begin, of};
use millpond::postgres::tokio_postgres::SimpleQueryMessage;
use millpond::postgres::{Client, Pool, tokio_postgres};
use millpond_testdb::Database;
use std::mem::forget;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Leaving<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
type Leave = for<'a> fn(&'a mut Client) -> Leaving<'a>;

/// What a user may leave a connection in the middle of.
const LEFT: &[(&str, Leave)] = &[
    ("nothing", |_| Box::pin(async {})),
    ("a query that is over", |client| {
        Box::pin(async { drop(client.query("SELECT 1", &[]).await.unwrap()) })
    }),
    ("an error", |client| {
        Box::pin(async { drop(client.simple_query("SELECT 1 / 0").await.unwrap_err()) })
    }),
    ("BEGIN", |client| {
        Box::pin(async { client.batch_execute("BEGIN").await.unwrap() })
    }),
    ("BEGIN, polled once", |client| {
        Box::pin(async { begin(client.batch_execute("BEGIN")) })
    }),
    ("a transaction that is begun, polled once", |client| {
        Box::pin(async { begin(client.transaction()) })
    }),
    ("a transaction, dropped", |client| {
        Box::pin(async { drop(client.transaction().await.unwrap()) })
    }),
    ("a transaction, forgotten", |client| {
        Box::pin(async { forget(client.transaction().await.unwrap()) })
    }),
    ("a failed transaction", |client| {
        Box::pin(async {
            let failed = client.batch_execute("BEGIN; SELECT 1 / 0").await;
            failed.unwrap_err();
        })
    }),
    ("COPY IN", |client| {
        Box::pin(async {
            let copy = client.copy_in::<_, &'static [u8]>("COPY note FROM STDIN");
            drop(copy.await.unwrap());
        })
    }),
    ("COPY IN, polled once", |client| {
        Box::pin(async {
            let copy = client.prepare("COPY note FROM STDIN").await.unwrap();
            begin(client.copy_in::<_, &'static [u8]>(&copy));
        })
    }),
    ("COPY IN, in a transaction", |client| {
        Box::pin(async {
            client.batch_execute("BEGIN").await.unwrap();
            let copy = client.copy_in::<_, &'static [u8]>("COPY note FROM STDIN");
            drop(copy.await.unwrap());
        })
    }),
    ("COPY OUT", |client| {
        Box::pin(async {
            let copy = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT";
            drop(client.copy_out(copy).await.unwrap());
        })
    }),
    ("rows that nobody reads", |client| {
        Box::pin(async {
            let many = "SELECT repeat('x', 1000) FROM generate_series(1, 20000)";
            drop(client.query_raw(many, [""; 0]).await.unwrap());
        })
    }),
    ("a long query, polled once", |client| {
        Box::pin(async { begin(client.simple_query("SELECT pg_sleep(60)")) })
    }),
    ("five long queries, polled once", |client| {
        Box::pin(async {
            for _ in 0..5 {
                begin(client.simple_query("SELECT pg_sleep(60)"));
            }
        })
    }),
    ("a long query in a transaction, polled once", |client| {
        Box::pin(async {
            begin(client.batch_execute("BEGIN; SELECT pg_sleep(60)"));
        })
    }),
    ("a statement that is prepared, polled once", |client| {
        Box::pin(async { begin(client.prepare("SELECT 1")) })
    }),
    ("a COPY by a simple query, which nobody feeds", |client| {
        Box::pin(async {
            let copied = client.batch_execute("COPY note FROM STDIN").await;
            copied.unwrap_err();
        })
    }),
];

async fn is_outside(client: &tokio_postgres::Client, what: &str) {
    let outside = "SELECT now() = statement_timestamp()";
    let answer = client.simple_query(outside).await.unwrap();
    let outside = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(outside, Some("t"), "{what}");
}

/// The next user is outside of a transaction, and what he writes is seen by others.
async fn is_in_order(pool: &Pool, db: &Database, what: &str) {
    let client = pool.get().await.unwrap();
    is_outside(&client, what).await;
    let write = format!("INSERT INTO note VALUES ('{what}')");
    client.batch_execute(&write).await.unwrap();
    let seen = format!("SELECT count(*)::text FROM note WHERE text = '{what}'");
    assert_eq!(db.query(&seen).unwrap().as_deref(), Some("1"), "{what}");
}

async fn whatever_is_left_behind(by: By) {
    let db = database();
    whatever_is_left_behind_in(&db, &format!("by {by:?}"), by.is_watched(), || by.pool(&db)).await;
}

/// The same in pools of one that are made so, of connections to `db`.
pub(crate) async fn whatever_is_left_behind_in(
    db: &Database,
    how: &str,
    is_watched: bool,
    pool: impl Fn() -> Pool,
) {
    db.query("CREATE TABLE note (text text)").unwrap();
    for (left, leave) in LEFT {
        let what = format!("{left}, {how}");
        let pool = pool();
        let mut client = pool.get().await.unwrap();
        assert_eq!(client.is_watched(), is_watched);
        leave(&mut client).await;
        let began = Instant::now();
        drop(client);
        is_in_order(&pool, db, &what).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        // What was left behind was left by one connection, and ended with it or on it.
        let sleeping = "SELECT count(*)::text FROM pg_stat_activity \
            WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND state = 'active' \
            AND pid <> pg_backend_pid()";
        eventually(&what, || {
            db.query(sleeping).unwrap().as_deref() == Some("0")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_left_behind_the_next_user_finds_none_of_it() {
    whatever_is_left_behind(By::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_where_a_host_is_known_by_its_address_alone() {
    whatever_is_left_behind(By::Address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_by_a_unix_socket() {
    whatever_is_left_behind(By::Socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_with_a_connector() {
    whatever_is_left_behind(By::Connector).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_where_the_pool_has_to_ask() {
    whatever_is_left_behind(By::Foreign).await;
}

#[tokio::test]
async fn nor_on_one_thread() {
    whatever_is_left_behind(By::Tcp).await;
}

/// One that is watched is kept as it is; the background has nothing to do for it.
#[tokio::test]
async fn who_comes_back_idle_is_idle_at_once() {
    let db = database();
    for by in [By::Tcp, By::Address, By::Socket] {
        let pool = by.pool(&db);
        for _ in 0..10 {
            let client = pool.get().await.unwrap();
            client.simple_query("SELECT 1").await.unwrap();
            // The answer is here before the driver is done with it.
            tokio::task::yield_now().await;
            drop(client);
            assert_eq!(pool.snapshot().idle, 1);
        }
        assert_eq!(pool.stats().tidied, 0, "{by:?}");
        assert_eq!(pool.manager().returns(), Default::default(), "{by:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_counted_by_the_line_at_which_it_was_taken() {
    let db = database();
    for by in By::ALL {
        let pool = by.pool(&db);
        let mut line = 0;
        for _ in 0..3 {
            line = line!() + 1;
            let client = pool.get().await.unwrap();
            client.batch_execute("BEGIN").await.unwrap();
        }
        drop(pool.get().await.unwrap());
        eventually("all are back", || pool.snapshot().idle == 1).await;
        let returns = pool.manager().returns();
        assert_eq!(returns.in_transaction, 3, "{by:?}");
        let [place] = returns.in_transaction_at[..] else {
            panic!("{returns:?}");
        };
        assert_eq!((place.file(), place.line()), (file!(), line));
        assert_eq!((returns.cancelled, returns.closed), (0, 0));
        assert_eq!(returns.asked, if by.is_watched() { 0 } else { 4 });
        assert_eq!(pool.stats().created, 1, "the same connection all the time");
    }
}

/// Nobody asks for the connection, and still the locks of its transaction are free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_locks_of_a_forgotten_transaction_are_freed_by_themselves() {
    let db = database();
    db.query("CREATE TABLE locked (n int)").unwrap();
    for by in By::ALL {
        let pool = by.pool(&db);
        let client = pool.get().await.unwrap();
        begin(client.batch_execute("BEGIN; LOCK TABLE locked"));
        drop(client);
        let locks = "SELECT count(*)::text FROM pg_locks WHERE relation = 'locked'::regclass";
        eventually("the lock is free", || {
            pool.snapshot().idle == 1 && db.query(locks).unwrap().as_deref() == Some("0")
        })
        .await;
        assert_eq!(pool.manager().returns().in_transaction, 1, "{by:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_ran_out_of_time_does_not_hold_up_the_next() {
    let db = database();
    for by in [By::Tcp, By::Socket] {
        let pool = by.pool(&db);
        let client = pool.get().await.unwrap();
        let pid = backend_pid(&client).await;
        let sleeping = client.batch_execute("SELECT pg_sleep(5)");
        let late = tokio::time::timeout(Duration::from_millis(50), sleeping).await;
        late.unwrap_err();
        let began = Instant::now();
        drop(client);
        let client = pool.get().await.unwrap();
        client.simple_query("SELECT 1").await.unwrap();
        let took = began.elapsed();
        assert!(took < Duration::from_millis(200), "{by:?}: {took:?}");
        assert_eq!(backend_pid(&client).await, pid, "it is the same connection");
        assert_eq!(pool.manager().returns().cancelled, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cancel_ever_hits_the_next_user() {
    let db = database();
    let pool = By::Tcp.pool(&db);
    for round in 0..300 {
        let client = pool.get().await.unwrap();
        begin(client.simple_query("SELECT pg_sleep(60)"));
        drop(client);
        let client = pool.get().await.unwrap();
        let query = client.simple_query("SELECT 1").await;
        query.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
    }
    let returns = pool.manager().returns();
    assert_eq!((returns.cancelled, returns.closed), (300, 0));
    assert_eq!(pool.stats().created, 1);
}

/// Its rows are still in somebody's hand, so that nothing that comes after them can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_rows_are_still_held_is_not_handed_on() {
    let db = database();
    for (by, rows) in [(By::Tcp, 20), (By::Tcp, 200_000), (By::Foreign, 200_000)] {
        let pool = of(by.manager(&db).tidy_bound(Duration::from_millis(300)));
        let pool = pool.build().unwrap();
        let client = pool.get().await.unwrap();
        let pid = backend_pid(&client).await;
        let many = format!("SELECT repeat('x', 1000) FROM generate_series(1, {rows})");
        let statement = client.prepare(&many).await.unwrap();
        let held = client.query_raw(&statement, [""; 0]).await.unwrap();
        drop(client);
        let client = pool.get().await.unwrap();
        client.simple_query("SELECT 1").await.unwrap();
        // A few rows fit into one reading, all of which its reader has.
        if rows > 20 {
            assert_ne!(backend_pid(&client).await, pid, "{by:?}");
            assert_eq!(pool.stats().closed.untidy, 1);
        }
        drop(held);
    }
}

/// However many are given up in the middle of something, the server never has more than it may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_drops_never_shows_the_server_more_than_the_maximum() {
    let db = database();
    let mut config = db.config();
    config.application_name("storm");
    let pool = builder(config, 4).build().unwrap();
    let tasks: Vec<_> = (0..16_u64)
        .map(|seed| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for round in 0..20 {
                    let client = pool.get().await.unwrap();
                    let patience = Duration::from_millis((seed + round) % 4);
                    let query = ["SELECT 1", "BEGIN", "SELECT pg_sleep(30)"];
                    let query = query[(seed * 7 + round) as usize % 3];
                    let used = tokio::time::timeout(patience, client.batch_execute(query));
                    let _ = used.await;
                    if (seed + round) % 11 == 0 {
                        pool.refresh();
                    }
                }
            })
        })
        .collect();
    let mut most = 0;
    while tasks.iter().any(|task| !task.is_finished()) {
        most = most.max(db.count_connections("storm").unwrap());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    eventually("all is quiet", || {
        let now = pool.snapshot();
        now.idle == now.size && db.count_connections("storm").unwrap() == now.size
    })
    .await;
    let busy = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'storm' AND state <> 'idle'";
    assert_eq!(db.query(busy).unwrap().as_deref(), Some("0"));
    assert!(most > 0 && most <= 4, "the server saw {most}");
    assert!(pool.manager().returns().cancelled > 0);
    pool.close();
    pool.closed().await;
    assert_eq!(db.count_connections("storm").unwrap(), 0, "at once");
}

/// A client that was shared by many tasks, and queries that each of them gave up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_client_that_was_given_up_by_many() {
    let db = database();
    let pool = By::Tcp.pool(&db);
    for _ in 0..50 {
        let client = Arc::new(pool.get().await.unwrap());
        let tasks = (0..4).map(|nth| {
            let client = Arc::clone(&client);
            tokio::spawn(async move {
                let queries: [&str; 2] = ["BEGIN", "SELECT pg_sleep(30)"];
                begin(client.batch_execute(queries[nth % 2]));
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        drop(client);
        is_outside(&pool.get().await.unwrap(), "shared").await;
    }
}

/// A query by its text is followed by the closing of its statement, and a raw BEGIN by a rollback: whoever comes in this
/// moment waits for that, and does not make another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_after_the_other_needs_few_connections_however_they_come_back() {
    let db = database();
    let pool = builder(db.config(), 16).build().unwrap();
    for n in 0..100 {
        let client = pool.get().await.unwrap();
        client.query("SELECT 1", &[]).await.unwrap();
        if n % 5 == 0 {
            client.batch_execute("BEGIN").await.unwrap();
        }
    }
    // One, where the machine has nothing else to do.
    let made = pool.stats().created;
    assert!(made <= 4, "{made} connections for one user");
}

/// What a pool is used for: nothing is left to be done after it, so nothing is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_of_the_cache_and_a_query_leave_nothing_to_be_closed() {
    let db = database();
    let pool = builder(db.config(), 1).build().unwrap();
    for n in 0..200_i32 {
        let client = pool.get().await.unwrap();
        let statement = client.prepare_cached("SELECT $1::int").await.unwrap();
        let row = client.query_one(&statement, &[&n]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), n);
    }
    // Nothing was asked at the server beside it: neither what it has prepared, nor how it is.
    let client = pool.get().await.unwrap();
    let asked = "SELECT count(*) FROM pg_prepared_statements";
    let held = client.prepare_cached(asked).await.unwrap();
    let count = client.query_one(&held, &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 2);
    drop(client);
    let tidied = pool.stats().tidied;
    assert!(tidied <= 150, "{tidied} of 201 returns were tidied");
}
