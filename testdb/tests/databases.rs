//! Databases of a test's own, on the server that all tests of a process share.

use millpond_testdb::Server;
use tokio_postgres::{Config, NoTls};

fn shared() -> &'static Server {
    Server::shared().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn two_databases_do_not_see_each_other() {
    let (one, two) = (shared().database().unwrap(), shared().database().unwrap());
    assert_ne!(one.name(), two.name());
    one.query("CREATE TABLE only_here (n int)").unwrap();
    let seen = "SELECT count(*) FROM pg_class WHERE relname = 'only_here'";
    assert_eq!(one.query(seen).unwrap().as_deref(), Some("1"));
    assert_eq!(two.query(seen).unwrap().as_deref(), Some("0"));
}

#[test]
fn a_dropped_database_is_gone_although_connected_to() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let db = shared().database().unwrap();
    let name = db.name().to_owned();
    let (client, driver) = runtime.block_on(db.config().connect(NoTls)).unwrap();
    let driver = runtime.spawn(driver);
    drop(db);
    let left = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(shared().query(&left).unwrap().as_deref(), Some("0"));
    let ended = runtime.block_on(driver).unwrap().unwrap_err();
    assert_eq!(ended.code().map(|code| code.code()), Some("57P01"));
    assert!(client.is_closed());
}

#[tokio::test]
async fn works_inside_a_runtime_and_counts_connections_from_outside() {
    let db = shared().database().unwrap();
    let mut config: Config = db.config();
    config.application_name("it's me");
    let mut clients = Vec::new();
    for _ in 0..3 {
        let (client, driver) = config.connect(NoTls).await.unwrap();
        tokio::spawn(driver);
        client.simple_query("SELECT 1").await.unwrap();
        clients.push(client);
    }
    assert_eq!(db.count_connections("it's me").unwrap(), 3);
    assert_eq!(db.count_connections("somebody else").unwrap(), 0);
}

#[tokio::test]
async fn url_and_both_configs_lead_to_the_database() {
    let db = shared().database().unwrap();
    let by_url: Config = db.url().parse().unwrap();
    for config in [Some(by_url), Some(db.config()), db.socket_config()]
        .into_iter()
        .flatten()
    {
        let (client, driver) = config.connect(NoTls).await.unwrap();
        tokio::spawn(driver);
        let row = client
            .query_one("SELECT current_database()::text", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), db.name());
    }
}

#[test]
fn a_refused_statement_tells_its_sqlstate() {
    let error = shared().query("SELECT nothing").unwrap_err();
    assert_eq!(error.sqlstate(), Some("42703"));
    assert!(error.to_string().contains("SELECT nothing"), "{error}");
}

#[test]
fn parallel_databases_have_different_names() {
    let names: Vec<String> = std::thread::scope(|scope| {
        let made = || shared().database().unwrap().name().to_owned();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(made)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), 8, "{names:?}");
}
