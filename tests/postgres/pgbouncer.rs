//! Behind a real PgBouncer with two connections to the server: what works with the preset, and what fails without.

use crate::ground::database;
use millpond::Runtime;
use millpond::postgres::tokio_postgres::types::{ToSql, Type};
use millpond::postgres::tokio_postgres::{self, Config as PgConfig, NoTls};
use millpond::postgres::{
    Client, Error, GenericClient, Manager, ManagerConfig, Object, PgBouncer, Pool, RecyclingMethod,
    Reset,
};
use millpond_testdb::{Database, PgBouncer as Bouncer};
use std::time::Duration;

fn bouncer(db: &Database, pool_mode: &str) -> Bouncer {
    let settings = Bouncer::before(db)
        .setting("pool_mode", pool_mode)
        .setting("default_pool_size", "2");
    settings.start().unwrap_or_else(|e| panic!("{e}"))
}

fn behind(config: PgConfig, mode: PgBouncer, max_size: usize) -> Pool {
    let checked = ManagerConfig {
        recycling_method: RecyclingMethod::Verified,
    };
    let manager = Manager::from_config(config, NoTls, checked).pgbouncer(mode);
    pool(manager.unwrap(), max_size)
}

fn pool(manager: Manager, max_size: usize) -> Pool {
    let builder = Pool::builder(manager).max_size(max_size);
    builder.runtime(Runtime::Tokio1).build().unwrap()
}

fn code(error: &tokio_postgres::Error) -> Option<&str> {
    error.code().map(|code| code.code())
}

/// How many connections lead to the database, beside the one that asks.
fn connections(db: &Database) -> u32 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    db.query(count).unwrap().unwrap().parse().unwrap()
}

/// What a program does that was written for a PgBouncer in transaction mode.
async fn a_day_of_work(client: &mut Client, n: i32) -> Result<(), tokio_postgres::Error> {
    let number: [(&(dyn ToSql + Sync), Type); 1] = [(&n, Type::INT4)];
    let row = client
        .query_typed_one_cached("SELECT $1 + 1", &number)
        .await?;
    assert_eq!(row.get::<_, i32>(0), n + 1);
    let rows = client
        .query_typed_cached("SELECT generate_series(1, $1)", &number)
        .await?;
    assert_eq!(rows.len(), usize::try_from(n).unwrap());
    let none = client
        .query_typed_opt_cached("SELECT $1 WHERE false", &number)
        .await?;
    assert!(none.is_none());
    assert_eq!(
        client
            .query_one_cached("SELECT 7", &[])
            .await?
            .get::<_, i32>(0),
        7
    );
    let transaction = client.transaction().await?;
    let inserted = transaction
        .execute_typed_cached("INSERT INTO work VALUES ($1)", &number)
        .await?;
    assert_eq!(inserted, 1);
    transaction.query_typed("SELECT $1", &number).await?;
    transaction.commit().await?;
    client.batch_execute("SELECT 1").await
}

