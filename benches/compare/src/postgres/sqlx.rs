//! sqlx's own pool with its own driver. By default a round trip at each check-out.

use super::{CONNECTIONS, Checks, Clients};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgPoolOptions, Postgres};
use sqlx::{AssertSqlSafe, Executor};
use std::time::Duration;

pub(super) struct Sqlx(PgPool);

impl Clients for Sqlx {
    type Held<'a> = PoolConnection<Postgres>;

    async fn of(url: &str, checks: Checks) -> Self {
        // It cannot be without a limit in time: what is usual elsewhere.
        let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(30));
        let mut options = options.max_connections(CONNECTIONS as u32);
        if checks == Checks::No {
            options = options.test_before_acquire(false);
        }
        Self(options.connect_lazy(url).expect("the server gave it"))
    }

    async fn get(&self) -> Result<Self::Held<'_>, String> {
        self.0.acquire().await.map_err(|error| format!("{error:?}"))
    }

    async fn query(held: &mut Self::Held<'_>, sql: String) -> Result<usize, String> {
        let asked = sqlx::raw_sql(AssertSqlSafe(sql));
        let rows = (&mut **held).fetch_all(asked).await;
        rows.map(|rows| rows.len())
            .map_err(|error| format!("{error:?}"))
    }
}
