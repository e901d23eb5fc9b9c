//! The handlers. A request takes a connection for as long as it needs one.

use crate::error::Error;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use deadpool_postgres::{GenericClient, Pool, PoolError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
pub struct Account {
    name: String,
    balance: i64,
}

#[derive(Deserialize)]
pub struct Transfer {
    from: String,
    to: String,
    amount: i64,
}

/// What the pool looks like.
#[derive(Serialize)]
pub struct Status {
    max_size: usize,
    size: usize,
    available: usize,
    waiting: usize,
}

/// Makes the table, where there is none.
pub async fn prepare(pool: &Pool) -> Result<(), PoolError> {
    let client = pool.get().await?;
    client.batch_execute(TABLE).await?;
    Ok(())
}

pub async fn list(State(pool): State<Pool>) -> Result<Json<Vec<Account>>, Error> {
    let client = pool.get().await?;
    let all = "SELECT name, balance FROM accounts ORDER BY name";
    let all = client.prepare_cached(all).await?;
    let rows = client.query(&all, &[]).await?;
    let account = |row: &deadpool_postgres::tokio_postgres::Row| Account {
        name: row.get(0),
        balance: row.get(1),
    };
    Ok(Json(rows.iter().map(account).collect()))
}

pub async fn add(
    State(pool): State<Pool>,
    Json(account): Json<Account>,
) -> Result<(StatusCode, Json<Account>), Error> {
    let client = pool.get().await?;
    let add = "INSERT INTO accounts (name, balance) VALUES ($1, $2)";
    let add = client.prepare_cached(add).await?;
    client
        .execute(&add, &[&account.name, &account.balance])
        .await?;
    Ok((StatusCode::CREATED, Json(account)))
}

/// All of it, or nothing: an error, or a client that goes away, ends the transaction.
pub async fn transfer(
    State(pool): State<Pool>,
    Json(transfer): Json<Transfer>,
) -> Result<Json<[Account; 2]>, Error> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let from = change(&transaction, transfer.from, -transfer.amount).await?;
    let to = change(&transaction, transfer.to, transfer.amount).await?;
    if from.balance < 0 || to.balance < 0 {
        return Err(Error::TooLittle);
    }
    transaction.commit().await?;
    Ok(Json([from, to]))
}

async fn change(client: &impl GenericClient, name: String, by: i64) -> Result<Account, Error> {
    let change = "UPDATE accounts SET balance = balance + $2 WHERE name = $1 RETURNING balance";
    let change = client.prepare_cached(change).await?;
    let row = client.query_opt(&change, &[&name, &by]).await?;
    let row = row.ok_or(Error::NotFound)?;
    Ok(Account {
        name,
        balance: row.get(0),
    })
}

/// Takes no connection, so that it answers when there is none.
pub async fn status(State(pool): State<Pool>) -> Json<Status> {
    let status = pool.status();
    Json(Status {
        max_size: status.max_size,
        size: status.size,
        available: status.available,
        waiting: status.waiting,
    })
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS accounts (name text PRIMARY KEY, balance bigint NOT NULL)";
