//! What a session leaves behind, row by row, and what is left of it for the next user.

use crate::ground::{backend_pid, database, eventually};
use crate::ways::{By, of};
use millpond::postgres::tokio_postgres::{self, Config as PgConfig, NoTls, SimpleQueryMessage};
use millpond::postgres::{Manager, Pool, RecyclingMethod, Reset};
use millpond_testdb::Database;

/// One thing that may be left behind: how, and how it is seen.
struct Leftover {
    what: &'static str,
    leave: &'static str,
    /// `t` if it is there.
    is_there: &'static str,
}

const LEFTOVERS: &[Leftover] = &[
    Leftover {
        what: "a transaction",
        leave: "BEGIN",
        is_there: "SELECT now() <> statement_timestamp()",
    },
    Leftover {
        what: "a time-out",
        leave: "SET statement_timeout = '77s'",
        is_there: "SELECT current_setting('statement_timeout') = '77s'",
    },
    Leftover {
        what: "a name",
        leave: "SET application_name = 'somebody'",
        is_there: "SELECT current_setting('application_name') = 'somebody'",
    },
    Leftover {
        what: "LISTEN",
        leave: "LISTEN news",
        is_there: "SELECT count(*) > 0 FROM pg_listening_channels()",
    },
    Leftover {
        what: "an advisory lock",
        leave: "SELECT pg_advisory_lock(4711)",
        is_there: "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    },
    Leftover {
        what: "a temporary table",
        leave: "CREATE TEMP TABLE rest (n int)",
        is_there: "SELECT to_regclass('pg_temp.rest') IS NOT NULL",
    },
    Leftover {
        what: "a cursor",
        leave: "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
        is_there: "SELECT count(*) > 0 FROM pg_cursors WHERE name = 'held'",
    },
    Leftover {
        what: "the last value of a sequence",
        leave: "SELECT nextval('numbers')",
        // Without one, this is an error.
        is_there: "SELECT lastval() > 0",
    },
    Leftover {
        what: "PREPARE",
        leave: "PREPARE mine AS SELECT 1",
        is_there: "SELECT count(*) > 0 FROM pg_prepared_statements WHERE name = 'mine'",
    },
    Leftover {
        what: "a statement of the cache",
        leave: "",
        is_there: "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement = 'SELECT 4711'",
    },
    Leftover {
        what: "a search path",
        leave: "SET search_path = elsewhere",
        is_there: "SELECT current_setting('search_path') = 'elsewhere'",
    },
    Leftover {
        what: "a role",
        leave: "SET ROLE pg_monitor",
        is_there: "SELECT current_user = 'pg_monitor'",
    },
];

/// Of each reset, what it leaves.
fn left_by(reset: &Reset) -> Vec<&'static str> {
    let all = LEFTOVERS.iter().map(|one| one.what);
    match reset {
        Reset::None => all.filter(|what| *what != "a transaction").collect(),
        Reset::Targeted => vec!["PREPARE", "a statement of the cache"],
        Reset::DiscardAll => Vec::new(),
        Reset::Custom(_) => all
            .filter(|what| !matches!(*what, "a transaction" | "an advisory lock"))
            .collect(),
    }
}

async fn is_there(client: &tokio_postgres::Client, question: &str) -> bool {
    match client.simple_query(question).await {
        Ok(answer) => answer.iter().any(
            |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")),
        ),
        Err(_) => false,
    }
}

fn pool(by: By, db: &Database, reset: &Reset) -> Pool {
    of(by.manager(db).reset(reset.clone())).build().unwrap()
}

