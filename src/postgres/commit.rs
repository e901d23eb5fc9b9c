//! A commit whose outcome is known, or known not to be.
//!
//! PostgreSQL answers the COMMIT of a transaction in which a statement had failed by ROLLBACK, in a tag that
//! tokio-postgres keeps to itself. So a question is sent ahead of it that only a sound transaction answers; both are
//! sent before either is answered, so it costs no round trip.

use super::run_error::{RunError, RunFailure};
use super::{Classify, Transaction};
use std::mem::{ManuallyDrop, forget};
use std::pin::pin;
use std::task::Poll;
use tokio_postgres::{Error as PgError, SimpleQueryMessage, Transaction as PgTransaction};

/// Commits. Before this future is polled nothing is sent; if it is dropped later, nobody knows.
pub(super) async fn commit(tx: Transaction<'_>, strict: bool) -> Result<(), RunError> {
    if tx.client().is_closed() {
        // Nothing is sent any more, so what was done is rolled back.
        return Err(match tx.commit().await {
            Ok(()) => RunError::outcome_unknown(None),
            Err(cause) => RunError::server(RunFailure::Commit, cause),
        });
    }
    // Dropped, it would send a ROLLBACK, which after a COMMIT is a warning in the server's log.
    let begun = ManuallyDrop::new(tx.into_begun());
    let (sound, committed) = both(
        async {
            match strict {
                true => begun.batch_execute(QUESTION).await,
                false => Ok(()),
            }
        },
        begun.batch_execute("COMMIT"),
    )
    .await;
    Err(match (sound, &committed) {
        (Ok(()), Ok(())) => return Ok(()),
        // The connection ended over the question, so the server never came to the COMMIT.
        (Err(cause), _) if cause.code().is_some() && cause.ends_connection() => {
            RunError::server(RunFailure::Commit, cause)
        }
        (Err(cause), ended) if cause.code().is_some() => {
            if ended.is_err() {
                end(ManuallyDrop::into_inner(begun)).await;
            }
            RunError::server(RunFailure::RolledBack, cause)
        }
        _ => match committed {
            Err(cause) if cause.code().is_some() && !cause.ends_connection() => {
                end(ManuallyDrop::into_inner(begun)).await;
                RunError::server(RunFailure::Commit, cause)
            }
            lost => RunError::outcome_unknown(lost.err()),
        },
    })
}

/// A COMMIT that was refused has ended the transaction, unless it was cancelled before it began.
async fn end(begun: PgTransaction<'_>) {
    match is_outside(&begun).await {
        Ok(true) => forget(begun),
        // Where that fails too, the connection has.
        _ => drop(begun.rollback().await),
    }
}

async fn is_outside(begun: &PgTransaction<'_>) -> Result<bool, PgError> {
    let answer = begun
        .simple_query("SELECT now() = statement_timestamp()")
        .await?;
    Ok(answer
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t"))))
}

/// Both answers; the first request is sent before the second, and the second without waiting for the first.
async fn both<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    std::future::poll_fn(move |context| {
        if a.is_none() {
            if let Poll::Ready(answer) = first.as_mut().poll(context) {
                a = Some(answer);
            }
        }
        if b.is_none() {
            if let Poll::Ready(answer) = second.as_mut().poll(context) {
                b = Some(answer);
            }
        }
        match (a.take(), b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (one, other) => {
                (a, b) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

/// Refused in a transaction in which a statement failed (25P02), and else the cheapest there is.
const QUESTION: &str = "SHOW transaction_isolation";
