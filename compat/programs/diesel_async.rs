//! diesel-async as it was published, with its pool of deadpool's, which is millpond's.

use diesel::dsl::sql;
use diesel::sql_types::Integer;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

fn pool() -> Pool<AsyncPgConnection> {
    let url = std::env::var("PG__URL").expect("PG__URL names a database");
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    Pool::builder(manager).max_size(2).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_share_two_connections_to_a_real_server() {
    let pool = pool();
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut connection = pool.get().await.unwrap();
                let query = sql::<Integer>(&format!("SELECT {number} + 1"));
                let sum: i32 = query.get_result(&mut connection).await.unwrap();
                assert_eq!(sum, number + 1);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = pool.snapshot();
    assert_eq!((after.in_use, after.waiting), (0, 0));
    assert!((1..=2).contains(&after.size), "{after:?}");
}

#[tokio::test]
async fn a_query_that_fails_is_its_own_error_and_its_connection_is_used_again() {
    let pool = pool();
    let mut connection = pool.get().await.unwrap();
    let failed = sql::<Integer>("SELECT 1 / 0")
        .get_result::<i32>(&mut connection)
        .await;
    assert!(failed.unwrap_err().to_string().contains("division by zero"));
    drop(connection);
    let mut connection = pool.get().await.unwrap();
    let one: i32 = sql::<Integer>("SELECT 1")
        .get_result(&mut connection)
        .await
        .unwrap();
    assert_eq!((one, pool.status().size), (1, 1));
}
