//! What the server calls the connections of a pool, and what their sessions begin with.

use crate::ground::{backend_pid, builder, database, eventually};
use millpond::Runtime;
use millpond::postgres::tokio_postgres::{Client, NoTls};
use millpond::postgres::{Class, Classify, Config, Manager, Pool, SessionSettings};
use std::time::{Duration, Instant};

async fn shown(client: &Client, setting: &str) -> String {
    let asked = "SELECT current_setting($1)";
    let row = client.query_one(asked, &[&setting]).await;
    row.unwrap().get(0)
}

/// As `pg_stat_activity` has it, seen by others.
async fn seen(pool: &Pool) -> String {
    let client = pool.get().await.unwrap();
    let row = client
        .query_one(
            "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()",
            &[],
        )
        .await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn a_pools_name_is_the_application_name() {
    let db = database();
    let manager = || Manager::new(db.config(), NoTls);
    let named = |manager: Manager, name: &str| Pool::builder(manager).name(name).build().unwrap();

    assert_eq!(seen(&named(manager(), "orders")).await, "orders");
    assert_eq!(
        seen(&named(manager().service("shop"), "orders")).await,
        "shop:orders"
    );
    let unnamed = Pool::builder(manager().service("shop")).build().unwrap();
    assert_eq!(seen(&unnamed).await, "shop");
    let nameless = Pool::builder(manager()).build().unwrap();
    assert_eq!(seen(&nameless).await, "");

    let mut config = db.config();
    config.application_name("my own");
    let own = Manager::new(config, NoTls).service("shop");
    assert_eq!(seen(&named(own, "orders")).await, "my own");

    let reset = named(manager(), "orders");
    let client = reset.get().await.unwrap();
    client.batch_execute("RESET ALL").await.unwrap();
    client.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(shown(&client, "application_name").await, "orders");

    let settings = SessionSettings::new().set("application_name", "by setting");
    let set = named(manager().session(settings), "orders");
    assert_eq!(seen(&set).await, "by setting");
}

/// From 16 on the server writes the bytes of what is not ASCII as `\xNN`, before as `?`; both to 63 bytes.
#[tokio::test]
async fn a_long_name_that_is_not_ascii_is_cut_and_does_not_keep_anybody_from_connecting() {
    let db = database();
    let name = format!("pool-{}", "ä".repeat(50));
    assert_eq!(name.len(), 105);
    let pool = builder(db.config(), 1).name(name).build().unwrap();
    let as_question_marks = format!("pool-{}", "??".repeat(29));
    let as_bytes: String = format!("pool-{}", r"\xc3\xa4".repeat(29))
        .chars()
        .take(63)
        .collect();
    let seen = seen(&pool).await;
    assert!(seen == as_question_marks || seen == as_bytes, "{seen}");
}

#[tokio::test]
async fn a_time_out_of_the_servers_is_what_was_said_and_really_ends_a_statement() {
    let db = database();
    let settings = SessionSettings::recommended()
        .statement_timeout(Duration::from_millis(150))
        .set("search_path", "a, \"b c\", public");
    let manager = Manager::new(db.config(), NoTls).session(settings);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let client = pool.get().await.unwrap();
    for (setting, value) in [
        ("statement_timeout", "150ms"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("client_connection_check_interval", "2s"),
        ("search_path", "a, \"b c\", public"),
    ] {
        assert_eq!(shown(&client, setting).await, value);
    }
    let began = Instant::now();
    let error = client
        .batch_execute("SELECT pg_sleep(60)")
        .await
        .unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(error.code().unwrap().code(), "57014");
    assert_eq!(
        (error.class(), error.ends_connection()),
        (Class::Cancelled, false)
    );

    client
        .batch_execute("SET statement_timeout = 0")
        .await
        .unwrap();
    client.batch_execute("RESET ALL").await.unwrap();
    assert_eq!(shown(&client, "statement_timeout").await, "150ms");
}

#[tokio::test]
async fn a_query_whose_client_is_gone_ends() {
    let db = database();
    let settings =
        SessionSettings::new().client_connection_check_interval(Duration::from_millis(100));
    let manager = Manager::new(db.config(), NoTls).session(settings);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let client = millpond::postgres::Object::take(pool.get().await.unwrap());
    let pid = backend_pid(&client).await;
    let sleep = client.batch_execute("SELECT pg_sleep(600)");
    let _ = tokio::time::timeout(Duration::from_millis(50), sleep).await;
    drop(client);
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    eventually("the backend is gone", || {
        db.query(&left).unwrap().as_deref() == Some("0")
    })
    .await;
}

#[tokio::test]
async fn settings_go_through_a_configuration_too() {
    let db = database();
    let mut config = Config::new();
    config.url = Some(db.url());
    config.options = Some(
        SessionSettings::new()
            .lock_timeout(Duration::from_millis(2500))
            .to_string(),
    );
    let pool = config.create_pool(Some(Runtime::Tokio1), NoTls).unwrap();
    let client = pool.get().await.unwrap();
    assert_eq!(shown(&client, "lock_timeout").await, "2500ms");
}
