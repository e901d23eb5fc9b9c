//! Pools that are known to work, or say why not.

use crate::ground::{READY, builder, closed_port, database, eventually, local, proxied};
use millpond::managed::{ReadyError, ReadyStep, TimeoutType};
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::{Error, Hook, HookError, Manager, Pool};
use std::time::Duration;

fn refused(made: Result<Pool, ReadyError<Error>>) -> (String, ReadyStep<Error>) {
    match made {
        Ok(_) => panic!("ready"),
        Err(error) => (error.to_string(), error.into_step()),
    }
}

#[tokio::test]
async fn build_ready_connects_and_asks() {
    let db = database();
    let mut config = db.config();
    config.application_name("ready");
    let pool = builder(config, 4).build_ready().await.unwrap();
    assert_eq!(pool.status().available, 1);
    assert_eq!(db.count_connections("ready").unwrap(), 1);
    pool.warm_up(4).await.unwrap();
    assert_eq!(db.count_connections("ready").unwrap(), 4);
}

#[tokio::test]
async fn build_ready_tells_each_failure() {
    let db = database();
    let mut config = db.config();
    config.dbname("no_such_database");
    let (told, step) = refused(builder(config, 1).build_ready().await);
    assert!(
        told.contains("no_such_database") && told.contains("3D000"),
        "{told}"
    );
    assert!(matches!(step, ReadyStep::Connect(_)), "{step:?}");

    let (told, step) = refused(builder(local(closed_port()), 1).build_ready().await);
    assert!(told.contains("Connection refused"), "{told}");
    assert!(matches!(step, ReadyStep::Connect(_)), "{step:?}");

    let turned_down = Hook::async_fn(|client, _| {
        Box::pin(async move {
            let broken = client.simple_query("SELECT nothing").await;
            broken
                .map(drop)
                .map_err(|error| HookError::Backend(error.into()))
        })
    });
    let hooked = builder(db.config(), 1).post_create(turned_down);
    let (told, step) = refused(hooked.build_ready().await);
    assert!(told.contains("42703"), "{told}");
    assert!(matches!(step, ReadyStep::Hook(_)), "{step:?}");

    let manager = Manager::new(db.config(), NoTls);
    let timed = Pool::builder(manager).wait_timeout(Some(Duration::from_secs(1)));
    let (told, step) = refused(timed.build_ready().await);
    assert!(told.contains("runtime"), "{told}");
    assert!(matches!(step, ReadyStep::Build(_)), "{step:?}");
}

#[tokio::test]
async fn build_ready_waits_for_an_answer() {
    let db = database();
    let config = proxied(&db, Some(READY), || {});
    let asked = builder(config, 1).recycle_timeout(Some(Duration::from_millis(200)));
    let (told, step) = refused(asked.build_ready().await);
    assert!(
        matches!(step, ReadyStep::TimedOut(TimeoutType::Recycle)),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reinitialize_replaces_a_pool_completely() {
    let db = database();
    let named = |name: &str| {
        let mut config = db.config();
        config.application_name(name);
        builder(config, 3)
    };
    let old = named("old").build_ready().await.unwrap();
    old.warm_up(3).await.unwrap();
    let out = old.get().await.unwrap();

    let patience = Duration::from_millis(100);
    let (told, step) = refused(old.reinitialize(named("new"), patience).await);
    assert!(matches!(step, ReadyStep::StillOut { .. }), "{step:?}");
    assert!(told.contains(file!()), "{told}");
    assert_eq!(db.count_connections("new").unwrap(), 0);

    drop(out);
    let new = old.reinitialize(named("new"), Duration::from_secs(5)).await;
    let new = new.unwrap();
    assert!(old.get().await.is_err());
    new.get()
        .await
        .unwrap()
        .simple_query("SELECT 1")
        .await
        .unwrap();
    eventually("the old ones are gone", || {
        db.count_connections("old").unwrap() == 0
    })
    .await;
    assert_eq!(db.count_connections("new").unwrap(), 1);
}
