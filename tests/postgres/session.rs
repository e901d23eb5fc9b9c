//! Transactions, on their own types and through the trait that both share.

use crate::ground::{database, pool};
use millpond::postgres::tokio_postgres::{Error, IsolationLevel};
use millpond::postgres::{Client, ClientWrapper, GenericClient, Pool};
use millpond_testdb::Database;

async fn ledger() -> (Database, Pool) {
    let db = database();
    db.query("CREATE TABLE ledger (n int)").unwrap();
    let pool = pool(db.config(), 1);
    (db, pool)
}

/// What others see.
fn seen(db: &Database) -> String {
    let sum = db.query("SELECT coalesce(string_agg(n::text, ' ' ORDER BY n), '') FROM ledger");
    sum.unwrap().unwrap()
}

async fn write(on: &impl GenericClient, n: i32) -> Result<u64, Error> {
    let statement = on.prepare_cached("INSERT INTO ledger VALUES ($1)").await?;
    on.execute(&statement, &[&n]).await
}

#[tokio::test]
async fn a_transaction_is_committed_or_rolled_back() {
    let (db, pool) = ledger().await;
    let mut client = pool.get().await.unwrap();

    let transaction = client.transaction().await.unwrap();
    assert_eq!(write(&transaction, 1).await.unwrap(), 1);
    assert_eq!(seen(&db), "");
    transaction.commit().await.unwrap();
    assert_eq!(seen(&db), "1");

    let transaction = client.transaction().await.unwrap();
    write(&transaction, 2).await.unwrap();
    transaction.rollback().await.unwrap();

    let transaction = client.transaction().await.unwrap();
    write(&transaction, 3).await.unwrap();
    drop(transaction);

    write(&client, 4).await.unwrap();
    assert_eq!(seen(&db), "1 4");
    assert_eq!(
        client.statement_cache.size(),
        1,
        "one cache for all of them"
    );
}

#[tokio::test]
async fn transactions_nest_by_savepoints() {
    let (db, pool) = ledger().await;
    let mut client = pool.get().await.unwrap();
    let mut outer = client.transaction().await.unwrap();
    write(&outer, 1).await.unwrap();
    let within = outer.savepoint("halfway").await.unwrap();
    write(&within, 2).await.unwrap();
    within.rollback().await.unwrap();
    let within = outer.transaction().await.unwrap();
    write(&within, 3).await.unwrap();
    within.commit().await.unwrap();
    outer.commit().await.unwrap();
    assert_eq!(seen(&db), "1 3");
}

#[tokio::test]
async fn a_transaction_is_as_it_was_described() {
    let (_db, pool) = ledger().await;
    let mut client = pool.get().await.unwrap();
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::Serializable)
        .read_only(true)
        .deferrable(true)
        .start()
        .await
        .unwrap();
    let level = "SELECT current_setting('transaction_isolation')";
    let row = transaction.query_one(level, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "serializable");
    let refused = write(&transaction, 1).await.unwrap_err();
    assert_eq!(refused.code().map(|code| code.code()), Some("25006"));
}

async fn every_method(on: &mut impl GenericClient) -> Result<(), Error> {
    on.batch_execute("SELECT 1; SELECT 2").await?;
    assert_eq!(on.execute("SELECT 1", &[]).await?, 1);
    assert_eq!(on.execute_raw("SELECT $1::int", [7_i32]).await?, 1);
    assert_eq!(on.query("SELECT 1", &[]).await?.len(), 1);
    assert!(on.query_opt("SELECT 1 WHERE false", &[]).await?.is_none());
    let _rows = on.query_raw("SELECT $1::int", [7_i32]).await?;
    let prepared = on.prepare("SELECT 1").await?;
    assert_eq!(on.query_one(&prepared, &[]).await?.get::<_, i32>(0), 1);
    let types = [millpond::postgres::tokio_postgres::types::Type::INT8];
    let typed = on.prepare_typed_cached("SELECT $1", &types).await?;
    assert_eq!(typed.params(), types);
    on.prepare_typed("SELECT $1", &types).await?;
    on.transaction().await?.commit().await
}

#[tokio::test]
async fn functions_take_a_client_or_a_transaction() {
    let (_db, pool) = ledger().await;
    let mut client = pool.get().await.unwrap();
    every_method(&mut client).await.unwrap();
    let mut transaction = client.transaction().await.unwrap();
    every_method(&mut transaction).await.unwrap();
}

/// Never run: what must compile, as it does with deadpool-postgres.
fn _the_wrapper_is_a_tokio_postgres_client(client: &mut Client) {
    fn plain(_: &millpond::postgres::tokio_postgres::Client) {}
    fn theirs(_: &impl millpond::postgres::tokio_postgres::GenericClient) {}
    let wrapper: &ClientWrapper = client;
    plain(wrapper);
    theirs(&***client);
    fn is_send<T: Send>(_: T) {}
    is_send(client.transaction());
}

/// As the kernel tells it: which timer runs on the connection, and for how many hundredths of a second more.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_asks_a_silent_server_for_a_sign_of_life_after_30_s() {
    let server = millpond_testdb::Server::private().unwrap();
    let pool = crate::ground::pool(server.config("postgres"), 1);
    let client = pool.get().await.unwrap();
    let row = client.query_one("SELECT inet_client_port()", &[]).await;
    let local = format!("0100007F:{:04X}", row.unwrap().get::<_, i32>(0));
    let timer = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let mut lines = table.lines();
        let line = lines.find(|line| line.split_whitespace().nth(1) == Some(&local));
        let timer = line.unwrap().split_whitespace().nth(5).unwrap();
        let (kind, left) = timer.split_once(':').unwrap();
        (kind == "02").then(|| u32::from_str_radix(left, 16).unwrap())
    };
    // Until the last answer is confirmed, another one runs.
    crate::ground::eventually("the timer is the keepalive's", || timer().is_some()).await;
    let left = timer().unwrap();
    assert!((2_000..=3_000).contains(&left), "{left}");
}