async fn many_at_once(pool: &Pool, users: i32, rounds: i32) {
    let tasks: Vec<_> = (1..=users)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for _ in 0..rounds {
                    let mut client = pool.get().await.unwrap();
                    a_day_of_work(&mut client, n).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_transaction_mode_many_share_two_connections_without_an_error() {
    let db = database();
    db.query("CREATE TABLE work (n int)").unwrap();
    let bouncer = bouncer(&db, "transaction");
    let pool = behind(bouncer.config(), PgBouncer::Transaction, 20);
    many_at_once(&pool, 40, 5).await;
    assert_eq!(
        db.query("SELECT count(*) FROM work").unwrap().as_deref(),
        Some("200")
    );
    assert!(pool.status().size > 2, "{:?}", pool.status());
    assert_eq!(connections(&db), 2);
    // Nothing has a name at the server, on either of its connections.
    let client = pool.get().await.unwrap();
    let question = "SELECT count(*) FROM pg_prepared_statements";
    let left = client.query_one_cached(question, &[]).await.unwrap();
    assert_eq!(
        (left.get::<_, i64>(0), client.statement_cache.size()),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_session_mode_everything_is_as_usual() {
    let db = database();
    db.query("CREATE TABLE work (n int)").unwrap();
    let bouncer = bouncer(&db, "session");
    let pool = behind(bouncer.config(), PgBouncer::Session, 2);
    many_at_once(&pool, 20, 5).await;
    let client = pool.get().await.unwrap();
    let statement = client.prepare_cached("SELECT $1::int").await.unwrap();
    client.query_one(&statement, &[&1_i32]).await.unwrap();
    assert_eq!(
        client
            .query_one_cached("SELECT $1::int", &[&2_i32])
            .await
            .unwrap()
            .get::<_, i32>(0),
        2
    );
    assert!(client.statement_cache.size() > 0);
    assert_eq!(connections(&db), 2);
}

/// Two clients of one PgBouncer, of which the second has taken the connection that the first was on.
async fn moved_to_another_connection(pool: &Pool, before: &str) -> (Client, Client) {
    let (first, second) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    if !before.is_empty() {
        first.prepare_cached(before).await.unwrap();
    }
    // PgBouncer gives out the connection that was used last, and opens another one when there is none.
    second.batch_execute("BEGIN").await.unwrap();
    (first, second)
}

#[tokio::test]
async fn without_the_preset_a_statement_is_unknown_on_the_other_connection() {
    let db = database();
    let bouncer = bouncer(&db, "transaction");
    let pool = pool(Manager::new(bouncer.config(), NoTls), 2);
    let (first, second) = moved_to_another_connection(&pool, "SELECT $1::int").await;
    let statement = first.prepare_cached("SELECT $1::int").await.unwrap();
    let error = first.query_one(&statement, &[&1_i32]).await.unwrap_err();
    assert_eq!(code(&error), Some("26000"));
    second.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn with_the_preset_a_query_is_at_home_on_each_connection() {
    let db = database();
    let bouncer = bouncer(&db, "transaction");
    let pool = behind(bouncer.config(), PgBouncer::Transaction, 2);
    let (first, second) = moved_to_another_connection(&pool, "").await;
    for _ in 0..2 {
        let number: [(&(dyn ToSql + Sync), Type); 1] = [(&1_i32, Type::INT4)];
        first
            .query_typed_one_cached("SELECT $1", &number)
            .await
            .unwrap();
        second.batch_execute("COMMIT; BEGIN").await.unwrap();
    }
    second.batch_execute("COMMIT").await.unwrap();
    assert_eq!(connections(&db), 2);
}

#[tokio::test]
async fn what_needs_a_name_is_refused_before_anything_is_sent() {
    let db = database();
    let bouncer = bouncer(&db, "transaction");
    let pool = behind(bouncer.config(), PgBouncer::Transaction, 1);
    let mut client = pool.get().await.unwrap();
    async fn refused(on: &impl GenericClient) {
        let (sql, one): (_, &[&(dyn ToSql + Sync)]) = ("SELECT $1::int", &[&1_i32]);
        for (call, error) in [
            ("prepare_cached", on.prepare_cached(sql).await.err()),
            (
                "prepare_cached",
                on.prepare_typed_cached(sql, &[Type::INT4]).await.err(),
            ),
            ("prepare", on.prepare(sql).await.err()),
            (
                "prepare_typed",
                on.prepare_typed(sql, &[Type::INT4]).await.err(),
            ),
            ("query_cached", on.query_cached(sql, one).await.err()),
            (
                "query_one_cached",
                on.query_one_cached(sql, one).await.err(),
            ),
            (
                "query_opt_cached",
                on.query_opt_cached(sql, one).await.err(),
            ),
            ("execute_cached", on.execute_cached(sql, one).await.err()),
            ("query", on.query(sql, one).await.err()),
            ("query_one", on.query_one(sql, one).await.err()),
            ("query_opt", on.query_opt(sql, one).await.err()),
            (
                "query_raw",
                on.query_raw(sql, one.iter().copied()).await.err(),
            ),
            ("execute", on.execute(sql, one).await.err()),
            (
                "execute_raw",
                on.execute_raw(sql, one.iter().copied()).await.err(),
            ),
        ] {
            let error = error.unwrap_or_else(|| panic!("{call} is not refused"));
            let told = error.as_db_error().unwrap();
            assert_eq!(told.code().code(), "0A000");
            assert!(
                told.message().starts_with(&format!("{call} prepares")),
                "{told}"
            );
            assert!(
                told.hint().unwrap().contains("query_typed_cached"),
                "{told}"
            );
            assert!(
                Error::from(error)
                    .to_string()
                    .contains("TransactionWithStatements")
            );
        }
    }
    refused(&client).await;
    let transaction = client.transaction().await.unwrap();
    refused(&transaction).await;
    // It was not sent, so the transaction is well.
    transaction.query_typed("SELECT 1", &[]).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Where PgBouncer knows the names, the preset lets them be; where it does not, it must not be told that it does.
#[tokio::test]
async fn names_are_a_matter_of_the_pgbouncer() {
    let db = database();
    let transaction = Bouncer::before(&db)
        .setting("pool_mode", "transaction")
        .setting("default_pool_size", "2");
    let knows = transaction.start().unwrap().can_know_statements();
    let again = Bouncer::before(&db)
        .setting("pool_mode", "transaction")
        .setting("default_pool_size", "2");
    let bouncer = match knows {
        true => again
            .setting("max_prepared_statements", "100")
            .start()
            .unwrap(),
        false => again.start().unwrap(),
    };
    let pool = behind(bouncer.config(), PgBouncer::TransactionWithStatements, 2);
    let (first, second) = moved_to_another_connection(&pool, "SELECT $1::int").await;
    let statement = first.prepare_cached("SELECT $1::int").await.unwrap();
    let ran = first.query_one(&statement, &[&1_i32]).await;
    match knows {
        true => assert_eq!(ran.unwrap().get::<_, i32>(0), 1),
        false => assert_eq!(code(&ran.unwrap_err()), Some("26000")),
    }
    second.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn startup_options_are_refused_here_before_pgbouncer_refuses_each_connection() {
    let db = database();
    let bouncer = bouncer(&db, "session");
    let mut config = bouncer.config();
    config.options("-c statement_timeout=5s");
    let without = pool(Manager::new(config.clone(), NoTls), 1);
    let error = without.get().await.unwrap_err().to_string();
    assert!(
        error.contains("08P01") && error.contains("options"),
        "{error}"
    );
    let refused = Manager::new(config, NoTls).pgbouncer(PgBouncer::Session);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("ALTER ROLE"), "{refused}");
}

/// What the guide says of session mode: a connection that lies idle in a pool keeps one to the server.
#[tokio::test]
async fn in_session_mode_a_pool_may_not_be_larger_than_pgbouncers() {
    let db = database();
    let bouncer = bouncer(&db, "session");
    let pool = behind(bouncer.config(), PgBouncer::Session, 3);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(pool.get().await.unwrap());
    }
    for client in &clients[..2] {
        client.batch_execute("SELECT 1").await.unwrap();
    }
    let waits = clients[2].batch_execute("SELECT 1");
    let waited = tokio::time::timeout(Duration::from_millis(300), waits).await;
    assert!(
        waited.is_err(),
        "the third waits in PgBouncer, however idle the others are"
    );
    drop(Object::take(clients.remove(0)));
    clients[1].batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_pool_is_warmed_up_and_checked_by_empty_queries() {
    let db = database();
    let bouncer = bouncer(&db, "transaction");
    let pool = behind(bouncer.config(), PgBouncer::Transaction, 3);
    pool.warm_up(3).await.unwrap();
    assert_eq!(pool.status().available, 3);
    for _ in 0..5 {
        let client = pool.get().await.unwrap();
        client.query_one_cached("SELECT 1", &[]).await.unwrap();
    }
    assert_eq!(pool.stats().created, 3);
    drop(bouncer);
    let error = pool.get().await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_query_that_was_dropped_is_cancelled_through_pgbouncer() {
    let db = database();
    let bouncer = bouncer(&db, "transaction");
    let pool = behind(bouncer.config(), PgBouncer::Transaction, 1);
    for _ in 0..3 {
        let client = pool.get().await.unwrap();
        let sleep = client.query_typed("SELECT pg_sleep(30)", &[]);
        let sleep = tokio::time::timeout(Duration::from_millis(50), sleep).await;
        assert!(sleep.is_err());
        drop(client);
        let client = pool.get().await.unwrap();
        client.query_typed("SELECT 1", &[]).await.unwrap();
    }
    let returns = pool.manager().returns();
    assert_eq!((returns.cancelled, returns.closed), (3, 0), "{returns:?}");
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()";
    assert_eq!(db.query(asleep).unwrap().as_deref(), Some("0"));
}

#[tokio::test]
async fn a_transaction_that_was_left_open_is_rolled_back_through_pgbouncer() {
    let db = database();
    db.query("CREATE TABLE work (n int)").unwrap();
    let bouncer = bouncer(&db, "transaction");
    let pool = behind(bouncer.config(), PgBouncer::Transaction, 1);
    let client = pool.get().await.unwrap();
    client
        .batch_execute("BEGIN; INSERT INTO work VALUES (1)")
        .await
        .unwrap();
    drop(client);
    let client = pool.get().await.unwrap();
    client
        .batch_execute("INSERT INTO work VALUES (2)")
        .await
        .unwrap();
    assert_eq!(
        db.query("SELECT string_agg(n::text, ',') FROM work")
            .unwrap()
            .as_deref(),
        Some("2")
    );
}

#[tokio::test]
async fn what_is_told_after_the_preset_is_refused_by_each_connect() {
    let db = database();
    let bouncer = bouncer(&db, "transaction");
    let manager = Manager::new(bouncer.config(), NoTls).pgbouncer(PgBouncer::Transaction);
    let manager = manager.unwrap().reset(Reset::Targeted);
    let error = pool(manager, 1).get().await.unwrap_err().to_string();
    assert!(error.contains("Reset::None"), "{error}");
}

#[tokio::test]
async fn a_listener_is_refused_where_there_is_no_session_to_keep_what_it_listens_on() {
    for mode in [PgBouncer::Transaction, PgBouncer::TransactionWithStatements] {
        // Refused before anything is sent: nobody is there.
        let config: PgConfig = "host=127.0.0.1 port=1 user=nobody".parse().unwrap();
        let refused = behind(config, mode, 1).listen(["news"]).await.unwrap_err();
        assert!(refused.to_string().contains("LISTEN"), "{refused}");
    }
}
