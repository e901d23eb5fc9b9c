//! A PgBouncer before a database, and nothing of it afterwards. That a death leaves nothing is in `deaths.rs`.

use millpond_testdb::{PgBouncer, Server};
use tokio_postgres::{NoTls, SimpleQueryMessage};

async fn ask(bouncer: &PgBouncer, question: &str) -> String {
    let (client, connection) = bouncer.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let answer = client.simple_query(question).await.unwrap();
    let values = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    values.unwrap().to_owned()
}

#[tokio::test]
async fn it_passes_everybody_on_to_its_database() {
    let server = Server::shared().unwrap_or_else(|e| panic!("{e}"));
    let db = server.database().unwrap();
    let bouncer = PgBouncer::before(&db)
        .setting("pool_mode", "transaction")
        .start()
        .unwrap();
    assert_eq!(ask(&bouncer, "SELECT current_database()").await, db.name());
    let version = ask(&bouncer, "SHOW server_version").await;
    assert_eq!(
        server.version().split(' ').next(),
        version.split(' ').next()
    );
    assert!(bouncer.version().starts_with("1."), "{bouncer:?}");
}

#[tokio::test]
async fn a_setting_that_it_does_not_know_is_told_with_its_log() {
    let server = Server::shared().unwrap_or_else(|e| panic!("{e}"));
    let db = server.database().unwrap();
    let bouncer = PgBouncer::before(&db).setting("pool_mode", "sometimes");
    let told = bouncer.start().unwrap_err().to_string();
    assert!(told.contains("PgBouncer did not start"), "{told}");
    assert!(told.contains("sometimes"), "{told}");
}
