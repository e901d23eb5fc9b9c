//! A connection that came back is put in order for the next user, in the background.
//!
//! ```text
//! watched    idle, nothing under way                      kept at once: one atomic load
//!            something is queued, or on its way           a short grace
//!            still busy                                   cancel, to the end of that; Sync, and its answer
//!            in a transaction                             ROLLBACK
//! unwatched  SELECT now() = statement_timestamp()         in a transaction: ROLLBACK
//!            no answer                                    cancel, and close
//! both       Reset                                        what is set, in one message
//!            a dropped prepare left a statement           closed, when the server has told its name (lost.rs)
//! ```

use super::cancel::CancelToken;
use super::watch::{Sight, Watch};
use super::wire::Standing;
use super::{ClientWrapper, Error, Manager};
use crate::managed::RecycleError;
use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error as PgError, SimpleQueryMessage};

/// Why a connection cannot be put in order.
#[derive(Debug)]
pub(super) enum Untidy {
    /// It takes too long.
    Late(Duration),
    /// It has ended, or what it says cannot be understood.
    Lost,
    /// It does not answer, so that something was cancelled by a request of which nobody hears the end.
    Cancelled,
    /// A dropped prepare left statements at the server that cannot be told from those in use.
    Unnamed,
    /// The server refused something.
    Refused(PgError),
}

impl From<PgError> for Untidy {
    fn from(refused: PgError) -> Self {
        Self::Refused(refused)
    }
}

impl Manager {
    /// Whether a connection that comes back has to be put in order.
    #[inline]
    pub(super) fn is_untidy(&self, client: &ClientWrapper) -> bool {
        match client.watch() {
            Some(watch) => {
                watch.sight() != Sight::IDLE
                    || self.returning.resets()
                    || client.statement_cache.has_lost_any()
            }
            None => true,
        }
    }

    /// Whether one that was put in order is so still, but for what ends by itself in a moment. That needs no reset.
    pub(super) async fn is_at_rest(&self, client: &ClientWrapper) -> bool {
        match client.watch() {
            Some(watch) if watch.sight() != Sight::IDLE => {
                let rests = timeout(client.grace(), quiet(watch)).await;
                matches!(rests, Ok(Ok(Sight::IDLE)))
            }
            _ => true,
        }
    }

    /// Puts a connection in order for the next user, within the bound.
    pub(super) async fn put_in_order(
        &self,
        client: &mut ClientWrapper,
    ) -> Result<(), RecycleError<Error>> {
        let bound = self.returning.bound;
        let ordered = match timeout(bound, self.order(client)).await {
            Ok(ordered) => ordered,
            Err(_) => Err(Untidy::Late(bound)),
        };
        ordered.map_err(|untidy| {
            self.returning.ledger.closed.add_one();
            match untidy {
                Untidy::Refused(cause) => self.failed(cause),
                Untidy::Lost => RecycleError::Message(Cow::Borrowed("its state is not known")),
                Untidy::Cancelled => {
                    RecycleError::Message(Cow::Borrowed("something was still running on it"))
                }
                Untidy::Unnamed => RecycleError::Message(Cow::Borrowed(
                    "statements that a dropped prepare left at the server cannot be told from those in use",
                )),
                Untidy::Late(bound) => {
                    let late = format!("it was not in order after {} s", bound.as_secs_f64());
                    RecycleError::Message(Cow::Owned(late))
                }
            }
        })
    }

    async fn order(&self, client: &mut ClientWrapper) -> Result<(), Untidy> {
        match client.watch() {
            Some(watch) => self.order_watched(client, watch).await?,
            None => self.order_unwatched(client).await?,
        }
        self.reset_session(client).await?;
        if client.statement_cache.has_lost_any() && !client.close_lost().await? {
            return Err(Untidy::Unnamed);
        }
        match client.watch() {
            Some(watch) if quiet(watch).await? != Sight::IDLE => Err(Untidy::Lost),
            _ => Ok(()),
        }
    }