async fn the_table(by: By) {
    let db = database();
    db.query("CREATE SEQUENCE numbers").unwrap();
    db.query("GRANT ALL ON SEQUENCE numbers TO PUBLIC").unwrap();
    for reset in [
        Reset::None,
        Reset::Targeted,
        Reset::DiscardAll,
        Reset::Custom("SELECT pg_advisory_unlock_all()".to_owned()),
    ] {
        let pool = pool(by, &db, &reset);
        let client = pool.get().await.unwrap();
        let pid = backend_pid(&client).await;
        client.batch_execute(LEFTOVERS[0].leave).await.unwrap();
        drop(client);
        // All others would be taken back with a transaction: so each for itself.
        let client = pool.get().await.unwrap();
        for one in &LEFTOVERS[1..] {
            client.batch_execute(one.leave).await.unwrap();
        }
        client.prepare_cached("SELECT 4711").await.unwrap();
        drop(client);

        let client = pool.get().await.unwrap();
        assert_eq!(backend_pid(&client).await, pid, "the same session");
        let mut left = Vec::new();
        for one in LEFTOVERS {
            if is_there(&client, one.is_there).await {
                left.push(one.what);
            }
        }
        assert_eq!(left, left_by(&reset), "{reset:?}, by {by:?}");
        let in_cache = left.contains(&"a statement of the cache");
        assert_eq!(client.statement_cache.size(), usize::from(in_cache));
        let again = client.prepare_cached("SELECT 4711").await.unwrap();
        let row = client.query_one(&again, &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 4711, "what was forgotten is not used");
        drop(client);
        eventually("it is back", || pool.snapshot().idle == 1).await;
        let resets = if reset == Reset::None { 0 } else { 3 };
        let returns = pool.manager().returns();
        assert_eq!((returns.reset, returns.in_transaction), (resets, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_session_leaves_behind_row_by_row() {
    the_table(By::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_where_the_pool_has_to_ask() {
    the_table(By::Foreign).await;
}

/// What the connection began with is what it is reset to.
#[tokio::test]
async fn what_the_configuration_says_survives_a_reset() {
    let db = database();
    let mut config: PgConfig = db.config();
    config
        .application_name("shop")
        .options("-c statement_timeout=7s");
    for reset in [Reset::Targeted, Reset::DiscardAll] {
        let pool = of(Manager::new(config.clone(), NoTls).reset(reset));
        let pool = pool.build().unwrap();
        let client = pool.get().await.unwrap();
        client
            .batch_execute("SET statement_timeout = '1s'; SET application_name = 'else'")
            .await
            .unwrap();
        drop(client);
        let client = pool.get().await.unwrap();
        let began_with = "SELECT current_setting('statement_timeout') = '7s' \
            AND current_setting('application_name') = 'shop'";
        assert!(is_there(&client, began_with).await);
    }
}

#[tokio::test]
async fn a_reset_that_fails_costs_the_connection_and_nobody_else() {
    let db = database();
    let pool = pool(By::Tcp, &db, &Reset::Custom("SELECT 1 / 0".to_owned()));
    let client = pool.get().await.unwrap();
    let pid = backend_pid(&client).await;
    drop(client);
    let client = pool.get().await.unwrap();
    assert_ne!(backend_pid(&client).await, pid);
    assert_eq!(pool.stats().closed.untidy, 1);
    assert_eq!(pool.manager().returns().closed, 1);
}

/// A statement that is dropped beside an idle connection is closed on it, and a get may meet that: nobody has used the
/// session meanwhile.
#[tokio::test]
async fn what_ends_by_itself_at_a_get_costs_no_reset() {
    let db = database();
    let pool = pool(By::Tcp, &db, &Reset::Targeted);
    let client = pool.get().await.unwrap();
    let statement = client.prepare("SELECT 4711").await.unwrap();
    drop(client);
    eventually("it is back", || pool.snapshot().idle == 1).await;
    assert_eq!(pool.manager().returns().reset, 1);

    // On this thread its connection does not hear of it before the get does.
    drop(statement);
    let client = pool.get().await.unwrap();
    assert_eq!(pool.manager().returns().reset, 1);
    let prepared =
        "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement = 'SELECT 4711'";
    assert!(!is_there(&client, prepared).await, "it was closed before");
    drop(client);
    eventually("it is back", || pool.snapshot().idle == 1).await;
    assert_eq!(pool.manager().returns().reset, 2);
    assert_eq!(pool.manager().returns().cancelled, 0);
}

#[test]
fn each_recycling_method_has_a_reset_that_does_the_same() {
    let custom = "DISCARD ALL".to_owned();
    for (method, reset) in [
        (RecyclingMethod::Fast, Reset::None),
        (RecyclingMethod::Verified, Reset::None),
        (RecyclingMethod::Clean, Reset::Targeted),
        (
            RecyclingMethod::Custom(custom.clone()),
            Reset::Custom(custom),
        ),
    ] {
        assert_eq!(Reset::from(method.clone()), reset);
        let of_method = method.query().filter(|sql| !sql.is_empty());
        assert_eq!(reset.query(), of_method);
    }
}
