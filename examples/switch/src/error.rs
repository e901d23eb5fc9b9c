use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use deadpool_postgres::PoolError;
use deadpool_postgres::tokio_postgres::{self, error::SqlState};
use serde::Serialize;

/// Why a request was not answered as it wished.
pub enum Error {
    /// The pool had no connection to give.
    Pool(PoolError),
    /// PostgreSQL refused.
    Database(tokio_postgres::Error),
    /// No such account.
    NotFound,
    /// There is less on the account.
    TooLittle,
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Pool(PoolError::Timeout(which)) => {
                eprintln!("no connection in time: {which:?}");
                (StatusCode::SERVICE_UNAVAILABLE, "busy")
            }
            Self::Pool(error) => {
                eprintln!("no connection: {error}");
                (StatusCode::BAD_GATEWAY, "no database")
            }
            Self::Database(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                (StatusCode::CONFLICT, "there is such an account")
            }
            Self::Database(error) => {
                eprintln!("refused: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "database")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "no such account"),
            Self::TooLittle => (StatusCode::CONFLICT, "too little on the account"),
        };
        (status, Json(Body { error })).into_response()
    }
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
}