    async fn order_watched(&self, client: &ClientWrapper, watch: &Watch) -> Result<(), Untidy> {
        let sight = match timeout(client.grace(), quiet(watch)).await {
            Ok(sight) => sight?,
            Err(_) => self.end_what_runs(client, watch).await?,
        };
        match sight.standing() {
            Standing::Idle => Ok(()),
            Standing::Open | Standing::Failed => self.roll_back(client).await,
            Standing::Unknown => Err(Untidy::Lost),
        }
    }

    /// Cancels, until nothing runs any more. Several may have been sent one after the other, and each cancel ends but
    /// the one that runs.
    async fn end_what_runs(&self, client: &ClientWrapper, watch: &Watch) -> Result<Sight, Untidy> {
        self.returning.ledger.cancelled.add_one();
        let token = client.cancel_token();
        loop {
            self.cancel(&token).await?;
            if let Ok(sight) = timeout(client.grace(), quiet(watch)).await {
                sight?;
                break;
            }
        }
        // The server has acted on the last cancel: what it may still have hit is over when it answers this.
        client.check_connection().await?;
        quiet(watch).await
    }

    async fn order_unwatched(&self, client: &ClientWrapper) -> Result<(), Untidy> {
        self.returning.ledger.asked.add_one();
        let mut answer = pin!(client.simple_query(OUTSIDE_OF_TRANSACTION));
        let Ok(answered) = timeout(PATIENCE, &mut answer).await else {
            self.returning.ledger.cancelled.add_one();
            let token = client.cancel_token();
            // So that nothing runs on at the server; each cancel ends but one of several.
            loop {
                self.cancel(&token).await?;
                if timeout(BETWEEN_CANCELS, &mut answer).await.is_ok() {
                    return Err(Untidy::Cancelled);
                }
            }
        };
        match answered {
            Ok(answer) if says_true(&answer) => Ok(()),
            Ok(_) => self.roll_back(client).await,
            Err(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => {
                self.roll_back(client).await
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), PgError> {
        self.route.open.cancel(token).await
    }

    async fn roll_back(&self, client: &ClientWrapper) -> Result<(), Untidy> {
        let ledger = &self.returning.ledger;
        ledger.in_transaction(&self.route.target, client.taken_at());
        Ok(client.batch_execute("ROLLBACK").await?)
    }

    async fn reset_session(&self, client: &ClientWrapper) -> Result<(), Untidy> {
        let reset = &self.returning.reset;
        let Some(sql) = reset.query() else {
            return Ok(());
        };
        client.batch_execute(sql).await?;
        if reset.forgets_statements() {
            client.statement_cache.clear();
        }
        self.returning.ledger.reset.add_one();
        Ok(())
    }

    /// Says goodbye to a server, for which nothing is to run any more: what does is cancelled first.
    pub(super) async fn say_goodbye(&self, client: ClientWrapper) {
        if let Some(watch) = client.watch() {
            let ends = timeout(client.grace(), quiet(watch)).await;
            if ends.is_err() {
                let token = client.cancel_token();
                let _ = timeout(self.returning.bound, self.cancel(&token)).await;
            }
        }
        client.close().await;
    }
}

/// Waits until nothing is under way.
async fn quiet(watch: &Watch) -> Result<Sight, Untidy> {
    let sight = watch
        .until(|sight| sight.is_quiet() || sight.is_over())
        .await;
    match sight.is_over() {
        true => Err(Untidy::Lost),
        false => Ok(sight),
    }
}

fn says_true(answer: &[SimpleQueryMessage]) -> bool {
    answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).is_ok_and(|value| value == Some("t")),
        _ => false,
    })
}

/// Outside of a transaction each statement is one, and begins with it.
const OUTSIDE_OF_TRANSACTION: &str =
    "SELECT pg_catalog.now() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp()";

/// How long a connection that is not watched may take to answer. Longer than any round trip: it is closed then.
const PATIENCE: Duration = Duration::from_millis(500);

/// One cancel too many does no harm to a connection that is closed afterwards.
const BETWEEN_CANCELS: Duration = Duration::from_millis(10);
