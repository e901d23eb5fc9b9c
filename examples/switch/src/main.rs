//! Accounts and transfers between them, over HTTP: a small service as others write them, with axum and
//! deadpool-postgres.
//!
//! ```text
//! PG__HOST=localhost PG__USER=me PG__DBNAME=me LISTEN=127.0.0.1:8080 cargo run
//! curl -d '{"name":"alice","balance":100}' -H 'content-type: application/json' localhost:8080/accounts
//! ```

mod accounts;
mod config;
mod error;

use crate::config::Config;
use axum::Router;
use axum::routing::{get, post};
use deadpool_postgres::tokio_postgres::NoTls;
use deadpool_postgres::{Pool, Runtime};
use std::error::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    let pool = config.pg.create_pool(Some(Runtime::Tokio1), NoTls)?;
    accounts::prepare(&pool).await?;

    let listener = TcpListener::bind(&config.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut end = signal(SignalKind::terminate())?;
    axum::serve(listener, router(pool.clone()))
        .with_graceful_shutdown(async move {
            end.recv().await;
        })
        .await?;
    pool.close();
    Ok(())
}

fn router(pool: Pool) -> Router {
    Router::new()
        .route("/accounts", get(accounts::list).post(accounts::add))
        .route("/transfers", post(accounts::transfer))
        .route("/status", get(accounts::status))
        .with_state(pool)
}
